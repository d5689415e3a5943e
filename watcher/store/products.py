"""Products: every revision that was seen, where it was seen, and what became of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence, Set
from datetime import datetime
from typing import Any

import msgspec

from watcher.core.decide import Arrival, Decision, Known
from watcher.decoding import decoder
from watcher.model import Asset, Level, Page, Product, Watch
from watcher.names import same
from watcher.store.connection import moment, stamp

_LATELY = 10_000
"""So many revisions are lately."""

_json = msgspec.json.Encoder()
_assets = decoder(tuple[Asset, ...]).decode
_addresses = decoder(set[str]).decode


def known(db: sqlite3.Connection, collection: int, page: Page) -> dict[str, Known]:
    """Return what is known of a page's products, by id. Read it inside the transaction that writes the decision."""
    return named(db, collection, [product.id for product in page])


def named(db: sqlite3.Connection, collection: int, names: Sequence[str]) -> dict[str, Known]:
    """Return what is known of the products of these ids, by id."""
    ids = _json.encode(names).decode()
    found: dict[str, Known] = {}
    # The index holds id, token and rowid, so this reads no revision; CROSS JOIN keeps the planner from turning it
    # round, and by its order the newest revision that a site has seen comes last.
    for identity, token, number, site, missing in db.execute(
        "SELECT r.id, r.token, r.number, s.site, s.missing FROM json_each(?) AS listed CROSS JOIN revisions AS r"
        " ON r.collection = ? AND r.id = listed.value LEFT JOIN sightings AS s ON s.revision = r.number"
        " ORDER BY r.number",
        (ids, collection),
    ):
        record = found.get(identity)
        if record is None:
            record = found[identity] = Known({}, {})
        record.tokens[token] = number
        if site is not None:
            record.sites[site] = number
            if missing is not None:
                record.missing = True
    return found


def familiar(db: sqlite3.Connection, site: int, collection: int) -> dict[str, tuple[str, list[int]]]:
    """Return what a site has seen of a collection, by id: the newest token, and the numbers of all its revisions there.

    No product of which something is missing: that it is listed again is news.
    """
    found: dict[str, tuple[str, list[int]]] = {}
    lost: set[str] = set()
    for identity, token, number, missing in db.execute(
        "SELECT id, token, number, missing FROM sightings CROSS JOIN revisions ON number = revision"
        " WHERE site = ? AND collection = ? ORDER BY revision",
        (site, collection),
    ):
        before = found.get(identity)
        found[identity] = (token, [number] if before is None else [*before[1], number])
        if missing is not None:
            lost.add(identity)
    for identity in lost:
        del found[identity]
    return found


def first_free(db: sqlite3.Connection) -> int:
    """Return the first revision number that nothing has."""
    return int(db.execute("SELECT coalesce(max(number), 0) + 1 FROM revisions").fetchone()[0])


def record(db: sqlite3.Connection, collection: int, decision: Decision, *, now: datetime) -> None:
    """Write the products of a decision: revisions, sightings. A conflict is a defect, so nothing is ignored."""
    keys = decision.keys
    if decision.revisions:
        seen = stamp(now)
        db.executemany(
            "INSERT INTO revisions (number, collection, id, token, title, level, acquired, published, updated, cloud,"
            " platform, instrument, geometry, link, quicklook, assets, grid, acquisition, seen)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(n, collection, *_row(product), keys.get(n), seen) for n, product in decision.revisions],
        )
    if decision.completed:
        db.executemany(
            "UPDATE revisions SET (id, token, title, level, acquired, published, updated, cloud, platform, instrument,"
            " geometry, link, quicklook, assets, grid, acquisition) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " WHERE number = ?",
            ((*_row(product), keys.get(n), n) for n, product in decision.completed),
        )
    if decision.replaced:
        db.executemany(
            "UPDATE revisions SET replaced = ?2 WHERE number = ?1 AND (replaced IS NULL OR replaced < ?2)",
            decision.replaced,
        )
    if decision.returned:
        db.executemany("UPDATE sightings SET missing = NULL WHERE revision = ?", ((n,) for n in decision.returned))
    if decision.sightings:
        db.executemany("INSERT INTO sightings (revision, site) VALUES (?, ?)", decision.sightings)


def arrive(db: sqlite3.Connection, arrivals: Sequence[Arrival], *, now: datetime) -> list[tuple[int, Arrival]]:
    """Write arrivals and return them with their numbers; one that was announced before is left out."""
    written = []
    for arrival in arrivals:
        cursor = db.execute(
            "INSERT INTO arrivals (site, revision, event, arrived, cause, coverage) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (arrival.site, arrival.revision, arrival.event, stamp(now), arrival.cause, arrival.coverage),
        )
        if cursor.rowcount:
            written.append((int(cursor.lastrowid or 0), arrival))
    return written


def seen(
    db: sqlite3.Connection,
    watch: Watch,
    collection: int,
    *,
    besides: Set[int] = frozenset(),
    since: datetime | None,
    before: datetime,
) -> list[tuple[int, bool]]:
    """Return the newest revision of each product that a watch has seen, and whether it was missing `before` that time.

    Only those acquired at or after `since`, none that is known to be withdrawn or replaced by a newer processing, and
    none of the revisions in `besides`: nearly all that was seen is listed again.
    """
    at = watch.site.number
    left = [n for (n,) in db.execute("SELECT revision FROM sightings WHERE site = ?", (at,)) if n not in besides]
    if not left:
        return []
    rows = db.execute(
        "SELECT newest, missing IS NOT NULL AND missing < ?5 FROM (SELECT max(number) AS newest, missing"
        " FROM json_each(?6) AS rest CROSS JOIN sightings ON site = ?1 AND revision = rest.value"
        " CROSS JOIN revisions ON number = revision WHERE collection = ?2 AND (?3 IS NULL OR level = ?3)"
        " AND replaced IS NULL AND (?4 IS NULL OR acquired >= ?4) GROUP BY revisions.id)"
        " WHERE missing IS NULL OR NOT EXISTS (SELECT 1 FROM arrivals"
        " WHERE revision = newest AND site = ?1 AND event = 'withdrawn')",
        (at, collection, watch.level, stamp(since) if since else None, stamp(before), _json.encode(left).decode()),
    )
    return [(number, bool(missing)) for number, missing in rows]


def miss(db: sqlite3.Connection, site: int, revisions: Sequence[int], *, now: datetime) -> None:
    """Note that a complete look did not list these revisions at a site; the first that did not is remembered.

    One that a clock said that was ahead is forgotten.
    """
    db.executemany(
        "UPDATE sightings SET missing = min(coalesce(missing, ?1), ?1) WHERE revision = ?2 AND site = ?3",
        ((stamp(now), revision, site) for revision in revisions),
    )


def back(db: sqlite3.Connection, revisions: Sequence[int]) -> list[tuple[int, int, float | None, set[str]]]:
    """Return where these revisions are missed and were told as withdrawn: site, revision, coverage, and who heard it.

    Who is yet to hear it is among them.
    """
    rows = db.execute(
        "SELECT s.site, s.revision, a.coverage, json_group_array(d.address) FROM json_each(?) AS listed"
        " JOIN sightings AS s ON s.revision = listed.value JOIN arrivals AS a ON a.revision = s.revision"
        " AND a.site = s.site AND a.event = 'withdrawn' JOIN deliveries AS d ON d.arrival = a.number"
        " WHERE s.missing IS NOT NULL AND (d.sent IS NOT NULL OR d.due IS NOT NULL) GROUP BY a.number",
        (_json.encode(list(revisions)).decode(),),
    )
    return [(site, revision, coverage, _addresses(heard)) for site, revision, coverage, heard in rows]


def count(db: sqlite3.Connection) -> int:
    """Return how many revisions were seen."""
    return int(db.execute("SELECT count(*) FROM revisions").fetchone()[0])


def arrived(db: sqlite3.Connection, *, since: datetime | None, at: Collection[int] | None = None) -> int:
    """Return how many arrivals there were since then, or ever, `at` these sites or anywhere."""
    row = db.execute(
        "SELECT count(*) FROM arrivals WHERE (?1 IS NULL OR arrived >= ?1)"
        " AND (?2 IS NULL OR site IN (SELECT value FROM json_each(?2)))",
        (stamp(since) if since else None, None if at is None else _json.encode(list(at)).decode()),
    ).fetchone()
    return int(row[0])


def one(db: sqlite3.Connection, revision: int) -> tuple[str, Product]:
    """Return a revision's catalogue and the product as it was described."""
    catalogue, collection, *columns = db.execute(
        f"SELECT catalogue, collections.name, {COLUMNS} FROM revisions"
        " JOIN collections ON collections.number = collection WHERE revisions.number = ?",
        (revision,),
    ).fetchone()
    return catalogue, described(collection, columns)


def platforms(db: sqlite3.Connection) -> list[str]:
    """Return the platforms of the products that were seen lately, as their catalogues write them."""
    rows = db.execute(
        "SELECT DISTINCT platform FROM (SELECT platform FROM revisions ORDER BY number DESC LIMIT ?)"
        " WHERE platform IS NOT NULL ORDER BY 1",
        (_LATELY,),
    )
    return [platform for (platform,) in rows]


def called(db: sqlite3.Connection, names: Sequence[str]) -> str | None:
    """Return the title or id of a product that is the first of these names that any has, if need be in another case."""
    among = "COLLATE NOCASE IN (SELECT value FROM json_each(?1))"
    rows = db.execute(
        f"SELECT title, id FROM revisions WHERE title {among} OR id {among}",
        (_json.encode(list(names)).decode(),),
    )
    known = dict.fromkeys(name for row in rows for name in row)
    return next(filter(None, (same(name, known) for name in names)), None)


def titled(db: sqlite3.Connection, text: str) -> list[tuple[str, Product]]:
    """Return the newest revision of every product of that title or id, with its catalogue."""
    rows = db.execute(
        "SELECT max(number) FROM revisions WHERE title = ?1 OR id = ?1 GROUP BY collection, id ORDER BY 1", (text,)
    ).fetchall()
    return [one(db, number) for (number,) in rows]


COLUMNS = (
    "revisions.id, token, title, level, acquired, published, updated, cloud, platform, instrument,"
    " revisions.geometry, link, quicklook, assets, revisions.grid"
)
"""Of `revisions`: what `described` reads."""


def _row(product: Product) -> tuple[Any, ...]:
    updated = product.updated and stamp(product.updated)
    published = updated if product.published is product.updated else product.published and stamp(product.published)
    return (
        product.id,
        product.revision,
        product.title,
        product.level,
        product.acquired and stamp(product.acquired),
        published,
        updated,
        product.cloud,
        product.platform,
        product.instrument,
        product.geometry and product.geometry.decode(),
        product.link,
        product.quicklook,
        _json.encode(product.assets).decode(),
        product.grid,
    )


def described(collection: str, columns: Sequence[Any]) -> Product:
    """Build a product of a collection from the columns of `COLUMNS`."""
    (
        identity,
        token,
        title,
        level,
        acquired,
        published,
        updated,
        cloud,
        platform,
        instrument,
        geometry,
        *rest,
    ) = columns
    link, quicklook, assets, grid = rest
    return Product(
        collection=collection,
        id=identity,
        title=title,
        level=Level(level) if level else None,
        acquired=moment(acquired),
        revision=token,
        published=moment(published),
        updated=moment(updated),
        cloud=cloud,
        platform=platform,
        instrument=instrument,
        geometry=geometry.encode() if geometry else None,
        link=link,
        quicklook=quicklook,
        assets=_assets(assets),
        grid=grid,
    )
