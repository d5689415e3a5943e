"""Where the demo plays: a directory with a configuration, and the real `watcher` commands run on it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from watcher.demo.users import USERS
from watcher.errors import UsageError, WatcherError

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
    def exports(self) -> tuple[str, ...]:
        """The shell lines that let `watcher` work here."""
        return (
            *way(),
            f"export WATCHER_CONFIG={shlex.quote(str(self.config))}",
            f"export WATCHER_STATE={shlex.quote(str(self.state))}",
        )


def way() -> tuple[str, ...]:
    """Return the shell line that finds this `watcher`, where the shell would find none or another one."""
    here = Path(sys.executable).with_name("watcher")
    found = shutil.which("watcher")
    if not here.exists() or (found is not None and here.samefile(found)):
        return ()
    return (f'export PATH={shlex.quote(str(here.parent))}:"$PATH"',)


def room(asked: Path | None) -> Stage:
    """Return a stage in the directory asked for, which is made if need be, or in a fresh temporary one.

    Raises `UsageError` when there is something in it already: the demo touches nothing that is not its own.
    """
    directory = Path(tempfile.gettempdir()) if asked is None else asked.expanduser().absolute()
    try:
        if asked is None:
            return Stage(Path(tempfile.mkdtemp(prefix="watcher-demo-")))
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
    """Write the configuration for the catalogue at `url`, and the password that it refers to.

    Raises `DemoFailed` when they cannot be written.
    """
    password = stage.directory / "password"
    values = {"url": url, "email": USERS[0].email, "password": str(password), "archive": str(stage.archive)}
    # A JSON string is a TOML string.
    text = _CONFIG.format(**{name: json.dumps(value, ensure_ascii=False) for name, value in values.items()})
    try:
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(USERS[0].password + "\n")
        stage.config.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DemoFailed(
            f"cannot write to {stage.directory}: {error.strerror or error}", hint="give another --dir"
        ) from error


def command(stage: Stage, *arguments: str) -> None:
    """Run a `watcher` command as a person would, and let them see it and all that it says.

    Raises `DemoFailed` when it does not end with 0.
    """
    echo(arguments)
    code = subprocess.run(argv(*arguments), env=environment(stage), stdin=subprocess.DEVNULL, check=False).returncode
    if code:
        raise DemoFailed(
            f"`watcher {shlex.join(arguments)}` ended with {code}; what it said is above",
            hint=f"all that was written so far is in {stage.directory}",
        )


def answer(stage: Stage, *arguments: str) -> Any:
    """Run a `watcher` command that prints JSON, without showing it, and return what it says."""
    asked = [*arguments, "--json"]
    ended = subprocess.run(
        argv(*asked), env=environment(stage), stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
    )
    if ended.returncode:
        raise DemoFailed(f"`watcher {shlex.join(asked)}` ended with {ended.returncode}: {ended.stderr.strip()}")
    return json.loads(ended.stdout)


def echo(arguments: tuple[str, ...], *, background: bool = False) -> None:
    """Show a command as it is typed."""
    click.echo()
    click.secho(f"$ watcher {shlex.join(arguments)}{' &' if background else ''}", bold=True)


def argv(*arguments: str) -> list[str]:
    """The argument list of a `watcher` command."""
    # -P: a file of the current directory is not taken for a module.
    return [sys.executable, "-P", "-m", "watcher", *arguments]


def environment(stage: Stage) -> dict[str, str]:
    """What the environment of a command on this stage is."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return kept | {"WATCHER_CONFIG": str(stage.config), "WATCHER_STATE": str(stage.state)}
