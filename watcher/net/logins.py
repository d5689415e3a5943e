"""What the logins of accounts have in common: how a request of one looks, and what its answer must be."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from watcher.credentials import Secret, remembered, remembered_for_now
from watcher.decoding import decoder
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.model import Finding
from watcher.net.hops import Talk, link
from watcher.net.reach import origin

if TYPE_CHECKING:
    from watcher.net.client import Http

_MARGIN = 60.0
_LONGEST = 16 * 1024


def addressed(name: str, url: str) -> None:
    """Raise `ValueError` for a setting of that name that is no plain http address."""
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL:
        read = httpx.URL("")
    if read.scheme not in ("https", "http") or not read.host or read.userinfo or read.query or read.fragment:
        raise ValueError(f"{name} must be an https address, without user or query")


def asking(
    method: str,
    url: str | httpx.URL,
    *,
    like: httpx.Request,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Request:
    """Make a request of a login, as patient as the one that it is for."""
    return httpx.Request(
        method,
        url,
        content=content,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **(headers or {}),
        },
        extensions={name: value for name, value in like.extensions.items() if name == "timeout"},
    )


def sendable(secret: Secret) -> str:
    """Return a key as a header can carry it; raise `CredentialError` when it cannot be read, or cannot be sent."""
    key = secret.reveal()
    if not key.isascii() or not key.isprintable():
        raise CredentialError(f"what lies in the {secret} has letters that no header can carry", hint="is it the key?")
    return key


def basic(name: str, password: str) -> str:
    """Return the header of a user name and password (RFC 7617), which is as secret as they are."""
    return "Basic " + remembered(base64.b64encode(f"{name}:{password}".encode()).decode("ascii"))


def bearer(request: httpx.Request, token: str) -> None:
    """Write a token into a request (RFC 6750 §2.1)."""
    request.headers["Authorization"] = f"Bearer {token}"


def sent_on(response: httpx.Response, request: httpx.Request, login: str) -> httpx.URL | None:
    """Return where an answer redirects to, if that is at the origin of `login`."""
    if not response.has_redirect_location:
        return None
    to = link(response.headers["location"], base=request.url)
    return to if origin(to) == origin(httpx.URL(login)) else None


def accepted(response: httpx.Response, place: str) -> httpx.Response:
    """Return the answer to a login; raise `HttpError` if it is not 200."""
    status = response.status_code
    if status != 200:
        permanent = status < 500 and status not in (408, 425, 429)
        raise HttpError(f"{place} answered {status} to a login", status=status, permanent=permanent)
    return response


def shaped(response: httpx.Response, place: str, beginning: re.Pattern[bytes]) -> None:
    """Raise as `accepted`, or `CatalogueError` for an answer of another form: the page of a proxy accepts nobody."""
    if not beginning.match(accepted(response, place).content):
        raise CatalogueError(f"{place} answered with something else than it should", hint="is its address right?")


def carried(token: str, place: str) -> str:
    """Return a token that a request can carry, remembered as a secret; raise `CatalogueError` for one that is none."""
    if not 0 < len(token.strip()) == len(token) <= _LONGEST or not token.isascii() or not token.isprintable():
        raise CatalogueError(f"{place} answered a login with a token that no request can carry")
    return remembered_for_now(token)


def ahead(seconds: float) -> float:
    """Return for how long to use what lasts so many seconds: a minute less, or a tenth."""
    return max(0.0, seconds - min(_MARGIN, seconds / 10))


class Claims(msgspec.Struct):
    """What a JWT (RFC 7519 §4.1) says of itself; times are seconds since 1970."""

    exp: float | None = None
    iat: float | None = None
    uid: Any = None


_claims = decoder(Claims).decode


def claims(token: str) -> Claims:
    """Read what a token says of itself, unproven; nothing if it is no JWT."""
    try:
        payload = token.split(".")[1]
        return _claims(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):  # msgspec's and binascii's errors are ValueErrors
        return Claims()


def lifetime(token: str, *, otherwise: float) -> float:
    """Return how many seconds a JWT lasts; `otherwise` where it does not say.

    Counted from its own `iat`, since the server's clock may not be ours.
    """
    said = claims(token)
    return otherwise if said.exp is None else max(0.0, said.exp - (time.time() if said.iat is None else said.iat))


def tried(http: Http, talk: Callable[[httpx.Request], Talk[Any]], *, well: str) -> Finding:
    """Log in for `watcher check`; `well` is what to say if that goes well."""
    try:
        http.converse(talk)
    except (CatalogueError, CredentialError) as error:
        return Finding("account", False, str(error), error.hint)
    return Finding("account", True, well)
