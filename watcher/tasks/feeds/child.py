"""Feeds written by a process of their own, seen from this side. It can be killed at any time: each file is whole."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from watcher.decoding import decoder
from watcher.errors import StoreError
from watcher.tasks.feeds import Terms
from watcher.tasks.feeds.files import Wrote

_LONG = 1800.0
"""Seconds after which it is given up: a disk that hangs may hang for ever."""

_GLANCE = 0.2


class Asked(msgspec.Struct, frozen=True):
    """What the child is given: which database, where to write, and on which terms."""

    database: str
    directory: str
    terms: Terms


class Answer(msgspec.Struct, frozen=True):
    """What it says: what it wrote, or what went wrong."""

    wrote: Wrote | None = None
    problem: str | None = None
    hint: str | None = None


_read_answer = decoder(Answer).decode


def write_apart(
    database: Path, directory: Path, terms: Terms, *, stop: threading.Event, alive: Callable[[], None]
) -> Wrote | None:
    """Write the feeds that are due in a child; `None` if it was told to stop. `alive` is called while it works.

    Raises `StoreError` when the directory or the database is in trouble, or it takes half an hour.
    """
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        asked.write(msgspec.json.encode(Asked(os.fspath(database), os.fspath(directory), terms)))
        asked.seek(0)
        command = [sys.executable, "-P", "-m", "watcher.tasks.feeds"]
        process = subprocess.Popen(command, stdin=asked, stdout=said, stderr=complained, start_new_session=True)
        try:
            if not _ended(process, stop, alive):
                return None
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        complained.seek(0)
        return _wrote(said.read(), complained.read(), process.returncode)


def _ended(process: subprocess.Popen[bytes], stop: threading.Event, alive: Callable[[], None]) -> bool:
    """Wait for its end; return whether it came to it by itself."""
    until = time.monotonic() + _LONG
    while process.poll() is None:
        alive()
        if stop.wait(_GLANCE):
            return False
        if time.monotonic() > until:
            raise StoreError(
                "writing the feeds took half an hour, and was given up", hint="look at the disk of [feeds]"
            )
    return True


def _wrote(said: bytes, complained: bytes, status: int) -> Wrote | None:
    try:
        answer = _read_answer(said)
    except msgspec.DecodeError as error:
        lines = complained.decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        raise StoreError(f"the feeds were not written: {last} (exit status {status})", hint="watcher feeds") from error
    if answer.problem is not None:
        raise StoreError(answer.problem, hint=answer.hint, permanent=False)
    return answer.wrote
