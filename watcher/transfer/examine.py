"""Whether a file that came home is still what it was."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from watcher.errors import TransferError
from watcher.transfer.mark import MARK
from watcher.transfer.sums import digests_of


class Lost(TransferError):
    """A file is not where it was."""


class Rotten(TransferError):
    """A file is not what it was."""


def examine(path: Path, *, size: int, checksum: str, deep: bool, stop: threading.Event) -> None:
    """Look whether a file is there and has its size in bytes; `deep` reads it and compares its ``sha256:hex``.

    Raises `Lost` or `Rotten`, or another `TransferError` when told to stop, or when nothing can be said because it
    cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Lost(f"{path} is not there") from error
    except OSError as error:
        why = "it is a link, and none is followed" if error.errno == errno.ELOOP else error.strerror or error
        raise TransferError(f"{path} cannot be read: {why}") from error
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise Rotten(f"{path} is no file")
        if found.st_size != size:
            raise Rotten(f"{path} has {found.st_size:,} bytes instead of {size:,}")
        if not deep:
            return
        try:
            digest = f"sha256:{digests_of(fd, size, {'sha256'}, stop)['sha256']}"
        except TransferError as error:
            if stop.is_set():
                raise
            raise Rotten(f"{path} cannot be read to its end: {error}") from error
        if digest != checksum:
            raise Rotten(f"{path} is not what it was: its SHA-256 is {digest[7:]} instead of {checksum[7:]}")
    finally:
        os.close(fd)


def sizes(root: Path) -> Iterator[tuple[str, int]]:
    """Yield the path below `root` and the bytes of each file; no link is followed.

    What leaves meanwhile is passed over. Raises `TransferError` for a directory that cannot be read.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise TransferError(f"{error.filename} cannot be read: {error.strerror}") from error

    for folder, _, names in os.walk(root, onerror=refuse):
        for name in names:
            path = Path(folder, name)
            with suppress(FileNotFoundError):
                found = path.lstat()
                if name != MARK and stat.S_ISREG(found.st_mode):
                    yield str(path.relative_to(root)), found.st_size


def mounted(root: Path) -> None:
    """Raise `TransferError` when there is nothing in an archive that something was stored in: nothing is lost then."""
    try:
        there = any(path.name != MARK for path in root.iterdir())
    except OSError:
        there = False
    if not there:
        raise TransferError(
            f"the archive {root} is empty, or not there",
            hint="is its disk mounted? Nothing was changed. If it was emptied on purpose, put any file into it",
        )
