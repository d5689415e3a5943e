"""How the database is opened, and what is said when it cannot be."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.given import NOW, add_watch, database, rows
from watcher.errors import StoreError
from watcher.store import connection, schema
from watcher.store.connection import Behind, connect, healthy, moment, naming, stamp, writing

ROOT = Path(__file__).parents[2]


def pragma(db: sqlite3.Connection, name: str) -> object:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def test_only_its_owner_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with database(path) as db:
            add_watch(db)
            files = [path, *path.parent.glob("watcher.db-*")]
            assert {file.name for file in files} == {"watcher.db", "watcher.db-wal", "watcher.db-shm"}
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)


def test_a_state_directory_that_is_made_is_private(tmp_path: Path) -> None:
    with database(tmp_path / "new" / "watcher.db"):
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) & 0o077 == 0


def test_it_is_opened_with_the_settings_that_promises_rest_on(path: Path) -> None:
    for _ in range(2):  # made, and found
        with database(path) as db:
            assert pragma(db, "journal_mode") == "wal"
            assert pragma(db, "foreign_keys") == 1
            assert pragma(db, "synchronous") == 2
            assert pragma(db, "trusted_schema") == 0
            assert pragma(db, "busy_timeout") == connection.BUSY_MS
            assert pragma(db, "page_size") == 16384
            healthy(db)


def test_every_table_is_strict(db: sqlite3.Connection) -> None:
    ours = rows(db, "SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name NOT GLOB '*sqlite_*'")
    assert len(ours) >= 13
    assert set(ours) == {1}
    with pytest.raises(sqlite3.IntegrityError, match="REAL"):
        db.execute(
            "INSERT INTO subscriptions (address, name, every_site, max_cloud, added) VALUES ('a', '', 1, 'much', '')"
        )


def test_a_row_that_refers_to_nothing_is_refused(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), writing(db):
        db.execute("INSERT INTO sightings (revision, site) VALUES (1, 1)")


def test_what_fails_in_a_transaction_leaves_nothing_behind(db: sqlite3.Connection) -> None:
    with pytest.raises(KeyError), writing(db):
        db.execute("INSERT INTO collections (catalogue, name) VALUES ('take5', 'SPOT5')")
        raise KeyError
    assert rows(db, "SELECT * FROM collections") == []
    assert not db.in_transaction


def test_a_database_that_somebody_else_writes_to_is_waited_for(path: Path, db: sqlite3.Connection) -> None:
    with closing(connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        ending = threading.Timer(0.2, lambda: other.execute("COMMIT"))
        ending.start()
        add_watch(db)
        ending.join()
    assert rows(db, "SELECT name FROM sites") == ["Pornic"]


def test_a_database_that_stays_locked_says_so_and_loses_nothing(path: Path, db: sqlite3.Connection) -> None:
    db.execute("PRAGMA busy_timeout = 50")
    with closing(connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as failing:
            add_watch(db)
        other.execute("COMMIT")
    assert not failing.value.permanent
    assert "try again" in str(failing.value.hint)
    add_watch(db)


def test_a_full_disk_says_so_and_leaves_the_database_whole(db: sqlite3.Connection) -> None:
    add_watch(db)
    pages = pragma(db, "page_count")
    db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full") as failing, writing(db):
        for number in range(1000):
            db.execute("INSERT INTO collections (catalogue, name) VALUES (?, 'x')", ("y" * 2000 + str(number),))
    assert "free some space" in str(failing.value.hint)
    assert not failing.value.permanent
    healthy(db)
    assert rows(db, "SELECT count(*) FROM collections") == [1]
    db.execute("PRAGMA max_page_count = 100000")
    add_watch(db, "Nantes")


def name(db: sqlite3.Connection, word: str) -> None:
    db.execute("INSERT INTO collections (catalogue, name) VALUES ('take5', ?)", (word,))


def test_what_is_committed_behind_is_there_for_the_next_transaction_and_for_all_at_the_end(
    path: Path, db: sqlite3.Connection
) -> None:
    with closing(connect(path)) as other, Behind() as behind:
        for number in range(20):
            with writing(db, behind=behind):
                assert rows(db, "SELECT count(*) FROM collections") == [number]
                name(db, str(number))
        behind.settle()
        assert rows(other, "SELECT count(*) FROM collections") == [20]
        with writing(db, behind=behind):
            name(db, "last")
    with closing(connect(path)) as other:
        assert "last" in rows(other, "SELECT name FROM collections")


def test_what_fails_in_a_transaction_that_is_committed_behind_leaves_the_one_before_alone(
    db: sqlite3.Connection,
) -> None:
    with pytest.raises(KeyError), Behind() as behind:
        with writing(db, behind=behind):
            name(db, "SPOT4")
        with writing(db, behind=behind):
            name(db, "SPOT5")
            raise KeyError
    assert rows(db, "SELECT name FROM collections") == ["SPOT4"]
    assert not db.in_transaction


def test_a_sandbox_that_lets_no_thread_be_nice_takes_nothing_from_a_commit_behind(
    path: Path, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nice(increment: int) -> int:
        raise PermissionError(1, f"Operation not permitted: nice({increment})")

    monkeypatch.setattr(os, "nice", nice)
    with Behind() as behind, writing(db, behind=behind):
        name(db, "SPOT5")
    with closing(connect(path)) as other:
        assert rows(other, "SELECT name FROM collections") == ["SPOT5"]


@pytest.fixture
def no_more_room() -> Iterator[Callable[[], None]]:
    """A disk that takes nothing more, from the time that it is called."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_commit_behind_that_fails_is_said_before_anything_else_is_written(
    db: sqlite3.Connection, no_more_room: Callable[[], None], goes_on: bool
) -> None:
    with pytest.raises(StoreError, match="disk I/O error") as failing, Behind() as behind:
        with writing(db, behind=behind):
            name(db, "SPOT4")
            no_more_room()
        if goes_on:
            with writing(db, behind=behind):
                pytest.fail("nothing more is written")
    assert "look at its disk" in str(failing.value.hint)
    assert not db.in_transaction
    assert rows(db, "SELECT name FROM collections") == []


def test_a_file_that_is_no_database_is_named_and_kept(path: Path) -> None:
    path.write_bytes(b"this is no database " * 1000)
    with pytest.raises(StoreError) as failing:
        connect(path)
    assert str(path) in str(failing.value)
    assert "backup" in str(failing.value.hint)
    assert path.read_bytes().startswith(b"this is no database")


def test_a_damaged_database_is_refused_with_the_way_to_restore_it(path: Path) -> None:
    with database(path) as db:
        for number in range(200):
            add_watch(db, f"Site {number}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = rows(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'sites'")[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 16384)
        file.write(b"\xff" * 16384)
    with database(path) as db, pytest.raises(StoreError, match=r"damaged|malformed") as failing:
        healthy(db)
    assert "backup" in str(failing.value.hint)
    assert "\n" not in str(failing.value)


def test_a_backup_in_the_place_of_the_database_is_read_while_it_is_written(path: Path) -> None:
    with database(path) as db:
        add_watch(db)
        db.execute("VACUUM INTO ?", (str(path.with_name("backup")),))
    path.with_name("backup").rename(path)
    with database(path) as db, database(path) as other:
        assert rows(db, "PRAGMA journal_mode") == ["wal"]
        with writing(db):
            db.execute("UPDATE sites SET name = 'Nantes'")
            assert rows(other, "SELECT name FROM sites") == ["Pornic"]


def test_a_backup_that_somebody_reads_is_opened_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_MS", 50)
    with database(path) as db:
        add_watch(db)
        db.execute("VACUUM INTO ?", (str(path.with_name("backup")),))
    path.with_name("backup").rename(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT name FROM sites").fetchall()
        with database(path) as db:
            assert rows(db, "SELECT name FROM sites") == ["Pornic"]
    with database(path) as db:
        assert rows(db, "PRAGMA journal_mode") == ["wal"]


def test_a_backup_on_a_disk_that_can_be_read_only_is_read(path: Path) -> None:
    with database(path) as db:
        add_watch(db)
        db.execute("VACUUM INTO ?", (str(path.with_name("backup")),))
    path.with_name("backup").rename(path)
    script = "import sys; from pathlib import Path; from watcher.store.connection import connect as c\n"
    script += "print(*c(Path(sys.argv[1])).execute('SELECT name FROM sites').fetchone())"
    mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77; shift; exec "$@"'
    command = ["unshare", "-m", "sh", "-c", mount, "sh", path.parent, sys.executable, "-c", script, path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    assert (done.stdout, done.returncode) == ("Pornic\n", 0), done.stderr


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/watcher.db"):
        connect(tmp_path / "file" / "watcher.db")


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a b"
    point = str(place).replace(" ", chr(92) + "040")
    mounts = f"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / {point} rw shared:1 - nfs4 server:/x rw\n"
    real = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda self, *a, **k: mounts if str(self) == "/proc/self/mountinfo" else real(self, *a, **k)
    )
    with pytest.raises(StoreError, match=r"network file system \(nfs4\)") as failing:
        connect(place / "state" / "watcher.db")
    assert "--state" in str(failing.value.hint)
    with database(tmp_path / "local" / "watcher.db"):
        pass


def test_defects_are_not_taken_for_a_failing_disk() -> None:
    with pytest.raises(sqlite3.IntegrityError), naming(None):
        raise sqlite3.IntegrityError("UNIQUE constraint failed")


def test_moments_are_kept_as_text_that_sorts_as_time() -> None:
    assert stamp(NOW) == "2015-06-12T06:00:00.000Z"
    assert moment(stamp(NOW)) == NOW
    assert moment(None) is None


OPEN = """
import sys
from pathlib import Path
from watcher.store.connection import connect, writing
print("ready", flush=True)
sys.stdin.read(1)
db = connect(Path(sys.argv[1]))
with writing(db):
    db.execute("INSERT INTO collections (catalogue, name) VALUES ('take5', ?)", (sys.argv[2],))
print(db.execute("PRAGMA journal_mode").fetchone()[0])
"""


def test_processes_that_open_a_fresh_database_at_once_agree_on_it(path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(path), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "wal\n", "")
    with database(path) as db:
        assert rows(db, "SELECT count(*) FROM collections") == [4]
        assert schema.version(db) == schema.LATEST
