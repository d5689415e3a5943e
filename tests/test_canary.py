"""The self-test passes when all is well, and says what is not."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.given import add_watch, box
from watcher import canary
from watcher.errors import StoreError
from watcher.wiring import now


@pytest.fixture(params=["by code", "by ground"])
def watching(request: pytest.FixtureRequest, db: sqlite3.Connection) -> None:
    if request.param == "by code":
        add_watch(db, "Pornic")
    else:
        add_watch(db, "Pornic", geometry=box(0, 0, 1, 1))


@pytest.mark.usefixtures("watching")
def test_a_canary_comes_out_and_leaves_nothing_behind(
    db: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert canary.rehearse(db, now=now) is None
    assert list(temporary.iterdir()) == []


def test_where_all_is_watched_by_code_the_self_test_loads_no_numpy(path: Path, db: sqlite3.Connection) -> None:
    add_watch(db, "Pornic")
    program = (
        "import sys\nfrom pathlib import Path\nfrom watcher import canary\nfrom watcher.wiring import now\n"
        "from watcher.store.connection import connect\n"
        "problem = canary.rehearse(connect(Path(sys.argv[1])), now=now)\n"
        "print(problem, sorted({'numpy', 'shapely', 'sqlite_utils'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "None []\n"


def broken(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a defect")


@pytest.mark.usefixtures("watching")
@pytest.mark.parametrize(
    ("part", "instead", "said"),
    [
        ("watcher.tasks.poll.reading.matches", lambda *_, **__: [], "announced 0"),
        ("watcher.tasks.poll.reading.decide", broken, "ZeroDivisionError"),
        ("watcher.core.decide.accepts", lambda *_, **__: True, "announced 2"),
        ("watcher.store.deliveries.owe", lambda *_, **__: 0, "one notice of one new product"),
        ("watcher.store.deliveries.sent", lambda *_, **__: None, "one notice of one new product"),
        ("watcher.store.deliveries.claim", broken, "ZeroDivisionError"),
    ],
)
def test_a_part_that_fails_is_noticed(
    db: sqlite3.Connection, part: str, instead: Callable[..., Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, instead)
    assert said in (canary.rehearse(db, now=now) or "")


def test_without_a_place_for_the_test_nothing_is_said_of_watcher(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise StoreError("the database: disk is full")

    monkeypatch.setattr(canary, "blank", full)
    with pytest.raises(StoreError):
        canary.rehearse(db, now=now)
