"""How an older database becomes a newer one."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.given import add_watch, database, rows
from watcher.errors import StoreError
from watcher.store import polls, schema
from watcher.store.connection import connect

ROOT = Path(__file__).parents[2]
SECOND = "ALTER TABLE sites ADD COLUMN note TEXT;\nCREATE TABLE notes (number INTEGER PRIMARY KEY) STRICT;\n"


def only_before(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    """Let the migrations end before that number, as they did in an older version."""
    older = {name: script for name, script in schema._MIGRATIONS.items() if name < number}
    monkeypatch.setattr(schema, "_MIGRATIONS", older)
    monkeypatch.setattr(schema, "LATEST", len(older))


def test_a_fresh_database_has_the_newest_schema_and_no_backup(path: Path) -> None:
    with database(path) as db:
        assert schema.version(db) == schema.LATEST
        assert rows(db, "SELECT count(*) FROM _sqlite_migrations") == [schema.LATEST]
    assert list(path.parent.glob("*.before-*")) == []


def test_a_database_of_a_newer_watcher_is_refused_and_left_alone(path: Path) -> None:
    with database(path) as db:
        db.execute(f"PRAGMA user_version = {schema.LATEST + 1}")
    with pytest.raises(StoreError, match="newer watcher") as failing:
        connect(path)
    assert str(path) in str(failing.value)
    assert "newer eo-watcher" in str(failing.value.hint)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema.LATEST + 1,)


def test_a_database_without_what_its_migrations_make_is_refused_before_it_is_changed(path: Path, older: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript("ALTER TABLE sites DROP COLUMN paused; CREATE TABLE mine (note TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"never released: it has no sites.paused") as failing:
        connect(path)
    assert "begin anew" in str(failing.value.hint)
    assert (path.read_bytes(), older.exists()) == (before, False)
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE sites ADD COLUMN paused TEXT")
    with database(path) as db:
        assert schema.version(db) == schema.LATEST, "what somebody has added for himself does no harm"


def test_a_database_that_an_older_sqlite_utils_wrote_is_no_other(path: Path, older: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "CREATE TABLE was (migration_set TEXT, name TEXT, applied_at TEXT, PRIMARY KEY (migration_set, name));"
            " INSERT INTO was SELECT migration_set, name, applied_at FROM _sqlite_migrations;"
            " DROP TABLE _sqlite_migrations; ALTER TABLE was RENAME TO _sqlite_migrations;"
        )
    with database(path) as db:
        assert schema.version(db) == schema.LATEST
    assert older.exists()


def test_an_older_database_is_kept_as_a_backup_and_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with database(path) as db:
        add_watch(db)
    monkeypatch.setattr(schema, "_MIGRATIONS", {**schema._MIGRATIONS, "9999_notes": SECOND})
    before = schema.LATEST
    monkeypatch.setattr(schema, "LATEST", before + 1)
    with database(path) as db:
        assert schema.version(db) == before + 1
        assert rows(db, "SELECT name, note FROM sites") == [("Pornic", None)]
    backup = path.with_name(f"watcher.db.before-{before + 1:04d}")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (before,)
        assert old.execute("SELECT name FROM sites").fetchone() == ("Pornic",)


@pytest.fixture
def older(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database that is to be migrated, and where its backup is to lie."""
    with database(path) as db:
        add_watch(db)
    monkeypatch.setattr(schema, "_MIGRATIONS", {**schema._MIGRATIONS, "9999_notes": SECOND})
    monkeypatch.setattr(schema, "LATEST", schema.LATEST + 1)
    return path.with_name(f"watcher.db.before-{schema.LATEST:04d}")


def test_a_backup_that_was_cut_short_is_not_taken_for_one(path: Path, older: Path) -> None:
    part = older.with_name(f"{older.name}.part")
    part.write_bytes(path.read_bytes()[:20_000])  # as SIGKILL leaves it
    with database(path) as db:
        assert schema.version(db) == schema.LATEST
    assert not part.exists()
    with closing(sqlite3.connect(older)) as old:
        assert old.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert old.execute("SELECT name FROM sites").fetchone() == ("Pornic",)


def test_a_backup_is_nobody_elses_to_read_while_it_is_written(
    path: Path, older: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def sync(file: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(file).st_mode))

    monkeypatch.setattr(os, "fsync", sync)
    before = os.umask(0)
    try:
        with database(path):
            assert older.exists()
    finally:
        os.umask(before)
    assert seen == [0o600]


def test_a_backup_that_cannot_be_written_stops_the_migration_and_says_so(path: Path, older: Path) -> None:
    older.with_name(f"{older.name}.part").mkdir()
    with pytest.raises(StoreError, match=r"the database .*watcher\.db: Is a directory") as failing:
        connect(path)
    assert failing.value.hint == "check the state directory and its disk"
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema.LATEST - 1,)


def test_what_was_seen_before_acquisitions_were_known_is_given_its_own(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_before(monkeypatch, "0004")
    name = "S2A_MSIL2A_20150530T111203_N0204_R094_T31TCJ_20150530T150000"
    with database(path) as db:
        db.execute("INSERT INTO collections VALUES (1, 'cdse', 'sentinel-2-l2a')")
        db.executemany(
            "INSERT INTO revisions (collection, id, token, title, acquired, assets, seen)"
            " VALUES (1, ?, '', ?, ?, '[]', '')",
            [(name, name, "2015-05-30T11:12:03.024Z"), ("P2", "P2", None)],
        )
    monkeypatch.undo()
    with database(path) as db:
        found = rows(db, "SELECT id, acquisition FROM revisions ORDER BY number")
        assert found == [(name, "2015-05-30D/S2A/31TCJ/L2A"), ("P2", None)]


def test_the_last_good_poll_of_before_counts_as_a_look_at_every_collection(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_before(monkeypatch, "0009")
    with database(path) as db:
        db.executemany("INSERT INTO collections VALUES (?, ?, ?)", [(1, "cdse", "l2a"), (2, "geodes", "l2a")])
        db.executemany(
            "INSERT INTO polls (catalogue, started, finished, problem) VALUES ('cdse', ?, ?, ?)",
            [
                ("2015-06-01T00:00:00.000Z", "2015-06-01T00:00:07.000Z", None),
                ("2015-06-01T00:15:00.000Z", "2015-06-01T00:15:07.000Z", "refused"),
            ],
        )
    monkeypatch.undo()
    with database(path) as db:
        began = datetime(2015, 6, 1, tzinfo=UTC)
        assert polls.looks(db, "cdse") == {"l2a": (began, began + timedelta(seconds=7))}
        assert polls.looks(db, "geodes") == {}


def test_no_arrival_nor_delivery_is_lost_where_the_events_become_more(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_before(monkeypatch, "0012")
    with database(path) as db:
        db.execute("INSERT INTO sites (number, name, folded, origin, added) VALUES (1, 'Pornic', 'pornic', '', '')")
        db.execute("INSERT INTO collections (number, catalogue, name) VALUES (1, 'cdse', 'l2a')")
        db.execute("INSERT INTO subscriptions (number, address, name, every_site, added) VALUES (2, 'a', '', 1, '')")
        db.execute(
            "INSERT INTO revisions (number, collection, id, token, title, assets, seen)"
            " VALUES (7, 1, 'P1', '', 'P1', '[]', '')"
        )
        db.execute(
            "INSERT INTO arrivals (number, site, revision, event, arrived, cause)"
            " VALUES (3, 1, 7, 'withdrawn', '', 'x')"
        )
        deliver = (
            "INSERT INTO deliveries (number, arrival, subscription, address, owed, sent, cut)"
            " VALUES (?, 3, 2, ?, '', '', 'c')"
        )
        db.execute(deliver, (5, "a"))
        db.execute(deliver, (9, "b"))
        db.execute("DELETE FROM deliveries WHERE number = 9")
    monkeypatch.undo()
    with database(path) as db:
        assert rows(db, "SELECT number, revision, event, cause, coverage FROM arrivals") == [
            (3, 7, "withdrawn", "x", None)
        ]
        assert rows(db, "SELECT number, arrival, address, sent, cut FROM deliveries") == [(5, 3, "a", "", "c")]
        db.execute(deliver, (None, "c"))
        assert rows(db, "SELECT max(number) FROM deliveries") == [10]  # no number is given out twice
        db.execute("INSERT INTO arrivals (site, revision, event, arrived) VALUES (1, 7, 'returned', '')")
        db.execute("DELETE FROM sites")
        assert rows(db, "SELECT count(*) FROM arrivals UNION ALL SELECT count(*) FROM deliveries") == [0, 0]
        assert rows(db, "PRAGMA foreign_key_check") == []


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with database(path) as db:
        add_watch(db)
    broken = f"{SECOND}CREATE TABLE sites (again TEXT);\n"
    monkeypatch.setattr(schema, "_MIGRATIONS", {**schema._MIGRATIONS, "9999_notes": broken})
    monkeypatch.setattr(schema, "LATEST", schema.LATEST + 1)
    with pytest.raises(StoreError, match="already exists"):
        connect(path)
    monkeypatch.undo()
    with database(path) as db:
        assert schema.version(db) == schema.LATEST
        assert "note" not in rows(db, "SELECT name FROM pragma_table_info('sites')")


DIE = """
import os, signal, sys
from pathlib import Path
from watcher.store import connection, schema
left = int(sys.argv[2])
class Dying(connection.sqlite3.Connection):
    def execute(self, *arguments):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(*arguments)
real = connection.sqlite3.connect
connection.sqlite3.connect = lambda *a, **k: real(*a, factory=Dying, **k)
connection.connect(Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize("statements", [1, 3, 5, 9, 14, 20])
def test_a_kill_while_the_schema_is_made_leaves_a_database_that_opens(path: Path, statements: int) -> None:
    ended = subprocess.run([sys.executable, "-c", DIE, str(path), str(statements)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    with database(path) as db:
        assert schema.version(db) == schema.LATEST
        add_watch(db)
