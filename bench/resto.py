"""Bring 15,000 products of a resto server into an empty database, and then read them all again.

    python -m bench resto                 500 products a page, about 4 kB each
    python -m bench resto --gzip          the same, compressed by the server

The real poll - walk, decode, check, decide, one transaction a page, all of it on disk - against a program with one
httpx.Client that fetches the same pages and makes dictionaries of them with `json.loads`, which is where anybody would
start. Both fetch from nginx on loopback.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bench.catalogue import COLLECTION, SITE, pages_served
from bench.database import fresh
from bench.peers import peer
from bench.ratios import arguments, expect, interleaved, ratio, refuse_noise, report, timed
from watcher import memory, plugins
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.store import products
from watcher.store.connection import connect
from watcher.tasks.poll import Polled, poll

NAME = "invented"
HERE = Path(__file__).parent


def main() -> int:
    parser = arguments(__doc__, runs=7)
    parser.add_argument("--products", type=int, default=15_000)
    parser.add_argument("--page", type=int, default=500)
    parser.add_argument("--gzip", action="store_true", help="let the server compress its answers")
    options = parser.parse_args()
    refuse_noise(force=options.force)
    memory.keep()
    with (
        pages_served(products=options.products, page=options.page, zipped=options.gzip) as address,
        tempfile.TemporaryDirectory(prefix="bench-resto-") as directory,
        Http(origin=address) as http,
        peer(
            [sys.executable, str(HERE / "fetching.py"), address, COLLECTION, str(options.products), str(options.page)],
            count=options.products,
        ) as fetch,
    ):
        settings = {"url": f"{address}/resto", "collections": [COLLECTION], "page_size": options.page}
        catalogue = plugins.build("catalogues", "resto", settings, place="bench")
        database = Path(directory) / "watcher.db"

        def import_() -> float:
            fresh(database, NAME, code=SITE)
            return polled(database, catalogue, http, new=options.products, listed=options.products)

        def again() -> float:
            return polled(database, catalogue, http, new=0, listed=options.products)

        ways = {"fetch and json.loads": fetch, "first poll, recorded": import_, "poll again, all known": again}
        seconds = interleaved(ways, options.runs)
    floor = seconds["fetch and json.loads"]
    zipped = ", gzip" if options.gzip else ""
    report(f"resto: record {options.products} products{zipped}", ratio(seconds["first poll, recorded"], floor),
           unit="x fetch + json.loads", most=0.9)  # fmt: skip
    report(f"resto: poll {options.products} known products{zipped}", ratio(seconds["poll again, all known"], floor),
           unit="x fetch + json.loads", most=0.5)  # fmt: skip
    return 0


def polled(path: Path, catalogue: Catalogue, http: Http, *, new: int, listed: int) -> float:
    with closing(connect(path)) as db:
        before = products.count(db)
        seconds, outcome = timed(lambda: visit(db, catalogue, http))
        expect(outcome.problem is None, f"the poll failed: {outcome.problem}")
        expect(outcome.listed == listed, f"{outcome.listed} products were listed")
        expect(products.count(db) == before + new, f"{products.count(db)} products are recorded")
        sighted = db.execute("SELECT count(*) FROM sightings").fetchone()[0]
        expect(sighted == before + new, f"{sighted} sightings are recorded")
    return seconds


def visit(db: sqlite3.Connection, catalogue: Catalogue, http: Http) -> Polled:
    return poll(db, NAME, catalogue, http, now=lambda: datetime.now(UTC))


if __name__ == "__main__":
    raise SystemExit(main())
