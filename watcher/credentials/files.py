"""Secrets in files that only their owner can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from watcher.errors import CredentialError


def read(path: Path, *, private: bool) -> str:
    """Return what is in a file, without the newline that an editor leaves at its end.

    Raises `CredentialError` when it cannot be read, is empty, or, if `private`, can be read by others.
    """
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
        hint = f"put it there: install -m 600 /dev/stdin {path}" if isinstance(error, FileNotFoundError) else None
        raise CredentialError(f"cannot read the secret in {path}: {_why(error)}", hint=hint) from error
    if not text:
        raise CredentialError(f"the secret in {path} is empty")
    return text


def write(path: Path, text: str) -> None:
    """Put a secret into a file of its own, mode 0600, whole or not at all. Raises `CredentialError`."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)  # half a secret is one, too
            raise
    except OSError as error:
        raise CredentialError(f"cannot write the secret to {path}: {_why(error)}") from error


def _why(error: Exception) -> str:
    # A decoding error's own text quotes the bytes.
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is no UTF-8 text"
