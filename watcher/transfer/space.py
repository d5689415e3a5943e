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

STRIDE = 4 * 1024 * 1024
"""Bytes after which it is looked again whether the reserve is still there, and the disk begins to write."""

_BLOCK = 512
_KEEP_SIZE = 1
_BEGIN_TO_WRITE = 2


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


def settle(part: Part) -> None:
    """Let the disk begin to write what came, without waiting for it, so that little is left when the file is whole."""
    begin = _sync_file_range()
    if begin is not None:
        begin(part.file, 0, 0, _BEGIN_TO_WRITE)  # a disk that cannot says so at the end, to fsync


@lru_cache(maxsize=1)
def _fallocate() -> Any:
    """Linux' fallocate(2), which Python only has in the form that also makes the file longer."""
    return _call("fallocate", ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


@lru_cache(maxsize=1)
def _sync_file_range() -> Any:
    """Linux' sync_file_range(2), which Python has not."""
    return _call("sync_file_range", ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def _call(name: str, *arguments: type) -> Any:
    """A function of the C library; `None` where this is not Linux, and it can be done without."""
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    call.argtypes = arguments
    return call
