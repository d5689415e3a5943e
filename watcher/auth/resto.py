"""An account of a resto server: a token for a login, used for an hour, renewed in time.

The login is HTTP Basic at ``/api/users/connect`` (2.0; ``/api/user/connect`` from 2.1), the token a JWT (RFC
7519). A server answers 403, not 401, to a token that has expired, as it does to anybody without rights.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import msgspec

from watcher.credentials import Secret
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.model import Finding
from watcher.net import Http

_PLACES = ("users", "user")
_LIFETIME = 3600.0
_MARGIN = 120.0
_REFUSED_FOR = 60.0
_PATIENCE = 90.0
_LARGEST = 64 * 1024


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of a resto server; `url` is its base (``https://host/resto``)."""

    url: str
    username: str | Secret
    password: Secret

    def auth(self) -> httpx.Auth:
        """Return what signs a request to the server's own origin; threads may share it."""
        return _Session(self)

    def check(self, http: Http) -> Finding:
        """Log in."""
        try:
            for place in _PLACES:
                try:
                    answer = http.get(_address(self, place), headers={"Authorization": _signed(self)})
                except HttpError as error:
                    if error.status in (401, 403):
                        raise _refusal(self) from error
                    if error.status != 404 or place == _PLACES[-1]:
                        raise
                else:
                    _token(self, answer.body)
                    break
        except (CatalogueError, CredentialError) as error:
            return Finding("account", False, str(error), error.hint)
        return Finding("account", True, f"{self.url} accepts the login of {self.username}")


class _Session(httpx.Auth):
    """One login, shared: whoever needs a token while another fetches it waits for that one."""

    def __init__(self, account: Kind) -> None:
        self._account, self._origin = account, _origin(httpx.URL(account.url))
        self._lock = threading.Lock()
        self._token: str | None = None
        self._good_until = self._refused_until = 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if _origin(request.url) != self._origin:
            yield request  # a stranger gets no token
            return
        before = self._token
        token = yield from self._valid(request, refused=None)
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        # Expired for the server, or without rights: a new token tells. One just fetched cannot have expired.
        if response.status_code in (401, 403) and token == before:
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
            if now < self._refused_until:
                raise _refusal(self._account)  # asking again and again gets accounts locked
            self._token = None
            response = yield _login(self._account, _PLACES[0], request)
            if response.status_code == 404:
                response = yield _login(self._account, _PLACES[1], request)
            if response.status_code in (401, 403):
                self._refused_until = time.monotonic() + _REFUSED_FOR
            self._token = _read(self._account, response)
            self._good_until = now + lifetime(self._token)
            return self._token

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_PATIENCE):
            raise CatalogueError(f"a login at {self._account.url} has not ended for {_PATIENCE:.0f} s")
        try:
            yield
        finally:
            self._lock.release()


def lifetime(token: str) -> float:
    """Return for how many seconds to use a token: until shortly before its `exp` (RFC 7519 §4.1.4).

    Counted from its own `iat`, since the server's clock may not be ours. An hour, as is the servers' custom,
    where a token does not say.
    """
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except (IndexError, ValueError, RecursionError):  # msgspec's and binascii's errors are ValueErrors
        return _LIFETIME - _MARGIN
    seconds = claims.exp - (time.time() if claims.iat is None else claims.iat)
    return max(0.0, seconds - min(_MARGIN, seconds / 10))


class _Login(msgspec.Struct):
    token: str


class _Claims(msgspec.Struct):
    exp: float
    iat: float | None = None


def _login(account: Kind, place: str, request: httpx.Request) -> httpx.Request:
    return httpx.Request(
        "GET",
        _address(account, place),
        headers={
            "Authorization": _signed(account),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": request.headers.get("User-Agent", "eo-watcher"),
        },
        extensions={name: value for name, value in request.extensions.items() if name == "timeout"},
    )


def _read(account: Kind, response: httpx.Response) -> str:
    place = httpx.URL(account.url).copy_with(query=None)
    if response.status_code in (401, 403):
        raise _refusal(account)
    if response.status_code != 200:
        raise HttpError(
            f"{place} answered {response.status_code} to a login",
            status=response.status_code,
            permanent=response.status_code < 500 and response.status_code != 429,
        )
    if int(response.headers.get("content-length", "0")) > _LARGEST:
        raise CatalogueError(f"{place} answered a login with more than {_LARGEST // 1024} KiB")
    return _token(account, response.read())


def _token(account: Kind, body: bytes) -> str:
    try:
        token = msgspec.json.decode(body, type=_Login).token
    except (ValueError, RecursionError) as error:
        raise CatalogueError(
            f"{account.url} answered a login without a token: {error}", hint="url must be the server's base"
        ) from error
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise CatalogueError(f"{account.url} answered a login with a token that no header can carry")
    return token


def _refusal(account: Kind) -> CredentialError:
    return CredentialError(
        f"{account.url} refused the login of {account.username} with the password of the {account.password}",
        hint="try both in the server's web page; the account may have to be activated there",
    )


def _signed(account: Kind) -> str:
    name = account.username if isinstance(account.username, str) else account.username.reveal()
    return "Basic " + base64.b64encode(f"{name}:{account.password.reveal()}".encode()).decode("ascii")


def _address(account: Kind, place: str) -> str:
    return f"{account.url.rstrip('/')}/api/{place}/connect"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
