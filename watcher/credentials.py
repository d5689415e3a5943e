"""Secrets by reference: where one lies is configuration, what it is never leaves this process.

A configuration names a secret as exactly one of ``{ env = "NAME" }``, ``{ file = "/path" }`` or
``{ credential = "name" }`` (a systemd credential, systemd.exec(5) ``LoadCredential=``).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from watcher.errors import CredentialError

_revealed: set[str] = set()


def remembered(secret: str) -> str:
    """Return the secret, remembered so that `redact` finds it wherever it turns up."""
    if len(secret) >= 4:
        _revealed.add(secret)
    return secret


def redact(text: str) -> str:
    """Return the text without any secret that this process has read."""
    for secret in sorted(_revealed, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret lies. ``str()`` and ``repr()`` show the place, never the value."""

    env: str | None = None
    file: str | None = None
    credential: str | None = None

    def __post_init__(self) -> None:
        if sum(place is not None for place in (self.env, self.file, self.credential)) != 1:
            raise ValueError('a secret is one of { env = "NAME" }, { file = "/path" } or { credential = "name" }')

    def __str__(self) -> str:
        if self.env is not None:
            return f"environment variable {self.env}"
        if self.file is not None:
            return f"file {self.file}"
        return f"systemd credential {self.credential}"

    def reveal(self) -> str:
        """Return the secret's text, without the newline an editor leaves at its end.

        Raises `CredentialError` when it is not there, is empty, or lies in a file that others may read.
        """
        if self.env is not None:
            text = os.environ.get(self.env)
            if not text:
                raise CredentialError(
                    f"the {self} is not set", hint="export it, or name a file or a systemd credential instead"
                )
            return remembered(text)
        if self.file is not None:
            return remembered(_read(Path(self.file).expanduser(), private=True))
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise CredentialError(
                f"{self} was asked for, but this process was given no credentials",
                hint=f"add LoadCredential={self.credential}:/path/to/it to the systemd unit",
            )
        return remembered(_read(Path(directory) / str(self.credential), private=False))


def _read(path: Path, *, private: bool) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if private and stat.S_ISREG(mode) and mode & 0o077:
                raise CredentialError(
                    f"the secret in {path} can be read by others (mode {stat.S_IMODE(mode):04o})",
                    hint=f"chmod 600 {path}",
                )
            text = file.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"cannot read the secret in {path}: {error}") from error
    if not text:
        raise CredentialError(f"the secret in {path} is empty")
    return text
