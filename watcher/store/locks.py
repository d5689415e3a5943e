"""One at a time: a lock that names its holder, and goes with it however it ends (flock(2))."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watcher.errors import AlreadyRunning, StoreError

_GLANCE = 0.2
"""Seconds that are always waited: for as long as `holder` looks, nobody else can have the lock."""


@contextmanager
def holding(path: Path, *, what: str, wait: float = 0.0, hint: str = "wait for it, and try again") -> Iterator[None]:
    """Hold the lock while the block runs; wait for it at most that many seconds.

    Raises `AlreadyRunning`, naming the process that holds it, with the `hint`.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        deadline = time.monotonic() + max(wait, _GLANCE)
        while not _taken(path, handle):
            if time.monotonic() >= deadline:
                holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
                raise AlreadyRunning(f"{what} is already running, as process {holder}", hint=hint)
            time.sleep(0.05)
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise _unwritable(path, error) from error
        yield
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write {path}: {error.strerror or error}",
        hint="look at the state directory and its disk",
        permanent=False,
    )


def holder(path: Path) -> int | None:
    """Return the process that holds the lock; `None` when nobody does."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _take(handle):
            return None
        text = os.pread(handle, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(handle)


def _taken(path: Path, handle: int) -> bool:
    try:
        return _take(handle)
    except OSError as error:  # some network file systems have no locks
        raise StoreError(
            f"cannot lock {path}: {error.strerror or error}", hint="keep the state directory on a local disk"
        ) from error


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
