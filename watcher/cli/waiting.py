"""What is waited for, said on the terminal: only once it takes longer than half a second, and gone again after."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from watcher.names import plain

T = TypeVar("T")

_SOON = 0.5
_LOOK = _SOON / 2
_CLEAR = "\r\x1b[2K"


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what the ``with`` statement waits for, and for how long; nothing else is printed meanwhile."""
    with _telling(what) as line:
        line.begin()
        try:
            yield
        finally:
            line.end()


def each(what: str, things: Iterable[T]) -> Iterator[T]:
    """Yield things one by one; say what each is waited for."""
    source = iter(things)
    with _telling(what) as line:
        while True:
            line.begin()
            try:
                thing = next(source)
            except StopIteration:
                return
            finally:
                line.end()
            yield thing


class _Line:
    """The last line of the terminal, and since when something is waited for."""

    def __init__(self, what: str) -> None:
        self._what = plain(what)
        self._lock = threading.Lock()
        self._since: float | None = None
        self._shown = ""
        self.over = threading.Event()

    def begin(self) -> None:
        with self._lock:
            self._since = time.monotonic()

    def end(self) -> None:
        """Once it returns the line is clear, and stays so."""
        with self._lock:
            self._since = None
            if self._shown:
                _write(_CLEAR)
            self._shown = ""

    def tell(self) -> None:
        while not self.over.wait(_LOOK):
            with self._lock:
                if self._since is None or (passed := time.monotonic() - self._since) < _SOON:
                    continue
                text = _cut(self._what, f" … {passed:.0f} s")
                if text != self._shown:
                    _write(_CLEAR + text)
                self._shown = text


@contextmanager
def _telling(what: str) -> Iterator[_Line]:
    line = _Line(what)
    # What reads a pipe may write to the same terminal, over this line.
    terminal = all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))
    if not terminal or os.environ.get("TERM", "dumb") == "dumb":
        yield line
        return
    teller = threading.Thread(target=line.tell, daemon=True)
    teller.start()
    try:
        yield line
    finally:
        line.over.set()
        teller.join()


def _cut(what: str, passed: str) -> str:
    """Keep it to one line of the terminal: of two, only the last would be cleared."""
    from rich.cells import cell_len, set_cell_size

    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):  # it does not say
        columns = 80
    room = max(0, columns - 1 - cell_len(passed))
    return f"{what if cell_len(what) <= room else set_cell_size(what, room)}{passed}"


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:  # the terminal is gone: nobody reads it
        return
