"""Products brought home by a real dask cluster: a scheduler and two workers, processes of their own."""

from __future__ import annotations

import base64
import pickle
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from distributed import Client, Event, fire_and_forget
from msgspec import structs

import watcher as package
from tests.archive.lots import archive_in
from tests.auth.pretend import CANARIES, ISSUED, secrets, staged
from tests.conftest import Scene, Watcher
from tests.given import Clock, product, rows
from tests.loopback import Request, reply, until
from tests.servers.buckets import AnyBucket
from tests.servers.keep import free_port
from tests.tasks.daskcluster import DaskCluster
from tests.tasks.fetched import fetch
from tests.tasks.test_download import DUE, GIVEN_UP, HOME, Files, archive, files, lying, state, want
from tests.tasks.test_download_of_chosen_assets import BANDS, Shelf, wish
from tests.transfer.depot import Depot, md5, noise
from watcher import config, jobs
from watcher.archive import Archive, Disk
from watcher.credentials import remembered
from watcher.errors import ClusterError, ConfigError, TransferError
from watcher.model import Asset
from watcher.net import Loan, Settings
from watcher.store.downloads import Wanted
from watcher.tasks.download import Brought, How
from watcher.tasks.download.cluster import Cluster
from watcher.tasks.download.job import Job
from watcher.tasks.download.reaching import Where
from watcher.tasks.download.travelling import launcher
from watcher.tasks.download.worker import Mark, Outcome, Parcel, _plain, unfit
from watcher.transfer import Progress, Rate, Terms
from watcher.transfer.mark import marked
from watcher.wiring import Parts

__all__ = ["archive", "files", "secrets"]


ASK = 0.2


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the service say and look more often than it would."""
    monkeypatch.setattr("watcher.tasks.download.scheduler._BEAT", 0.3)
    monkeypatch.setattr("watcher.tasks.download.scheduler._GRACE", ASK + 0.8)
    monkeypatch.setattr("watcher.tasks.download.cluster._LOOK", 0.1)
    monkeypatch.setattr("watcher.tasks.download.cluster._AGAIN", 0.3)
    monkeypatch.setattr("watcher.tasks.download._LOOK", 0.3)


def altered(folder: Path, lines: str) -> dict[str, str]:
    """The environment of a worker that runs some lines when it starts."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(lines)
    return {"PYTHONPATH": f"{folder}:{Path.cwd()}"}


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Two workers, at least, that ask often: what a test has killed is started again for the next one."""
    folder = tmp_path_factory.mktemp("dask")
    made = DaskCluster(
        folder, environment=altered(folder / "brisk", f"import watcher.tasks.download.worker as w\nw.ASK = {ASK}\n")
    )
    try:
        made.start(2)
        yield made
    finally:
        made.close()


@pytest.fixture
def settings(files: Files) -> Settings:
    return Settings(origin=files.peer.origin, allow_insecure=True)


@pytest.fixture
def cluster(dask: DaskCluster, archive: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr("watcher.tasks.download.scheduler._INTRODUCTION", 60.0)  # however busy the machine
    with Cluster(Where(dask.address), Disk(archive), lambda name: settings, most=8, line="eo-watcher-test") as made:
        yield made


Bring = Callable[..., list[Brought]]


@pytest.fixture
def bring(db: sqlite3.Connection, settings: Settings, archive: Path, clock: Clock, cluster: Cluster) -> Iterator[Bring]:
    with settings.client(None) as http:

        def once(**terms: Any) -> list[Brought]:
            clock.forward(minutes=1)
            terms = {"carry": cluster.carry, "concurrency": 8, **terms}
            return list(fetch(db, http, Disk(archive), clock, **terms))

        yield once


@pytest.fixture
def bring_by(db: sqlite3.Connection, settings: Settings, archive: Path, clock: Clock) -> Bring:
    """Bring by a cluster of the test's own, or by another way."""

    def once(
        dask: DaskCluster,
        *,
        to: Archive | None = None,
        ours: Settings = settings,
        auth: httpx.Auth | None = None,
        most: int = 8,
        line: str = "eo-watcher-own",
        alive: Callable[[], None] = lambda: None,
    ) -> list[Brought]:
        clock.forward(minutes=1)
        shelves = to or Disk(archive)
        with (
            ours.client(auth) as http,
            Cluster(Where(dask.address), shelves, lambda name: ours, most=most, line=line, alive=alive) as cluster,
        ):
            return list(fetch(db, http, shelves, clock, carry=cluster.carry, concurrency=most))

    return once


def test_products_come_home_verified_by_whoever_has_time(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    numbers = [want(db, f"P{n}", files.asset(f"/P{n}.dat", b"content %d" % n * 1000)) for n in range(6)]
    brought = bring(how=lambda name: How(sidecar=True))
    assert [one.problem for one in brought] == [None] * 6
    assert [state(db, number) for number in numbers] == [(*HOME, 0)] * 6
    assert (archive / "Pornic/L2A/SPOT5_P3_L2A.dat").read_bytes() == b"content 3" * 1000
    assert len([name for name in lying(archive) if name.endswith(".json")]) == 6
    assert {one.stored.verified for one in brought if one.stored} == {"md5"}
    assert bring() == []


class Gated:
    """A file with ranges, of which half comes at once and the rest when told; counts who is being served."""

    def __init__(self, content: bytes) -> None:
        self.content, self.go = content, threading.Event()
        self.now = self.most = self.halves = 0
        self.ranges: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, request: Request, connection: socket.socket) -> None:
        first = int(request.headers.get("range", "bytes=0-")[6:].partition("-")[0])
        rest, total = self.content[first:], len(self.content)
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.ranges.append(request.headers.get("range", ""))
        try:
            span = f"Content-Range: bytes {first}-{total - 1}/{total}\r\n" if "range" in request.headers else ""
            head = f"HTTP/1.1 {206 if span else 200} OK\r\n{span}Content-Length: {len(rest)}\r\n\r\n"
            connection.sendall(head.encode() + rest[: len(rest) // 2])
            with self.lock:
                self.halves += 1
            connection.settimeout(0.05)
            while not self.go.is_set():
                with suppress(TimeoutError):
                    if not connection.recv(1):  # whoever asked is gone
                        return
            connection.settimeout(10)
            connection.sendall(rest[len(rest) // 2 :])
        finally:
            with self.lock:
                self.now -= 1


def gated_at(files: Files, size: int) -> Gated:
    gated = files.does["/P1.dat"] = Gated(noise(size))
    files.bytes["/P1.dat"] = gated.content
    return gated


def who_fetches(dask: DaskCluster) -> str:
    """Name the one worker that has a task, as soon as it is one."""
    with Client(dask.address, set_as_default=False) as client:

        def busy() -> list[str]:
            return [address for address, tasks in client.processing().items() if tasks]

        until(lambda: len(busy()) == 1)
        return dask.named(busy()[0])


def in_background(work: Callable[[], Any]) -> Future[Any]:
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future


def test_files_that_a_site_has_chosen_come_by_a_worker_too(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    want(db, "P1")
    wish(db, "B02", "SCL")
    (brought,) = bring(choose=Shelf(files))
    assert brought.problem is None
    home = archive / "Pornic/L2A/SPOT5_P1_L2A"
    assert {path.stem: path.read_bytes() for path in home.iterdir()} == {key: BANDS[key] for key in ("B02", "SCL")}


def test_a_product_whose_worker_is_killed_comes_home_whole_by_another(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring, dask: DaskCluster, cluster: Cluster, clock: Clock
) -> None:
    gated = gated_at(files, 400_000)
    number = want(db, "P1", files.asset("/P1.dat"))
    others = [want(db, f"P{n}", files.asset(f"/P{n}.dat", b"other %d" % n)) for n in range(2, 5)]
    where: list[str] = []

    def kill() -> None:
        until(lambda: gated.halves == 1)
        until(lambda: (archive / "Pornic/L2A/SPOT5_P1_L2A.dat.part").stat().st_size == 200_000)
        where.append(who_fetches(dask))
        dask.kill(where[0])
        until(lambda: gated.halves == 2)
        gated.go.set()

    killer = in_background(kill)
    brought = bring()
    killer.result()
    dask.start_worker()
    assert len(where) == 1
    assert [one.problem for one in brought] == [None] * 4
    assert (archive / "Pornic/L2A/SPOT5_P1_L2A.dat").read_bytes() == gated.content
    assert gated.ranges == ["", "bytes=200000-"], "what had come was fetched again"
    assert [state(db, one) for one in (number, *others)] == [(*HOME, 0)] * 4
    assert rows(db, "SELECT count(*), count(DISTINCT revision), sum(stored IS NOT NULL) FROM downloads") == [(4, 4, 4)]
    assert rows(db, "PRAGMA integrity_check") == ["ok"]
    assert not [name for name in lying(archive) if ".part" in name]


def test_a_worker_that_is_sent_away_leaves_its_product_to_another(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring, dask: DaskCluster
) -> None:
    """As adaptive clusters do: dask gives it to another at once, and lets the first go on."""
    gated = gated_at(files, 400_000)
    number = want(db, "P1", files.asset("/P1.dat"))
    went: list[str] = []

    def send_away() -> None:
        until(lambda: gated.halves == 1)
        went.append(who_fetches(dask))
        with Client(dask.address, set_as_default=False) as client:
            client.retire_workers([dask.address_of(went[0])])
        until(lambda: gated.halves == 2)
        gated.go.set()

    sending = in_background(send_away)
    (brought,) = bring()
    sending.result()
    dask.start_worker()
    until(lambda: went[0] not in dask.alive())  # nor does it keep its process
    assert brought.problem is None
    assert state(db, number) == (*HOME, 0)
    assert (archive / "Pornic/L2A/SPOT5_P1_L2A.dat").read_bytes() == gated.content
    assert (gated.ranges, gated.most) == (["", "bytes=200000-"], 1)


class Counted:
    """Files of which half of what is asked for comes at once, and the rest when told; counts who is being served.

    `most` counts those whose other end is there as well: where that is gone, Linux knows at once (tcp(7), TCP_INFO).
    """

    def __init__(self, content: bytes) -> None:
        self.content, self.go, self.lock = content, threading.Event(), threading.Lock()
        self.open: list[socket.socket] = []
        self.asked = self.most = 0

    def __call__(self, request: Request, connection: socket.socket) -> None:
        first, _, last = request.headers.get("range", "bytes=0-")[6:].partition("-")
        some, total = self.content[int(first) : int(last or len(self.content)) + 1], len(self.content)
        with self.lock:
            self.open.append(connection)
            self.asked += 1
            self.most = max(self.most, sum(established(one) for one in self.open))
        try:
            span = f"Content-Range: bytes {first}-{int(first) + len(some) - 1}/{total}\r\n"
            head = f'HTTP/1.1 206 Partial\r\n{span}ETag: "1"\r\nContent-Length: {len(some)}\r\n\r\n'
            if "range" not in request.headers:
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n"
            connection.sendall(head.encode() + some[: len(some) // 2])
            self.go.wait(30)
            connection.sendall(some[len(some) // 2 :])
        finally:
            with self.lock:
                self.open.remove(connection)


def established(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1


def test_after_a_worker_was_killed_a_server_sees_no_more_of_us_than_before(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring, dask: DaskCluster
) -> None:
    """Of the connections that a server thinks it has, those of the dead are closed before the first new one."""
    counted = Counted(noise(34 << 20))
    for n in range(2):
        files.bytes[f"/P{n}.dat"], files.does[f"/P{n}.dat"] = counted.content, counted
        want(db, f"P{n}", files.asset(f"/P{n}.dat"))

    def kill() -> None:
        until(lambda: counted.asked == 3)
        with Client(dask.address, set_as_default=False) as client:
            busy = [address for address, tasks in client.processing().items() if tasks]
        dask.kill(dask.named(busy[0]))
        until(lambda: counted.asked > 3)
        counted.go.set()

    killer = in_background(kill)
    spare = threading.Semaphore(1)
    brought = bring(how=lambda name: How(Terms(streams=2, spare=spare)))
    killer.result()
    dask.start_worker()
    assert [one.problem for one in brought] == [None] * 2
    assert [(archive / f"Pornic/L2A/SPOT5_P{n}_L2A.dat").read_bytes() == counted.content for n in range(2)] == [
        True
    ] * 2
    assert counted.most == 3


def test_a_product_at_which_workers_die_one_after_the_other_is_tried_again_later(
    db: sqlite3.Connection, files: Files, bring_by: Bring, tmp_path: Path
) -> None:
    gated = gated_at(files, 200_000)
    number = want(db, "P1", files.asset("/P1.dat"))
    own = DaskCluster(tmp_path)

    def kill_twice() -> None:
        for death in (1, 2):
            until(lambda death=death: gated.halves == death)  # type: ignore[misc]
            own.kill(who_fetches(own))

    try:
        # So dask itself gives up at the first death; by itself it tries three others.
        own.start_scheduler({"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"})
        for name in [own.start_worker(wait=False) for _ in range(2)]:
            own.wait_for(name)
        killer = in_background(kill_twice)
        (brought,) = bring_by(own, most=1)
        killer.result()
    finally:
        own.close()
    assert re.match(
        r"a worker that fetched it died, the last tcp://\S+ \[see the logs of the workers", brought.problem or ""
    )
    assert brought.again is not None
    assert state(db, number) == (*DUE, 1)
    assert gated.ranges[0] == ""
    assert gated.ranges[1] == "bytes=100000-"


def test_no_more_is_fetched_at_once_by_all_workers_than_by_one_machine(
    db: sqlite3.Connection, files: Files, bring: Bring
) -> None:
    gated = Gated(noise(50_000))
    gated.go.set()

    def slowly(request: Request, connection: socket.socket) -> None:
        gated(request, connection)

    for n in range(12):
        files.bytes[f"/P{n}.dat"], files.does[f"/P{n}.dat"] = gated.content, slowly
        want(db, f"P{n}", files.asset(f"/P{n}.dat"))
    assert [one.problem for one in bring(how=lambda name: How(concurrency=2))] == [None] * 12
    assert gated.most <= 2


def test_the_pauses_of_a_catalogue_hold_over_all_workers(
    db: sqlite3.Connection, files: Files, settings: Settings, dask: DaskCluster, bring_by: Bring
) -> None:
    for n in range(5):
        want(db, f"P{n}", files.asset(f"/P{n}.dat", b"tiny"))
    began = time.monotonic()
    assert len(bring_by(dask, ours=structs.replace(settings, gap=0.15))) == 5
    assert time.monotonic() - began >= 4 * 0.15


def test_streams_are_shared_out_by_the_service(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    """Three large files at once, and three connections beyond the first: never more than six."""
    content = noise(34 << 20)
    depot, lock, now = Depot(content, etag='"1"', kind="application/octet-stream"), threading.Lock(), Counter[str]()

    def served_and_counted(request: Request, connection: socket.socket) -> bytes | None:
        with lock:
            now["now"] += 1
            now["most"] = max(now["most"], now["now"])
            now["ranges"] += "range" in request.headers
        try:
            said = depot(request, connection)
            if said is not None:
                connection.sendall(said)
        finally:
            with lock:
                now["now"] -= 1
        return b""

    for n in range(3):
        files.bytes[f"/P{n}.dat"], files.does[f"/P{n}.dat"] = content, served_and_counted
        want(db, f"P{n}", files.asset(f"/P{n}.dat"))
    spare = threading.Semaphore(3)
    brought = bring(how=lambda name: How(Terms(streams=4, spare=spare)))
    assert [one.problem for one in brought] == [None] * 3
    assert now["ranges"] > 3
    assert now["most"] <= 6
    assert [spare.acquire(blocking=False) for _ in range(4)] == [True, True, True, False], (
        "what was taken is given back"
    )


def test_the_rate_is_shared_out_and_followed(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    rate = Rate(100_000)
    for n in range(2):
        want(db, f"P{n}", files.asset(f"/P{n}.dat", noise(2_000_000, n)))
    began, came, seen = time.monotonic(), {}, [0.0]

    def steer() -> None:
        if time.monotonic() - began > 0.8:
            rate.limit = None

    def show(title: str, progress: Progress) -> None:
        if rate.limit is not None:
            came[title] = progress.done
            seen[0] = time.monotonic() - began

    assert [one.problem for one in bring(how=lambda name: How(Terms(rate=rate)), steer=steer, show=show)] == [None] * 2
    assert 0 < sum(came.values()) < 200_000 + 100_000 * seen[0], "what came while it held"
    assert time.monotonic() - began < 30, "two files of 2,000,000 bytes take forty seconds at the first rate"


def test_what_a_server_refuses_is_told_as_if_it_had_been_asked_from_here(
    db: sqlite3.Connection, files: Files, bring: Bring
) -> None:
    gone, cut = want(db, "P1", files.asset("/P1.dat")), want(db, "P2", files.asset("/P2.dat", b"x" * 200_000))
    tape = want(db, "P3", files.asset("/P3.dat"))
    files.does["/P2.dat"] = lambda request, connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100_000
    )
    files.does["/P1.dat"] = lambda request, connection: reply(410)
    files.does["/P3.dat"] = lambda request, connection: reply(202, Retry_After="900")
    told = {one.title: one for one in bring()}
    assert re.fullmatch(
        r"127.0.0.1 does not have the file \(410\): catalogued, but not on its disk \(at tcp://127.0.0.1:\d+\)",
        told["SPOT5_P1_L2A"].problem or "",
    )
    assert [state(db, number)[:2] for number in (gone, cut, tape)] == [GIVEN_UP, DUE, DUE]
    assert told["SPOT5_P3_L2A"].staged
    assert rows(db, "SELECT bytes FROM volumes") == [100_000]


def test_a_pass_that_is_stopped_stops_its_workers_and_what_came_is_kept(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    gated = gated_at(files, 200_000)
    number, stop = want(db, "P1", files.asset("/P1.dat")), threading.Event()
    told: list[tuple[str, Progress]] = []

    def show(title: str, progress: Progress) -> None:
        told.append((title, progress))
        stop.set()

    assert bring(stop=stop, show=show) == []
    assert told[0][0] == "SPOT5_P1_L2A"
    assert (0 < told[0][1].done <= 100_000, told[0][1].total) == (True, 200_000)
    assert gated.now == 0
    assert state(db, number) == (*DUE, 0)
    assert (archive / "Pornic/L2A/SPOT5_P1_L2A.dat.part").stat().st_size == 100_000
    assert rows(db, "SELECT bytes FROM volumes") == [100_000]


def test_a_look_at_the_cluster_disturbs_nobody(
    db: sqlite3.Connection, files: Files, bring: Bring, cluster: Cluster
) -> None:
    gated = gated_at(files, 200_000)
    want(db, "P1", files.asset("/P1.dat"))

    def look() -> None:
        until(lambda: gated.halves == 1)
        assert list(cluster.roll().values()) == [None] * 2
        end = time.monotonic() + 3 * ASK  # in which a worker asks at least once whether to stop
        until(lambda: time.monotonic() > end)
        gated.go.set()

    looking = in_background(look)
    assert [one.problem for one in bring()] == [None]
    looking.result()
    assert gated.ranges == [""]


def test_a_pass_that_was_killed_leaves_nothing_running_beside_the_next(
    db: sqlite3.Connection, files: Files, archive: Path, settings: Settings, dask: DaskCluster, bring: Bring
) -> None:
    gated = gated_at(files, 200_000)
    number = want(db, "P1", files.asset("/P1.dat"))
    job = Job(
        Wanted(number, "take5", "Pornic", 0),
        product("P1", assets=(files.asset("/P1.dat"),)),
        "x.dat",
        Disk(archive),
        How(),
    )
    code = f"""
import datetime, pickle, threading
from watcher.tasks.download.cluster import Cluster
from watcher.tasks.download.job import Own
from watcher.tasks.download.reaching import Where
from watcher.transfer import Tally
job, settings = pickle.loads({pickle.dumps((job, settings))!r})
with Cluster(Where({dask.address!r}), job.archive, lambda name: settings, most=1, line="eo-watcher-test") as cluster:
    http = settings.client(None)
    own = Own(lambda: http, None, None, Tally(), datetime.datetime.now, None, threading.Event())
    print(cluster.carry(job, own))
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: gated.halves == 1, seconds=30)
    process.kill()
    process.wait()
    assert gated.now == 1, "the worker goes on for a while: it does not know yet"
    want(db, "P2", files.asset("/P2.dat", b"two"))
    orphan: list[int] = []

    def look() -> None:
        until(lambda: files.asked("/P2.dat") == 1)
        orphan.append(gated.ranges.count(""))
        until(lambda: gated.now == 1)
        gated.go.set()

    looking = in_background(look)
    assert [one.problem for one in bring(how=lambda name: How(concurrency=2))] == [None] * 2
    looking.result()
    assert gated.most == 1


# Credentials


@pytest.mark.usefixtures("secrets")
def test_a_worker_is_lent_a_token_and_another_when_it_is_over(
    db: sqlite3.Connection, dask: DaskCluster, bring_by: Bring
) -> None:
    content = noise(60_000)

    def inside(request: Request, connection: socket.socket) -> bytes:
        return reply(200, content) if scene.server.good(request.headers.get("authorization", "")) else reply(401)

    with staged("oauth", inside) as scene:
        settings = Settings(origin=scene.home.origin, hosts=tuple(scene.hosts), allow_insecure=True)
        asset = Asset("product", scene.home.url("/P.dat"), "application/octet-stream", len(content), md5(content))
        numbers = [want(db, f"P{n}", asset) for n in range(3)]
        auth = scene.kind.auth()
        with settings.client(auth) as http:
            http.lend([asset.href])
        scene.server.over.add(f"{ISSUED}-1")
        brought = bring_by(dask, ours=settings, auth=auth, most=1, line="eo-watcher-t")
        with Client(dask.address, set_as_default=False) as client:
            about = str(client.get_events()) + str(client.get_task_stream()) + str(client.scheduler_info())
            about += str(client.run_on_scheduler(_of_tasks))
        assert [one.problem for one in brought] == [None] * 3
        assert scene.server.logins == 2, "the first was over; all others share the second"
        assert [state(db, number) for number in numbers] == [(*HOME, 0)] * 3
        told = about + dask.logs()
        assert "eo-watcher-t-" in told
        assert ISSUED not in told
        assert not any(canary in told for canary in CANARIES)


def _of_tasks(dask_scheduler: Any) -> str:
    """All that a scheduler shows of the tasks that it knows or knew."""
    tasks = [(key, repr(task), str(task), repr(task.run_spec)) for key, task in dask_scheduler.tasks.items()]
    return repr((tasks, list(dask_scheduler.transition_log), dict(dask_scheduler.task_metadata)))


def test_a_parcel_shows_nobody_what_is_in_it() -> None:
    loan = Loan(((("https", "h", 443), (("Authorization", "Bearer s3cret"),)),))
    settings = Settings(origin="https://h", proxy="http://jane:s3cret@proxy:3128")
    job = Job(Wanted(1, "take5", "Pornic", 0), product(), "P1.zip", Disk(Path("/archive")), How())
    parcel = Parcel(job, settings, loan, "line", "turn", "ticket", None)
    assert pickle.loads(pickle.dumps(parcel)) == parcel
    launch = launcher("1", b"", pickle.dumps(parcel))
    for one in (parcel, loan, settings, launch):
        assert "s3cret" not in f"{one!r} {one} {[one]}"


def test_an_error_comes_without_its_cause_and_without_a_secret() -> None:
    remembered("s3cret")

    def broken() -> None:
        try:
            raise OSError("Authorization: Bearer s3cret", threading.Lock())
        except OSError as cause:
            raise TransferError("the server says: s3cret", hint="not s3cret", retry_after=7.0) from cause

    with pytest.raises(TransferError) as caught:
        broken()
    written = pickle.dumps(Outcome("tcp://a:1", error=_plain(caught.value)))
    assert b"s3cret" not in written
    error = pickle.loads(written).error
    assert (str(error), error.hint, error.retry_after) == ("the server says: ***", "not ***", 7.0)
    assert (error.__cause__, error.__traceback__) == (None, None)


def test_a_defect_at_a_worker_is_raised_here_once_the_others_are_home(
    db: sqlite3.Connection, files: Files, bring: Bring
) -> None:
    broken = want(db, "P1", files.asset("/P1.dat", b"x"))
    well = want(db, "P2", files.asset("/P2.dat", b"two"), catalogue="peps")
    with pytest.raises(RuntimeError, match=r"(?s)at tcp://127.0.0.1:\d+: Traceback.*'int' object is not iterable"):
        bring(how=lambda name: How(members=5) if name == "take5" else How())  # type: ignore[arg-type]
    assert state(db, broken) == (*DUE, 1)
    assert state(db, well) == (*HOME, 0)


# Buckets


def test_workers_bring_products_to_a_bucket_by_themselves(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, dask: DaskCluster, bring_by: Bring, tmp_path: Path
) -> None:
    archive = archive_in(bucket, tmp_path)
    numbers = [want(db, f"P{n}", files.asset(f"/P{n}.dat", noise(6_000_000, n))) for n in range(3)]
    brought = bring_by(dask, to=archive, most=4)
    assert [one.problem for one in brought] == [None] * 3
    assert sorted(bucket.visible()) == [f"eo/Pornic/L2A/SPOT5_P{n}_L2A.dat" for n in range(3)]
    assert bucket.read("eo/Pornic/L2A/SPOT5_P1_L2A.dat") == noise(6_000_000, 1)
    assert [state(db, number) for number in numbers] == [(*HOME, 0)] * 3
    assert "wJalrXUtnFEMI" not in dask.logs()


def test_a_worker_whose_own_disk_is_full_keeps_nobody_from_the_others(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, dask: DaskCluster, bring_by: Bring, tmp_path: Path
) -> None:
    lines = "import os; os.fstatvfs = lambda file: os.statvfs_result((4096, 4096, 9, 0, 0, 9, 9, 9, 0, 255))\n"
    full = dask.start_worker(environment=altered(tmp_path / "full", lines))
    try:
        for n in range(12):
            want(db, f"P{n}", files.asset(f"/P{n}.dat", b"%d" % n))
        assert [one.problem for one in bring_by(dask, to=archive_in(bucket, tmp_path))] == [None] * 12
    finally:
        dask.kill(full)


# Who can fetch, and whether anybody can


def test_a_worker_of_another_version_or_without_the_archive_gets_nothing(
    db: sqlite3.Connection,
    files: Files,
    archive: Path,
    bring: Bring,
    cluster: Cluster,
    dask: DaskCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So the two are there before they are met, and the scheduler is not called silent for what was not asked of it.
    monkeypatch.setattr("watcher.tasks.download.scheduler._BEAT", 60.0)
    monkeypatch.setattr("watcher.tasks.download.scheduler.LEASE", 120.0)
    want(db, "P", files.asset("/P.dat", b"first"))
    assert [one.problem for one in bring()] == [None]
    old = dask.start_worker(
        wait=False, environment=altered(tmp_path / "old", "import watcher; watcher.__version__ = '0.0.9'\n")
    )
    bare = dask.start_worker(
        wait=False, environment=altered(tmp_path / "bare", "import sys; sys.modules['watcher'] = None\n")
    )
    try:
        for name in (old, bare):
            dask.wait_for(name)
        for n in range(20):
            want(db, f"P{n}", files.asset(f"/P{n}.dat", b"%d" % n))
        assert [one.problem for one in bring()] == [None] * 20
        for known in (cluster._linked().roll(), cluster.roll()):
            assert "has eo-watcher 0.0.9, the service" in (known[dask.address_of(old)] or "")
            assert "has no eo-watcher: pip install 'eo-watcher[dask]' there" in (known[dask.address_of(bare)] or "")
            assert list(known.values()).count(None) == 2
    finally:
        dask.kill(old)
        dask.kill(bare)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    mark = Mark(elsewhere, marked(archive))
    assert "does not see the archive" in (unfit(package.__version__, mark) or "")
    assert unfit(package.__version__, Mark(archive, mark.text)) is None
    (elsewhere / ".watcher-archive").write_text("of another archive")
    assert "does not see the archive" in (unfit(package.__version__, mark) or "")


def test_a_worker_that_hangs_keeps_nobody_from_the_others(
    db: sqlite3.Connection,
    files: Files,
    bring: Bring,
    cluster: Cluster,
    dask: DaskCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("watcher.tasks.download.scheduler._INTRODUCTION", 5.0)
    hung = dask.start_worker()
    dask.processes[hung].send_signal(signal.SIGSTOP)
    try:
        for n in range(9):
            want(db, f"P{n}", files.asset(f"/P{n}.dat", b"%d" % n))
        assert [one.problem for one in bring()] == [None] * 9
        roll = cluster.roll()
        assert roll[dask.address_of(hung)] == f"{dask.address_of(hung)} does not answer"
        assert list(roll.values()).count(None) == 2
        monkeypatch.setattr("watcher.tasks.download.scheduler.LEASE", 0.5)
        dask.processes[hung].send_signal(signal.SIGCONT)
        until(lambda: list(cluster._linked().roll().values()).count(None) == 3)
    finally:
        dask.kill(hung)


def test_who_waits_for_a_worker_that_has_time_is_alive(
    db: sqlite3.Connection, files: Files, dask: DaskCluster, bring_by: Bring
) -> None:
    """Others may use the cluster, too, and for longer than the service may say nothing."""
    want(db, "P1", files.asset("/P1.dat", b"one"))
    signs: list[float] = []
    with Client(dask.address, set_as_default=False) as other:
        held = Event("held", client=other)
        for n in range(4 * len(dask.alive())):
            fire_and_forget(other.submit(_held, n, pure=False))
        until(lambda: sum(map(len, other.processing().values())) == 4 * len(dask.alive()))

        def let_go() -> None:
            until(lambda: len(signs) > 3)
            assert files.asked("/P1.dat") == 0
            held.set()

        letting = in_background(let_go)
        (brought,) = bring_by(dask, alive=lambda: signs.append(time.monotonic()))
        letting.result()
    assert brought.problem is None


def _held(number: int) -> int:
    Event("held").wait(30)
    return number


def test_a_scheduler_that_is_gone_ends_the_pass_and_nothing_is_lost(
    db: sqlite3.Connection,
    files: Files,
    archive: Path,
    bring_by: Bring,
    settings: Settings,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gated = gated_at(files, 200_000)
    number = want(db, "P1", files.asset("/P1.dat"))
    own = DaskCluster(tmp_path)
    monkeypatch.setattr("watcher.tasks.download.reaching.PATIENCE", 0.7)

    try:
        with pytest.raises(ClusterError, match="does not answer") as none:
            bring_by(own, most=2)
        assert none.value.hint is not None
        own.start_scheduler()
        with pytest.raises(ClusterError, match="has no worker"):
            bring_by(own, most=2)
        lines = f"import watcher.tasks.download.worker as w\nw.ASK, w.LEASE, w._PATIENCE = {ASK}, 1.0, 0.3\n"
        own.start_worker(environment=altered(tmp_path / "hasty", lines))
        left: list[int] = []

        def freeze_and_kill() -> None:
            until(lambda: gated.halves == 1, seconds=30)
            own.processes["scheduler"].send_signal(signal.SIGSTOP)
            until(lambda: gated.now == 0)  # for want of a word
            left.append(gated.now)
            own.kill("scheduler")

        ended = in_background(freeze_and_kill)
        with pytest.raises(ClusterError, match="does not answer"):
            bring_by(own, most=2)
        ended.result()
        assert left == [0]
        assert state(db, number) == (*DUE, 0)
        gated.go.set()
        with settings.client(None) as http:  # whoever fetches next goes on from what came
            clock.forward(minutes=1)
            (brought,) = fetch(db, http, Disk(archive), clock)
        assert brought.problem is None
        assert gated.ranges == ["", "bytes=100000-"]
        assert (archive / "Pornic/L2A/SPOT5_P1_L2A.dat").read_bytes() == gated.content
    finally:
        own.close()


def test_an_encrypted_scheduler_is_shown_and_asked_for_certificates(
    archive: Path, settings: Settings, tmp_path: Path
) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    for name, authority in (("ours", ours), ("theirs", theirs)):
        cert = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(str(tmp_path / f"{name}-ca.pem"))
        cert.private_key_pem.write_to_path(str(tmp_path / f"{name}-key.pem"))
        cert.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}-cert.pem"))
    shown = [f"--tls-{what}={tmp_path}/ours-{name}.pem" for what, name in _FILES]
    own = DaskCluster(tmp_path, scheduler=["--protocol", "tls", *shown], worker=["--protocol", "tls", *shown])
    own.address = own.address.replace("tcp:", "tls:")

    def roll(whose: str) -> list[str | None]:
        where = Where(own.address, **{name: str(tmp_path / f"{whose}-{name}.pem") for _, name in _FILES})
        with Cluster(where, Disk(archive), lambda _: settings, most=1, line="eo-watcher-tls") as cluster:
            return list(cluster.roll().values())

    try:
        own.start(1)
        assert roll("ours") == [None]
        with pytest.raises(ClusterError, match="does not answer"):
            roll("theirs")
        with pytest.raises(ConfigError, match='download.tls.ca = ".*/nobody-ca.pem" cannot be read'):
            roll("nobody")
    finally:
        own.close()


_FILES = (("ca-file", "ca"), ("cert", "cert"), ("key", "key"))


def test_nothing_of_dask_is_loaded_where_threads_fetch() -> None:
    code = """
import sys, watcher.service, watcher.tasks.download, watcher.wiring, watcher.cli
assert not {"dask", "distributed", "tornado"} & set(sys.modules), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# As people see it


def on_cluster(home: Path, address: str) -> Parts:
    """Have the workers of a scheduler fetch."""
    path = home / "config.toml"
    path.write_text(path.read_text().replace("[download]", f'[download]\nengine = "dask"\nscheduler = "{address}"'))
    return Parts(config.load(path), home / "state")


def test_the_command_line_fetches_with_the_account_of_a_catalogue_and_shows_it_to_no_worker(
    home: Path, watcher: Watcher, scene: Scene, dask: DaskCluster
) -> None:
    on_cluster(home, dask.address)
    watcher("add-site", "Litchfield")
    watcher("poll")
    scene.play()
    watcher("poll")
    seen = watcher("check").out
    assert re.search(rf"ok     cluster: {dask.address} has \d of \d workers that can fetch: same eo-watcher", seen), (
        seen
    )
    assert not (home / "state/archive").exists(), "a look makes nothing"
    said = watcher("download")
    assert (said.code, said.err) == (0, "")
    assert "workers that can fetch: same eo-watcher, same archive" in watcher("check").out
    assert re.search(r"stored .*/Litchfield/L2A/\S+ \([0-9,]+ bytes, verified: md5\)", said.out)
    assert "failed" not in said.out
    told = dask.logs()
    assert "take5pass" not in told
    assert base64.b64encode(b"take5@example.org:take5pass").decode() not in told


def test_a_scheduler_that_is_missing_is_said_once_with_the_way_out(
    home: Path, watcher: Watcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("watcher.tasks.download.reaching.PATIENCE", 0.3)
    address = f"tcp://127.0.0.1:{free_port()}"
    with closing(on_cluster(home, address)) as parts, closing(parts.db()) as db:
        number = want(db, "P1", Asset("product", "http://127.0.0.1:1/x"))
        said = watcher("download")
        assert said.code == 69
        assert said.err == (
            f"watcher: the dask scheduler {address} does not answer\n"
            '  → does it run, and is download.scheduler right? start it, or set download.engine = "threads" to fetch'
            " here\n"
        )
        assert state(db, number) == (*DUE, 0)
        assert "The dask cluster does not fetch" in watcher("status").out
        checked = watcher("check")
        assert checked.code == 1
        assert f"WRONG  cluster: the dask scheduler {address} does not answer" in checked.out
        caplog.set_level("INFO", logger="watcher")
        assert [jobs.fetch(parts, lambda: None).soon for _ in range(2)] == [("notify",)] * 2
        assert [record.msg for record in caplog.records] == ["downloads wait for the cluster"]
        parts.downloads.config = structs.replace(
            parts.config, download=structs.replace(parts.config.download, engine="threads", scheduler=None)
        )
        jobs.fetch(parts, lambda: None)
        assert "The dask cluster does not fetch" not in watcher("status").out, "threads fetch now, well or not"
