"""Processes that fetch and may be killed: forked from one that has imported everything, as imports take longest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import Terms, fetch, segments


class Child:
    """A process that fetches."""

    def __init__(self, mother: subprocess.Popen[str]) -> None:
        self._mother = mother
        self.pid = int(self._said())

    def kill(self) -> None:
        """Kill it, at whatever it is doing."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._said() == "ended"

    def _said(self) -> str:
        assert self._mother.stdout is not None
        return self._mother.stdout.readline().strip()


Begin = Callable[..., Child]


@contextmanager
def nursery() -> Iterator[Begin]:
    """Give a function that begins to fetch an address to a path in a process of its own; one at a time."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.transfer.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as mother:
        assert mother.stdin is not None

        def begin(href: str, path: Path, checksum: str = "-", *, streams: int = 1) -> Child:
            assert mother.stdin is not None
            mother.stdin.write(f"{href} {path} {checksum} {streams}\n")
            mother.stdin.flush()
            return Child(mother)

        yield begin
        mother.stdin.close()


def main() -> None:
    segments.LEAST, segments.MOST, segments._NOTE = 32 * 1024, 128 * 1024, 0.02
    for line in sys.stdin:
        href, path, checksum, streams = line.split()
        pid = os.fork()
        if pid == 0:
            with Http(origin=href, connections=8) as http:
                wanted = Asset("p", href, checksum=None if checksum == "-" else checksum)
                fetch(http, wanted, Path(path), terms=Terms(streams=int(streams)))
            signal.pause()  # home: it waits to be killed
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
