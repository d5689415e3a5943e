"""Match 10,000 arrivals with 1,000 subscriptions in one poll, and owe what follows.

    python -m bench owing                        a minute or two
    python -m bench owing --subscriptions 5000   or more of them

A poll as it really is, on disk, of a catalogue in memory: 100 sites, each with a page of 100 products that nobody has
seen. Half of the subscriptions mean one site, the others several, a tag or every site; they filter by level, cloud,
coverage and platform, and want to hear at once, daily or weekly. The poll is measured without subscriptions, with a
quarter of them and with all: what it takes longer is what the owed rows cost. That is held against SQLite putting as
many rows into the same table, and matching alone against asking each subscription of each arrival. All of it is
processor time, which the neighbours on the machine disturb least.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import process_time

from bench.ratios import arguments, expect, interleaved, ratio, refuse_noise, report, timed
from tests.tasks.pretend import NOBODY, Pretend
from watcher.core.audience import Audience
from watcher.core.filters import means, refused
from watcher.core.identity.revisions import token
from watcher.model import Event, Level, Product, Rhythm, Subscription
from watcher.store import sites, subscriptions, watching
from watcher.store.connection import connect, writing
from watcher.tasks.poll import poll

NAME, COLLECTION = "owing", "S2"
SITES, PAGE = 100, 100
ARRIVALS = SITES * PAGE
TAGS = 10
LEVELS = (Level("L1C"), Level("L2A"))
NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)
SQUARE = b'{"type":"Polygon","coordinates":[[[1,43],[2,43],[2,44],[1,44],[1,43]]]}'


def main() -> int:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--subscriptions", type=int, default=1000)
    options = parser.parse_args()
    refuse_noise(force=options.force)
    many, few = options.subscriptions, options.subscriptions // 4
    with tempfile.TemporaryDirectory(prefix="bench-owing-") as directory:
        place = Path(directory)
        rows = {number: Owing(place, number) for number in (0, few, many)}
        ways: dict[str, Callable[[], float]] = {
            f"{number} subscriptions": owing.polled for number, owing in rows.items()
        }
        ways["SQLite alone"] = lambda: bare(rows[many].after, place / "bare.db")
        seconds = interleaved(ways, options.runs)
    without = seconds["0 subscriptions"]
    each = {
        number: [
            (took - nothing) / rows[number].owed
            for took, nothing in zip(seconds[f"{number} subscriptions"], without, strict=True)
        ]
        for number in (few, many)
    }
    alone = [took / rows[many].owed for took in seconds["SQLite alone"]]
    print()
    for number in (few, many):
        print(f"    {number:5} subscriptions: {rows[number].owed} rows owed")
    what = f"owing: {ARRIVALS} arrivals x {many} subscriptions"
    report(f"{what}: an owed row against SQLite's own time for it", ratio(each[many], alone), unit="x", most=2)
    report(f"{what}: an owed row against one of {few} subscriptions", ratio(each[many], each[few]), unit="x", most=1.25)
    quick, slow = matching(many)
    report(f"{what}: matching against asking each", slow / quick, unit="x", least=8)
    return 0


class Owing:
    """A database with so many subscriptions that has looked at its catalogue once, and what a poll of it owes."""

    def __init__(self, place: Path, number: int) -> None:
        self.before, self.after = place / f"{number}-before.db", place / f"{number}-after.db"
        self.owed = 0
        self.catalogue = Pretend(codes=True, size=PAGE)
        with closing(connect(self.before)) as db:
            with writing(db):
                for n in range(SITES):
                    add(db, n)
                for n in range(number):
                    subscriptions.add(db, subscribed(n), now=NOW)
            poll(db, NAME, self.catalogue, NOBODY, now=lambda: NOW)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.catalogue.list(*(product(n) for n in range(ARRIVALS)))

    def polled(self) -> float:
        """Poll once, on a fresh copy; returns the processor time that it took."""
        for left in self.after.parent.glob(f"{self.after.name}*"):
            left.unlink()
        shutil.copyfile(self.before, self.after)
        with closing(connect(self.after)) as db:
            later = NOW + timedelta(hours=1)
            took, polled = timed(lambda: poll(db, NAME, self.catalogue, NOBODY, now=lambda: later), clock=process_time)
            expect(polled.arrived == ARRIVALS, f"{polled.arrived} arrived: {polled.problem}")
            self.owed = db.execute("SELECT count(*) FROM deliveries WHERE due IS NOT NULL").fetchone()[0]
        return took


def add(db: sqlite3.Connection, n: int) -> None:
    site = sites.add(db, f"Site {n}", geometry=SQUARE, country=None, origin="bench", now=NOW)
    sites.tag(db, site, [f"tag {n % TAGS}"])
    watching.watch(
        db,
        site,
        catalogue=NAME,
        collection=COLLECTION,
        level=None,
        code=f"site-{n}",
        now=NOW,
    )


def subscribed(n: int) -> Subscription:
    """The n-th subscription. Sites have the numbers from 1 on."""
    terms = [
        {"sites": (1 + n % SITES,), "max_cloud": 20.0 + n % 7},
        {"sites": (1 + n % SITES,), "levels": (LEVELS[1],), "min_coverage": 60.0},
        {"sites": (1 + n % SITES,), "platforms": ("sentinel-2a",)},
        {"sites": tuple(1 + (n + k) % SITES for k in range(5)), "rhythm": Rhythm("week", time(8), n % 7)},
        {"tags": (f"tag {n // 10 % TAGS}",), "rhythm": Rhythm("day", time(n % 24), 0, "Europe/Paris")},
        {"tags": (f"tag {n // 10 % TAGS}",), "max_cloud": 10.0 + n % 11, "unknown_cloud": False},
        {"max_cloud": 5.0 * (n // 10 % 20), "rhythm": Rhythm(zone="Europe/Paris", quiet=(time(22), time(7)))},
    ]
    return Subscription(0, f"mail:{n}@example.org", "", **terms[(0, 0, 1, 1, 2, 3, 3, 4, 5, 6)[n % 10]])  # type: ignore[arg-type]


def product(n: int) -> Product:
    acquired = NOW - timedelta(minutes=n % 1000)
    return Product(
        collection=COLLECTION,
        id=f"product {n}",
        title=f"product {n}",
        level=LEVELS[n % 2],
        acquired=acquired,
        revision=token(updated=None, produced=None, version=str(n), checksum=None, size=None),
        cloud=float(n * 37 % 101),
        platform=f"sentinel-2{'ab'[n // 2 % 2]}",
        geometry=SQUARE,
        code=f"site-{n // PAGE}",
    )


def bare(after: Path, path: Path) -> float:
    """Put the rows that a poll owed into a table like theirs, as many in a transaction; returns the processor time."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    columns = "arrival, subscription, address, owed, due, hold"
    with closing(sqlite3.connect(after)) as source:
        found = source.execute(f"SELECT {columns} FROM deliveries ORDER BY number").fetchall()
    shutil.copyfile(after, path)
    with closing(connect(path)) as db:
        db.execute("DELETE FROM deliveries")
        size = len(found) // SITES + 1
        pages = [found[first : first + size] for first in range(0, len(found), size)]
        took, _ = timed(lambda: [insert(db, columns, page) for page in pages], clock=process_time)
    return took


def insert(db: sqlite3.Connection, columns: str, page: list[tuple[object, ...]]) -> None:
    with writing(db):
        db.executemany(f"INSERT INTO deliveries ({columns}) VALUES (?, ?, ?, ?, ?, ?)", page)


def matching(number: int) -> tuple[float, float]:
    """Return the processor time that it takes to match an arrival, by the index and by asking each subscription."""
    everybody = [subscribed(n) for n in range(number)]
    tags = {1 + n: {f"tag {n % TAGS}"} for n in range(SITES)}
    arrivals = [(1 + n // PAGE, product(n)) for n in range(0, ARRIVALS, ARRIVALS // 1000)]

    def indexed() -> int:
        # A poll asks anew for each page.
        return sum(
            len(audience.owed(site, product(n), coverage=100.0))
            for page in range(SITES)
            for audience in [Audience(everybody, now=NOW, tags=tags)]
            for n in range(page * PAGE, (page + 1) * PAGE)
            for site in [1 + page]
        )

    def asked() -> int:
        return sum(
            means(one, site, tags[site]) and refused(one, Event.NEW, arrived, coverage=100.0, now=NOW) is None
            for site, arrived in arrivals
            for one in everybody
        )

    quick, told = timed(indexed, clock=process_time)
    slow, some = timed(asked, clock=process_time)
    expect(0.8 < told / ARRIVALS / (some / len(arrivals)) < 1.25, f"{told} were told, and {some} of a tenth")
    print(f"    matching: {1e6 * quick / ARRIVALS:.1f} us an arrival, asking each {1e6 * slow / len(arrivals):.1f} us")
    return quick / ARRIVALS, slow / len(arrivals)


if __name__ == "__main__":
    raise SystemExit(main())
