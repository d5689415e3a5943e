"""What can go wrong between two computers, said in a sentence; and whether trying again can help."""

from __future__ import annotations

import re
import ssl

import httpcore
import httpx

from watcher.errors import HttpError, Unreachable
from watcher.net.answers import opening
from watcher.net.manners import PATIENCE, retry_after
from watcher.net.reach import shown

TRIES = 3

BROKEN = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpx.RequestError,
)
"""What httpx and httpcore raise; `httpx.InvalidURL` is for where a URL is read."""


class OnTheWay(Exception):
    """What broke at another address than the one that was asked for: where a token was to be fetched."""

    def __init__(self, url: httpx.URL, error: Exception) -> None:
        super().__init__(str(error))
        self.url, self.error = url, error


def unreachable(url: httpx.URL, error: Exception) -> Unreachable:
    """Say what broke on the way to a URL."""
    place, distrust = shown(url), _distrust(error)
    if distrust is not None:
        return Unreachable(
            f"{place} cannot be trusted: {distrust.verify_message}",
            hint="if its certificate is from an authority of your own, name that in ca_bundle",
        )
    if isinstance(error, httpcore.PoolTimeout):
        return Unreachable(f"{place} was not asked: every connection is busy")
    if isinstance(error, httpcore.ConnectTimeout):
        return Unreachable(
            f"{place} does not accept connections (no answer in time)",
            hint="a firewall on the way does that; so does systemd where IPAddressDeny= of the unit has the address",
        )
    if isinstance(error, httpcore.TimeoutException):
        return Unreachable(f"{place} did not answer whole in time")
    if isinstance(error, httpcore.LocalProtocolError):
        # Its text quotes the header at fault, which may be the one with the credential.
        return Unreachable(f"{place} was not asked: a header of the request is not valid", permanent=True)
    told = re.sub(r"^\[Errno -?\d+\] ", "", str(error))[:200]
    return Unreachable(f"{place} could not be read: {told or type(error).__name__}", hint=_way_out(told))


def _way_out(told: str) -> str | None:
    if "has no address" in told:
        return "is this computer online, and is the name right? behind a proxy, set `proxy`"
    if "Connection refused" in told:
        return "nothing listens there: is the server up, and are its address and port right?"
    if "WRONG_VERSION_NUMBER" in told:
        return "what answers there speaks no TLS: is it http://, or another port?"
    return None


def cause(error: Exception) -> Exception | None:
    """Return an error for ``raise … from``, unless its traceback would show a header's value."""
    return None if isinstance(error, httpcore.LocalProtocolError) else error


def passing(error: Exception) -> bool:
    """Say whether a failure may be gone at once, as a reset may: not what took all its time, nor distrust."""
    again = (httpcore.NetworkError, httpcore.RemoteProtocolError, httpcore.ConnectTimeout)
    return isinstance(error, again) and _distrust(error) is None


def refusal(response: httpx.Response) -> HttpError:
    """Make an error of an answer that is not 2xx, with the beginning of what it says."""
    status, place = response.status_code, shown(response.request.url)
    try:
        body = opening(response)
    except BROKEN:
        body = b""  # the status alone says enough; its explanation broke off
    seconds = retry_after(response.headers.get("retry-after")) if status in (429, 503) else None
    later = "" if seconds is None else f", and asks to come back in {seconds:.0f} s"
    phrase = httpx.codes.get_reason_phrase(status)
    return HttpError(
        f"{place} answered {status}{' ' if phrase else ''}{phrase}{later}",
        status=status,
        body=body,
        retry_after=seconds,
        permanent=400 <= status < 500 and status not in (408, 425, 429),
    )


def tries(error: HttpError) -> int:
    """Return how often to ask in all, where this is the answer."""
    if error.status == 500:  # often a question it cannot answer, said wrongly; once more is enough to know
        return 2
    if error.status not in (429, 502, 503, 504) or (error.retry_after or 0) > PATIENCE:
        return 1
    return TRIES


def _distrust(error: BaseException) -> ssl.SSLCertVerificationError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):  # other errors of TLS may be of one connection only
            return seen
        seen = seen.__cause__ or seen.__context__  # httpcore raises its own `from None`
    return None
