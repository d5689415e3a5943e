"""The tables, and how an older database becomes a newer one.

Each migration is a file of SQL in `migrations/`, and one transaction, taken under a lock after a backup; a database
that a newer watcher wrote is refused, as is one whose tables are not those that its migrations make. The applied
migrations are in `_sqlite_migrations`; `PRAGMA user_version` repeats their number, so that opening an up-to-date
database costs one read.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.core.identity.acquisitions import key
from watcher.errors import StoreError
from watcher.model import Product

if TYPE_CHECKING:
    from sqlite_utils import Database

_MIGRATIONS = {
    script.stem: script.read_text(encoding="utf-8")
    for script in sorted(Path(__file__).with_name("migrations").glob("*.sql"))
}

LATEST = len(_MIGRATIONS)

# 2 kB rows on 4 kB pages waste half of the file, and cost twice the time.
_FORM = "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL;"


def version(db: sqlite3.Connection) -> int:
    """Return how many migrations have been applied; 0 for an empty database."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the database up to date, after a backup of what it was. The caller holds the migration lock."""
    found = version(db)
    if found == LATEST:
        return
    if found > LATEST:
        raise StoreError(
            f"the database {path} was written by a newer watcher (schema {found}, this one knows {LATEST})",
            hint="install the newer eo-watcher again, or restore the backup it made beside the database",
        )
    if found:
        _recognise(db, path)
        backup = path.with_name(f"{path.name}.before-{LATEST:04d}")
        if not backup.exists():
            _copy(db, backup)
    else:
        db.executescript(_FORM)

    _apply(db, _MIGRATIONS)


def _apply(db: sqlite3.Connection, scripts: Mapping[str, str]) -> None:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    db.create_function("acquisition_of", 3, _acquisition, deterministic=True)
    migrations = Migrations("watcher")
    for number, (name, script) in enumerate(scripts.items(), start=1):

        def apply(database: Database, /, script: str = script, number: int = number) -> None:
            for statement in script.split(";\n"):
                if statement.strip():
                    database.conn.execute(statement)
            database.conn.execute(f"PRAGMA user_version = {number}")

        migrations(name=name)(apply)
    migrations.apply(Database(db, execute_plugins=False))


def _recognise(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a database that lacks what its migrations make, before it becomes one that nobody knows."""
    applied = {name for (name,) in db.execute("SELECT name FROM _sqlite_migrations")}
    with closing(sqlite3.connect(":memory:")) as model:
        _apply(model, {name: script for name, script in _MIGRATIONS.items() if name in applied})
        lacking = sorted(_columns(model) - _columns(db))
    if lacking:
        raise StoreError(
            f"the database {path} was written by a watcher that was never released: it has no {', '.join(lacking[:3])}",
            hint="nothing was changed in it; go on with the watcher that wrote it, or move it away and begin anew",
        )


def _columns(db: sqlite3.Connection) -> set[str]:
    """Return the columns of all tables but those of SQLite and of sqlite-utils, whose versions differ in theirs."""
    return {
        f"{table}.{column}"
        for table, column in db.execute(
            "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS c"
            " WHERE m.type = 'table' AND ltrim(m.name, '_') NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
    }


def _copy(db: sqlite3.Connection, to: Path) -> None:
    """Copy a database under a name that it gets once it is whole, for nobody else to read at any time."""
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)  # of one that was cut short
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    db.execute("VACUUM INTO ?", (str(part),))
    with part.open("rb") as copy:
        os.fsync(copy.fileno())
    part.rename(to)


def imitate(db: sqlite3.Connection, model: sqlite3.Connection) -> None:
    """Give an empty database the tables of another, without the way there, which takes sqlite-utils and its numpy."""
    made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    tables = "; ".join(sql for (sql,) in model.execute(made))
    db.executescript(f"{_FORM} BEGIN; {tables}; PRAGMA user_version = {version(model)}; COMMIT;")


def _acquisition(identity: str, title: str, acquired: str | None) -> str | None:
    time = datetime.fromisoformat(acquired) if acquired else None
    return key(Product("", identity, title, None, time, ""))
