"""The one SQLite file: how it is opened, and the one way to write to it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from watcher.errors import StoreError
from watcher.mounts import mount_of
from watcher.store import schema

BUSY_MS = 10_000
_rfc3339 = msgspec.json.Encoder().encode
_RESTORE = (
    "keep the file, put a backup in its place (yours, or else that of the last upgrade beside it, watcher.db.before-*),"
    " then run `watcher check`"
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database, made or migrated if need be, with the settings that every promise here rests on.

    Raises `StoreError` when it cannot be opened, is damaged, is newer than this program, or lies on a network
    file system, where SQLite's locks and its write-ahead log do not hold (https://sqlite.org/wal.html).
    """
    _prepare(path)
    with naming(path):
        db = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        try:
            if schema.version(db) != schema.LATEST:
                with _trying(path), _exclusive(path.with_suffix(".migrating")):
                    schema.migrate(db, path)
            if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                # A backup has none, and without it who reads waits for who writes, and the other way round. One that
                # can be read only, or that somebody reads just now, is read all the same.
                with suppress(sqlite3.OperationalError):
                    db.execute("PRAGMA journal_mode = WAL")
            db.executescript(
                f"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;"
                # The index that says what is known stays in it for a site of 15,000 products.
                f"PRAGMA cache_size = -8192;"
                # Each page of an import touches most of that index: it is written home after 16 MB, not after 4.
                f"PRAGMA wal_autocheckpoint = 4000;"
                f"PRAGMA busy_timeout = {BUSY_MS}; PRAGMA journal_size_limit = {64 << 20};"
            )
        except BaseException:
            db.close()
            raise
        return db


def blank(path: Path, like: sqlite3.Connection) -> sqlite3.Connection:
    """Make and open a new database that has the tables of another, and nothing in them. Raises `StoreError`."""
    _prepare(path)
    with naming(path), closing(sqlite3.connect(path, isolation_level=None)) as new:
        schema.imitate(new, like)
    return connect(path)


def _prepare(path: Path) -> None:
    """Make the file, for its owner alone, where SQLite can be trusted with it."""
    with _trying(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_network(path.parent)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


@contextmanager
def _trying(path: Path) -> Iterator[None]:
    """Turn the system's complaints about files beside the database into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the database {path}: {error.strerror or error}", hint="check the state directory and its disk"
        ) from error


@contextmanager
def writing(db: sqlite3.Connection, *, behind: Behind | None = None) -> Iterator[None]:
    """Write all of it or nothing. The lock is taken at once, so that what is read inside still holds at the end.

    Raises `StoreError` when the disk is full, the database is locked for too long, or it cannot be written; where the
    commit is left to `behind`, that raises what it meets.
    """
    if behind is not None:
        behind.settle()
    with naming():
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            if behind is None:
                db.execute("COMMIT")
            else:
                behind.commit(db)
        except BaseException:
            _roll_back(db)
            raise


class Behind:
    """Commits in a thread of its own: while the disk takes what was written, its writer goes on without the database.

    At the end of the ``with`` statement all of it is on the disk, or `StoreError` is raised, as it is by the next
    `writing`.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit", initializer=_give_way)
        self._last: Future[None] | None = None

    def __enter__(self) -> Behind:
        return self

    def __exit__(self, *_: object) -> None:
        with self._thread:
            self.settle()

    def commit(self, db: sqlite3.Connection) -> None:
        """Begin to commit; nobody may use the connection before `settle`."""
        self._last = self._thread.submit(_commit, db)

    def settle(self) -> None:
        """Wait for the last commit."""
        last, self._last = self._last, None
        if last is not None:
            last.result()


def _give_way() -> None:
    """Make this thread nice, as Linux can: on a small machine it would hold up whoever asks for the next page."""
    with suppress(OSError):  # a sandbox may forbid it, as watcher.service does; then it only is less polite
        os.nice(5)


def _commit(db: sqlite3.Connection) -> None:
    with naming():
        try:
            db.execute("COMMIT")
        except BaseException:
            _roll_back(db)
            raise


def _roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")


@contextmanager
def undone(db: sqlite3.Connection) -> Iterator[None]:
    """Write as `writing` does, and take all of it back: to see what would follow."""
    with naming():
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")


@contextmanager
def naming(path: Path | None = None) -> Iterator[None]:
    """Turn SQLite's complaints into a `StoreError` that says what to do."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # these are defects of ours
    except sqlite3.DatabaseError as error:
        where = f"the database {path}" if path else "the database"
        raise StoreError(f"{where}: {error}", hint=_way_out(error), permanent=False) from error


def healthy(db: sqlite3.Connection) -> None:
    """Refuse a damaged database: raises `StoreError` with what to do."""
    with naming():
        answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise StoreError(f"the database is damaged: {answer.splitlines()[-1]}", hint=_RESTORE)


def stamp(moment: datetime) -> str:
    """Write a moment as the database keeps it: RFC 3339, UTC, milliseconds, so that text sorts as time."""
    # An import stamps three times a row, and isoformat takes four times as long as this.
    text = _rfc3339(moment if moment.tzinfo is UTC else moment.astimezone(UTC)).decode()
    return f"{text[1:20]}.{text[21:24] if text[20] == '.' else '000'}Z"


def moment(text: str | None) -> datetime | None:
    """Read what `stamp` wrote."""
    return None if text is None else datetime.fromisoformat(text)


def _way_out(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return "free some space; watcher goes on by itself at its next pass"
    if "disk I/O" in text:
        return "look at its disk: is it full (df), read-only, or failing?"
    if "locked" in text or "busy" in text:
        return "another program is writing to it; nothing is lost, try again"
    if "readonly" in text or "unable to open" in text:
        return "check the owner and the mode of the file and of its directory, and that its disk can be written"
    if "malformed" in text or "not a database" in text:
        return _RESTORE
    return "run `watcher check`"


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_network(directory: Path) -> None:
    mount = mount_of(directory)
    if mount is not None and mount.remote:
        raise StoreError(
            f"the state directory {directory} lies on a network file system ({mount.kind}), where SQLite's write-ahead"
            " log does not work",
            hint="keep the database on a local disk: --state DIR or WATCHER_STATE",
        )
