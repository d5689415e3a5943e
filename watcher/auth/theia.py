"""The single sign-on of THEIA and SPOT (Take5).

A login is a form of `ident` and `pass`; its token is good for two hours. The first service (2015) answered with JSON,
the later one with the bare token, called HTML; to a wrong password either answers 200, with nothing or with a sentence.
To a token that is over the resto behind it answers 403, as it does to anybody without rights.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from watcher.credentials import Secret, account, named, owner
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Finding
from watcher.names import plain
from watcher.net import Http
from watcher.net.logins import accepted, addressed, ahead, asking, bearer, tried
from watcher.net.tokens import Granted, Login, Refused, Signing, Token

_TWO_HOURS = 7200.0
_TOKEN = re.compile(r"(?=\D*\d)[A-Za-z0-9._~+/=-]{16,}")
_DOWNLOAD = re.compile(r"/download/?")


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of the single sign-on.

    `token_url` is where it logs in. `issuer` is what resto servers call the service: they are told it with each
    download, as `issuerId`, without which they do not know the token.
    """

    password: Secret
    username: str | Secret = ""
    token_url: str = "https://theia.cnes.fr/atdistrib/services/authenticate/"  # noqa: S105  # an address
    issuer: str = "theia"

    def __post_init__(self) -> None:
        named(self.username, self.password)
        addressed("token_url", self.token_url)

    def auth(self) -> httpx.Auth:
        """Return what signs a request; threads may share it."""
        return Signing(Token(_place(self)), partial(_login, self), partial(_put, self.issuer), {401, 403})

    def check(self, http: Http) -> Finding:
        """Log in."""
        who = owner(self.username, self.password)
        return tried(http, partial(_login, self), well=f"{_place(self)} accepts the login of {who}")


class _Given(msgspec.Struct):
    access_token: Any = None


_given = decoder(_Given).decode


def _put(issuer: str, request: httpx.Request, token: str) -> None:
    bearer(request, token)
    if issuer and _DOWNLOAD.search(request.url.path) and "issuerId" not in request.url.params:
        request.url = request.url.copy_add_param("issuerId", issuer)


def _login(kind: Kind, request: httpx.Request) -> Login:
    name, password = account(kind.username, kind.password)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
    content = urlencode({"ident": name, "pass": password}).encode()
    response = yield asking("POST", kind.token_url, like=request, headers=form, content=content)
    if response.status_code in (401, 403):
        raise _refusal(kind, "")
    said = accepted(response, _place(kind)).text.strip()
    token = _token(said)
    if token is None and said.startswith("<"):
        raise CatalogueError(f"{_place(kind)} answered a login with a web page", hint="is token_url right?")
    if token is None:
        raise _refusal(kind, said)
    return Granted(token, ahead(_TWO_HOURS))


def _token(said: str) -> str | None:
    if said.startswith("{"):
        try:
            token = _given(said).access_token
        except (ValueError, RecursionError):
            return None
        return token if isinstance(token, str) and token else None
    return said if _TOKEN.fullmatch(said) else None


def _refusal(kind: Kind, said: str) -> Refused:
    who = owner(kind.username, kind.password)
    return Refused(
        f"{_place(kind)} refused the login of {who} with the password of the {kind.password}"
        + (f": {plain(said)}" if said else ""),
        hint="try both in the service's web page",
    )


def _place(kind: Kind) -> str:
    return httpx.URL(kind.token_url).host
