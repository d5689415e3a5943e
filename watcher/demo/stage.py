"""Where the demo plays: a directory with a configuration, and the real `watcher` commands run on it."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from watcher.demo.users import USERS
from watcher.errors import UsageError, WatcherError

_LEAVE = 25.0
"""Seconds that the service has to end; it gives itself 15."""

# What systemd tells a service is not meant for the services that the demo starts.
_FOREIGN = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM"}

_CONFIG = """\
# Written by `watcher demo`: a catalogue that runs on this machine, and a rhythm for people who look on.

[catalogues.take5]
preset = "take5"
url = {url}
interval = "1s"
gap = 0
auth = {{ kind = "resto", url = {url}, username = {email}, password = {{ file = {password} }} }}

[poll]
jitter = 0

[notify]
interval = "1s"

[download]
levels = ["L2A"]
archive = {archive}
interval = "1s"
reserve = "16 MiB"
"""


class DemoFailed(WatcherError):
    """A step of the demo did not do what it should."""


class Stage(msgspec.Struct, frozen=True):
    """A directory of the demo's own, and the names of what comes to lie in it."""

    directory: Path

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.directory / "config.toml"

    @property
    def state(self) -> Path:
        """Where the database lies."""
        return self.directory / "state"

    @property
    def archive(self) -> Path:
        """Where the downloads lie."""
        return self.directory / "archive"

    @property
    def mailbox(self) -> Path:
        """The mailbox file that notices are delivered to."""
        return self.directory / "mailbox"

    @property
    def log(self) -> Path:
        """The service's log."""
        return self.directory / "watcher.log"

    @property
    def address(self) -> str:
        """The mailbox as an address to subscribe."""
        return f"mbox://{quote(str(self.mailbox))}"

    @property
    def export(self) -> str:
        """The shell line that lets `watcher` work here."""
        return f"export WATCHER_CONFIG={shlex.quote(str(self.config))} WATCHER_STATE={shlex.quote(str(self.state))}"


def room(asked: Path | None) -> Stage:
    """Return a stage in the directory asked for, which is made if need be, or in a fresh temporary one.

    Raises `UsageError` when there is something in it already: the demo touches nothing that is not its own.
    """
    if asked is None:
        return Stage(Path(tempfile.mkdtemp(prefix="watcher-demo-")))
    directory = asked.expanduser().absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = next(directory.iterdir(), None)
    except OSError as error:
        raise UsageError(
            f"the demo cannot use {directory}: {error.strerror or error}", hint="give it a --dir of your own"
        ) from error
    if taken is not None:
        raise UsageError(
            f"{directory} is not empty: there is {taken.name}",
            hint="the demo wants a --dir that is empty or not there yet; without --dir it makes itself one",
        )
    return Stage(directory)


def furnish(stage: Stage, *, url: str) -> None:
    """Write the configuration for the catalogue at `url`, and the password that it refers to."""
    password = stage.directory / "password"
    with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(USERS[0].password + "\n")
    values = {"url": url, "email": USERS[0].email, "password": str(password), "archive": str(stage.archive)}
    # A JSON string is a TOML string.
    text = _CONFIG.format(**{name: json.dumps(value, ensure_ascii=False) for name, value in values.items()})
    stage.config.write_text(text, encoding="utf-8")


def command(stage: Stage, *arguments: str) -> None:
    """Run a `watcher` command as a person would, and let them see it and all that it says.

    Raises `DemoFailed` when it does not end with 0.
    """
    echo(arguments)
    code = subprocess.run(_line(*arguments), env=_environment(stage), stdin=subprocess.DEVNULL, check=False).returncode
    if code:
        raise DemoFailed(
            f"`watcher {shlex.join(arguments)}` ended with {code}; what it said is above",
            hint=f"all that was written so far is in {stage.directory}",
        )


def answer(stage: Stage, *arguments: str) -> Any:
    """Run a `watcher` command that prints JSON, without showing it, and return what it says."""
    asked = [*arguments, "--json"]
    ended = subprocess.run(
        _line(*asked), env=_environment(stage), stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
    )
    if ended.returncode:
        raise DemoFailed(f"`watcher {shlex.join(asked)}` ended with {ended.returncode}: {ended.stderr.strip()}")
    return json.loads(ended.stdout)


def echo(arguments: tuple[str, ...], *, background: bool = False) -> None:
    """Show a command as it is typed."""
    click.echo()
    click.secho(f"$ watcher {shlex.join(arguments)}{' &' if background else ''}", bold=True)


class Service:
    """A `watcher run` in the background, whose words can be listened to."""

    def __init__(self, stage: Stage) -> None:
        arguments = ("run", "--log-file", str(stage.log))
        echo(arguments, background=True)
        # In a process group of its own, so that Ctrl-C reaches it once: through us.
        self._process = subprocess.Popen(
            _line(*arguments),
            env=_environment(stage),
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


def _line(*arguments: str) -> list[str]:
    # -P: a file of the current directory is not taken for a module.
    return [sys.executable, "-P", "-m", "watcher", *arguments]


def _environment(stage: Stage) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return kept | {"WATCHER_CONFIG": str(stage.config), "WATCHER_STATE": str(stage.state)}
