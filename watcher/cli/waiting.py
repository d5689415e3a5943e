"""What is waited for, said on the terminal: only once it takes longer than half a second, and gone again after."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_SOON = 0.5
_CLEAR = "\r\x1b[2K"


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what the ``with`` statement waits for, and for how long; nothing else is printed meanwhile."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        yield
        return
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(what, over), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def each(what: str, things: Iterable[T]) -> Iterator[T]:
    """Yield things one by one; say what each is waited for."""
    source = iter(things)
    while True:
        with waiting(what):
            try:
                thing = next(source)
            except StopIteration:
                return
        yield thing


def _tell(what: str, over: threading.Event) -> None:
    begun = time.monotonic()
    pause = _SOON
    while not over.wait(pause):
        pause = 1.0
        _write(f"{_CLEAR}{what} … {time.monotonic() - begun:.0f} s")
    if pause != _SOON:
        _write(_CLEAR)


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:  # the terminal is gone: nobody reads it
        return
