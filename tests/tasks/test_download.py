"""Bringing products home, from a real server on loopback."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import socket
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.given import ACQUIRED, L2A, NOW, Clock, add_watch, product, rows
from tests.loopback import Peer, Request, reply, served, until
from tests.tasks.fetched import fetch
from tests.transfer.depot import Depot
from tests.transfer.depot import zipped as zipped_product
from watcher.archive import Disk
from watcher.core.decide import Arrival, Decision
from watcher.errors import ConfigError
from watcher.model import Asset, Event, Product
from watcher.net import Http
from watcher.store import downloads, products, tapes, watching
from watcher.store.connection import writing
from watcher.tasks.download import Brought, How
from watcher.transfer import Progress, Rate, Terms
from watcher.transfer.part import part_of

PLENTY = 1 << 60


class Files:
    """A server of files by path; what it does not have is a 404, what is in `does` is answered by that."""

    def __init__(self) -> None:
        self.bytes: dict[str, bytes] = {}
        self.does: dict[str, Callable[[Request, socket.socket], bytes | None]] = {}
        self.peer: Peer

    def __call__(self, request: Request, connection: socket.socket) -> bytes | None:
        path = request.target.partition("?")[0]
        if path in self.does:
            return self.does[path](request, connection)
        if path not in self.bytes:
            return reply(404, b"not here")
        return reply(200, self.bytes[path], content_type="application/octet-stream")

    def asset(self, path: str, content: bytes | None = None, *, key: str = "product", proven: bool = True) -> Asset:
        """Offer a file, as the catalogue would describe it."""
        if content is not None:
            self.bytes[path] = content
        known = self.bytes.get(path, b"")
        checksum = f"md5:{hashlib.md5(known).hexdigest()}" if proven else None
        return Asset(key, self.peer.url(path), "application/octet-stream", len(known) if proven else None, checksum)

    def asked(self, path: str) -> int:
        return self.peer.targets.count(path)


@pytest.fixture
def files() -> Iterator[Files]:
    made = Files()
    with served(made) as peer:
        made.peer = peer
        yield made


@pytest.fixture
def http(files: Files) -> Iterator[Http]:
    with Http(origin=files.peer.origin, allow_insecure=True, backoff_base=0.01) as client:
        yield client


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


Bring = Callable[..., list[Brought]]


@pytest.fixture
def bring(db: sqlite3.Connection, http: Http, archive: Path, clock: Clock) -> Bring:
    def once(**terms: Any) -> list[Brought]:
        clock.forward(minutes=1)
        return list(fetch(db, http, Disk(archive), clock, **terms))

    return once


def want(db: sqlite3.Connection, ident: str, *assets: Asset, catalogue: str = "take5", **facts: Any) -> int:
    """Let a product arrive whose files are wanted; return the number of its revision."""
    place = add_watch(db, catalogue=catalogue).site
    listed = product(ident, assets=assets, **facts)
    with writing(db):
        number = products.first_free(db)
        collection = watching.collection_number(db, catalogue, listed.collection)
        products.record(db, collection, Decision([(number, listed)], [], [], [], [], [], set()), now=NOW)
        arrival = Arrival(place.number, number, Event.NEW, (), True)
        downloads.want(db, [arrival], sites={place.number: place.name}, now=NOW)
    return number


def state(db: sqlite3.Connection, number: int) -> tuple[bool, bool, int]:
    """Whether a download is due, stored, and the tries that failed."""
    due, stored, attempts = rows(
        db, "SELECT due IS NOT NULL, stored IS NOT NULL, attempts FROM downloads WHERE revision = ?", [number]
    )[0]
    return bool(due), bool(stored), attempts


def lying(archive: Path) -> list[str]:
    """All files in the archive."""
    return sorted(str(path.relative_to(archive)) for path in archive.rglob("*") if path.is_file())


DUE, HOME, GIVEN_UP = (True, False), (False, True), (False, False)


# One file


def test_a_product_comes_home_verified(db: sqlite3.Connection, files: Files, archive: Path, bring: Bring) -> None:
    number = want(db, "P1", files.asset("/P1.dat", b"content" * 1000))
    (brought,) = bring()
    assert brought.problem is None
    assert brought.stored is not None
    assert (brought.place, brought.stored.size, brought.stored.verified) == (
        "Pornic/L2A/SPOT5_P1_L2A.dat",
        7000,
        "md5",
    )
    assert (archive / brought.place).read_bytes() == b"content" * 1000
    assert brought.stored.checksum == f"sha256:{hashlib.sha256(b'content' * 1000).hexdigest()}"
    assert state(db, number) == (*HOME, 0)
    assert bring() == []
    assert lying(archive) == ["Pornic/L2A/SPOT5_P1_L2A.dat"]


def test_what_is_listed_before_it_is_there_is_tried_again(
    db: sqlite3.Connection, files: Files, bring: Bring, clock: Clock
) -> None:
    number = want(db, "P1", files.asset("/P1.dat"))
    (brought,) = bring()
    assert brought.problem is not None
    assert "404" in brought.problem
    assert brought.again is not None
    assert state(db, number) == (*DUE, 1)
    clock.forward(seconds=-30)
    assert bring() == []


def test_a_file_that_is_not_what_was_published_is_tried_again_later(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring, clock: Clock
) -> None:
    good = files.asset("/P1.dat", b"good")
    files.bytes["/P1.dat"] = b"evil"
    number = want(db, "P1", good)
    (brought,) = bring()
    assert brought.problem is not None
    assert "md5" in brought.problem
    assert brought.again is not None
    assert lying(archive) == []
    assert state(db, number) == (*DUE, 1)
    files.bytes["/P1.dat"] = b"good"
    clock.forward(minutes=5)
    (brought,) = bring()
    assert (archive / brought.place).read_bytes() == b"good"
    assert state(db, number) == (*HOME, 1)


@pytest.mark.parametrize("since", ["now", "before archives were told apart"])
def test_nothing_is_written_where_the_disk_of_the_archive_is_not_mounted(
    since: str, db: sqlite3.Connection, files: Files, bring: Bring, archive: Path, clock: Clock
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"one"))
    assert [brought.problem for brought in bring()] == [None]
    if since != "now":
        with writing(db):
            db.execute("UPDATE downloads SET archive = NULL")
    archive.rename(archive.with_name("unmounted"))
    archive.mkdir()
    second, third = want(db, "P2", files.asset("/P2.dat", b"two")), want(db, "P3", files.asset("/P3.dat", b"three"))
    (brought,) = bring(concurrency=1)
    assert brought.problem is not None
    assert brought.problem.startswith(f"the archive {archive} is empty, or not there [is its disk mounted? ")
    assert lying(archive) == []
    assert files.asked("/P2.dat") + files.asked("/P3.dat") == 0
    assert [state(db, second)[2], state(db, third)[2]] == [0, 0]
    archive.rmdir()
    archive.with_name("unmounted").rename(archive)
    clock.forward(minutes=6)
    assert [brought.problem for brought in bring()] == [None] * 2
    assert len(lying(archive)) == 3


@pytest.mark.parametrize("several", [False, True], ids=["a file", "a directory"])
def test_what_was_begun_of_a_revision_leaves_when_the_next_one_is_home(
    several: bool, db: sqlite3.Connection, files: Files, bring: Bring, archive: Path
) -> None:
    def offered(version: str) -> list[Asset]:
        keys = ("B02", "B03") if several else ("product",)
        return [files.asset(f"/{version}-{key}.dat", version.encode() * 99_999, key=key) for key in keys]

    def cut(request: Request, connection: socket.socket) -> None:
        connection.sendall(reply(200, b"one" * 99_999, etag='"1"')[:-50_000])
        connection.shutdown(socket.SHUT_RDWR)

    first = offered("one")
    files.does[f"/one-{first[-1].key}.dat"] = cut
    want(db, "P1", *first)
    assert bring()[0].problem is not None
    assert any(".part" in name for name in lying(archive))
    want(db, "P1", *offered("two"), revision="later")
    assert [brought.problem for brought in bring()] == [None]
    assert not any(".part" in name for name in lying(archive))
    assert len(lying(archive)) == (2 if several else 1)


def _replaced_on_the_way(
    db: sqlite3.Connection, files: Files, bring: Bring, *, second: Callable[[], bytes]
) -> tuple[int, dict[str, str | None]]:
    """Bring a product of two files, of which the `second` comes only once a newer revision of it is home."""
    assets = [files.asset(f"/{key}.dat", key.encode() * 99_999, key=key) for key in ("B02", "B03")]
    newer, home = files.asset("/newer.dat", b"newer" * 9_999), threading.Event()

    def late(request: Request, connection: socket.socket) -> bytes:
        assert home.wait(30)
        return second()

    files.does["/B03.dat"] = late
    numbers = [want(db, "P1", *assets)]

    def steer() -> None:
        if files.asked("/B03.dat") and len(numbers) == 1:
            numbers.append(want(db, "P1", newer, revision="later"))
        if downloads.counts(db)[1]:
            home.set()

    return numbers[0], {one.place: one.problem for one in bring(concurrency=2, steer=steer)}


def test_what_was_begun_stays_while_it_goes_on(
    db: sqlite3.Connection, files: Files, bring: Bring, archive: Path
) -> None:
    _, ended = _replaced_on_the_way(db, files, bring, second=lambda: reply(200, files.bytes["/B03.dat"]))
    assert list(ended.values()) == [None, None]
    assert lying(archive) == [
        "Pornic/L2A/SPOT5_P1_L2A.dat",
        "Pornic/L2A/SPOT5_P1_L2A/B02.dat",
        "Pornic/L2A/SPOT5_P1_L2A/B03.dat",
    ]


def test_what_was_replaced_on_the_way_and_fails_is_not_tried_again_and_leaves(
    db: sqlite3.Connection, files: Files, bring: Bring, archive: Path
) -> None:
    older, ended = _replaced_on_the_way(db, files, bring, second=lambda: reply(503, b"not now"))
    assert sorted(map(bool, ended.values())) == [False, True]
    assert state(db, older)[:2] == GIVEN_UP
    assert downloads.retry(db, now=NOW) == 0
    assert lying(archive) == ["Pornic/L2A/SPOT5_P1_L2A.dat"]


def test_what_was_begun_for_a_watch_that_ended_leaves_with_the_next_pass(
    db: sqlite3.Connection, files: Files, bring: Bring, archive: Path
) -> None:
    def cut(request: Request, connection: socket.socket) -> None:
        connection.sendall(reply(200, b"one" * 99_999, etag='"1"')[:-50_000])
        connection.shutdown(socket.SHUT_RDWR)

    begun = files.asset("/one.dat", b"one" * 99_999)
    files.does["/one.dat"] = cut
    number = want(db, "P1", begun)
    (watch,) = watching.watches(db)
    db.execute("INSERT INTO sightings (revision, site) VALUES (?, ?)", (number, watch.site.number))
    want(db, "P2", files.asset("/two.dat", b"two"))
    assert sorted(one.problem is None for one in bring()) == [False, True]
    home = [path for path in lying(archive) if "P2" in path]
    assert home
    with writing(db):
        assert watching.end(db, [watch], download_levels={L2A}).unwanted == 1
    with part_of(archive / downloads.unwatched(db)[number]):
        assert bring() == []
    assert lying(archive) != home, "another process is at it"
    # Nor is anything known of it while the disk is not mounted.
    archive.rename(archive.with_name("unmounted"))
    assert bring() == []
    archive.with_name("unmounted").rename(archive)
    assert downloads.unwatched(db) != {}
    assert bring() == []
    assert lying(archive) == home
    assert downloads.unwatched(db) == {}


def test_a_product_without_a_file_is_given_up_with_the_reason(db: sqlite3.Connection, bring: Bring) -> None:
    number = want(db, "P1")
    (brought,) = bring()
    assert brought.problem is not None
    assert "no file of it is chosen" in brought.problem
    assert "`watcher catalogues take5`" in brought.problem
    assert state(db, number) == (*GIVEN_UP, 1)


def test_a_server_that_keeps_failing_is_given_up_after_a_week(
    db: sqlite3.Connection, files: Files, bring: Bring, clock: Clock
) -> None:
    number = want(db, "P1", files.asset("/P1.dat", b"x"))
    files.does["/P1.dat"] = lambda request, connection: reply(500, b"")
    tries = 0
    while state(db, number)[0]:
        tries += len(bring())
        clock.forward(hours=1)
    assert timedelta(days=6) < clock.time - NOW < timedelta(days=9)
    assert 10 <= tries <= 14


# Where it lies


def test_products_of_one_title_lie_side_by_side_whatever_the_case(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    want(db, "P1", files.asset("/a.dat", b"one"), title="Scene_1")
    want(db, "P1", files.asset("/b.dat", b"two"), title="SCENE_1", catalogue="cdse")
    want(db, "P2", files.asset("/c.dat", b"three"), title="Scene_1")
    assert [brought.problem for brought in bring(concurrency=1)] == [None] * 3
    assert lying(archive) == ["Pornic/L2A/SCENE_1.v2.dat", "Pornic/L2A/Scene_1.dat", "Pornic/L2A/Scene_1.v3.dat"]
    assert sorted(path.read_bytes() for path in archive.rglob("*.dat")) == [b"one", b"three", b"two"]


@pytest.mark.parametrize("title", ["../../../escaped", "/etc/cron.d/x", "", "..", "a\0b", "-rf", ".hidden", "x" * 400])
def test_no_title_leads_out_of_the_archive(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring, title: str
) -> None:
    want(db, "P1", files.asset("/a.dat", b"one"), title=title)
    (brought,) = bring()
    assert brought.problem is None
    assert archive.resolve() in (archive / brought.place).resolve().parents
    (name,) = lying(archive)
    assert not any(part.startswith((".", "-")) for part in Path(name).parts)
    assert lying(archive.parent) == [f"archive/{name}", *(f for f in lying(archive.parent) if f.startswith("watcher."))]


def test_no_product_can_take_the_unfinished_file_of_another(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    files.asset("/A", b"of the first")
    first = want(db, "P1", files.asset("/A"), title="A")
    want(db, "P2", files.asset("/A.part", b"second"), title="A")
    want(db, "P3", files.asset("/x", b"third"), title="A.part")
    assert [brought.problem for brought in bring(concurrency=3)] == [None] * 3
    assert state(db, first) == (*HOME, 0)
    assert sorted(path.read_bytes() for path in archive.rglob("*") if path.is_file()) == [
        b"of the first",
        b"second",
        b"third",
    ]


def test_a_file_of_somebody_else_is_neither_overwritten_nor_taken_for_ours(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    theirs = archive / "Pornic/L2A/SPOT5_P1_L2A.dat"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    number = want(db, "P1", files.asset("/P1.dat", b"ours!!"))
    (brought,) = bring()
    assert brought.problem is not None
    assert "another file" in brought.problem
    assert theirs.read_bytes() == b"theirs"
    assert state(db, number) == (*GIVEN_UP, 1)


# Several files


def bands(files: Files) -> list[Asset]:
    return [files.asset(f"/P1/{key}.tif", key.encode() * 100, key=key) for key in ("B02", "B03", "B04")]


def test_a_product_of_several_files_becomes_a_directory_only_when_it_is_whole(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring, clock: Clock
) -> None:
    number = want(db, "P1", *bands(files))
    last, files.does["/P1/B04.tif"] = files.bytes["/P1/B04.tif"], lambda request, connection: reply(503, b"")
    (brought,) = bring()
    assert brought.problem is not None
    assert not (archive / brought.place).exists()
    assert len(lying(archive)) == 2
    del files.does["/P1/B04.tif"]
    assert last
    clock.forward(minutes=5)
    (brought,) = bring()
    assert brought.stored is not None
    assert brought.stored.size == 900
    assert lying(archive) == [f"Pornic/L2A/SPOT5_P1_L2A/{key}.tif" for key in ("B02", "B03", "B04")]
    assert files.asked("/P1/B02.tif") == 1
    assert state(db, number) == (*HOME, 1)


def test_a_whole_directory_that_a_crash_left_is_taken_as_it_is(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    number = want(db, "P1", *bands(files))
    bring()
    with writing(db):  # as if we had died before this was written
        db.execute("UPDATE downloads SET stored = NULL, due = wanted")
    (brought,) = bring()
    assert brought.problem is None
    assert brought.stored is not None
    assert (brought.stored.size, brought.stored.fetched) == (900, 0)
    assert files.asked("/P1/B02.tif") == 1
    assert state(db, number) == (*HOME, 0)
    assert len(lying(archive)) == 3


def test_hostile_keys_of_files_stay_in_the_products_directory(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    keys = ["../../up", "/abs", "a/b", "a-b", "A-B", "", ".x", "x.part"]
    want(db, "P1", *(files.asset(f"/{n}.tif", str(n).encode(), key=key) for n, key in enumerate(keys)))
    (brought,) = bring()
    assert brought.problem is None
    found = lying(archive)
    assert len(found) == len(keys)
    assert {str(Path(name).parent) for name in found} == {"Pornic/L2A/SPOT5_P1_L2A"}


def test_a_directory_has_a_checksum_of_all_its_files(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    want(db, "P1", *bands(files))
    (brought,) = bring()
    assert brought.stored is not None
    lines = "".join(
        f"{hashlib.sha256(files.bytes[f'/P1/{key}.tif']).hexdigest()}  {key}.tif\n" for key in ("B02", "B03", "B04")
    )
    assert brought.stored.checksum == f"list-sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def test_of_a_catalogue_some_members_of_each_zip_may_be_enough(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    product = io.BytesIO()
    with zipfile.ZipFile(product, "w") as made:
        for name in ("S2A/S2A_FRE_B2.tif", "S2A/S2A_SRE_B2.tif", "S2A/MASKS/S2A_CLM.tif"):
            made.writestr(name, name * 20_000)
    files.does["/P1.zip"] = Depot(product.getvalue())
    zipped = Asset("product", files.peer.url("/P1.zip"), "application/zip")
    number = want(db, "P1", zipped)
    (brought,) = bring(how=lambda name: How(members=("*_FRE_B*.tif", "MASKS/*")))
    assert brought.problem is None
    assert brought.stored is not None
    assert (brought.stored.verified, brought.stored.size) == ("crc32", 20_000 * (18 + 21))
    place = "Pornic/L2A/SPOT5_P1_L2A/S2A"
    assert lying(archive) == [f"{place}/MASKS/S2A_CLM.tif", f"{place}/S2A_FRE_B2.tif"]
    assert state(db, number) == (*HOME, 0)


def test_members_that_are_not_there_are_given_up_with_what_there_is(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    files.does["/P1.zip"] = Depot(zipped_product(1000))
    number = want(db, "P1", Asset("product", files.peer.url("/P1.zip"), "application/zip"))
    (brought,) = bring(how=lambda name: How(members=("*_FRE_*",)))
    assert brought.problem is not None
    assert '"*_FRE_*"' in brought.problem
    assert "PRODUCT/band.tif" in brought.problem
    assert state(db, number) == (*GIVEN_UP, 1)
    assert lying(archive) == []


# What interrupts


def half(released: threading.Event) -> Callable[[Request, socket.socket], None]:
    """Send half of a file, then nothing until released."""

    def script(request: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100_000)
        released.wait(30)

    return script


def test_what_is_interrupted_stays_due_and_its_try_is_not_counted(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    files.bytes["/P1.dat"] = b"x" * 200_000
    number, waiting = want(db, "P1", files.asset("/P1.dat")), want(db, "P2", files.asset("/P2.dat", b"two"))
    stop, released = threading.Event(), threading.Event()
    files.does["/P1.dat"] = half(released)

    def seen(title: str, progress: Progress) -> None:
        if progress.done:
            stop.set()

    assert bring(concurrency=1, stop=stop, show=seen) == []
    released.set()
    assert state(db, number) == (*DUE, 0)
    assert state(db, waiting) == (*DUE, 0)
    assert [name for name in lying(archive) if not name.endswith((".part", ".part.json"))] == []
    del files.does["/P1.dat"]
    assert [brought.problem for brought in bring()] == [None, None]
    assert state(db, number) == (*HOME, 0)


def test_a_caller_that_leaves_early_interrupts_the_pass_and_nothing_else(
    db: sqlite3.Connection, files: Files, http: Http, archive: Path, clock: Clock
) -> None:
    files.bytes["/slow.dat"] = b"x" * 200_000
    slow = want(db, "P1", files.asset("/slow.dat"), acquired=ACQUIRED + timedelta(days=1))
    want(db, "P2", files.asset("/P2.dat", b"two"))
    released, stop = threading.Event(), threading.Event()
    files.does["/slow.dat"] = half(released)
    clock.forward(minutes=1)
    passing = fetch(db, http, Disk(archive), clock, concurrency=2, stop=stop)
    assert next(passing).title == "SPOT5_P2_L2A"
    until(lambda: files.asked("/slow.dat") > 0)
    passing.close()  # type: ignore[attr-defined]
    released.set()
    assert state(db, slow) == (*DUE, 0)
    assert not stop.is_set()
    assert not http.stop.is_set()


def test_a_full_disk_pauses_the_pass_and_gives_no_product_up(
    db: sqlite3.Connection, files: Files, clock: Clock, bring: Bring
) -> None:
    numbers = [want(db, f"P{n}", files.asset(f"/{n}.dat", b"x" * 10)) for n in range(3)]
    (brought,) = bring(concurrency=1, how=lambda name: How(Terms(reserve=PLENTY)))
    assert brought.problem is not None
    assert "must stay free" in brought.problem
    assert brought.again is not None
    for _ in range(50):
        clock.forward(days=1)
        assert len(bring(concurrency=1, how=lambda name: How(Terms(reserve=PLENTY)))) == 1
    assert [state(db, number) for number in numbers] == [(*DUE, 0)] * 3
    clock.forward(minutes=6)
    bring(concurrency=1)
    assert [state(db, number)[:2] for number in numbers] == [HOME] * 3


def test_one_product_that_fails_delays_no_other(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    for n in range(6):
        want(db, f"P{n}", files.asset(f"/{n}.dat", b"x" * 10))
    files.does["/3.dat"] = lambda request, connection: reply(503, b"")
    assert sum(brought.problem is None for brought in bring()) == 5


def test_a_defect_is_raised_once_the_others_are_home_and_holds_nobody_back(
    db: sqlite3.Connection, files: Files, http: Http, archive: Path, clock: Clock
) -> None:
    broken = want(db, "P0", files.asset("/0.dat", b"x"), catalogue="broken", acquired=ACQUIRED + timedelta(days=9))
    others = [want(db, f"P{n}", files.asset(f"/{n}.dat", b"x")) for n in range(1, 4)]
    stop = threading.Event()

    def https(name: str) -> Http:
        if name == "broken":
            raise ZeroDivisionError("a defect")
        return http

    clock.forward(minutes=1)
    home: list[Brought] = []
    with pytest.raises(ZeroDivisionError):
        home += fetch(db, https, Disk(archive), clock, concurrency=1, stop=stop)
    assert [state(db, number) for number in others] == [(*HOME, 0)] * 3
    assert state(db, broken) == (*DUE, 1)
    assert home[0].problem == "ZeroDivisionError: a defect"
    assert not stop.is_set()


def test_a_catalogue_that_is_missing_from_the_configuration_is_waited_for(
    db: sqlite3.Connection, files: Files, archive: Path, clock: Clock
) -> None:
    number = want(db, "P1", files.asset("/1.dat", b"x"))

    def https(name: str) -> Http:
        raise ConfigError(f'no catalogue is called "{name}"', hint="add it")

    clock.forward(minutes=1)
    (brought,) = fetch(db, https, Disk(archive), clock)
    assert brought.problem == 'no catalogue is called "take5" [add it]'
    assert brought.again is not None
    assert state(db, number) == (*DUE, 1)


def test_a_refused_account_ends_the_pass_for_its_catalogue(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    numbers = [want(db, f"P{n}", files.asset(f"/{n}.dat", b"x")) for n in range(3)]
    for n in range(3):
        files.does[f"/{n}.dat"] = lambda request, connection: reply(401, b"no")
    (brought,) = bring(concurrency=1)
    assert "401" in str(brought.problem)
    assert sorted(state(db, number) for number in numbers) == [(*DUE, 0), (*DUE, 0), (*DUE, 1)]


def test_products_come_home_several_at_once_but_no_more_than_allowed(
    db: sqlite3.Connection, files: Files, bring: Bring
) -> None:
    together, most = threading.Barrier(2), [0, 0]
    guard = threading.Lock()

    def meet(request: Request, connection: socket.socket) -> bytes:
        with guard:
            most[0] += 1
            most[1] = max(most)
        together.wait(30)
        with guard:
            most[0] -= 1
        return reply(200, b"x", content_type="application/octet-stream")

    for n in range(4):
        want(db, f"P{n}", files.asset(f"/{n}.dat", b"x"))
        files.does[f"/{n}.dat"] = meet
    assert [brought.problem for brought in bring(concurrency=2)] == [None] * 4
    assert most[1] == 2


def test_progress_is_told_over_all_files_of_a_product(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    want(db, "P1", *bands(files))
    told: list[tuple[str, Progress]] = []
    bring(show=lambda title, progress: told.append((title, progress)))
    assert {title for title, _ in told} == {"SPOT5_P1_L2A"}
    done = [progress.done for _, progress in told]
    assert done == sorted(done)
    assert told[-1][1] == Progress(900, 900)


def test_what_cannot_be_written_is_a_failure_with_its_place(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    archive.mkdir()
    (archive / "Pornic").write_text("a file where a directory should be")
    number = want(db, "P1", files.asset("/P1.dat", b"x"))
    (brought,) = bring()
    assert brought.problem is not None
    assert str(archive) in brought.problem
    assert state(db, number)[1:] == (False, 1)


# Limits


def test_what_came_is_counted_also_of_what_failed_and_ends_the_day(
    db: sqlite3.Connection, files: Files, bring: Bring
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"content" * 1000))
    cut = files.asset("/P2.dat", b"content" * 1000)
    files.bytes["/P2.dat"] = b"content" * 900
    want(db, "P2", cut)
    bring(concurrency=1)
    assert rows(db, "SELECT catalogue, bytes FROM volumes") == [("take5", 7000 + 6300)]
    waits = want(db, "P3", files.asset("/P3.dat", b"content"))
    assert bring(how=lambda name: How(daily=7000)) == []
    assert state(db, waits) == (*DUE, 0)
    assert len(bring(how=lambda name: How(daily=100_000))) >= 1


def test_what_comes_home_is_owed_its_hooks_once(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    number = want(db, "P1", files.asset("/P1.dat", b"content"))
    cut = want(db, "P2", files.asset("/P2.dat"))
    assert len(bring(owed=lambda product, site: [f"of {site}", product.id])) == 2
    assert rows(db, "SELECT hook, revision FROM hook_runs ORDER BY 1") == [("P1", number), ("of Pornic", number)]
    assert state(db, cut)[1] is False


def test_what_is_known_of_it_lies_beside_a_product_before_it_is_stored(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"content"))
    want(db, "P2", files.asset("/a", b"a", key="a"), files.asset("/b", b"b", key="b"))
    bring(how=lambda name: How(sidecar=True, citation="SPOT {year}"))
    item = json.loads((archive / "Pornic/L2A/SPOT5_P1_L2A.dat.stac.json").read_bytes())
    assert item["assets"]["product"]["href"] == "./SPOT5_P1_L2A.dat"
    assert item["assets"]["product"]["watcher:verified"] == "md5"
    both = json.loads((archive / "Pornic/L2A/SPOT5_P2_L2A.stac.json").read_bytes())
    assert [asset["href"] for asset in both["assets"].values()] == ["./SPOT5_P2_L2A/a", "./SPOT5_P2_L2A/b"]
    assert not [name for name in lying(archive) if ".part" in name]
    blocked = want(db, "P3", files.asset("/P3.dat", b"content"))
    (archive / "Pornic/L2A/SPOT5_P3_L2A.dat.stac.json").mkdir()
    (brought,) = bring(how=lambda name: How(sidecar=True))
    assert "SPOT5_P3_L2A.dat.stac.json cannot be written" in str(brought.problem)
    assert state(db, blocked) == (*DUE, 1)
    (archive / "Pornic/L2A/SPOT5_P3_L2A.dat.stac.json").rmdir()


def test_what_comes_from_tape_is_asked_for_again_for_as_long_as_it_takes(
    db: sqlite3.Connection, files: Files, bring: Bring, clock: Clock
) -> None:
    number = want(db, "P1", files.asset("/P1.dat", b"content"))
    files.does["/P1.dat"] = lambda request, connection: reply(202, b"", Retry_After="1800")
    (first,) = bring()
    assert (first.staged, first.stored) == (True, None)
    assert first.again is not None
    assert timedelta(minutes=29) < first.again - clock.time < timedelta(minutes=31)
    assert bring() == []
    for _ in range(60):
        clock.forward(hours=25)
        (later,) = bring()
        assert later.staged
    assert downloads.troubles(db) == []
    (waits,) = tapes.ordered(db)
    assert (waits.title, waits.catalogue) == ("SPOT5_P1_L2A", "take5")
    assert clock.time - waits.since > timedelta(days=60)
    assert state(db, number) == (*DUE, 0)
    del files.does["/P1.dat"]
    clock.forward(hours=25)
    (home,) = bring()
    assert home.stored is not None
    assert tapes.ordered(db) == []


def test_what_was_ordered_is_not_asked_for_while_its_catalogue_says_that_it_is_still_on_tape(
    db: sqlite3.Connection, files: Files, bring: Bring, clock: Clock
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"content"))
    files.does["/P1.dat"] = lambda request, connection: reply(202)
    said: list[bool | None] = [False, False, None, True]

    def at_hand(catalogue: str, listed: Product) -> bool | None:
        assert (catalogue, listed.id) == ("take5", "P1")
        return said.pop(0)

    (ordered,) = bring(at_hand=at_hand)
    assert (ordered.staged, len(said), files.asked("/P1.dat")) == (True, 4, 1)
    for asked in (1, 1, 2):
        clock.forward(hours=25)
        (waits,) = bring(at_hand=at_hand)
        assert (waits.staged, files.asked("/P1.dat")) == (True, asked)
    del files.does["/P1.dat"]
    clock.forward(hours=25)
    (home,) = bring(at_hand=at_hand)
    assert (home.stored is not None, said) == (True, [])


def test_no_more_is_ordered_at_once_than_is_allowed(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    for name in ("/P1.dat", "/P2.dat", "/P3.dat"):
        files.does[name] = lambda request, connection: reply(202)
        want(db, name[1:3], msgspec.structs.replace(files.asset(name, b"content"), online=False))
    here = want(db, "P4", msgspec.structs.replace(files.asset("/P4.dat", b"content"), online=True))
    brought = bring(how=lambda name: How(orders=2), concurrency=4)
    assert sorted(one.staged for one in brought) == [False, True, True]
    assert state(db, here) == (*HOME, 0)
    assert len(tapes.ordered(db)) == 2
    assert bring(how=lambda name: How(orders=2)) == []
    assert [one.staged for one in bring(how=lambda name: How(orders=3))] == [True]


def test_no_more_is_asked_for_than_may_be_ordered_where_only_the_answer_tells_of_tape(
    db: sqlite3.Connection, files: Files, bring: Bring
) -> None:
    for name in ("/P1.dat", "/P2.dat", "/P3.dat"):
        files.does[name] = lambda request, connection: reply(202)
        want(db, name[1:3], files.asset(name, b"content"))
    (brought,) = bring(how=lambda name: How(orders=1), concurrency=4)
    assert brought.staged
    assert len(files.peer.targets) == 1
    assert bring(how=lambda name: How(orders=1), concurrency=4) == []
    assert len(bring(how=lambda name: How(), concurrency=4)) == 2


def test_a_volume_is_overrun_by_one_product_at_most_where_no_size_is_listed(
    db: sqlite3.Connection, files: Files, bring: Bring
) -> None:
    for name in ("/P1.dat", "/P2.dat", "/P3.dat"):
        want(db, name[1:3], msgspec.structs.replace(files.asset(name, b"content"), size=None))
    (brought,) = bring(how=lambda name: How(daily=7), concurrency=3)
    assert brought.stored is not None
    assert rows(db, "SELECT bytes FROM volumes") == [7]


def test_a_pass_is_steered_while_it_runs(db: sqlite3.Connection, files: Files, bring: Bring) -> None:
    want(db, "P1", files.asset("/P1.dat", b"content" * 20_000))
    rate, slower = Rate(1000.0), threading.Event()

    def steer() -> None:
        if slower.is_set():
            rate.limit = None

    show = lambda title, progress: slower.set()  # noqa: E731
    (brought,) = bring(how=lambda name: How(Terms(rate=rate)), steer=steer, show=show)
    assert brought.stored is not None
    assert rate.limit is None


def blamed(db: sqlite3.Connection) -> list[str]:
    """What was said of accounts, to somebody who asked for it."""
    return [title for (title,) in db.execute("SELECT title FROM alerts WHERE topic LIKE 'account %' ORDER BY number")]


def test_an_account_is_blamed_once_a_file_is_refused_again_and_nothing_else_has_come(
    db: sqlite3.Connection, files: Files, bring: Bring
) -> None:
    files.does["/forbidden"] = lambda request, connection: reply(403, b"")
    want(db, "P1", files.asset("/forbidden", proven=False))
    assert "refuses the download" in str(bring()[0].problem)
    assert blamed(db) == []
    bring()
    assert blamed(db) == ["The account of take5 cannot be used"]
    want(db, "P2", files.asset("/fine", b"fine"))
    bring()
    assert blamed(db)[1:] == ["The account of take5 can be used again"]


def test_an_account_that_others_come_with_is_not_blamed_for_the_file_that_is_refused(
    db: sqlite3.Connection, files: Files, bring: Bring, clock: Clock
) -> None:
    files.does["/forbidden"] = lambda request, connection: reply(403, b"")
    refused = want(db, "P1", files.asset("/forbidden", proven=False), collection="SPOT6")
    for number in range(2, 5):
        want(db, f"P{number}", files.asset(f"/{number}", b"%d" % number))
        bring()
        clock.forward(hours=12)
    assert state(db, refused)[2] == 3
    assert blamed(db) == []
    elsewhere = want(db, "P9", files.asset("/forbidden", proven=False), catalogue="other")
    bring()
    clock.forward(hours=12)
    bring()
    assert state(db, elsewhere)[2] == 2
    assert blamed(db) == ["The account of other cannot be used"]


def test_an_account_that_breaks_while_many_are_wanted_is_blamed_before_any_is_given_up(
    db: sqlite3.Connection, files: Files, bring: Bring, clock: Clock
) -> None:
    for number in range(6):
        want(db, f"P{number}", files.asset(f"/{number}", b"%d" % number))
    calls = itertools.count()

    def breaks(body: bytes) -> Callable[[Request, socket.socket], bytes]:
        return lambda request, connection: reply(200, body) if next(calls) < 2 else reply(403, b"")

    for number in range(6):
        files.does[f"/{number}"] = breaks(b"%d" % number)
    bring(concurrency=1)
    assert rows(db, "SELECT count(*) FROM downloads WHERE stored IS NOT NULL") == [2]
    for _ in range(6):
        clock.forward(minutes=2)
        bring(concurrency=1)
    assert blamed(db) == ["The account of take5 cannot be used"]
    assert rows(db, "SELECT count(*) FROM downloads WHERE given_up IS NOT NULL") == [0]
