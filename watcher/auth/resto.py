"""A password for tokens of a resto server.

The login is HTTP Basic at ``/api/users/connect`` (2.0; ``/api/user/connect`` from 2.1, ``/auth`` from 6 on), the token
a JWT (RFC 7519), used for an hour or as long as it says. A server of version 2 answers 403, not 401, to a token that
has expired, as it does to anybody without rights.
"""

from __future__ import annotations

from functools import partial

import httpx
import msgspec

from watcher.credentials import Secret, account, named, owner
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Finding
from watcher.net import Http
from watcher.net.logins import accepted, ahead, asking, basic, bearer, lifetime, tried
from watcher.net.tokens import Granted, Login, Refused, Signing, Token

_PLACES = ("api/users/connect", "api/user/connect", "auth")
_HOUR = 3600.0


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of a resto server; `url` is its base (``https://host/resto``)."""

    url: str
    password: Secret
    username: str | Secret = ""

    def __post_init__(self) -> None:
        named(self.username, self.password)

    def auth(self) -> httpx.Auth:
        """Return what signs a request; threads may share it."""
        return Signing(Token(self.url), partial(_login, self), bearer, {401, 403})

    def check(self, http: Http) -> Finding:
        """Log in."""
        who = owner(self.username, self.password)
        return tried(http, partial(_login, self), well=f"{self.url} accepts the login of {who}")


class _Given(msgspec.Struct):
    token: str


_given = decoder(_Given).decode


def _login(kind: Kind, request: httpx.Request) -> Login:
    signed = {"Authorization": basic(*account(kind.username, kind.password))}
    for place in _PLACES:
        response = yield asking("GET", f"{kind.url.rstrip('/')}/{place}", like=request, headers=signed)
        if response.status_code != 404:
            break
    if response.status_code in (401, 403):
        who = owner(kind.username, kind.password)
        raise Refused(
            f"{kind.url} refused the login of {who} with the password of the {kind.password}",
            hint="try both in the server's web page; the account may have to be activated there",
        )
    try:
        token = _given(accepted(response, kind.url).content).token
    except (ValueError, RecursionError) as error:
        raise CatalogueError(
            f"{kind.url} answered a login without a token: {error}", hint="url must be the server's base"
        ) from error
    return Granted(token, ahead(lifetime(token, otherwise=_HOUR)))
