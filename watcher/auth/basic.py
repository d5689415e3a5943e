"""User name and password with each request.

That is HTTP Basic (RFC 7617), sent with the first request already, since a resto's 403 does not ask for it.
"""

from __future__ import annotations

from collections.abc import Generator

import httpx
import msgspec

from watcher.credentials import Secret, account, named, owner
from watcher.errors import CatalogueError, CredentialError
from watcher.model import Finding
from watcher.net import Http
from watcher.net.logins import basic


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of user name and password. The user name may be a secret, too.

    `test_url` is an address that wants the account, to try it at; without one it is tried when it is used.
    """

    password: Secret
    username: str | Secret = ""
    test_url: str = ""

    def __post_init__(self) -> None:
        named(self.username, self.password)

    def auth(self) -> httpx.Auth:
        """Return what signs a request. The password is read each time, so that a new one needs no restart."""
        return _Signed(self)

    def check(self, http: Http) -> Finding:
        """Ask `test_url`, or look whether the account can be read."""
        who = owner(self.username, self.password)
        try:
            account(self.username, self.password)
            if not self.test_url:
                text = f"the password of {who} can be read from the {self.password}; it is tried when used"
                return Finding("account", True, text)
            http.get(self.test_url, authenticated=True)
        except (CatalogueError, CredentialError) as error:
            return Finding("account", False, str(error), error.hint)
        return Finding("account", True, f"{self.test_url} accepts {who}")


class _Signed(httpx.Auth):
    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = basic(*account(self._kind.username, self._kind.password))
        yield request
