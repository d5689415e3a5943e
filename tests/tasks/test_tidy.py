"""The archive shrinks to its limits, and never by what was not meant."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tests.given import NOW, Clock, rows
from tests.tasks.stored import put
from watcher.archive import Disk
from watcher.core.archive.sidecars import sidecar_name
from watcher.errors import TransferError
from watcher.store import archive, downloads, hooks
from watcher.store.connection import writing
from watcher.tasks.tidy import tidy


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def sweep(
    db: sqlite3.Connection, root: Path, clock: Clock, *, max_size: int | None = 10, at_once: bool = False
) -> list[tuple[str, bool]]:
    terms = {"keep": None, "max_size": max_size, "at_once": at_once}
    found = tidy(db, Disk(root), **terms, now=clock, stop=threading.Event())  # type: ignore[arg-type]
    return [(one.held.title, one.removed) for one in found]


def lying(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_it_is_marked_first_and_removed_a_day_later_with_all_that_belongs_to_it(
    db: sqlite3.Connection, root: Path, clock: Clock
) -> None:
    old = put(db, root, "P1", {"B02.tif": b"twotwo", "MASKS/B03.tif": b"three"}, site="Nantes", title="P1")
    put(db, root, "P2", b"0123456789", now=NOW + timedelta(hours=1), title="P2")
    (root / "Nantes/L2A" / sidecar_name("P1")).write_text("{}")
    assert sweep(db, root, clock) == [("P1", False)]
    assert sweep(db, root, clock) == []
    assert len(lying(root)) == 10
    clock.forward(days=1)
    assert sweep(db, root, clock) == [("P1", True)]
    assert lying(root) == ["Pornic", "Pornic/L2A", "Pornic/L2A/P2.zip"]
    assert rows(db, f"SELECT dropped IS NOT NULL, stored, due, doomed FROM downloads WHERE revision = {old}") == [
        (1, None, None, None)
    ]
    assert downloads.retry(db, now=clock()) == 0
    assert sweep(db, root, clock) == []
    with writing(db):
        assert downloads.want_by_hand(db, "P1", now=clock()) == 1
    assert [wanted.revision for wanted in downloads.due(db, now=clock())] == [old]


def test_what_is_pinned_meanwhile_stays(db: sqlite3.Connection, root: Path, clock: Clock) -> None:
    put(db, root, "P1", b"0123456789x", title="P1")
    assert sweep(db, root, clock) == [("P1", False)]
    with writing(db):
        assert archive.pin(db, "P1", pinned=True) == 1
    clock.forward(days=2)
    assert sweep(db, root, clock) == []
    with writing(db):
        archive.pin(db, "P1", pinned=False)
    assert sweep(db, root, clock) == [("P1", False)]
    assert sweep(db, root, clock, max_size=11) == []
    assert rows(db, "SELECT doomed FROM downloads") == [None]


def test_a_product_waits_for_its_hooks(db: sqlite3.Connection, root: Path, clock: Clock) -> None:
    number = put(db, root, "P1", b"0123456789x", title="P1")
    with writing(db):
        hooks.owe(db, number, ["made"], now=clock())
    assert sweep(db, root, clock, at_once=True) == [("P1", False)]
    with writing(db):
        hooks.ended(db, hooks.due(db, now=clock())[0], output="", now=clock())
    assert sweep(db, root, clock, at_once=True) == [("P1", True)]


def test_a_removal_that_was_cut_short_is_done_again(db: sqlite3.Connection, root: Path, clock: Clock) -> None:
    put(db, root, "P1", {"B02.tif": b"0123456789x"}, title="P1")
    (root / "Pornic/L2A/P1").rename(root / "Pornic/L2A/P1.dropped")
    assert sweep(db, root, clock, at_once=True) == [("P1", True)]
    assert lying(root) == []


def test_an_archive_that_is_not_mounted_loses_nothing(db: sqlite3.Connection, root: Path, clock: Clock) -> None:
    put(db, root, "P1", b"0123456789x")
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(TransferError, match="empty, or not there"):
        sweep(db, root, clock, at_once=True)
    assert rows(db, "SELECT dropped FROM downloads") == [None]


def test_what_an_earlier_archive_holds_is_left_there_and_takes_no_room_here(
    db: sqlite3.Connection, root: Path, tmp_path: Path, clock: Clock
) -> None:
    put(db, tmp_path / "former", "P1", b"0123456789", title="P1")
    db.execute("UPDATE downloads SET archive = ?", (str(tmp_path / "former"),))
    put(db, root, "P2", b"0123456789", title="P2")
    assert sweep(db, root, clock, at_once=True) == []
    assert lying(tmp_path / "former") == ["Pornic", "Pornic/L2A", "Pornic/L2A/P1.zip"]
