"""NASA's Earthdata Login, by user name and password.

A host without a session for us sends on to ``/oauth/authorize`` of the login; there the password is shown (Basic), and
nowhere else. The login sends back to the host with a code, for which the host sets the cookie of a session. Cookies go
to the origin that set them and to no other, and are kept in memory only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Mapping
from functools import partial

import httpx
import msgspec

from watcher.credentials import Secret, account, named, owner, remembered_for_now
from watcher.errors import CatalogueError, CredentialError
from watcher.model import Finding
from watcher.net import Http
from watcher.net.hops import link
from watcher.net.logins import accepted, addressed, asking, basic, sent_on, shaped, tried
from watcher.net.reach import origin, shown
from watcher.net.tokens import Granted, Login, Refused, Tokens

_HOPS = 3
_LIST = re.compile(rb"\s*\[")


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An Earthdata account; `login_url` is the login."""

    password: Secret
    username: str | Secret = ""
    login_url: str = "https://urs.earthdata.nasa.gov"

    def __post_init__(self) -> None:
        named(self.username, self.password)
        addressed("login_url", self.login_url)

    def auth(self) -> httpx.Auth:
        """Return what signs a request; threads may share it."""
        return _Dancing(self)

    def check(self, http: Http) -> Finding:
        """Ask for the account's tokens, which shows whether the password is right and changes nothing."""
        who = owner(self.username, self.password)
        return tried(http, partial(_tokens, self), well=f"{_place(self)} accepts the login of {who}")


class _Dancing(httpx.Auth):
    asks = True
    """Whether there is a session for a host is only known by its answer."""

    def __init__(self, kind: Kind) -> None:
        self._kind, self._sessions = kind, Tokens()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        session = self._sessions.of(str(origin(request.url)), _place(self._kind))
        used = session.current
        if used is not None:
            request.headers["Cookie"] = used
        response = yield request
        to = sent_on(response, request, self._kind.login_url)
        if to is None:
            return
        response.close()  # who waits for a session holds no connection
        begun = partial(_login, self._kind, request, to, _cookies(response))
        request.headers["Cookie"] = yield from session.valid(begun, refused=used)
        response = yield request
        if sent_on(response, request, self._kind.login_url) is not None:
            raise CredentialError(
                f"{request.url.host} asks for a login again, right after one",
                hint=f"open {shown(request.url)} in a browser: there may be something to agree to",
            )


def _login(kind: Kind, request: httpx.Request, to: httpx.URL, cookies: Mapping[str, str]) -> Login:
    signed = {"Accept": "*/*", "Authorization": basic(*account(kind.username, kind.password))}
    response = yield asking("GET", to, like=request, headers=signed)
    if response.status_code in (401, 403):
        raise _refusal(kind)
    if not response.has_redirect_location:
        accepted(response, _place(kind))
        raise _unagreed(kind, request, request.url)
    back = link(response.headers["location"], base=to)
    if origin(back) == origin(to):
        raise _unagreed(kind, request, back)
    jar = dict(cookies)
    for _ in range(_HOPS):
        if origin(back) != origin(request.url):
            raise CatalogueError(f"the login at {_place(kind)} leads to {back.host}, not back to {request.url.host}")
        held = {"Accept": "*/*"} | ({"Cookie": _header(jar)} if jar else {})
        response = yield asking("GET", back, like=request, headers=held)
        given = _cookies(response)
        jar.update(given)
        if given:
            for value in jar.values():
                remembered_for_now(value)
            return Granted(_header(jar), math.inf)
        if not response.has_redirect_location:
            break
        back = link(response.headers["location"], base=back)
    raise CatalogueError(f"{request.url.host} gave no session after the login at {_place(kind)}")


def _tokens(kind: Kind, request: httpx.Request) -> Login:
    signed = {"Authorization": basic(*account(kind.username, kind.password))}
    response = yield asking("GET", f"{kind.login_url.rstrip('/')}/api/users/tokens", like=request, headers=signed)
    if response.status_code in (401, 403):
        raise _refusal(kind)
    shaped(response, _place(kind), _LIST)
    return Granted("", 0.0)


def _cookies(response: httpx.Response) -> dict[str, str]:
    """Return the cookies that an answer sets, without their attributes: they stay at the origin, whatever these say."""
    pairs = (line.partition(";")[0].partition("=") for line in response.headers.get_list("set-cookie"))
    return {name.strip(): value.strip() for name, sign, value in pairs if sign and name.strip() and value.strip()}


def _header(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _refusal(kind: Kind) -> Refused:
    return Refused(
        f"{_place(kind)} refused the login of {owner(kind.username, kind.password)} with the password of the"
        f" {kind.password}",
        hint=f"try both at {kind.login_url}",
    )


def _unagreed(kind: Kind, request: httpx.Request, page: httpx.URL) -> CredentialError:
    return CredentialError(
        f"{_place(kind)} knows the account, but {request.url.host} has to be approved for it first",
        hint=f"open {shown(page)} in a browser, log in, and agree to what is asked",
    )


def _place(kind: Kind) -> str:
    return httpx.URL(kind.login_url).host
