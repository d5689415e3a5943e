"""HTTP Basic (RFC 7617), sent with the first request: a resto's 403 does not ask for it."""

from __future__ import annotations

import httpx
import msgspec

from watcher.credentials import Secret
from watcher.errors import CredentialError
from watcher.model import Finding
from watcher.net import Http


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of user name and password. The user name may be a secret, too."""

    username: str | Secret
    password: Secret

    def auth(self) -> httpx.Auth:
        """Return what signs a request. The password is read now, so that a new one is used without a restart.

        Raises `CredentialError` when it cannot be read.
        """
        name = self.username if isinstance(self.username, str) else self.username.reveal()
        return httpx.BasicAuth(name, self.password.reveal())

    def check(self, http: Http) -> Finding:  # noqa: ARG002  # Basic has no address of its own to be tried at
        """Look whether the account can be read; whether it is right only shows when it is used."""
        try:
            self.auth()
        except CredentialError as error:
            return Finding("account", False, str(error), error.hint)
        return Finding("account", True, f"its password can be read from the {self.password}; it is tried when used")
