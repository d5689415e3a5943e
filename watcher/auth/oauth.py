"""A password for tokens of an OAuth 2 server, as Copernicus has it.

By RFC 6749 §4.3 and §6: a token is fetched once, used until shortly before it expires, then renewed by its refresh
token, with the password only when that is over, too: such servers count sessions. Tokens go where the HTTP client lets
credentials go, the password to `token_url` alone.
"""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from watcher.credentials import Secret, account, named, owner, remembered_for_now
from watcher.decoding import decoder
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.model import Finding
from watcher.names import plain
from watcher.net import Http
from watcher.net.logins import accepted, addressed, ahead, asking, bearer
from watcher.net.tokens import Granted, Login, Refused, Signing, Token

_LIFETIME = 300.0
_SECOND_FACTOR = re.compile(
    r"(?<![a-z])(t?otp|mfa|2fa)(?![a-z])|(one.time|second|two|multi).?(factor|code|pass)", re.IGNORECASE
)
_WITHOUT_ONE = (
    "nobody is here to type its code: take an account without one; at Copernicus S3 keys need none"
    ' (kind = "s3", https://eodata-s3keysmanager.dataspace.copernicus.eu)'
)


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at an OAuth 2 server.

    `token_url` is where tokens are given (Copernicus': `https://identity.dataspace.copernicus.eu/auth/realms/CDSE/…`
    `protocol/openid-connect/token`), `client_id` the name of the application there. `url` is what is asked to try it.
    """

    url: str
    token_url: str
    password: Secret
    username: str | Secret = ""
    client_id: str = "cdse-public"

    def __post_init__(self) -> None:
        named(self.username, self.password)
        addressed("token_url", self.token_url)

    def auth(self) -> httpx.Auth:
        """Return what signs a request; threads may share it."""
        return Signing(Token(_place(self)), _Session(self).login, bearer, {401})

    def check(self, http: Http) -> Finding:
        """Log in, by a signed request to `url`; what that answers does not matter, unless it refuses the token."""
        who = owner(self.username, self.password)
        try:
            http.get(self.url, authenticated=True)
        except HttpError as error:
            if error.status in (401, 403):
                return Finding("account", False, f"{self.url} refused a token of {who}: {error}", error.hint)
            if error.status == 429 or error.status >= 500:
                return Finding("account", False, str(error), error.hint)
        except (CatalogueError, CredentialError) as error:
            return Finding("account", False, str(error), error.hint)
        return Finding("account", True, f"{_place(self)} accepts the login of {who}")


class _Given(msgspec.Struct):
    access_token: str
    expires_in: Any = None
    refresh_token: Any = None
    refresh_expires_in: Any = None


class _Problem(msgspec.Struct):
    error_description: Any = None
    error: Any = None


_given = decoder(_Given).decode
_problem = decoder(_Problem).decode


class _Session:
    """One login, and what keeps it alive. Its token sees to it that one thread at a time is here."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._refresh: str | None = None
        self._refresh_until = 0.0

    def login(self, request: httpx.Request) -> Login:
        """Renew the token, or log in anew where there is nothing to renew."""
        refresh, self._refresh = self._refresh, None  # most are good for once
        if refresh is not None and time.monotonic() < self._refresh_until:
            response = yield _asked(self._kind, {"grant_type": "refresh_token", "refresh_token": refresh}, request)
            if response.status_code == 200:
                return self._kept(response, refresh)
        name, password = account(self._kind.username, self._kind.password)
        grant = {"grant_type": "password", "username": name, "password": password}
        response = yield _asked(self._kind, grant, request)
        if response.status_code in (400, 401, 403):
            raise _refusal(self._kind, response.content)
        return self._kept(response, None)

    def _kept(self, response: httpx.Response, used: str | None) -> Granted:
        try:
            given = _given(accepted(response, _place(self._kind)).content)
        except HttpError as error:
            if not error.permanent:
                raise
            # No `HttpError`, or it would be taken for the answer of what the token is for.
            raise CatalogueError(str(error), hint="is token_url where tokens are given?", permanent=True) from error
        except (ValueError, RecursionError) as error:
            raise CatalogueError(
                f"{_place(self._kind)} answered a login without a token", hint="is token_url where tokens are given?"
            ) from error
        if isinstance(given.refresh_token, str) and given.refresh_token:
            self._refresh = remembered_for_now(given.refresh_token)
            self._refresh_until = time.monotonic() + _lasts(given.refresh_expires_in)
        else:
            self._refresh = used  # it stays good where no other is given (RFC 6749 §6)
        return Granted(given.access_token, _lasts(given.expires_in))


def _asked(kind: Kind, grant: dict[str, str], request: httpx.Request) -> httpx.Request:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    content = urlencode({"client_id": kind.client_id, **grant}).encode()
    return asking("POST", kind.token_url, like=request, headers=form, content=content)


def _lasts(seconds: object) -> float:
    return ahead(float(seconds) if isinstance(seconds, int | float) and seconds > 0 else _LIFETIME)


def _refusal(kind: Kind, body: bytes) -> CredentialError:
    place, who = _place(kind), owner(kind.username, kind.password)
    try:
        said = _problem(body)
    except (ValueError, RecursionError):
        said = _Problem()  # it does not say, or not in a way that can be read
    why = plain(str(said.error_description or said.error or ""))
    told = f": {why}" if why else ""
    if _SECOND_FACTOR.search(f"{said.error} {why}"):
        return Refused(f"{place} wants a second factor of {who}{told}", hint=_WITHOUT_ONE)
    if said.error in ("invalid_client", "unauthorized_client"):
        return Refused(f'{place} does not let the application "{kind.client_id}" log in{told}', hint="set client_id")
    hint = "try both in the server's web page"
    if "set up" in why or "verif" in why.lower():
        hint = "log in once in the server's web page, and do what it asks for"
    return Refused(
        f"{place} refused the login of {who} with the password of the {kind.password}{told}",
        hint=f"{hint}; an account with a second factor (TOTP) is refused like this, too, and {_WITHOUT_ONE}",
    )


def _place(kind: Kind) -> str:
    return httpx.URL(kind.token_url).host
