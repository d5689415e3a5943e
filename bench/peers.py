"""Programs that watcher is measured against: each does its work once for a line that it is given, and says how."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bench.ratios import expect


@contextmanager
def peer(command: Sequence[str], *, count: int) -> Iterator[Callable[[], float]]:
    """Run a program; yields what lets it work once and returns its seconds. It has to have seen `count` products."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def once() -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        seconds, seen = process.stdout.readline().split()
        expect(int(seen) == count, f"{command[1]} saw {seen} products, not {count}")
        return float(seconds)

    try:
        yield once
    finally:
        process.communicate(timeout=60)
