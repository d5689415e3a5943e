"""Read 15,000 items of a STAC API and record them, against pystac-client, which lists them.

    python -m bench stac

watcher asks by value, in the order of `updated`, decides what is new and writes it to disk, a transaction a page;
pystac-client follows the links and makes an Item of each. Both ask the same server for pages of 500 and run warm, the
imports left out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.catalogue import COLLECTION, served
from bench.database import fresh
from bench.peers import peer
from bench.ratios import arguments, interleaved, ratio, refuse_noise, report
from bench.resto import NAME, polled
from watcher import memory, plugins
from watcher.net import Http

HERE = Path(__file__).parent
GROUND = b'{"type":"Polygon","coordinates":[[[-10,40],[10,40],[10,55],[-10,55],[-10,40]]]}'
"""All items touch it."""


def main() -> int:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--products", type=int, default=15_000)
    parser.add_argument("--page", type=int, default=500)
    options = parser.parse_args()
    refuse_noise(force=options.force)
    memory.keep()
    python = installed()
    with (
        served(products=options.products, page=options.page) as address,
        tempfile.TemporaryDirectory(prefix="bench-stac-") as directory,
        Http(origin=address) as http,
        peer(
            [str(python), str(HERE / "listing.py"), f"{address}/stac/", COLLECTION, str(options.page)],
            count=options.products,
        ) as list_,
    ):
        settings = {"url": f"{address}/stac/", "collections": {COLLECTION: "L2A"}, "limit": options.page}
        catalogue = plugins.build("catalogues", "stac", settings, place="bench")
        database = Path(directory) / "watcher.db"

        def read() -> float:
            fresh(database, NAME, ground=GROUND)
            return polled(database, catalogue, http, new=options.products, listed=options.products)

        seconds = interleaved({"pystac-client, listed": list_, "watcher, recorded": read}, options.runs)
    times = ratio(seconds["pystac-client, listed"], seconds["watcher, recorded"])
    report(f"stac: record {options.products} items", times, unit="x faster than pystac-client lists", least=5)
    return 0


def installed() -> Path:
    """Return the interpreter that has pystac-client, installing it if need be."""
    python = HERE / ".venv" / "bin" / "python"
    wanted = HERE / "requirements.txt"
    stamp = HERE / ".venv" / ".installed"
    if not stamp.exists() or stamp.stat().st_mtime < wanted.stat().st_mtime:
        print("installing pystac-client into bench/.venv", flush=True)
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([python, "-m", "pip", "install", *quiet, "--requirement", wanted], check=True)
        stamp.touch()
    return python


if __name__ == "__main__":
    raise SystemExit(main())
