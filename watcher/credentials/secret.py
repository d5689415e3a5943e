"""A secret by reference: the one place that it lies in."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from watcher.credentials import files, keyring, netrc
from watcher.credentials.redaction import remembered
from watcher.errors import CredentialError, UsageError

_FORMS = (
    'a secret is one of { env = "NAME" }, { file = "/path" }, { netrc = "machine" },'
    ' { keyring = "service", user = "name" } or { credential = "name" }'
)


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret lies. ``str()`` and ``repr()`` show the place, never the value.

    It is exactly one of `env` (an environment variable), `file` (that only its owner can read), `netrc` (a machine in
    ``$NETRC`` or ``~/.netrc``, or in the `file` named with it), `keyring` with `user` (an entry of the desktop's
    keyring), or `credential` (of systemd: systemd.exec(5) ``LoadCredential=``).
    """

    env: str | None = None
    file: str | None = None
    credential: str | None = None
    netrc: str | None = None
    keyring: str | None = None
    user: str | None = None

    def __post_init__(self) -> None:
        places = (self.env, None if self.netrc else self.file, self.credential, self.netrc, self.keyring)
        if sum(place is not None for place in places) != 1 or (self.user is None) != (self.keyring is None):
            raise ValueError(_FORMS)
        if self.file is not None and not self.file.startswith(("/", "~/")):
            raise ValueError(f'file = "{self.file}" depends on where watcher is started: begin it with / or ~/')

    def __str__(self) -> str:
        if self.env is not None:
            return f"environment variable {self.env}"
        if self.netrc is not None:
            return f"entry {self.netrc} of {netrc.find(self.file)}"
        if self.file is not None:
            return f"file {self.file}"
        if self.keyring is not None:
            return f"keyring's entry {self.keyring} of {self.user}"
        return f"systemd credential {self.credential}"

    def reveal(self) -> str:
        """Return the secret's text, without the newline an editor leaves at its end.

        Raises `CredentialError` when it is not there, is empty, or lies in a file that others may read.
        """
        return remembered(self._text())

    def keep(self, text: str) -> None:
        """Put a secret where this one is to lie: into a file of its own, or the keyring.

        Raises `UsageError` for a place that is not watcher's to write, `CredentialError` when it cannot be written.
        """
        if self.keyring is not None and self.user is not None:
            keyring.put(self.keyring, self.user, remembered(text))
        elif self.file is not None and self.netrc is None:
            files.write(Path(self.file).expanduser(), remembered(text))
        else:
            raise UsageError(f"the {self} is not written by watcher", hint="put the secret there yourself")

    def _text(self) -> str:
        if self.env is not None:
            text = os.environ.get(self.env)
            if not text:
                raise CredentialError(
                    f"the {self} is not set", hint="export it, or name a file or a systemd credential instead"
                )
            return text
        if self.netrc is not None:
            return netrc.entry(self.netrc, self.file)[1]
        if self.file is not None:
            return files.read(Path(self.file).expanduser(), private=True)
        if self.keyring is not None and self.user is not None:
            return keyring.get(self.keyring, self.user)
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise CredentialError(
                f"{self} was asked for, but this process was given no credentials",
                hint=f"add LoadCredential={self.credential}:/path/to/it to the systemd unit",
            )
        return files.read(Path(directory) / str(self.credential), private=False)


def revealed(value: str | Secret) -> str:
    """Return a text that may be a secret."""
    return value.reveal() if isinstance(value, Secret) else value


def account(username: str | Secret, password: Secret) -> tuple[str, str]:
    """Return a user name and its password; without a name, the one that netrc or the keyring has with the password.

    Raises `CredentialError` when either is not there, or when netrc has the password of somebody else.
    """
    name, secret = revealed(username), password.reveal()
    known = password.user or ""
    if password.netrc is not None:
        known = netrc.entry(password.netrc, password.file)[0]
        if name and known and name != known:
            raise CredentialError(
                f"the {password} is of {known}, not of {name}", hint="leave username out, or set it to that"
            )
    if not (name or known):
        raise CredentialError(f"the {password} does not say whose it is", hint="set username")
    return name or known, secret


def named(username: str | Secret, password: Secret) -> None:
    """Raise `ValueError` for settings of an account that cannot say whose it is."""
    if not username and password.netrc is None and password.keyring is None:
        raise ValueError("username is missing; only netrc and the keyring have one with the secret")


def owner(username: str | Secret, password: Secret) -> str:
    """Say whose account it is, for messages: a name, or where it lies."""
    return str(username or password.user or f"the {password}")
