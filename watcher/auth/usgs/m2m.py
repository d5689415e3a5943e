"""Questions to USGS' M2M API, and what its errors mean.

Each is a JSON document in a POST. The answer has `data`, or an `errorCode` and an `errorMessage`, with any status, 200
included (https://m2m.cr.usgs.gov/api/docs/reference/ and its exception codes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from watcher.decoding import decoder
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.names import plain
from watcher.net.hops import Talk
from watcher.net.logins import asking
from watcher.net.manners import retry_after
from watcher.net.tokens import Login, Token

WHERE = "https://ers.cr.usgs.gov/profile/access"
"""Where an account asks for access to M2M."""

LATER = ("RATE_LIMIT", "SERVER_ERROR", "MAINTENANCE", "ENDPOINT_UNAVAILABLE")

_AUTH = ("AUTH_", "UNAUTHORIZED")
"""How it begins what it says of a key: it is over (AUTH_EXPIRED, AUTH_INVALID, AUTH_KEY_INVALID), or has no access."""

_NO_ACCESS = ("AUTH_UNAUTHORIZED", "AUTH_UNAUTHROIZED", "DATASET_AUTH", "DATASET_UNAUTHORIZED")
_QUARTER = 900.0
"""Seconds over which downloads are counted."""


class Said(msgspec.Struct):
    """An answer, as far as it is one."""

    data: Any = None
    code: Any = msgspec.field(name="errorCode", default=None)
    message: Any = msgspec.field(name="errorMessage", default=None)


_read = decoder(Said).decode


class Complained(CatalogueError):
    """The API answered with an error of its own; `code` is what it calls it."""

    def __init__(self, message: str, *, code: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Api:
    """The API at `url`. `log_in` begins a login for the sake of a request; its key goes to the API and nowhere else."""

    def __init__(self, url: str, log_in: Callable[[httpx.Request], Login]) -> None:
        self.place = httpx.URL(url).host
        self._url, self._log_in = url.rstrip("/"), log_in
        self._key = Token(self.place)

    def ask(self, endpoint: str, asked: Mapping[str, Any], like: httpx.Request) -> Talk[Any]:
        """Return the data of an answer; with another key, once, if the API says that the one it was shown is over.

        Raises `CredentialError` where the account may not ask this, `HttpError` where it is to ask later, `Complained`
        for any other error.
        """
        before = self._key.current
        key = yield from self._key.valid(lambda: self._log_in(like))
        response = yield self._request(endpoint, asked, key, like)
        if key == before and _over(response):
            key = yield from self._key.valid(lambda: self._log_in(like), refused=key)
            response = yield self._request(endpoint, asked, key, like)
        return self._data(endpoint, response)

    def _request(self, endpoint: str, asked: Mapping[str, Any], key: str, like: httpx.Request) -> httpx.Request:
        headers = {"Content-Type": "application/json", "X-Auth-Token": key}
        return asking("POST", f"{self._url}/{endpoint}", like=like, headers=headers, content=msgspec.json.encode(asked))

    def _data(self, endpoint: str, response: httpx.Response) -> Any:
        said, status, place = read(response), response.status_code, f"{self.place} ({endpoint})"
        if said is not None and said.code:
            raise _error(str(said.code), f"{place} answered {_told(said)}")
        if _over(response):
            raise CredentialError(
                f"{place} refuses the key that it gave ({status})", hint=f"has it access? see {WHERE}"
            )
        if status != 200:
            later, passing = (
                retry_after(response.headers.get("retry-after")),
                status >= 500 or status in (408, 425, 429),
            )
            raise HttpError(f"{place} answered {status}", status=status, permanent=not passing, retry_after=later)
        if said is None:
            raise CatalogueError(
                f"{place} answered with something that is no JSON",
                hint="most often this is a page of maintenance, and it is tried again later; is api_url right?",
            )
        return said.data


def read(response: httpx.Response) -> Said | None:
    """Read an answer; `None` for one that is no such document, as the page of a maintenance."""
    try:
        return _read(response.content)
    except (ValueError, RecursionError):
        return None


def _over(response: httpx.Response) -> bool:
    said = read(response)
    code = said.code if said is not None else None
    if code:
        return str(code).startswith(_AUTH) and code not in _NO_ACCESS
    return response.status_code in (401, 403)


def _told(said: Said) -> str:
    return f"{plain(str(said.code))}: {plain(str(said.message))}" if said.message else plain(str(said.code))


def _error(code: str, text: str) -> CatalogueError | CredentialError:
    if code == "RATE_LIMIT_USER_DL":
        return HttpError(text, status=429, retry_after=_QUARTER, hint="it is tried again after a quarter of an hour")
    if code in LATER:
        return HttpError(text, status=429 if code == "RATE_LIMIT" else 503, hint="it is tried again later")
    if code in _NO_ACCESS:
        return CredentialError(text, hint=f"ask for access to M2M at {WHERE}, and try again once it is granted")
    if code.startswith(_AUTH):
        return CredentialError(text, hint="it was asked with a key that it had just given; is the account in order?")
    return Complained(text, code=code)
