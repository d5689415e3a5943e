"""Write a day's digest of 10,000 arrivals: read them, sum them up, lay them out as text, page and short form.

    python -m bench digest                    10,000 arrivals at 1,000 sites, a third of them reprocessed
    python -m bench digest --arrivals 50000   or more

The database is a real one, on disk; what is measured, in processor time, is what a pass does between the debts and the
sending, without pictures. Against it: a tenth of the arrivals, for the growth, and a notice for each of these, which is
what people would get without a digest.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.catalogue import COLLECTION
from bench.database import fresh
from bench.ratios import arguments, expect, interleaved, ratio, refuse_noise, report
from watcher.core.decide import Arrival, Decision
from watcher.core.notices import finish
from watcher.model import Asset, Event, Level, Notice, Product, Subscription
from watcher.store import looking, products, sites, subscriptions, telling, watching
from watcher.store.connection import connect, writing
from watcher.store.deliveries import Due

SITES = 1000
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
CLIP = 102_000
"""Bytes after which Gmail cuts a page off."""


def main() -> int:
    parser = arguments(__doc__, runs=7)
    parser.add_argument("--arrivals", type=int, default=10_000)
    options = parser.parse_args()
    refuse_noise(force=options.force)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        path = Path(directory) / "watcher.db"
        numbers = build(path, options.arrivals)
        few = numbers[:: len(numbers) // max(len(numbers) // 10, 1)]
        with closing(connect(path)) as db:

            def written(*groups: Sequence[int]) -> float:
                gc.collect()
                start = time.process_time()
                notices = notices_of(db, groups)
                seconds = time.process_time() - start
                told = sum(notice.text.count("watcher products") or 1 for notice in notices)
                expect(told >= len(groups), "a notice tells of nothing")
                expect(max(len(notice.html.encode()) for notice in notices) < CLIP, "a page is too long for Gmail")
                return seconds

            ways = {
                f"a digest of {len(numbers):,}": lambda: written(numbers),
                f"a digest of {len(few):,}": lambda: written(few),
                f"{len(few):,} notices of one": lambda: written(*([number] for number in few)),
            }
            seconds = list(interleaved(ways, options.runs).values())
            page = notices_of(db, [numbers])[0]
    each = len(numbers) / len(few)
    report("digest: 10,000 arrivals read and laid out", 1000 * statistics.median(seconds[0]), unit="ms", most=1500)
    report("digest: time an arrival, ten times as many", ratio(seconds[0], seconds[1]) / each, unit="x", most=1.2)
    report("digest: against a notice for each", ratio(seconds[1], seconds[2]), unit="x", most=0.25)
    report("digest: its page", len(page.html.encode()) / 1000, unit="kB", most=CLIP / 1000)
    return 0


def notices_of(db: object, groups: Sequence[Sequence[int]]) -> list[Notice]:
    """Write the notices of a pass that owes these groups of arrivals, each to one address."""
    due = [Due("mail:jane@example.org", 1, list(group), list(group), [], 0, False, None) for group in groups]
    plans = telling.drafts(db, due, "/archive/{}".format)  # type: ignore[arg-type]
    seen = looking.looked(db, subscriptions.every(db), now=NOW)  # type: ignore[arg-type]
    return [finish(plan, looked=seen[1]) for plan in plans]


def build(path: Path, arrivals: int) -> list[int]:
    """Make a database in which these arrived; a third of them had been there before, in an older processing."""
    fresh(path, "bench", code="x", places=SITES)
    with closing(connect(path)) as db, writing(db):
        subscriptions.add(db, Subscription(0, "mail:jane@example.org", ""), now=NOW - timedelta(days=1))
        collection = watching.collection_number(db, "bench", COLLECTION)
        places = [site.number for site in sites.every(db)]
        old = [product(n, "N0500") for n in range(0, arrivals, 3)]
        listed = [*old, *(product(n, "N0511") for n in range(arrivals))]
        numbered = list(enumerate(listed, 1))
        seen = [(number, places[number % SITES]) for number, _ in numbered]
        products.record(db, collection, Decision(numbered, [], [], seen, [], [], set()), now=NOW)
        known = {one.id for one in old}
        new = [
            Arrival(places[number % SITES], number, Event.REVISED if one.id in known else Event.NEW, (), False)
            for number, one in numbered[len(old) :]
        ]
        return [number for number, _ in products.arrive(db, new, now=NOW)]


def product(number: int, processing: str) -> Product:
    day = NOW - timedelta(hours=number % 20_000)
    tile = f"T31{chr(65 + number % 20)}{chr(65 + number // 20 % 20)}{chr(65 + number // 400 % 20)}"
    title = f"S2A_MSIL2A_{day:%Y%m%dT%H%M%S}_{processing}_R051_{tile}_{day:%Y%m%dT%H%M%S}"
    ring = [[n / 10, 44.0 + n % 3] for n in range(60)]
    return Product(
        COLLECTION,
        f"{number:08}",
        title,
        Level("L2A"),
        day,
        processing,
        cloud=float(number % 101),
        platform="sentinel-2a",
        geometry=f'{{"type":"Polygon","coordinates":[{[*ring, ring[0]]}]}}'.encode(),
        link=f"https://catalogue.example.org/collections/{COLLECTION}/items/{title}",
        quicklook=f"https://catalogue.example.org/ql/{number}.jpg",
        assets=tuple(Asset(f"B{n:02}", f"https://x.example.org/{title}/{n}", size=10**8) for n in range(12)),
    )


if __name__ == "__main__":
    raise SystemExit(main())
