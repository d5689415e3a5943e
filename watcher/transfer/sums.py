"""Digests of a file that is still being written, computed by threads that follow it; of a small one, once it is there.

They read it back from the page cache, so that a resumed file is nothing special, no queue can fill up, and
hashing overlaps with receiving: hashlib, blake3 and `preadv` all release the interpreter's lock.
"""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any

from watcher.errors import TransferError

_BUFFER = 256 * 1024
_STRIDE = 1024 * 1024
_SMALL = 8 * 2**20
"""Bytes of a file for which threads are not worth their while: it is read at its end, in a few milliseconds."""


def digests_of(fd: int, size: int, algorithms: set[str], stop: threading.Event) -> dict[str, str]:
    """Return the digests of a finished file's first `size` bytes; errors as of `Sums.digests`."""
    with Sums(fd, algorithms) as sums:
        sums.reach(size)
        return sums.digests(stop)


class Sums:
    """The digests of the file behind `fd`, one thread for each algorithm where it is large. A context manager."""

    def __init__(self, fd: int, algorithms: set[str]) -> None:
        self._fd = fd
        self._size, self._told, self._ended, self._abandoned = 0, 0, False, False
        self._news = threading.Condition()
        self._digests: dict[str, str] = {}
        self._failure: Exception | None = None
        self._algorithms = sorted(algorithms)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Sums:
        return self

    def __exit__(self, *_: object) -> None:
        with self._news:
            self._abandoned = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join()

    def reach(self, size: int) -> None:
        """Say that the file is written up to `size` bytes."""
        self._size = size
        if size - self._told >= _STRIDE:
            self._told = size
            if size >= _SMALL and not self._threads:
                self._start()
            with self._news:
                self._news.notify_all()

    def _start(self) -> None:
        for name in self._algorithms:
            thread = threading.Thread(target=self._follow, args=(name,), name=f"{name} of a download", daemon=True)
            thread.start()
            self._threads.append(thread)

    def digests(self, stop: threading.Event) -> dict[str, str]:
        """Return the digests by algorithm, once all of the file that was reached is read.

        Raises `TransferError` when `stop` is set meanwhile, or when the file cannot be read back.
        """
        with self._news:
            self._ended = True
            self._news.notify_all()
        for name in () if self._threads else self._algorithms:
            self._follow(name)
        with self._news:
            while self._failure is None and len(self._digests) < len(self._algorithms):
                if stop.is_set():
                    raise TransferError("stopped")
                self._news.wait(0.5)
        if self._failure is not None:
            raise TransferError(f"a download cannot be read back: {self._failure}") from self._failure
        return self._digests

    def _follow(self, algorithm: str) -> None:
        digest = new(algorithm)
        buffer = memoryview(bytearray(_BUFFER))
        done = 0
        try:
            while not self._abandoned:
                with self._news:
                    while not (self._ended or self._abandoned or self._size - done >= _STRIDE):
                        self._news.wait()
                    ended, size = self._ended, self._size
                while done < size and not self._abandoned:
                    count = os.preadv(self._fd, [buffer[: size - done]], done)
                    if count == 0:
                        raise OSError(f"it ends after {done} of {size} bytes")  # noqa: TRY301
                    digest.update(buffer[:count])
                    done += count
                if ended:
                    break
        except OSError as error:
            self._failure = error
        with self._news:
            self._digests[algorithm] = digest.hexdigest()
            self._news.notify_all()


def new(algorithm: str) -> Any:
    """Return an empty digest; `algorithm` is hashlib's name of one, or ``blake3``."""
    if algorithm == "blake3":
        from blake3 import blake3

        return blake3()
    return hashlib.new(algorithm, usedforsecurity=False)
