"""A mark in the archive by which another machine sees that it has the same disk, not one of its own at that path."""

from __future__ import annotations

import secrets
from pathlib import Path

from watcher.errors import TransferError
from watcher.transfer.beside import put_beside
from watcher.transfer.directories import named

MARK = ".watcher-archive"


def marked(root: Path) -> str:
    """Return the mark of an archive, new where there is none. Raises `TransferError` or `NoSpace`."""
    with named(root):
        there = _read(root)
        if there is None:
            put_beside(root / MARK, f"{secrets.token_hex(16)}\n".encode("ascii"))
            there = _read(root)
    if not there:
        raise TransferError(f"{root / MARK} is empty", hint="remove it: it is made anew")
    return there


def mark_of(root: Path) -> str | None:
    """Return the mark of an archive, if it has one. Raises `TransferError` when it cannot be read."""
    with named(root):
        return _read(root) or None


def sees(root: Path, mark: str) -> bool:
    """Say whether the archive of that mark is at `root` here. Raises `TransferError` when it cannot be read."""
    with named(root):
        return _read(root) == mark


def _read(root: Path) -> str | None:
    try:
        return (root / MARK).read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
