"""An account of an OAuth 2 server that gives tokens for a password (RFC 6749 §4.3, §6), as Copernicus' does.

A token is fetched once, used until shortly before it expires, then renewed by its refresh token, with the password only
when that is over, too: such servers count sessions. Tokens go where the HTTP client lets credentials go, the password
to `token_url` alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from watcher.credentials import Secret, remembered
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.model import Finding
from watcher.names import plain
from watcher.net import Http

_LIFETIME = 300.0
_MARGIN = 60.0
_REFUSED_FOR = 60.0
_PATIENCE = 90.0


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at an OAuth 2 server.

    `token_url` is where tokens are given (Copernicus': `https://identity.dataspace.copernicus.eu/auth/realms/CDSE/…`
    `protocol/openid-connect/token`), `client_id` the name of the application there. `url` is what is asked to try it.
    """

    url: str
    token_url: str
    username: str | Secret
    password: Secret
    client_id: str = "cdse-public"

    def __post_init__(self) -> None:
        parts = urlsplit(self.token_url)
        if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc or parts.query:
            raise ValueError("token_url must be an https address, without user or query")

    def auth(self) -> httpx.Auth:
        """Return what signs a request; threads may share it."""
        return _Session(self)

    def check(self, http: Http) -> Finding:
        """Log in, by a signed request to `url`; what that answers does not matter, unless it refuses the token."""
        try:
            http.get(self.url, authenticated=True)
        except HttpError as error:
            if error.status in (401, 403):
                return Finding("account", False, f"{self.url} refused a token of {self.username}: {error}", error.hint)
            if error.status == 429 or error.status >= 500:
                return Finding("account", False, str(error), error.hint)
        except (CatalogueError, CredentialError) as error:
            return Finding("account", False, str(error), error.hint)
        return Finding("account", True, f"{_place(self)} accepts the login of {self.username}")


class _Token(msgspec.Struct):
    access_token: str
    expires_in: Any = None
    refresh_token: Any = None
    refresh_expires_in: Any = None


class _Problem(msgspec.Struct):
    error_description: Any = None
    error: Any = None


class _Session(httpx.Auth):
    """One login, shared: whoever needs a token while another fetches it waits for that one."""

    def __init__(self, account: Kind) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._token: str | None = None
        self._refresh: str | None = None
        self._good_until = self._refresh_until = self._refused_until = 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        before = self._token
        token = yield from self._valid(request, refused=None)
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        # Over for the server, whose clock may not be ours. One just fetched cannot be.
        if response.status_code == 401 and token == before:
            response.close()  # who waits for a token holds no connection, which the login may need
            token = yield from self._valid(request, refused=token)
            request.headers["Authorization"] = f"Bearer {token}"
            yield request

    def _valid(self, request: httpx.Request, *, refused: str | None) -> Generator[httpx.Request, httpx.Response, str]:
        """Return a token that is still good and is not the one refused; fetch it if need be."""
        with self._turn():
            now = time.monotonic()
            if self._token is not None and self._token != refused and now < self._good_until:
                return self._token
            self._token = None
            if self._refresh is not None and now < self._refresh_until:
                grant = {"grant_type": "refresh_token", "refresh_token": self._refresh}
                self._refresh = None  # it is good for once
                response = yield _asked(self._account, grant, request)
                if response.status_code == 200:
                    return self._kept(response, now)
            if now < self._refused_until:
                raise _refusal(self._account, b"")  # asking again and again gets accounts locked
            response = yield _asked(self._account, _password(self._account), request)
            if response.status_code in (400, 401, 403):
                self._refused_until = time.monotonic() + _REFUSED_FOR
                raise _refusal(self._account, response.content)
            return self._kept(response, now)

    def _kept(self, response: httpx.Response, now: float) -> str:
        given = _read(self._account, response)
        self._token = given.access_token
        self._good_until = now + _lasts(given.expires_in)
        self._refresh = given.refresh_token if isinstance(given.refresh_token, str) else None
        self._refresh_until = now + _lasts(given.refresh_expires_in)
        for secret in filter(None, (self._token, self._refresh)):
            remembered(secret)
        return self._token

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_PATIENCE):
            raise CatalogueError(f"a login at {_place(self._account)} has not ended for {_PATIENCE:.0f} s")
        try:
            yield
        finally:
            self._lock.release()


def _password(account: Kind) -> dict[str, str]:
    name = account.username if isinstance(account.username, str) else account.username.reveal()
    return {"grant_type": "password", "username": name, "password": account.password.reveal()}


def _asked(account: Kind, grant: dict[str, str], request: httpx.Request) -> httpx.Request:
    return httpx.Request(
        "POST",
        account.token_url,
        content=urlencode({"client_id": account.client_id, **grant}).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": request.headers.get("User-Agent", "eo-watcher"),
        },
        extensions={name: value for name, value in request.extensions.items() if name == "timeout"},
    )


def _read(account: Kind, response: httpx.Response) -> _Token:
    if response.status_code != 200:
        raise HttpError(
            f"{_place(account)} answered {response.status_code} to a login",
            status=response.status_code,
            permanent=response.status_code < 500 and response.status_code != 429,
        )
    try:
        given = msgspec.json.decode(response.content, type=_Token)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(
            f"{_place(account)} answered a login without a token", hint="is token_url where tokens are given?"
        ) from error
    token = given.access_token
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise CatalogueError(f"{_place(account)} answered a login with a token that no header can carry")
    return given


def _lasts(seconds: object) -> float:
    """Return for how many seconds to use what is said to last so long: a minute less, or a tenth."""
    lifetime = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else _LIFETIME
    return lifetime - min(_MARGIN, lifetime / 10)


def _refusal(account: Kind, body: bytes) -> CredentialError:
    try:
        said = msgspec.json.decode(body, type=_Problem)
        why = said.error_description or said.error
    except (ValueError, RecursionError):
        why = None  # it does not say, or not in a way that can be read
    return CredentialError(
        f"{_place(account)} refused the login of {account.username} with the password of the {account.password}"
        + (f": {plain(str(why))}" if why else ""),
        hint="try both in the server's web page; an account with a second factor cannot log in unattended",
    )


def _place(account: Kind) -> str:
    return str(urlsplit(account.token_url).hostname)
