"""The command line as a person uses it, on the demo catalogue, in a directory of its own."""

from __future__ import annotations

import gc
import os
import re
import signal
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from tests.given import database
from tests.servers.azure import azure_url
from tests.servers.buckets import bucket
from tests.servers.gcs import gcs
from tests.servers.s3 import s3_url
from tests.servers.stac import counting_pgstac, pgstac, pgstac_urls, rustac
from watcher.cli import main
from watcher.demo.catalogue import Catalogue, serve
from watcher.demo.timeline import Timeline

__all__ = ["azure_url", "bucket", "counting_pgstac", "gcs", "pgstac", "pgstac_urls", "rustac", "s3_url"]


# What decides is no matter of luck: the same examples each time. `make search` looks for others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("same")


# What is started in the background of a script ignores SIGINT, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Leave what was imported and collected to itself: the garbage collector would look at it again and again."""
    gc.collect()
    gc.freeze()


class Said(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Watcher = Callable[..., Said]


class Clock:
    """Real seconds, turned by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Scene(NamedTuple):
    """The demo catalogue and the clock of its story."""

    catalogue: Catalogue
    clock: Clock

    def play(self) -> None:
        """Let everything be published that the story has."""
        self.catalogue.timeline.begin()
        self.clock.seconds += 1000.0


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is told less because of a secret of another."""
    monkeypatch.setattr("watcher.credentials.redaction._lasting", set())
    monkeypatch.setattr("watcher.credentials.redaction._passing", deque(maxlen=512))


@pytest.fixture
def scene() -> Iterator[Scene]:
    clock = Clock()
    with serve(timeline=Timeline(pace=1.0, clock=clock)) as catalogue:
        yield Scene(catalogue, clock)


@pytest.fixture
def home(tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a configuration for the demo catalogue, in force by the environment."""
    secret = tmp_path / "password"
    secret.write_text("take5pass\n")
    secret.chmod(0o600)
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
[catalogues.take5]
kind = "resto"
url = "{scene.catalogue.url}"
collections = ["SPOT4", "SPOT5"]
gap = 0
interval = "1s"
[catalogues.take5.auth]
kind = "basic"
username = "take5@example.org"
password = {{ file = "{secret}" }}
[poll]
jitter = 0
[notify]
interval = "1s"
[download]
levels = ["L2A"]
interval = "1s"
reserve = 0
""",
        encoding="utf-8",
    )
    for name in list(os.environ):
        if name.startswith(("WATCHER_", "NOTIFY_", "WATCHDOG_")) or name in ("STATE_DIRECTORY", "JOURNAL_STREAM"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WATCHER_CONFIG", str(config))
    monkeypatch.setenv("WATCHER_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def watcher(home: Path, capsys: pytest.CaptureFixture[str]) -> Watcher:
    def run(*arguments: str, traceback: bool = False) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main(list(arguments))
        out, err = capsys.readouterr()
        assert traceback or not re.search(r"^Traceback", err, re.MULTILINE), err
        return Said(int(leaving.value.code or 0), out, err)

    return run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watcher.db"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with database(path) as connection:
        yield connection
