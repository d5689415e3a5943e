"""Kill a process that polls and notifies, again and again, and count what is lost and what is doubled.

    python -m bench.kill_poll [--kills 200] [--seed 1]

A resto server on loopback publishes products: late, out of order, some of them processed again. A worker polls it and
posts notices for two people to a sink, in a loop, and is killed with SIGKILL at random moments; one time in three at
the worst there is, when a notice has arrived and its sender cannot know yet. In the end it is left alone for once.
Counted, and judged: arrivals that a person was never told of (must be 0), rows that are there twice (must be 0), and
notices that came again, for each kill (must be at most 1).
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from watcher.config import load
from watcher.demo.catalogue import Catalogue, serve
from watcher.demo.products import L1C, L2A, OPENING, Product
from watcher.demo.sites import HEROES
from watcher.demo.timeline import Timeline
from watcher.model import Level, Notice, Outcome, Sent, Subscription
from watcher.store import sites, subscriptions, watching
from watcher.store.connection import connect, writing
from watcher.tasks.notify import notify
from watcher.wiring import Parts, chance, now

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = ("mail:jane@example.org", "mail:john@example.org")
STEP = timedelta(minutes=40)
"""Pretend time between two publications."""


class Damage(NamedTuple):
    """What the kills did: arrivals expected, lost, rows and notices doubled, the most notices doubled by one kill.

    `needless` are notices that a worker doubled which nobody had killed yet.
    """

    kills: int
    expected: int
    lost: list[str]
    rows: int
    repeated: int
    worst: int
    needless: int


@dataclass
class Sink:
    """Where notices arrive: address and key of each, with the number of kills before it was sent.

    It answers after a moment.
    """

    kills: int = 0
    came: list[tuple[str, str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    news: threading.Event = field(default_factory=threading.Event)

    def take(self, address: str, key: str, kills: int) -> None:
        with self.lock:
            self.came.append((address, key, kills))
        self.news.set()
        time.sleep(0.01)


class Clock:
    """Real seconds of the story, turned by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="how often the worker is killed (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of the chance that chooses the moments (default: 1)")
    parser.add_argument("--work", nargs=3, metavar=("DIRECTORY", "SINK", "KILLS"), help=argparse.SUPPRESS)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        directory, sink, kills = options.work
        work(Path(directory), sink, int(kills), once=options.once)
        return 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kill-poll-") as name:
        damage = torment(Path(name), kills=options.kills, seed=options.seed)
    print(f"{damage.kills} kills in {time.monotonic() - begun:.0f} s, {damage.expected} arrivals to be told")
    print(f"lost                 {len(damage.lost)} {' '.join(damage.lost[:5])}")
    print(f"duplicate rows       {damage.rows}")
    print(
        f"duplicate notices    {damage.repeated}, {damage.repeated / damage.kills:.2f} a kill, at most {damage.worst}"
    )
    print(f"of no kill           {damage.needless}")
    return int(bool(damage.lost) or damage.rows > 0 or damage.worst > 1 or damage.needless > 0)


def torment(directory: Path, *, kills: int, seed: int) -> Damage:
    """Kill the worker so often, then let it finish, and count the damage."""
    dice = random.Random(seed)
    products = story(3 * kills, dice)
    clock = Clock()
    timeline = Timeline(start=OPENING, end=OPENING + 9 * kills * STEP, pace=1.0, clock=clock, products=products)
    with serve(timeline=timeline) as catalogue, listening() as (sink, address):
        prepare(directory, catalogue)
        worker = start(directory, address, sink.kills, once=True)
        assert worker.wait(60) == 0, "the worker failed at the baseline"
        timeline.begin()
        for _ in range(kills):
            worker = start(directory, address, sink.kills)
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n", "the worker does not start"
            for last in (False, False, True):
                sink.news.clear()
                clock.seconds += len(timeline.arrivals) / (3 * kills)
                if last and dice.random() < 1 / 3:
                    sink.news.wait(2.0)
                else:
                    time.sleep(dice.uniform(0, 0.12))
            worker.send_signal(signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL, "the worker ended by itself"
            worker.stdout.close()
            sink.kills += 1
        clock.seconds = len(timeline.arrivals) + 1.0
        worker = start(directory, address, sink.kills, once=True)
        assert worker.wait(120) == 0, "the worker failed at the end"
    return judge(directory / "state" / "watcher.db", timeline, sink)


def story(count: int, dice: random.Random) -> list[Product]:
    """Some products that are there from the start, and so many that come: late, and one in eight processed again."""
    first = datetime(2013, 1, 1, 10, tzinfo=OPENING.tzinfo)
    products = [Product(site, level, first, OPENING - timedelta(days=1)) for site in HEROES for level in (L1C, L2A)]
    days = dice.sample(range(1, 800), count)
    for number, day in enumerate(days):
        site, level = dice.choice(HEROES), dice.choice([L1C, L2A])
        acquired, published = first + timedelta(days=day), OPENING + (number + 1) * STEP
        gone = published + dice.randrange(1, 60) * STEP if dice.random() < 0.125 else None
        products.append(Product(site, level, acquired, published, withdrawn=gone))
        if gone is not None:
            products.append(Product(site, level, acquired, gone + STEP / 2, version="1.1"))
    return products


def prepare(directory: Path, catalogue: Catalogue) -> None:
    (directory / "config.toml").write_text(
        f'[catalogues.take5]\nkind = "resto"\nurl = "{catalogue.url}"\ncollections = ["SPOT5"]\ngap = 0\n',
        encoding="utf-8",
    )
    (directory / "state").mkdir(mode=0o700)
    with closing(connect(directory / "state" / "watcher.db")) as db, writing(db):
        for place in HEROES:
            site = sites.add(db, place.code, geometry=None, country=None, origin="kill_poll", now=now())
            for level in ("L1C", "L2A"):
                watching.watch(
                    db,
                    site,
                    catalogue="take5",
                    collection="SPOT5",
                    level=Level(level),
                    code=place.code,
                    now=now(),
                )
        for person in PEOPLE:
            subscriptions.add(db, Subscription(0, person, ""), now=now())


def start(directory: Path, sink: str, kills: int, *, once: bool = False) -> subprocess.Popen[bytes]:
    given = (str(directory), sink, str(kills))
    command = [sys.executable, "-m", "bench.kill_poll", "--work", *given, *(["--once"] if once else [])]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL if once else subprocess.PIPE)


def work(directory: Path, sink: str, kills: int, *, once: bool) -> None:
    """Poll and notify until killed, or until nothing is owed any more; so many were killed before."""

    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, (address, notice) in enumerate(posts):
            told = json.dumps({"address": address, "key": notice.key, "kills": kills, "text": notice.text}).encode()
            with urllib.request.urlopen(urllib.request.Request(sink, told), timeout=30):
                yield Sent(index, Outcome.SENT)

    parts = Parts(load(directory / "config.toml"), directory / "state")
    with closing(parts.db()) as db:
        parts.catalogues.http("take5")
        print("ready", flush=True)
        while True:
            polled = parts.poll(db, "take5")
            if polled.problem is not None:
                raise SystemExit(polled.problem)
            told = list(notify(db, send, parts.keeping.archive.shown, now=now, chance=chance))
            if once and not told:
                return


@contextmanager
def listening() -> Iterator[tuple[Sink, str]]:
    """Take notices on loopback: what has been read whole has arrived, whether or not its sender hears so."""
    sink = Sink()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) == int(self.headers["Content-Length"]):
                told = json.loads(body)
                sink.take(told["address"], told["key"], told["kills"])
                self.send_response(204)
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            if not isinstance(sys.exception(), ConnectionError):  # who was killed hangs up
                super().handle_error(request, client_address)  # type: ignore[arg-type]

    with Server(("127.0.0.1", 0), Take) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield sink, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def judge(database: Path, timeline: Timeline, sink: Sink) -> Damage:
    """Compare what was published with what arrived in the sink."""
    expected = {product.ident: product for product in timeline.arrivals}  # a later version takes its first one's place
    arrived = {(address, key) for address, key, _ in sink.came}
    told: set[tuple[str, str, str]] = set()
    with closing(sqlite3.connect(database)) as db:
        for title, token, address, key in db.execute(
            "SELECT r.title, r.token, d.address, d.notice FROM deliveries AS d JOIN arrivals AS a"
            " ON a.number = d.arrival JOIN revisions AS r ON r.number = a.revision"
            " WHERE d.sent IS NOT NULL AND a.event IN ('new', 'revised')"
        ):
            if (address, key) in arrived:
                told.add((title, token.split("|")[2], address))
        doubled = sum(
            db.execute(f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {key} HAVING count(*) > 1)").fetchone()[0]
            for table, key in (
                ("revisions", "collection, id, token"),
                ("revisions", "collection, title, published"),
                ("sightings", "revision, site"),
                ("arrivals", "site, revision, event"),
                ("deliveries", "arrival, address"),
            )
        )
    lost = [
        f"{ident} for {person}"
        for ident, product in expected.items()
        for person in PEOPLE
        if (ident, product.version, person) not in told
    ]
    # A repeat is owed to the kill of whoever sent that notice last, though others may have been killed in between.
    last: dict[tuple[str, str], int] = {}
    again: Counter[int] = Counter()
    needless = 0
    for address, key, kill in sorted(sink.came, key=lambda one: one[2]):
        before = last.get((address, key))
        if before is not None:
            again[before] += 1
            needless += before >= kill
        last[address, key] = kill
    return Damage(sink.kills, len(expected), lost, doubled, again.total(), max(again.values(), default=0), needless)


if __name__ == "__main__":
    sys.exit(main())
