"""A dask scheduler and its workers as processes of their own, started by the command line as people do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.loopback import until
from tests.servers.keep import free_port

_SLOW = 60.0


class DaskCluster:
    """Call `start`, and `close` at last. What its processes write lies in `folder`.

    `environment` is that of workers that are given none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        scheduler: Sequence[str] = (),
        worker: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self._scheduler, self._worker, self._environment = folder, scheduler, worker, environment
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, workers: int = 2) -> None:
        self.start_scheduler()
        names = [self.start_worker(wait=False) for _ in range(workers)]
        for name in names:
            self.wait_for(name)

    def start_scheduler(self, environment: Mapping[str, str] | None = None) -> None:
        how = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", *self._scheduler]
        self._run("scheduler", ["scheduler", *how], environment=environment)
        until(lambda: "Scheduler at:" in self.log("scheduler"), seconds=_SLOW)

    def start_worker(
        self,
        *,
        threads: int = 4,
        wait: bool = True,
        around: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Start a worker that nobody starts again when it dies; return its name."""
        name = f"w{len(self.processes)}"
        how = ["--nthreads", str(threads), "--no-nanny", "--no-dashboard", "--name", name, *self._worker]
        how += ["--local-directory", str(self.folder / "scratch")]
        self._run(name, ["worker", self.address, *how], around, environment or self._environment)
        if wait:
            self.wait_for(name)
        return name

    def wait_for(self, name: str) -> None:
        until(lambda: "Registered to:" in self.log(name), seconds=_SLOW)

    def kill(self, name: str) -> None:
        """Kill a process without a word of warning."""
        process = self.processes[name]
        process.kill()
        process.wait()

    def address_of(self, name: str) -> str:
        found = re.search(r"Start worker at:\s+(\S+)", self.log(name))
        assert found is not None
        return found[1]

    def named(self, address: str) -> str:
        """Return the name of the worker at an address."""
        return next(name for name in self.processes if name != "scheduler" and self.address_of(name) == address)

    def alive(self) -> list[str]:
        return [name for name, process in self.processes.items() if name != "scheduler" and process.poll() is None]

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def logs(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in self.folder.glob("*.log"))

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
        for process in self.processes.values():
            process.wait()

    def _run(
        self,
        name: str,
        words: Sequence[str],
        around: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        path = self.folder / f"{name}.log"
        with path.open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [*around, sys.executable, "-m", "dask", *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **(environment or {})},
            )
