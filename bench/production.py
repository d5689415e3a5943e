"""How long it takes to say how far the production is, where 100,000 revisions were seen.

    python -m bench production               1,000 sites with 50 acquisitions each, an L1C and an L2A of each
    python -m bench production --sites 100   or fewer

What `watcher progress` and `watcher upcoming` reckon over all sites, and what a poll adds where somebody wants to hear
of what is late. A tenth of the sites is measured as well: it is to take a tenth of the time.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.ratios import arguments, expect, refuse_noise, report
from watcher.core.decide import Decision
from watcher.core.production import acquisitions
from watcher.core.production.expected import outlook
from watcher.core.production.progress import progress
from watcher.model import Event, Level, Product, Subscription
from watcher.store import polls, production, products, sites, subscriptions, watching
from watcher.store.connection import connect, stamp, writing
from watcher.tasks.lateness import lateness

ACQUISITIONS = 50


def main() -> int:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--sites", type=int, default=1000)
    options = parser.parse_args()
    refuse_noise(force=options.force)
    seconds = {count: measure(count, options.runs) for count in (options.sites // 10, options.sites)}
    few, many = seconds.values()
    report(f"production: {options.sites} sites reckoned", many[0], unit="s", most=10)
    report("production: growth with ten times the sites", many[0] / few[0], unit="x", most=13)
    report(f"production: what is late at {options.sites} sites", many[1], unit="s", most=10)
    return 0


def measure(count: int, runs: int) -> tuple[float, float]:
    """Return the processor seconds of a reckoning and of a review of so many sites, in the middle of the runs."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-production-") as directory,
        closing(connect(Path(directory) / "watcher.db")) as db,
    ):
        now = build(db, count)
        reckoned = statistics.median(reckon(db, count, now) for _ in range(runs))
        reviewed = statistics.median(review(db, now) for _ in range(runs))
    print(f"    {count:6} sites: reckoned {reckoned:6.2f} s, reviewed {reviewed:6.2f} s")
    return reckoned, reviewed


def build(db: sqlite3.Connection, count: int) -> datetime:
    """Let sites have seen two satellites on two orbits each; return the time as of which they have."""
    now, draw = datetime.now(UTC).replace(microsecond=0), random.Random(1)
    began = now - timedelta(days=300)
    with writing(db):
        numbers = {Level(level): watching.collection_number(db, "cdse", f"s2-{level}") for level in ("L1C", "L2A")}
        first = 1
        for index in range(count):
            site = sites.add(db, f"Site {index}", geometry=None, country=None, origin="bench", now=began)
            for level, collection in numbers.items():
                watching.watch(
                    db, site, catalogue="cdse", collection=f"s2-{level}", level=level, code="x",
                    now=began,
                )  # fmt: skip
                listed = [made(index, turn, level, now, draw) for turn in range(ACQUISITIONS)]
                numbered = list(enumerate(listed, start=first))
                first += len(listed)
                sighted = [(number, site.number) for number, _ in numbered]
                products.record(db, collection, Decision(numbered, [], [], sighted, [], [], set()), now=now)
        db.execute("UPDATE watches SET baselined = ?", (stamp(began),))
        number = polls.start(db, "cdse", now=now)
        polls.finish(db, number, listed=1, arrived=0, problem=None, not_before=None, now=now)
        subscriptions.add(db, Subscription(0, "mail:bench@example.org", "", events=(Event.LATE,)), now=now)
    return now


def made(site: int, turn: int, level: Level, now: datetime, draw: random.Random) -> Product:
    cycle, track = divmod(turn, 4)
    acquired = now - timedelta(days=1 + 10 * cycle + (0, 3, 5, 8)[track])
    there = acquired + timedelta(hours=draw.uniform(1, 3) + (draw.uniform(2, 10) if level == "L2A" else 0))
    satellite, orbit = "AB"[track // 2], ("051", "008")[track % 2]
    title = f"S2{satellite}_MSI{level}_{acquired:%Y%m%dT%H%M%S}_N0511_R{orbit}_T31TCJ_{there:%Y%m%dT%H%M%S}"
    return Product(
        collection=f"s2-{level}", id=f"{title}-{site}", title=title, level=level, acquired=acquired, revision="1",
        published=there, cloud=float(turn * 37 % 100), platform=f"sentinel-2{satellite.lower()}", instrument="msi",
    )  # fmt: skip


def reckon(db: sqlite3.Connection, count: int, now: datetime) -> float:
    start, reckoned = time.process_time(), 0
    for site in sites.every(db):
        seen, looked = acquisitions(production.steps(db, site.number)), production.looked(db, site.number)
        (line,) = progress(seen, looked)
        ahead = outlook(seen, looked=now, now=now, until=now + timedelta(days=14))
        expect(line.made == ACQUISITIONS and len(ahead.expected) >= 4, f"{site.name} was not reckoned")
        reckoned += 1
    seconds = time.process_time() - start
    expect(reckoned == count, f"{reckoned} sites were reckoned, not {count}")
    return seconds


def review(db: sqlite3.Connection, now: datetime) -> float:
    start = time.process_time()
    found = lateness(db, "cdse", now=now)
    seconds = time.process_time() - start
    expect(not found.raised, f"{len(found.raised)} were late")
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
