"""Secrets in a netrc file, as ftp, curl and git read it: `machine HOST login USER password SECRET`."""

from __future__ import annotations

import netrc
import os
import stat
from pathlib import Path

from watcher.errors import CredentialError


def find(file: str | None) -> Path:
    """Return the file that is meant: the one named, else `$NETRC`, else `~/.netrc`."""
    return Path(file or os.environ.get("NETRC") or "~/.netrc").expanduser()


def entry(machine: str, file: str | None) -> tuple[str, str]:
    """Return the user name ("" if there is none) and the password of a machine.

    The entry `default` is not taken: a password belongs to the machine that it was written down for. Raises
    `CredentialError` when there is none, or when others can read the file.
    """
    path = find(file)
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & 0o077:
            raise CredentialError(
                f"{path} can be read by others (mode {stat.S_IMODE(mode):04o})", hint=f"chmod 600 {path}"
            )
        machines = netrc.netrc(str(path)).hosts
    except OSError as error:
        raise CredentialError(f"cannot read {path}: {error.strerror or error}", hint=_hint(machine, path)) from error
    except (netrc.NetrcParseError, UnicodeDecodeError) as error:
        # Its own text quotes what it could not read, which may be a password.
        line = getattr(error, "lineno", None)
        raise CredentialError(f"{path} is no netrc file" + (f": see line {line}" if line else "")) from None
    name, _, password = machines.get(machine, ("", "", ""))
    if not password:
        raise CredentialError(f"{path} has no password of {machine}", hint=_hint(machine, path))
    return name or "", password


def _hint(machine: str, path: Path) -> str:
    return f"add a line to {path}: machine {machine} login USER password SECRET"
