"""Links signed by Microsoft's Planetary Computer.

It needs no account; a subscription key only raises the limits. A SAS token is fetched for the container of a file in
Azure's blob store (``/{account}/{container}`` of the token service), added to the file's address, and used until
shortly before it ends.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import httpx
import msgspec

from watcher.credentials import Secret
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Finding
from watcher.net import Http
from watcher.net.logins import accepted, addressed, ahead, asking, tried
from watcher.net.tokens import Granted, Login, Refused, Tokens, signed

_BLOBS = ".blob.core.windows.net"
_LIFETIME = 600.0
_SAMPLE = "sentinel2l2a01/sentinel2-l2"


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`token_url` is the token service, `key` a subscription key, where there is one."""

    key: Secret | None = None
    token_url: str = "https://planetarycomputer.microsoft.com/api/sas/v1/token"  # noqa: S105  # an address

    def __post_init__(self) -> None:
        addressed("token_url", self.token_url)

    def auth(self) -> httpx.Auth:
        """Return what signs a request; threads may share it."""
        return _Sharing(self)

    def check(self, http: Http) -> Finding:
        """Ask for the token of one container."""
        return tried(http, partial(_login, self, _SAMPLE), well=f"{_place(self)} signs links")


class _Given(msgspec.Struct):
    token: str
    expiry: Any = msgspec.field(name="msft:expiry", default=None)


_given = decoder(_Given).decode


class _Sharing(httpx.Auth):
    def __init__(self, kind: Kind) -> None:
        self._kind, self._tokens = kind, Tokens()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        plain = request.url
        container = plain.path.lstrip("/").partition("/")[0]
        if not plain.host.endswith(_BLOBS) or not container:
            yield request
            return
        where = f"{plain.host.removesuffix(_BLOBS)}/{container}"
        token = self._tokens.of(where, _place(self._kind))
        login = partial(_login, self._kind, where, request)
        yield from signed(request, token, login, partial(_put, plain), {401, 403})


def _put(plain: httpx.URL, request: httpx.Request, token: str) -> None:
    # As it stands: it is percent-encoded, and signed as it is.
    mark = b"&" if plain.query else b"?"
    request.url = plain.copy_with(raw_path=plain.raw_path + mark + token.encode("ascii"))


def _login(kind: Kind, where: str, request: httpx.Request) -> Login:
    headers = {} if kind.key is None else {"Ocp-Apim-Subscription-Key": kind.key.reveal()}
    response = yield asking("GET", f"{kind.token_url.rstrip('/')}/{where}", like=request, headers=headers)
    if kind.key is not None and response.status_code in (401, 403):
        raise Refused(f"{_place(kind)} refuses the key of the {kind.key}", hint="leave key out: none is needed")
    try:
        given = _given(accepted(response, _place(kind)).content)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"{_place(kind)} gave no token for {where}", hint="is token_url right?") from error
    return Granted(given.token.lstrip("?"), ahead(_left(given.expiry, response)))


def _left(expiry: object, response: httpx.Response) -> float:
    """Return the seconds until a token ends, by the clock of the server that says so."""
    try:
        end = datetime.fromisoformat(str(expiry))
        now = parsedate_to_datetime(response.headers["date"]) if "date" in response.headers else datetime.now(UTC)
        return (end - now).total_seconds()
    except (ValueError, TypeError):  # no time, or one without a zone
        return _LIFETIME


def _place(kind: Kind) -> str:
    return httpx.URL(kind.token_url).host
