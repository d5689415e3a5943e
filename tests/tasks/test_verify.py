"""Looking whether what came home is still what it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.given import NOW, Clock, rows
from tests.tasks.stored import put
from watcher.archive import Disk
from watcher.core.moments import written
from watcher.errors import TransferError
from watcher.store import archive, downloads
from watcher.store.connection import writing
from watcher.store.locks import holding
from watcher.tasks.verify import Sidecars, verify


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def look(
    db: sqlite3.Connection,
    root: Path,
    *,
    deep: bool = False,
    again: bool = False,
    alone: Callable[[], AbstractContextManager[None]] | None = None,
) -> dict[int, str]:
    stop, sidecars = threading.Event(), None if alone is None else Sidecars(lambda name: f"Data of {name}", alone)
    found = verify(db, Disk(root), site=None, deep=deep, again=again, sidecars=sidecars, now=Clock(), stop=stop)
    return {verdict.held.revision: verdict.state.value for verdict in found}


def test_what_is_there_and_the_same_is_fine(db: sqlite3.Connection, root: Path) -> None:
    number = put(db, root, "P1", {"B02.tif": b"two", "MASKS/B03.tif": b"three"})
    assert look(db, root, deep=True) == {number: "fine"}
    assert rows(db, "SELECT examined IS NOT NULL AND fault IS NULL FROM downloads") == [1]


def test_a_sidecar_that_is_gone_is_written_again_of_what_is_well(db: sqlite3.Connection, root: Path) -> None:
    file, several, lost = put(db, root, "P1"), put(db, root, "P2", {"B02.tif": b"two"}), put(db, root, "P3")
    (root / "Pornic/L2A/P3.zip").unlink()
    states = {file: "fine", several: "fine", lost: "lost"}
    assert look(db, root) == states
    assert list(root.rglob("*.json")) == []
    assert look(db, root, alone=nullcontext) == states
    assert {path.name for path in root.rglob("*.json")} == {"P1.zip.stac.json", "P2.stac.json"}
    item = json.loads((root / "Pornic/L2A/P2.stac.json").read_bytes())
    assert item["assets"]["B02.tif"]["href"] == "./P2/B02.tif"
    assert item["properties"]["sci:citation"] == "Data of take5"
    assert item["properties"]["watcher:stored"] == written(NOW)


def test_no_sidecar_is_written_while_products_are_removed(db: sqlite3.Connection, root: Path, tmp_path: Path) -> None:
    number = put(db, root, "P1")
    alone = lambda: holding(tmp_path / "tidy.lock", what="tidying")  # noqa: E731
    with alone():
        assert look(db, root, alone=alone) == {number: "bare"}
    assert list(root.rglob("*.json")) == []

    @contextmanager
    def gone() -> Iterator[None]:
        with writing(db):
            archive.drop(db, number, now=NOW)
        yield

    assert look(db, root, alone=gone) == {number: "fine"}
    assert list(root.rglob("*.json")) == []


def test_what_nothing_proved_when_it_came_is_unverified_but_well(db: sqlite3.Connection, root: Path) -> None:
    number = put(db, root, "P1", how="unverified")
    assert look(db, root, deep=True) == {number: "unverified"}


def test_another_byte_is_found_by_reading_only(db: sqlite3.Connection, root: Path) -> None:
    number = put(db, root, "P1", {"B02.tif": b"two", "B03.tif": b"three"})
    (root / "Pornic/L2A/P1/B03.tif").write_bytes(b"thref")
    assert look(db, root) == {number: "fine"}
    assert look(db, root, deep=True) == {number: "rotten"}
    (held,) = archive.faults(db)
    assert "P1/B03.tif is not what it was" in str(held.fault)


def test_what_was_found_rotten_is_not_called_fine_for_its_size(db: sqlite3.Connection, root: Path) -> None:
    number = put(db, root, "P1", {"B02.tif": b"two", "B03.tif": b"three"})
    (root / "Pornic/L2A/P1/B03.tif").write_bytes(b"thref")
    assert look(db, root, deep=True) == {number: "rotten"}
    assert look(db, root) == {number: "rotten"}
    (root / "Pornic/L2A/P1/B03.tif").write_bytes(b"three")
    assert look(db, root) == {number: "fine"}
    assert archive.faults(db) == []


def test_a_file_that_was_cut_short_is_rotten_and_one_that_is_gone_is_lost(db: sqlite3.Connection, root: Path) -> None:
    short, gone = put(db, root, "P1"), put(db, root, "P2")
    (root / "Pornic/L2A/P1.zip").write_bytes(b"cont")
    (root / "Pornic/L2A/P2.zip").unlink()
    assert look(db, root) == {short: "rotten", gone: "lost"}


def test_a_link_in_the_place_of_a_file_is_not_followed(db: sqlite3.Connection, root: Path) -> None:
    number = put(db, root, "P1")
    place = root / "Pornic/L2A/P1.zip"
    place.rename(root / "elsewhere.zip")
    place.symlink_to(root / "elsewhere.zip")
    assert look(db, root) == {number: "unreadable"}
    (held,) = archive.faults(db)
    assert held.fault == f"{place} cannot be read: it is a link, and none is followed"
    assert look(db, root, again=True) == {number: "unreadable"}
    assert downloads.due(db, now=NOW) == []


def test_what_is_lost_or_rotten_is_wanted_anew_where_it_was(db: sqlite3.Connection, root: Path) -> None:
    number = put(db, root, "P1", {"B02.tif": b"two", "B03.tif": b"three"})
    (root / "Pornic/L2A/P1/B03.tif").write_bytes(b"3")
    assert look(db, root, again=True) == {number: "rotten"}
    assert (root / "Pornic/L2A/P1/B03.tif.rotten").read_bytes() == b"3"
    assert [wanted.revision for wanted in downloads.due(db, now=Clock()().replace(year=2016))] == [number]
    assert downloads.shelve(db, number, lambda version: f"another.v{version}") == "Pornic/L2A/P1"
    assert look(db, root) == {}


def test_what_cannot_be_put_aside_is_said_to_stay_and_stops_no_other(db: sqlite3.Connection, root: Path) -> None:
    first, second = put(db, root, "P1"), put(db, root, "P2")
    (root / "Pornic/L2A/P1.zip").write_bytes(b"cont")
    (root / "Pornic/L2A/P1.zip.rotten").mkdir()
    (root / "Pornic/L2A/P2.zip").unlink()
    stop = threading.Event()
    found = list(verify(db, Disk(root), site=None, deep=False, again=True, now=Clock(), stop=stop))
    assert [(one.held.revision, one.state.value, one.again) for one in found] == [
        (first, "rotten", False),
        (second, "lost", True),
    ]
    assert str(found[0].fault).endswith("P1.zip cannot be renamed: Is a directory")
    assert (root / "Pornic/L2A/P1.zip").read_bytes() == b"cont"
    assert rows(db, "SELECT revision FROM downloads WHERE due IS NOT NULL") == [second]


@pytest.mark.parametrize("empty", [True, False])
def test_an_archive_that_is_not_mounted_loses_nothing(db: sqlite3.Connection, root: Path, empty: bool) -> None:
    put(db, root, "P1")
    root.rename(root.with_name("elsewhere"))
    if empty:
        root.mkdir()
    with pytest.raises(TransferError, match="empty, or not there"):
        look(db, root, again=True)
    assert rows(db, "SELECT examined FROM downloads WHERE stored IS NOT NULL") == [None]


def test_what_an_earlier_archive_held_is_elsewhere_until_it_is_copied(
    db: sqlite3.Connection, root: Path, tmp_path: Path
) -> None:
    number = put(db, tmp_path / "former", "P1")
    db.execute("UPDATE downloads SET archive = ?", (str(tmp_path / "former"),))
    assert look(db, root) == {number: "elsewhere"}
    assert archive.faults(db) == []
    assert archive.elsewhere(db, str(root)) == [(str(tmp_path / "former"), 1, 7)]
    shutil.copytree(tmp_path / "former", root)
    assert look(db, root, deep=True) == {number: "fine"}
    assert archive.elsewhere(db, str(root)) == []
    assert rows(db, "SELECT archive FROM downloads") == [str(root)]


def test_what_an_earlier_archive_held_can_be_had_anew(db: sqlite3.Connection, root: Path, tmp_path: Path) -> None:
    number = put(db, tmp_path / "former", "P1")
    db.execute("UPDATE downloads SET archive = ?", (str(tmp_path / "former"),))
    assert look(db, root, again=True) == {number: "elsewhere"}
    assert rows(db, "SELECT revision FROM downloads WHERE due IS NOT NULL") == [number]
