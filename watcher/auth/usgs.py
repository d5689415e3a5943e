"""An application token of USGS, for its M2M API.

It is exchanged for a key in `X-Auth-Token`, good for two hours.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx
import msgspec

from watcher.credentials import Secret, account, named, owner
from watcher.decoding import decoder
from watcher.errors import CatalogueError, HttpError
from watcher.model import Finding
from watcher.names import plain
from watcher.net import Http
from watcher.net.logins import accepted, addressed, ahead, asking, tried
from watcher.net.tokens import Granted, Login, Refused, Signing, Token

_TWO_HOURS = 7200.0
_LATER = ("RATE_LIMIT", "SERVER_ERROR", "MAINTENANCE")


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application token of an ERS account; `api_url` is the base of the API."""

    token: Secret
    username: str | Secret = ""
    api_url: str = "https://m2m.cr.usgs.gov/api/api/json/stable"

    def __post_init__(self) -> None:
        named(self.username, self.token)
        addressed("api_url", self.api_url)

    def auth(self) -> httpx.Auth:
        """Return what signs a request; threads may share it."""
        return Signing(Token(_place(self)), partial(_login, self), _put, {401, 403})

    def check(self, http: Http) -> Finding:
        """Exchange the token for a key."""
        who = owner(self.username, self.token)
        return tried(http, partial(_login, self), well=f"{_place(self)} accepts the application token of {who}")


class _Given(msgspec.Struct):
    data: Any = None
    code: Any = msgspec.field(name="errorCode", default=None)
    message: Any = msgspec.field(name="errorMessage", default=None)


_given = decoder(_Given).decode


def _put(request: httpx.Request, key: str) -> None:
    request.headers["X-Auth-Token"] = key


def _login(kind: Kind, request: httpx.Request) -> Login:
    name, token = account(kind.username, kind.token)
    content = msgspec.json.encode({"username": name, "token": token})
    place = f"{kind.api_url.rstrip('/')}/login-token"
    response = yield asking("POST", place, like=request, headers={"Content-Type": "application/json"}, content=content)
    try:
        said = _given(response.content)
    except (ValueError, RecursionError):
        said = _Given()  # a refusal need not be JSON; a grant has to be
    if said.code in _LATER:
        raise HttpError(f"{_place(kind)} cannot log in now: {plain(str(said.message))}", status=503)
    if said.code or response.status_code in (401, 403):
        told = f": {plain(str(said.message or said.code))}" if said.code else ""
        raise Refused(
            f"{_place(kind)} refused the application token of {owner(kind.username, kind.token)}{told}",
            hint="make one at https://ers.cr.usgs.gov (application tokens), and ask there for access to M2M",
        )
    accepted(response, _place(kind))
    if not isinstance(said.data, str):
        raise CatalogueError(f"{_place(kind)} answered a login without a key", hint="is api_url right?")
    return Granted(said.data, ahead(_TWO_HOURS))


def _place(kind: Kind) -> str:
    return httpx.URL(kind.api_url).host
