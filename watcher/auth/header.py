"""A key in a header of each request."""

from __future__ import annotations

import re
from collections.abc import Generator

import httpx
import msgspec

from watcher.credentials import Secret
from watcher.errors import CatalogueError, CredentialError
from watcher.model import Finding
from watcher.net import Http
from watcher.net.logins import sendable

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FRAMING = ("host", "content-length", "transfer-encoding", "connection", "range", "if-range")


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`header` is its name (RFC 9110 §5.1), `key` where the key lies, `prefix` what stands before it (`"Bearer "`).

    `test_url` is an address that wants the key, to try it at; without one it is tried when it is used.
    """

    key: Secret
    header: str = "X-API-Key"
    prefix: str = ""
    test_url: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.header) or self.header.lower() in _FRAMING:
            raise ValueError(f'"{self.header}" is no name of a header that can hold a key')
        if not self.prefix.isascii() or (self.prefix and not self.prefix.isprintable()):
            raise ValueError("prefix has letters that no header can carry")

    def auth(self) -> httpx.Auth:
        """Return what signs a request. The key is read each time, so that a new one needs no restart."""
        return _Signed(self)

    def check(self, http: Http) -> Finding:
        """Ask `test_url`, or look whether the key can be read."""
        try:
            sendable(self.key)
            if not self.test_url:
                return Finding("account", True, f"its key can be read from the {self.key}; it is tried when used")
            http.get(self.test_url, authenticated=True)
        except (CatalogueError, CredentialError) as error:
            return Finding("account", False, str(error), error.hint)
        return Finding("account", True, f"{self.test_url} accepts the key of the {self.key}")


class _Signed(httpx.Auth):
    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._kind.header] = f"{self._kind.prefix}{sendable(self._kind.key)}"
        yield request
