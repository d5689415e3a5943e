"""Write one page of 500 products where ten million are known: what a poll does between two requests.

    python -m bench page                     ten million products, 9 GB, made once (some minutes) in the user's cache
    python -m bench page --rows 1000000      or fewer
    python -m bench page --ids random        ids without order (UUIDs), the worst there is for an index

The transaction of a poll - look up what is known, decide, record, commit - on the real schema, with the file in the
system's cache: for pages that were all seen before, and for pages that are all new, which are taken out again.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import platformdirs

from bench.catalogue import COLLECTION, SITE
from bench.database import fresh
from bench.ratios import arguments, expect, refuse_noise, report
from watcher.core.audience import Audience
from watcher.core.decide import decide
from watcher.core.ground.matching import matches
from watcher.model import Asset, Level, Product, Watch
from watcher.store import products, subscriptions, watching
from watcher.store.connection import connect, stamp, writing

PAGE = 500
_FIRST = datetime(2014, 5, 1, tzinfo=UTC)


def main() -> int:
    parser = arguments(__doc__, runs=200)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--ids", choices=["ordered", "random"], default="ordered")
    parser.add_argument("--cache", type=Path, default=platformdirs.user_cache_path("watcher-bench"))
    options = parser.parse_args()
    identity = ordered if options.ids == "ordered" else scattered
    path = options.cache / f"{options.ids}-{options.rows}.db"
    if not path.exists():
        build(path, options.rows, identity)
    refuse_noise(force=options.force)
    with closing(connect(path)) as db:
        expect(products.count(db) == options.rows, f"{path} holds {products.count(db)} products: delete it")
        watch = watching.watches(db)[0]
        draw = random.Random(7)
        recent = range(options.rows - options.rows // 50, options.rows - PAGE)
        warm(db, watch, [draw.choice(recent) for _ in range(20)], identity)
        seen = [visit(db, watch, draw.choice(recent), identity, new=0) for _ in range(options.runs)]
        try:
            starts = range(options.rows + 1, options.rows + 1 + PAGE * options.runs, PAGE)
            new = [visit(db, watch, start, identity, new=PAGE) for start in starts]
        finally:
            with writing(db):
                db.execute("DELETE FROM sightings WHERE revision > ?", (options.rows,))
                db.execute("DELETE FROM revisions WHERE number > ?", (options.rows,))
    what = f"page: {PAGE} of {options.rows} {options.ids} ids"
    for state, took, most in (("all seen", seen, 5), ("all new", new, 15)):
        shown = sorted(1000 * seconds for seconds in took)
        print(
            f"    {state:9} p50 {statistics.median(shown):6.2f} ms   p90 {shown[len(shown) * 9 // 10]:6.2f} ms"
            f"   p99 {shown[len(shown) * 99 // 100]:6.2f} ms   of {len(shown)} pages"
        )
        report(f"{what}, {state}", statistics.median(shown), unit="ms", most=most)
    return 0


def warm(db: sqlite3.Connection, watch: Watch, starts: Sequence[int], identity: Callable[[int], str]) -> None:
    for start in starts:
        visit(db, watch, start, identity, new=0)


def visit(db: sqlite3.Connection, watch: Watch, start: int, identity: Callable[[int], str], *, new: int) -> float:
    """Write one page as a poll does; returns the seconds from BEGIN to the end of COMMIT."""
    page = [described(number, identity) for number in range(start, start + PAGE)]
    begin = time.perf_counter()
    with writing(db):
        found = matches(page, [watch])
        decision = decide(
            found,
            products.known(db, 1, [listing.product for listing in found]),
            subscriptions.audience(db, now=datetime.now(UTC)),
            first_number=products.first_free(db),
            download_levels=(),
        )
        products.record(db, 1, decision, now=datetime.now(UTC))
    seconds = time.perf_counter() - begin
    expect(len(decision.revisions) == new, f"{len(decision.revisions)} products were new, not {new}")
    expect(len(decision.listed) == PAGE, f"{len(decision.listed)} products were listed")
    return seconds


def ordered(number: int) -> str:
    """Most catalogues' ids begin with what grows: the mission, then the time."""
    return f"S2B_MSIL2A_{number:012}_N0511_R094_T31TCJ"


def scattered(number: int) -> str:
    """resto's are UUIDs."""
    mixed = number * 0x9E3779B97F4A7C15 % 2**64
    return f"{mixed >> 32:08x}-{mixed >> 16 & 0xFFFF:04x}-5{mixed >> 4 & 0xFFF:03x}-a{mixed & 0xFFF:03x}-{number:012x}"


def described(number: int, identity: Callable[[int], str]) -> Product:
    acquired = _FIRST + timedelta(seconds=35 * number)
    published = acquired + timedelta(hours=9)
    title = ordered(number)
    return Product(
        collection=COLLECTION,
        id=identity(number),
        title=title,
        level=Level("L2A"),
        acquired=acquired,
        revision=f"{stamp(published)}|{stamp(published)}|05.11|md5:{number:032x}|{700_000_000 + number}",
        published=published,
        updated=published,
        cloud=float(number % 101),
        platform="sentinel-2b",
        instrument="msi",
        geometry=b'{"type":"Polygon","coordinates":[[[1.5,43.5],[2.5,43.5],[2.5,44.5],[1.5,44.5],[1.5,43.5]]]}',
        code=SITE,
        link=f"https://stac.invented.example/collections/{COLLECTION}/items/{title}",
        assets=(
            Asset("product", f"https://data.invented.example/{title}.zip", "application/zip",
                  700_000_000 + number, f"md5:{number:032x}"),
        ),
    )  # fmt: skip


def build(path: Path, rows: int, identity: Callable[[int], str]) -> None:
    """Make a database with so many products, each seen at one site. Its index is made at the end: it is quicker."""
    print(f"making {path}: {rows / 1e6 * 0.9:.1f} GB, once", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft, now = path.with_suffix(".draft"), datetime.now(UTC)
    fresh(draft, "invented", code=SITE)
    with closing(connect(draft)) as db:
        index = db.execute("SELECT sql FROM sqlite_master WHERE name = 'revision_identity'").fetchone()[0]
        db.executescript("DROP INDEX revision_identity; PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF")
        watch, nobody = watching.watches(db)[0], Audience((), now=now)
        step = 50_000
        for first in range(1, rows + 1, step):
            page = [described(number, identity) for number in range(first, min(first + step, rows + 1))]
            with writing(db):
                decision = decide(matches(page, [watch]), {}, nobody, first_number=first, download_levels=())
                products.record(db, 1, decision, now=now)
            print(f"\r{100 * (first + len(page)) // rows:4} %", end="", flush=True)
        print("\rindexing", flush=True)
        db.execute(index)
        db.execute("PRAGMA journal_mode = WAL")
    draft.rename(path)


if __name__ == "__main__":
    raise SystemExit(main())
