"""Downloads: products wanted on disk, until there."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from watcher.core.archive.sidecars import File
from watcher.core.decide import Arrival
from watcher.model import Level, Watch
from watcher.store.connection import moment, stamp

Order = Literal["newest", "oldest", "clearest"]
"""Which acquisition comes home first."""

Revisions = Literal["latest", "all", "first"]
"""Which processings of an acquisition come home."""


class Wanted(msgspec.Struct, frozen=True):
    """A revision that is due to be fetched, the site whose shelf it belongs to, and the tries so far.

    One that is `staged` has been ordered from its provider's tapes.
    """

    revision: int
    catalogue: str
    site: str
    attempts: int
    staged: bool = False


class Stored(msgspec.Struct, frozen=True):
    """What came home: where it lies, how large it is, its checksum, and what proved it whole; then file by file.

    `moved` is one that was brought into the archive now, though it need not have been fetched now.
    """

    path: str
    size: int
    checksum: str
    verified: str
    fetched: int
    files: tuple[File, ...] = ()
    moved: bool = False


class Trouble(msgspec.Struct, frozen=True):
    """A download that did not go as it should."""

    title: str
    site: str
    attempts: int
    due: datetime | None
    given_up: datetime | None
    problem: str


_REPLACED = "replaced by a newer revision"
"""Why a download was given up with which nothing is wrong."""

_UNWATCHED = "no longer watched"
"""Why a download was refused whose watch has ended."""

_WANTED = (
    " ON CONFLICT (revision) DO UPDATE SET site = excluded.site, wanted = excluded.wanted, due = excluded.due,"
    f" held = NULL, problem = NULL, attempts = 0 WHERE held = 'refused' AND problem = '{_UNWATCHED}'"
)
"""What is wanted already stays as it is; what was refused since its watch has ended is wanted as if it never was."""

_EARLIER = (
    "SELECT old.number FROM revisions AS old JOIN revisions AS new USING (collection, id)"
    " WHERE new.number = ?1 AND old.number < ?1 UNION ALL SELECT old.number FROM revisions AS new CROSS"
    " JOIN revisions AS old ON old.acquisition = new.acquisition AND old.replaced = ?1 WHERE new.number = ?1"
)
"""What a revision replaces: earlier ones of its product, and those of its acquisition."""


def want(
    db: sqlite3.Connection,
    arrivals: Iterable[Arrival],
    *,
    sites: dict[int, str],
    now: datetime,
    revisions: Revisions = "latest",
) -> None:
    """Want the files of these arrivals, due at once; a revision is wanted once, whatever the number of its sites.

    Of what is processed again, the latest is wanted: what it replaces is no longer to be had, and given up. Or all are,
    and none is given up. Or the first, which is any that is home, or was.
    """
    wanted = [arrival for arrival in arrivals if arrival.download]
    if revisions == "first":
        home = f"SELECT 1 FROM downloads WHERE coalesce(stored, dropped) IS NOT NULL AND revision IN ({_EARLIER})"
        wanted = [arrival for arrival in wanted if not db.execute(home, (arrival.revision,)).fetchone()]
    if revisions != "all":
        db.executemany(
            "UPDATE downloads SET due = NULL, held = NULL, given_up = ?2, problem = ?3"
            f" WHERE (due IS NOT NULL OR held IS NOT NULL) AND revision IN ({_EARLIER})",
            ((arrival.revision, stamp(now), _REPLACED) for arrival in wanted),
        )
    db.executemany(
        f"INSERT INTO downloads (revision, site, wanted, due) VALUES (?1, ?2, ?3, ?3){_WANTED}",
        ((arrival.revision, sites[arrival.site], stamp(now)) for arrival in wanted),
    )


def want_also(
    db: sqlite3.Connection, fetched: Iterable[tuple[int, int]], *, sites: dict[int, str], now: datetime
) -> None:
    """Want the files of revisions, at a site, that nobody is told of: another catalogue had the acquisition first."""
    db.executemany(
        f"INSERT INTO downloads (revision, site, wanted, due) VALUES (?1, ?2, ?3, ?3){_WANTED}",
        ((revision, sites[site], stamp(now)) for revision, site in fetched),
    )


def want_late(db: sqlite3.Connection, offered: Iterable[tuple[int, Watch]], *, now: datetime) -> None:
    """Want the files of revisions that have them since now. What was there before a watch's baseline is left alone."""
    db.executemany(
        "INSERT INTO downloads (revision, site, wanted, due) SELECT revision, ?3, ?5, ?5 FROM arrivals"
        f" WHERE revision = ?1 AND site = ?2 AND event IN ('new', 'revised') AND arrived > ?4{_WANTED}",
        (
            (revision, watch.site.number, watch.site.name, stamp(watch.baselined), stamp(now))
            for revision, watch in offered
            if watch.baselined is not None
        ),
    )


def want_by_hand(db: sqlite3.Connection, title: str, *, now: datetime) -> int:
    """Want every seen product of that title or id, also one given up or baselined; return how many.

    It stays wanted when its watch ends.
    """
    rows = db.execute(
        "SELECT max(r.number), min(s.name) FROM revisions AS r CROSS JOIN sightings ON revision = r.number"
        " JOIN sites AS s ON s.number = site WHERE r.title = ?1 OR r.id = ?1 GROUP BY collection, id",
        (title,),
    ).fetchall()
    db.executemany(
        "INSERT INTO downloads (revision, site, wanted, due, by_hand) VALUES (?1, ?2, ?3, ?3, 1)"
        " ON CONFLICT (revision) DO UPDATE SET by_hand = 1,"
        " due = iif(stored IS NULL, excluded.due, NULL), held = NULL, given_up = NULL, attempts = 0,"
        " problem = iif(problem IN (?4, ?5), NULL, problem)",
        ((revision, site, stamp(now), _REPLACED, _UNWATCHED) for revision, site in rows),
    )
    return len(rows)


def unwant(db: sqlite3.Connection, revisions: str, values: Sequence[object], *, levels: Collection[Level]) -> int:
    """Refuse what is not home of the revisions that a query returns, but for what a watch wants; return how many.

    That is a watch of any site that saw it, or the same in another catalogue, where it was left to this one. These
    `levels` come home where a watch does not say. What was given up is not tried again either. What was asked for
    by hand stays wanted, and so does what was home and is wanted anew.
    """
    return db.execute(
        "UPDATE downloads SET due = NULL, held = 'refused', given_up = NULL, problem = ?4 WHERE stored IS NULL"
        " AND (due IS NOT NULL OR held IN ('poll', 'approval') OR (given_up IS NOT NULL AND problem IS NOT ?5))"
        " AND former IS NULL AND NOT by_hand"
        f" AND revision IN ({revisions}) AND NOT EXISTS (SELECT 1 FROM (SELECT number, collection, level"
        " FROM revisions WHERE number = downloads.revision UNION ALL SELECT k.number, k.collection, k.level"
        " FROM revisions AS r CROSS JOIN revisions AS k ON k.acquisition = r.acquisition"
        " WHERE r.number = downloads.revision AND NOT EXISTS (SELECT 1 FROM downloads AS d WHERE d.revision = k.number)"
        ") AS r CROSS JOIN sightings AS x ON x.revision = r.number CROSS JOIN watches AS w ON w.site = x.site"
        " WHERE w.collection = r.collection AND w.level IN ('', r.level)"
        " AND coalesce(w.download, r.level IN (SELECT value FROM json_each(?6))))",
        (*values, _UNWATCHED, _REPLACED, msgspec.json.encode(list(levels)).decode()),
    ).rowcount


def unwatched(db: sqlite3.Connection) -> dict[int, str]:
    """Return the places where something was begun, by revision, of what was refused since its watch has ended."""
    rows = db.execute(
        "SELECT revision, path FROM downloads WHERE held = 'refused' AND problem = ? AND path IS NOT NULL"
        " AND stored IS NULL",
        (_UNWATCHED,),
    )
    return dict(rows.fetchall())


def unshelve(db: sqlite3.Connection, revision: int) -> None:
    """Note that nothing lies at the place of a download that was refused."""
    db.execute("UPDATE downloads SET path = NULL WHERE revision = ? AND held = 'refused'", (revision,))


_ORDERS: dict[Order, str] = {
    "newest": "r.acquired DESC",
    "oldest": "r.acquired",
    "clearest": "r.cloud IS NULL, r.cloud, r.acquired DESC",
}


def due(db: sqlite3.Connection, *, now: datetime, order: Order = "newest") -> list[Wanted]:
    """Return what is due, those tried least first, then the newest acquisition, or in another order."""
    rows = db.execute(
        "SELECT d.revision, c.catalogue, d.site, d.attempts, d.staged IS NOT NULL FROM downloads AS d"
        " JOIN revisions AS r ON r.number = d.revision JOIN collections AS c ON c.number = r.collection"
        f" WHERE d.due <= ? ORDER BY d.attempts, {_ORDERS[order]}",
        (stamp(now),),
    )
    return [Wanted(number, name, site, tries, bool(staged)) for number, name, site, tries, staged in rows]


def waiting(db: sqlite3.Connection, *, now: datetime) -> Mapping[str, int]:
    """Return how many downloads are due now, by catalogue."""
    return Counter(wanted.catalogue for wanted in due(db, now=now))


def by_site(db: sqlite3.Connection, home: str) -> dict[str, int]:
    """Return the bytes that are stored on the shelf of each site in the archive `home`, not in one before it."""
    lies = "SELECT site, sum(size) FROM downloads WHERE stored IS NOT NULL AND coalesce(archive, ?1) = ?1 GROUP BY site"
    return dict(db.execute(lies, (home,)))


def place(db: sqlite3.Connection, revision: int) -> str | None:
    """Return the place that a download has so far."""
    row = db.execute("SELECT path FROM downloads WHERE revision = ?", (revision,)).fetchone()
    return None if row is None else row[0]


def shelve(
    db: sqlite3.Connection,
    revision: int,
    place: Callable[[int], str],
    *,
    fits: Callable[[str, bool], bool] = lambda path, directory: True,  # noqa: ARG005
) -> str | None:
    """Return the place of a download, given one at its first try; `None` when it is no longer wanted.

    `place(version)` gives the path relative to the archive; the first that no other revision has (whatever its case)
    is taken, and kept over all tries for as long as it `fits`: that is asked with whether it was a directory when it
    was home.
    """
    row = db.execute(
        "SELECT path, EXISTS (SELECT 1 FROM json_each(files) WHERE json_extract(value, '$.name') <> '') FROM downloads"
        " WHERE revision = ? AND due IS NOT NULL",
        (revision,),
    ).fetchone()
    if row is None:
        return None
    if row[0] is not None and fits(str(row[0]), bool(row[1])):
        return str(row[0])
    for version in itertools.count(1):
        path = place(version)
        taken = (
            "SELECT 1 FROM downloads WHERE path IS NOT NULL AND lower(path) = lower(?1) AND revision <> ?2 UNION ALL"
            " SELECT 1 FROM downloads WHERE former IS NOT NULL AND lower(json_extract(former, '$.path'))"
            " = lower(?1) AND revision <> ?2"
        )
        if not db.execute(taken, (path, revision)).fetchone():
            break
    db.execute("UPDATE downloads SET path = ? WHERE revision = ?", (path, revision))
    return path


def stored(db: sqlite3.Connection, revision: int, file: Stored, *, archive: str | None = None, now: datetime) -> None:
    """Note that a product is home, in that archive: whole, and under its final name."""
    db.execute(
        "UPDATE downloads SET stored = ?, path = ?, size = ?, checksum = ?, verified = ?, fetched = fetched + ?,"
        " files = ?, due = NULL, given_up = NULL, problem = NULL, examined = NULL, fault = NULL, doomed = NULL,"
        " dropped = NULL, staged = NULL, held = NULL, archive = ? WHERE revision = ?",
        (stamp(now), file.path, file.size, file.checksum, file.verified, file.fetched, _files(file), archive, revision),
    )


def _files(file: Stored) -> str:
    return msgspec.json.encode(file.files).decode()


def failed(
    db: sqlite3.Connection,
    revision: int,
    *,
    problem: str,
    again: datetime | None,
    now: datetime,
    counts: bool = True,
) -> None:
    """Note that a download failed, and when to try again; `None` gives it up. What was cut short is no try.

    Nor is what does not count.

    What was replaced while it was under way stays so.
    """
    db.execute(
        "UPDATE downloads SET due = ?1, given_up = ?2, problem = ?3, attempts = attempts + ?5,"
        " staged = iif(?1 IS NULL, NULL, staged) WHERE revision = ?4 AND due IS NOT NULL",
        (stamp(again) if again else None, None if again else stamp(now), problem, revision, counts),
    )


def came_since(db: sqlite3.Connection, revision: int, *, tried: Callable[[datetime], datetime]) -> bool:
    """Say whether another product of its catalogue has come home since this one, which is due, was tried last.

    `tried` says when that was, by the time at which it became due. Where nothing of its collection ever came home, all
    that came since it was wanted counts.
    """
    wanted, due, catalogue, like = db.execute(
        "SELECT d.wanted, d.due, c.catalogue, EXISTS (SELECT 1 FROM downloads AS other"
        " CROSS JOIN revisions AS r ON r.number = other.revision"
        " WHERE other.stored IS NOT NULL AND r.collection = mine.collection)"
        " FROM downloads AS d JOIN revisions AS mine ON mine.number = d.revision"
        " JOIN collections AS c ON c.number = mine.collection WHERE d.revision = ?",
        (revision,),
    ).fetchone()
    since = stamp(tried(datetime.fromisoformat(due))) if like and due is not None else wanted
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM downloads AS other JOIN revisions AS r ON r.number = other.revision"
        " JOIN collections AS c ON c.number = r.collection"
        " WHERE other.stored >= ? AND c.catalogue = ? AND other.revision <> ?)",
        (since, catalogue, revision),
    ).fetchone()
    return bool(row[0])


def retry(db: sqlite3.Connection, *, now: datetime) -> int:
    """Make what was given up, or waits for its next try, due at once; return how many. What was replaced stays so."""
    return db.execute(
        "UPDATE downloads SET due = ?1, given_up = NULL, attempts = 0"
        " WHERE stored IS NULL AND (given_up IS NOT NULL OR due > ?1) AND problem IS NOT ?2",
        (stamp(now), _REPLACED),
    ).rowcount


def in_vain(db: sqlite3.Connection, revision: int) -> list[str]:
    """Return the places of what a revision has replaced, and its own if it was: what was begun there is of no use."""
    rows = db.execute(
        "SELECT path FROM downloads WHERE stored IS NULL AND due IS NULL AND path IS NOT NULL AND problem = ?2"
        f" AND (revision = ?1 OR revision IN ({_EARLIER}))",
        (revision, _REPLACED),
    )
    return [path for (path,) in rows]


def troubles(db: sqlite3.Connection, *, waiting: bool = False) -> list[Trouble]:
    """Return what waits for another try or was given up; or only what is `waiting`."""
    rows = db.execute(
        "SELECT title, site, attempts, due, given_up, problem FROM downloads JOIN revisions ON number = revision"
        " WHERE stored IS NULL AND problem IS NOT NULL AND (staged IS NULL OR due IS NULL) AND held IS NOT 'refused'"
        " AND (due IS NOT NULL OR NOT ?1) AND (due IS NOT NULL OR problem <> ?2) ORDER BY title",
        (waiting, _REPLACED),
    )
    return [
        Trouble(title, site, attempts, moment(due), moment(given_up), problem)
        for title, site, attempts, due, given_up, problem in rows
    ]


def counts(db: sqlite3.Connection) -> tuple[int, int, int, int]:
    """Return how many downloads are wanted, stored and given up, and the bytes that are stored."""
    row = db.execute(
        "SELECT count(due), count(stored), count(given_up) FILTER (WHERE problem IS NOT ?),"
        " coalesce(sum(size) FILTER (WHERE stored IS NOT NULL), 0)"
        " FROM downloads",
        (_REPLACED,),
    ).fetchone()
    return int(row[0]), int(row[1]), int(row[2]), int(row[3])
