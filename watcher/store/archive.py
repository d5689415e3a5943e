"""What lies in the archive: each product that is home, and how it was found when it was last looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

import msgspec

from watcher.core.archive.sidecars import File
from watcher.decoding import decoder
from watcher.store.connection import moment, stamp

_files = decoder(tuple[File, ...]).decode


class Held(msgspec.Struct, frozen=True):
    """A product that is home.

    `path` is relative to the `archive` that it was stored in, if that was noted; `files` are what it is made of.
    `examined` is when it was last looked at, `fault` what was wrong with it then; `doomed` is since when the limits of
    the archive want it gone.
    """

    revision: int
    title: str
    catalogue: str
    site: str
    path: str
    archive: str | None
    size: int
    files: tuple[File, ...]
    verified: str
    stored: datetime
    pinned: bool
    examined: datetime | None
    fault: str | None
    doomed: datetime | None

    @property
    def proven(self) -> bool:
        """Whether it is known to be what was published, and of which files it is made."""
        return bool(self.files) and "unverified" not in self.verified


class Former(msgspec.Struct, frozen=True):
    """Files that a product had, and has no longer, at a place that it no longer has if it `moved`."""

    revision: int
    path: str
    archive: str | None
    files: tuple[File, ...]
    moved: bool


class _Was(msgspec.Struct, frozen=True):
    path: str
    archive: str | None
    files: tuple[File, ...]


_former = decoder(_Was).decode

_HELD = (
    "SELECT d.revision, title, catalogue, d.site, path, archive, size, files, checksum, verified, stored, pinned,"
    " examined, fault, doomed FROM downloads AS d JOIN revisions AS r ON r.number = d.revision"
    " JOIN collections AS c ON c.number = r.collection WHERE stored IS NOT NULL"
)


def held(db: sqlite3.Connection, *, site: str | None = None) -> list[Held]:
    """Return the products that are home, on the shelf of a site or all, the oldest first."""
    rows = db.execute(f"{_HELD} AND (?1 IS NULL OR d.site = ?1) ORDER BY stored, d.revision", (site,))
    return [_read(row) for row in rows]


def holds(db: sqlite3.Connection, archive: str) -> bool:
    """Say whether anything was stored in an archive that has not left it since."""
    found = "SELECT 1 FROM downloads WHERE stored IS NOT NULL AND coalesce(archive, ?1) = ?1 LIMIT 1"
    return db.execute(found, (archive,)).fetchone() is not None


def one(db: sqlite3.Connection, revision: int) -> Held | None:
    """Return a product that is home; `None` when it is not."""
    row = db.execute(f"{_HELD} AND d.revision = ?", (revision,)).fetchone()
    return None if row is None else _read(row)


def titled(db: sqlite3.Connection, title: str) -> list[Held]:
    """Return the products of that title or id that are home."""
    return [_read(row) for row in db.execute(f"{_HELD} AND (r.title = ?1 OR r.id = ?1) ORDER BY d.revision", (title,))]


def examined(
    db: sqlite3.Connection, revision: int, fault: str | None, *, archive: str | None = None, now: datetime
) -> bool:
    """Note how a product was found, and in which archive; returns whether it is still meant to be there."""
    noted = db.execute(
        "UPDATE downloads SET examined = ?, fault = ?, archive = coalesce(?, archive) WHERE revision = ?"
        " AND stored IS NOT NULL",
        (stamp(now), fault, archive, revision),
    )
    return noted.rowcount > 0


def want_again(db: sqlite3.Connection, revision: int, *, now: datetime) -> None:
    """Want a product anew that is no longer there, or not as it was; it keeps its place, if what is chosen fits."""
    db.execute(
        "UPDATE downloads SET stored = NULL, due = ?, attempts = 0, given_up = NULL, former ="
        " json_object('path', path, 'archive', archive, 'files', json(files))"
        " WHERE revision = ? AND stored IS NOT NULL",
        (stamp(now), revision),
    )


def places(db: sqlite3.Connection, home: str) -> dict[str, set[str]]:
    """Return the places in the archive `home` of products that are there, or wanted, and the names of their files.

    Those that were not noted one by one, or have not come yet, have none.
    """
    rows = db.execute(
        "SELECT path, files FROM downloads WHERE path IS NOT NULL AND dropped IS NULL AND coalesce(archive, ?1) = ?1"
        " UNION ALL SELECT json_extract(former, '$.path'), json_extract(former, '$.files') FROM downloads"
        " WHERE former IS NOT NULL",
        (home,),
    )
    found: dict[str, set[str]] = {}
    for path, files in rows:
        found.setdefault(str(PurePath(path)), set()).update(file.name for file in _files(files))
    return found


def left_behind(db: sqlite3.Connection) -> list[Former]:
    """Return what products were that were wanted anew and have come home since: the files that they no longer have."""
    rows = db.execute(
        "SELECT revision, former, path, files FROM downloads WHERE former IS NOT NULL AND due IS NULL"
        " AND coalesce(stored, dropped) IS NOT NULL"
    )
    found = []
    for revision, former, path, files in rows:
        was, names = _former(former), {file.name for file in _files(files)}
        stale = tuple(file for file in was.files if was.path != path or file.name not in names)
        found.append(Former(revision, was.path, was.archive, stale, moved=was.path != path))
    return found


def left(db: sqlite3.Connection, revision: int) -> None:
    """Note that nothing is left of what a product was."""
    db.execute("UPDATE downloads SET former = NULL WHERE revision = ?", (revision,))


def elsewhere(db: sqlite3.Connection, archive: str) -> list[tuple[str, int, int]]:
    """Return the archives other than this one that products lie in, how many there are, and their bytes."""
    return db.execute(
        "SELECT archive, count(*), sum(size) FROM downloads WHERE stored IS NOT NULL AND archive <> ?"
        " GROUP BY archive ORDER BY archive",
        (archive,),
    ).fetchall()


def doom(db: sqlite3.Connection, revisions: Sequence[int], *, now: datetime) -> None:
    """Mark what is to leave the archive, if it is not yet, and nothing else."""
    listed = msgspec.json.encode(revisions).decode()
    some = "(SELECT value FROM json_each(?1))"
    db.execute(f"UPDATE downloads SET doomed = NULL WHERE doomed IS NOT NULL AND revision NOT IN {some}", (listed,))
    db.execute(
        f"UPDATE downloads SET doomed = ?2 WHERE doomed IS NULL AND stored IS NOT NULL AND revision IN {some}",
        (listed, stamp(now)),
    )


def busy(db: sqlite3.Connection) -> set[int]:
    """Return the revisions that a hook is owed to."""
    return {revision for (revision,) in db.execute("SELECT revision FROM hook_runs WHERE due IS NOT NULL")}


def drop(db: sqlite3.Connection, revision: int, *, now: datetime) -> None:
    """Note that a product has left the archive; it is wanted again only by hand."""
    db.execute(
        "UPDATE downloads SET stored = NULL, doomed = NULL, fault = NULL, dropped = ? WHERE revision = ?",
        (stamp(now), revision),
    )


def pin(db: sqlite3.Connection, title: str, *, pinned: bool) -> int:
    """Keep the products of that title or id in the archive, whatever its limits, or no longer; return how many."""
    return db.execute(
        "UPDATE downloads SET pinned = ?2, doomed = NULL"
        " WHERE revision IN (SELECT number FROM revisions WHERE title = ?1 OR id = ?1)",
        (title, pinned),
    ).rowcount


def faults(db: sqlite3.Connection) -> list[Held]:
    """Return the products that were not as they should be when they were last looked at, and are not wanted anew."""
    return [_read(row) for row in db.execute(f"{_HELD} AND fault IS NOT NULL ORDER BY title")]


def _read(row: tuple[Any, ...]) -> Held:
    revision, title, catalogue, site, path, archive, size, files, checksum, verified, stored, pinned, *rest = row
    known = _files(str(files))
    if not known and str(checksum).startswith("sha256:"):
        # Of a time when files were not noted one by one.
        known = (File("", size, str(checksum), str(verified)),)
    looked, fault, doomed = (None if value is None else str(value) for value in rest)
    when = moment(str(stored))
    assert when is not None  # noqa: S101  # the query asks for nothing else
    return Held(
        revision=revision,
        title=str(title),
        catalogue=str(catalogue),
        site=str(site),
        path=str(PurePath(str(path))),
        archive=None if archive is None else str(archive),
        size=size,
        files=known,
        verified=str(verified),
        stored=when,
        pinned=bool(pinned),
        examined=moment(looked),
        fault=fault,
        doomed=moment(doomed),
    )
