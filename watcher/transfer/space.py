"""Room on the disk: looked for before a file is begun, set aside for it, and looked after while it comes."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import lru_cache
from typing import Any

from watcher.errors import NoSpace
from watcher.transfer.directories import named
from watcher.transfer.part import Part

STRIDE = 16 * 1024 * 1024
"""Bytes after which it is looked again whether the reserve is still there."""

_BLOCK = 512
_KEEP_SIZE = 1


def leave(part: Part, reserve: int, total: int | None = None) -> None:
    """Raise `NoSpace` unless `reserve` bytes stay free once the file has `total`."""
    disk, file = os.fstatvfs(part.file), os.fstat(part.file)
    need = max(0, (total or 0) - file.st_blocks * _BLOCK)
    free = disk.f_bavail * disk.f_frsize
    if free - need < reserve or free < need:
        raise NoSpace(
            f"{part.path.parent} has {free:,} bytes left, and {need:,} are to come"
            + (f": {reserve:,} must stay free" if reserve else ""),
            hint="make room, or choose a smaller reserve; the download goes on from where it is",
        )


def set_aside(part: Part, reserve: int, total: int) -> None:
    """Take the room that the file will need, so that no other download counts on it. Raises `NoSpace`."""
    leave(part, reserve, total)
    allocate = _fallocate()
    # Its length stays as it is: it says how much of the file is there.
    if allocate is not None and total and allocate(part.file, _KEEP_SIZE, 0, total):
        code = ctypes.get_errno()
        if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            with named(part.path):
                raise OSError(code, os.strerror(code))


@lru_cache(maxsize=1)
def _fallocate() -> Any:
    """Linux' fallocate(2), which Python only has in the form that also makes the file longer."""
    try:
        call = ctypes.CDLL(None, use_errno=True).fallocate
    except (OSError, AttributeError):
        return None  # not Linux: the room is looked for, and not set aside
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return call
