"""The demo's `watcher run`: started, listened to, stopped, and never left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from watcher.demo.stage import DemoFailed, Stage, answer, argv, echo, environment

_LEAVE = 25.0
"""Seconds that the service has to end; it gives itself 15."""


class Service:
    """A `watcher run` in the background, whose words can be listened to."""

    def __init__(self, stage: Stage) -> None:
        arguments = ("run", "--log-file", str(stage.log))
        echo(arguments, background=True)
        # In a process group of its own, so that Ctrl-C reaches it once: through us.
        self._process = subprocess.Popen(
            argv(*arguments),
            env=environment(stage),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        self._stage = stage
        self._begun = b""

    def heard(self, seconds: float) -> list[str]:
        """Wait up to `seconds` for it to say something; return the lines that are complete.

        Raises `DemoFailed` when it has ended.
        """
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - it was asked for
        if not select.select([pipe], [], [], seconds)[0]:
            return []
        said = os.read(pipe.fileno(), 65536)
        if not said:
            raise self._failed(self._process.wait(_LEAVE))
        return self._lines(said)

    def stop(self) -> list[str]:
        """Tell it to stop (SIGTERM), and return what it says on its way out.

        Raises `DemoFailed` when it does not end in time, or not with 0.
        """
        self._process.send_signal(signal.SIGTERM)
        try:
            said, _ = self._process.communicate(timeout=_LEAVE)
        except subprocess.TimeoutExpired as error:
            raise DemoFailed(f"the service did not stop within {_LEAVE:.0f} s; its log is {self._stage.log}") from error
        if self._process.returncode:
            raise self._failed(self._process.returncode)
        return self._lines(said)

    def close(self) -> None:
        """Leave no process behind, whatever happened."""
        with self._process:
            if self._process.poll() is not None:
                return
            self._process.terminate()
            try:
                self._process.communicate(timeout=_LEAVE)
            except subprocess.TimeoutExpired:
                click.echo(f"the service does not stop; it is killed. Its log is {self._stage.log}", err=True)
            finally:
                self._process.kill()  # without effect on one that has ended

    def _lines(self, said: bytes) -> list[str]:
        *lines, self._begun = (self._begun + said).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def _failed(self, code: int) -> DemoFailed:
        try:
            last = self._stage.log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
        except OSError as error:
            last = [f"(no log: {error})"]
        return DemoFailed("\n  ".join([f"the service ended with {code}; the end of its log is:", *last]))


@contextmanager
def service(stage: Stage, *, patience: float) -> Iterator[Service]:
    """Start the service, wait until it works, and leave no process behind. Raises `DemoFailed` after `patience` s."""
    running = Service(stage)
    try:
        deadline = time.monotonic() + patience
        while answer(stage, "status")["service"] is None:
            if time.monotonic() > deadline:
                raise DemoFailed(f"the service did not start within {patience:.0f} s; its log is {stage.log}")
            for line in running.heard(0.1):
                click.echo(line)
        yield running
    finally:
        running.close()
