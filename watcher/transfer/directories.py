"""Directories that downloads lie in: made where they are missing, and never entered by a link of somebody else's."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from watcher.errors import NoArchive, NoSpace, TransferError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_OUT_OF_ORDER = (errno.EROFS, errno.EIO)
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def opened(path: Path) -> int:
    """Open a directory, made where it is missing, together with those above it; the caller closes it.

    Each is opened within the one above it, so that nobody can exchange one for another on the way. A link is followed
    only if it is root's or our own, and lies where nobody else can put one: the administrator may keep an archive
    elsewhere. Raises `OSError`.
    """
    whole = path.absolute()
    at = os.open(whole.anchor, _OPEN)
    for name in whole.parts[1:]:
        above = at
        try:
            at = _entered(name, above)
        finally:
            os.close(above)
    return at


def _entered(name: str, above: int) -> int:
    try:
        return os.open(name, _OPEN | os.O_NOFOLLOW, dir_fd=above)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another thread may want it, too
            os.mkdir(name, 0o755, dir_fd=above)
        os.fsync(above)  # a directory lasts once the one above it is on disk
        return os.open(name, _OPEN | os.O_NOFOLLOW, dir_fd=above)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR) or not _trusted(name, above):
            raise
        return os.open(name, _OPEN, dir_fd=above)


def _trusted(name: str, above: int) -> bool:
    us = (0, os.geteuid())
    link, place = os.stat(name, dir_fd=above, follow_symlinks=False), os.fstat(above)
    strangers_write = place.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not place.st_mode & stat.S_ISVTX
    return stat.S_ISLNK(link.st_mode) and link.st_uid in us and place.st_uid in us and not strangers_write


@contextmanager
def named(path: Path, what: str = "written") -> Iterator[None]:
    """Make a `TransferError` that names `path` of what the system says in the ``with`` statement.

    It is `NoSpace` where the disk is full, `NoArchive` where it can be read only, or fails.

    `what` is to be done to it there: "written", "renamed", "removed".
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpace(
                f"the disk is full: {path} cannot grow",
                hint="make room; the download goes on from there",
            ) from error
        if error.errno in _OUT_OF_ORDER:
            raise NoArchive(
                f"{path} cannot be {what}: {error.strerror}",
                hint="look at its disk; one that can be read only is to be mounted to be written (by a systemd unit:"
                " ReadWritePaths=)",
            ) from error
        why = "a link is in the way, and is not followed" if error.errno == errno.ELOOP else error.strerror or error
        raise TransferError(f"{path} cannot be {what}: {why}") from error
