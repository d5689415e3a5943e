"""Watch 10,000 sites through a simulated day in which 40,000 products appear, in as few requests as are needed.

    python -m bench sites                    the day (some minutes), and all that follows
    python -m bench sites --hours 3          a part of it

Two collections with 20,000 products a day each, on a STAC server in a process of its own (`bench/sky.py`) whose time is
set before each poll. The polls are the real ones, on disk, at the intervals that they choose themselves, from the first
look on. Each product that is visible by the last poll has to be known at each site that it touches. The same polls with
one request per site are measured for fewer sites, and multiplied: that is said where it is printed.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import shapely

from bench.idle import memory, running
from bench.ratios import arguments, expect, refuse_noise, report
from bench.sky import COLLECTIONS, Sky, served
from watcher import plugins
from watcher.core.ground.matching import matches, watched
from watcher.core.questions.rhythm import Bounds
from watcher.model import Capability, Product, Site, Watch
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.store import sites, watching
from watcher.store.connection import connect, writing
from watcher.tasks.pace import pace
from watcher.tasks.poll import poll

NAME = "sky"
GAP = 0.5
BOUNDS = Bounds(usual=900, least=300, most=6 * 3600)
CONFIG = """\
[poll]
jitter = 0
[catalogues.sky]
kind = "stac"
{interval}
url = "{address}/stac"
collections = {{ L1C = "L1C", L2A = "L2A" }}
limit = 500
gap = 0.5
allow_insecure = true
"""


class Clock:
    """The time of the simulation; every look at it takes a millisecond."""

    def __init__(self, start: datetime) -> None:
        self.time = start

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time


class World:
    """The server, its time, and our client of it."""

    def __init__(self, address: str, start: datetime) -> None:
        self.address, self.clock = address, Clock(start)
        settings = {"url": f"{address}/stac", "collections": {n: n for n in COLLECTIONS}, "limit": 500}
        self.catalogue: Catalogue = plugins.build("catalogues", "stac", settings, place="bench")
        self.http = Http(origin=address)

    def turn(self, to: datetime) -> None:
        self.clock.time = to
        httpx.post(f"{self.address}/clock", json={"now": to.timestamp()})

    def searches(self) -> int:
        return int(httpx.get(f"{self.address}/searches").json()["searches"])

    def poll(self, db: sqlite3.Connection, catalogue: Catalogue | None = None) -> tuple[int, float]:
        """Poll once; returns the requests that the server counted, and our processor time in seconds."""
        before, begun = self.searches(), time.process_time()
        polled = poll(db, NAME, catalogue or self.catalogue, self.http, now=self.clock)
        took = time.process_time() - begun
        expect(polled.problem is None, str(polled.problem))
        return self.searches() - before, took


class Alone:
    """The same catalogue, believed to answer for one place at a time."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalogue, name)

    def capability(self) -> Capability:
        return Capability(learns=True, codes=False, page=500)


def main() -> int:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--sites", type=int, default=10_000)
    parser.add_argument("--a-day", type=int, default=20_000, help="products a day of each of the two collections")
    parser.add_argument("--hours", type=float, default=24, help="how long the simulated day is")
    parser.add_argument("--alone", type=int, default=200, help="sites of the measurement with one request per site")
    options = parser.parse_args()
    refuse_noise(force=options.force)
    # The day is over when `watcher plan` looks at it.
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=options.hours)
    with (
        tempfile.TemporaryDirectory(prefix="bench-sites-") as directory,
        served(start=start, a_day=options.a_day) as address,
    ):
        state = Path(directory)
        match(options.sites, options.runs)
        world = World(address, start)
        with closing(world.http):
            alone = per_site(world, state / "alone.db", options.alone, start)
            world.turn(start)
            simulate(world, state, options, start, alone)
        plans(state, address, options.sites)
    return 0


def match(count: int, runs: int) -> None:
    """Match pages of 500 against all sites, and as a loop over the sites does."""
    watches = [Watch(n, site, NAME, "L2A", None) for n, site in enumerate(places(count))]
    known = watched(watches)
    ground = [shapely.from_geojson(watch.site.geometry) for watch in watches]
    shapely.prepare(ground)
    seconds: dict[str, list[float]] = {"tree": [], "loop": []}
    for run in range(runs):
        draw = random.Random(run)
        corners = [(draw.uniform(-180, 178.9), draw.uniform(-60, 68.9)) for _ in range(500)]
        page = [
            Product("L2A", str(n), "", None, None, "", geometry=square(x, y, 1.1)) for n, (x, y) in enumerate(corners)
        ]
        for _ in range(10):
            begun = time.perf_counter()
            found = matches(page, known)
            seconds["tree"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        shapes = [shapely.from_geojson(product.geometry) for product in page[:20]]
        looped = [[n for n, one in enumerate(ground) if one.intersects(shape)] for shape in shapes]
        seconds["loop"].append((time.perf_counter() - begun) * 25)
        by_id = {listing.product.id: sorted(w.number for w in listing.watches) for listing in found}
        expect([by_id.get(str(n), []) for n in range(20)] == looped, "the tree and the loop match differently")
    report(f"sites: match 500 products x {count} sites", 1000 * statistics.median(seconds["tree"]), unit="ms", most=5)
    times = statistics.median(seconds["loop"]) / statistics.median(seconds["tree"])
    report("sites: the same, against a loop over the sites (20 products, times 25)", times, unit="x faster", least=60)


def per_site(world: World, path: Path, count: int, start: datetime) -> tuple[float, float]:
    """Poll with one request per site; returns the requests of a poll and its processor time, for one site."""
    seed(path, count, start)
    catalogue: Any = Alone(world.catalogue)
    with closing(connect(path)) as db:
        world.turn(start)
        world.poll(db, catalogue)
        polls = []
        for number in range(1, 4):
            world.turn(start + number * timedelta(seconds=BOUNDS.usual))
            polls.append(world.poll(db, catalogue))
    requests, seconds = (statistics.median(of) / count for of in zip(*polls, strict=True))
    print(
        f"    one request per site, {count} sites: {requests:.2f} requests, {1000 * seconds:.2f} ms a site and poll\n"
    )
    return requests, seconds


def simulate(
    world: World, state: Path, options: argparse.Namespace, start: datetime, alone: tuple[float, float]
) -> None:
    path = state / "watcher.db"
    seed(path, options.sites, start)
    end = start + timedelta(hours=options.hours)
    costs: list[tuple[int, float]] = []
    with closing(connect(path)) as db:
        requests, seconds = world.poll(db)
        print(f"    the first look: {requests} requests, {seconds:.1f} s of processor time", flush=True)
        now = start + timedelta(seconds=BOUNDS.usual)
        while now <= end:
            world.turn(now)
            costs.append(world.poll(db))
            if len(costs) < 4 or len(costs) % 24 == 0:
                print(f"    {now:%H:%M} poll {len(costs)}: {costs[-1][0]} requests, {costs[-1][1]:.2f} s", flush=True)
            last = now
            now += timedelta(seconds=pace(db, NAME, bounds=BOUNDS, gap=GAP, now=now).interval(now=now))
        judge(db, options, start, last)
    resident(state, world.address)
    days = options.hours / 24
    requests = sum(cost for cost, _ in costs) / days
    each = [seconds for _, seconds in costs[2:]]
    print(f"    {len(costs)} polls, {requests / len(costs) * days:.1f} requests a poll")
    what = f"sites: {options.sites} sites x {2 * options.a_day} products a day"
    report(f"{what}, requests a day", requests, unit="", most=3_000)
    report(f"{what}, of the host's budget (gap {GAP} s)", 100 * requests * GAP / 86_400, unit="%", most=5)
    report(f"{what}, processor time of a poll", statistics.median(each), unit="s", most=2)
    polls = 86_400 / BOUNDS.usual
    times = alone[0] * options.sites * polls / requests
    report(f"{what}, against one request per site every 15 min (extrapolated)", times, unit="x fewer", least=100)
    times = alone[1] * options.sites / statistics.median(each)
    report(f"{what}, processor time of a poll against the same", times, unit="x less", least=5)


def judge(db: sqlite3.Connection, options: argparse.Namespace, start: datetime, last: datetime) -> None:
    """Hold what was recorded against what was visible: nothing missing, and how long it took."""
    grounds = shapely.from_geojson([site.geometry for site in places(options.sites)])
    tree = shapely.STRtree(grounds)
    numbers = {name: number for number, name in db.execute("SELECT number, name FROM sites")}
    delays: list[float] = []
    found_late = 0
    for collection in COLLECTIONS:
        sky = Sky(collection, start, options.a_day)
        sighted: dict[str, set[int]] = {}
        seen: dict[str, float] = {}
        for identity, site, time_ in db.execute(
            "SELECT id, site, seen FROM sightings JOIN revisions AS r ON r.number = revision JOIN collections AS c"
            " ON c.number = collection WHERE c.name = ?", (collection,)
        ):  # fmt: skip
            sighted.setdefault(identity, set()).add(site)
            seen[identity] = datetime.fromisoformat(time_).timestamp()
        touched: dict[int, set[int]] = {}
        for product, place in tree.query(sky.ground, predicate="intersects").T.tolist():
            touched.setdefault(product, set()).add(numbers[f"S{place}"])
        visible = [n for n in touched if sky.visible[n] <= last.timestamp() and sky.stamped[n] <= last.timestamp()]
        missing = [n for n in visible if sighted.get(sky.name(n), set()) != touched[n]]
        deep = [n for n in missing if sky.visible[n] > (last - timedelta(hours=24)).timestamp()]
        lost = [n for n in missing if n not in set(deep) or sky.visible[n] - sky.stamped[n] < 3 * 3600]
        expect(not lost, f"{len(lost)} products of {collection} were missed: {lost[:5]}")
        print(f"    {collection}: {len(visible)} products at sites, 0 missed; {len(missing)} that were published more"
              " than 3 h late wait for the day's long question")  # fmt: skip
        for n in visible:
            if n not in set(missing) and sky.visible[n] > (start + timedelta(seconds=2 * BOUNDS.usual)).timestamp():
                delays.append(seen[sky.name(n)] - sky.visible[n])
                found_late += sky.visible[n] - sky.stamped[n] > 3 * 3600
    expect(min(delays) > -1, f"a product was seen {-min(delays)} s before it was visible")
    delays.sort()
    print(f"    {len(delays)} products: seen after {delays[len(delays) // 2] / 60:.1f} min (median), "
          f"{delays[len(delays) * 95 // 100] / 60:.1f} min (95 %), {delays[-1] / 3600:.1f} h at most; {found_late} of"
          " them were published more than 3 h late")  # fmt: skip
    report("sites: delay until seen, median", delays[len(delays) // 2] / 60, unit="min", most=7.5)
    report("sites: delay until seen, 95 %", delays[len(delays) * 95 // 100] / 60, unit="min", most=15)


def resident(state: Path, address: str) -> None:
    """Run the service on a copy of the database; say what it holds in memory when it has polled."""
    home = state / "service"
    home.mkdir()
    with closing(sqlite3.connect(state / "watcher.db")) as db, closing(sqlite3.connect(home / "watcher.db")) as copy:
        db.backup(copy)
        copy.execute("DELETE FROM polls")
        copy.commit()
    (home / "config.toml").write_text(CONFIG.format(address=address, interval='interval = "15s"'))
    script = str(Path(sys.executable).with_name("watcher"))
    command = [script, "--config", str(home / "config.toml"), "--state", str(home), "run", "--log-format", "json"]
    polls = 0
    with running(command) as service:
        assert service.stderr is not None
        for line in service.stderr:
            expect("problem" not in line and "failed" not in line, line)
            polls += '"polled"' in line
            if polls == 3:
                break
        else:
            raise SystemExit("FAILED: the service ended before it polled three times")
        time.sleep(5)  # what follows from a poll is done at once
        rss, pss = memory(service.pid)
    print(f"    watcher run: RSS {rss:.1f} MB, PSS {pss:.1f} MB")
    report("sites: memory of watcher run, idle after three polls", rss, unit="MB RSS", most=80)


def plans(state: Path, address: str, most: int) -> None:
    """Print `watcher plan` for fewer and more sites, by what the day measured."""
    script = str(Path(sys.executable).with_name("watcher"))
    for count in (1, 10, 100, 1_000, 10_000):
        home = state / f"plan-{count}"
        home.mkdir()
        shutil.copy(state / "watcher.db", home / "watcher.db")
        (home / "config.toml").write_text(CONFIG.format(address=address, interval=""))
        with closing(connect(home / "watcher.db")) as db, writing(db):
            db.execute("DELETE FROM watches WHERE site > ?", (count,))
        if count <= most:
            subprocess.run([script, "--config", home / "config.toml", "--state", home, "plan"], check=True)
        shutil.rmtree(home)


def seed(path: Path, count: int, start: datetime) -> None:
    """Make a database with so many sites, watched in both collections."""
    with closing(connect(path)) as db, writing(db):
        for one in places(count):
            site = sites.add(db, one.name, geometry=one.geometry, country=None, origin="bench", now=start)
            for collection in COLLECTIONS:
                watching.watch(
                    db, site, catalogue=NAME, collection=collection, level=None,
                    download=False, now=start,
                )  # fmt: skip


def places(count: int) -> list[Site]:
    """Scatter sites over the Earth."""
    draw = random.Random(7)
    return [
        Site(n + 1, f"S{n}", square(draw.uniform(-180, 179.6), draw.uniform(-60, 69.6), 0.3), None, "bench")
        for n in range(count)
    ]


def square(x: float, y: float, side: float) -> bytes:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return f'{{"type":"Polygon","coordinates":[{ring}]}}'.encode()


if __name__ == "__main__":
    raise SystemExit(main())
