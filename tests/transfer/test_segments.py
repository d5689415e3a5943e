"""One file over several connections: quicker, and never of two versions."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.loopback import Peer, Request, reply, served, until
from tests.transfer.depot import Depot, asset, md5, noise, sha256
from tests.transfer.nursery import nursery
from watcher.errors import CredentialError, NoSpace, TransferError
from watcher.net import Http
from watcher.transfer import Progress, Terms, Verified, fetch, segments

PRODUCT, OTHER = noise(1_000_000), noise(1_000_000, seed=2)
FOUR = Terms(streams=4)
ETAG = '"v1"'


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LEAST", 32 * 1024)
    monkeypatch.setattr(segments, "MOST", 128 * 1024)
    monkeypatch.setattr(segments, "_NOTE", 0.0)


def depot(**habits: object) -> Depot:
    return Depot(PRODUCT, kind=None, **{"etag": ETAG, **habits})  # type: ignore[arg-type]


def spans(peer: Peer) -> list[tuple[int, int] | None]:
    """The ranges that were asked for, in order; `None` for a question without one."""
    found = []
    for request in peer.requests:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        found.append((int(wanted[1]), int(wanted[2] or len(PRODUCT) - 1) + 1) if wanted else None)
    return found


def brought(peer: Peer, path: Path, *, terms: Terms = FOUR, **known: object) -> Verified:
    with Http(origin=peer.origin, connections=8, backoff_base=0.001) as http:
        return fetch(http, asset(peer.url("/p?sig=1"), kind=None, **known), path, terms=terms)  # type: ignore[arg-type]


def together(count: int) -> Callable[[Request], None]:
    """A gate that lets the first questions pass when `count` of them have come."""
    barrier, seen, lock = threading.Barrier(count), [0], threading.Lock()

    def wait(request: Request) -> None:
        with lock:
            seen[0] += 1
            first = seen[0] <= count
        if first:
            barrier.wait(30)

    return wait


KNOWN = [{"content": PRODUCT}, {"size": len(PRODUCT)}, {}]


@pytest.mark.parametrize("known", KNOWN, ids=["checksum", "size", "nothing"])
def test_several_streams_bring_each_byte_once(known: dict[str, object], tmp_path: Path) -> None:
    shop = depot()
    with served(shop) as peer:
        home = brought(peer, tmp_path / "p", **known)
        asked = spans(peer)
        assert sum(end - first for first, end in filter(None, asked)) == len(PRODUCT)
        assert {request.headers.get("if-range") for request in peer.requests[1:]} == {ETAG}
    assert home == Verified(len(PRODUCT), sha256(PRODUCT), "md5" if "content" in known else "size", len(PRODUCT))
    assert (tmp_path / "p").read_bytes() == PRODUCT
    assert [entry.name for entry in tmp_path.iterdir()] == ["p"]


def test_they_run_at_the_same_time(tmp_path: Path) -> None:
    meet = together(3)
    shop = depot(gate=lambda request: meet(request) if "if-range" in request.headers else None)
    with served(shop) as peer:
        brought(peer, tmp_path / "p", content=PRODUCT)
        assert peer.connections >= 3


def test_a_checksum_is_proof_enough_where_there_is_no_etag(tmp_path: Path) -> None:
    with served(depot(etag=None)) as peer:
        assert brought(peer, tmp_path / "p", content=PRODUCT).how == "md5"
        assert None not in spans(peer)
        assert len(peer.requests) > 3


@pytest.mark.parametrize(
    "habits",
    [
        {"etag": None},
        {"etag": 'W/"v1"'},
        {"extra": {"Last_Modified": "Sun, 29 Nov 2026 12:00:00 GMT", "Date": "Sun, 29 Nov 2026 12:00:59 GMT"}},
    ],
    ids=["none", "weak", "of a file written just now"],
)
def test_without_checksum_and_strong_etag_one_stream_brings_all(habits: dict[str, object], tmp_path: Path) -> None:
    with served(depot(**habits)) as peer:
        assert brought(peer, tmp_path / "p").fetched == len(PRODUCT)
        assert spans(peer)[1:] == [None]
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_a_server_that_knows_no_ranges_is_asked_once(tmp_path: Path) -> None:
    with served(depot(ranges=False)) as peer:
        assert brought(peer, tmp_path / "p", content=PRODUCT).fetched == len(PRODUCT)
        assert len(peer.requests) == 1


@pytest.mark.parametrize("size", [100_000, 131_071])
def test_a_small_file_is_asked_for_as_a_whole(size: int, tmp_path: Path) -> None:
    small = PRODUCT[:size]
    with served(Depot(small, kind=None, etag=ETAG)) as peer:
        brought(peer, tmp_path / "p", content=small)
        assert spans(peer) == [None]


def test_a_file_that_turns_out_to_be_small_comes_with_the_first_answer(tmp_path: Path) -> None:
    small = PRODUCT[:10_000]
    with served(Depot(small, kind=None, etag=ETAG)) as peer:
        assert brought(peer, tmp_path / "p").how == "size"
        assert len(peer.requests) == 1
    assert (tmp_path / "p").read_bytes() == small


def test_an_empty_range_is_asked_for_as_a_whole(tmp_path: Path) -> None:
    with served(depot(gate=lambda request: reply(416) if "range" in request.headers else None)) as peer:
        assert brought(peer, tmp_path / "p").size == len(PRODUCT)
        assert spans(peer)[1:] == [None]


@pytest.mark.parametrize("span", ["bytes 1-131072/1000000", "bytes 0-99/1000000", "bytes 0-5/*", "pages 0-3/9", " "])
def test_a_first_part_that_is_not_the_one_asked_for_is_not_used(span: str, tmp_path: Path) -> None:
    with served(depot(span=span)) as peer:
        brought(peer, tmp_path / "p", content=PRODUCT)
        assert spans(peer)[1:] == [None]
    assert (tmp_path / "p").read_bytes() == PRODUCT


# Two versions


class Replaced:
    """After so many questions the server has another file."""

    def __init__(self, shop: Depot, *, after: int, etag: str | None, honest: bool = True) -> None:
        self.shop, self.after, self.etag, self.honest, self.count = shop, after, etag, honest, 0
        self.lock = threading.Lock()

    def __call__(self, request: Request) -> None:
        with self.lock:
            self.count += 1
            if self.count == self.after:
                self.shop.content, self.shop.etag = OTHER, self.etag
        if not self.honest:  # it does not look at If-Range, as resto
            request.headers.pop("if-range", None)


@pytest.mark.parametrize("after", [2, 3, 5, 8])
@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("known", [{"content": OTHER}, {}], ids=["checksum", "nothing"])
def test_a_file_that_is_replaced_meanwhile_comes_home_as_one_version(
    known: dict[str, object], honest: bool, after: int, tmp_path: Path
) -> None:
    shop = depot()
    shop.gate = Replaced(shop, after=after, etag='"v2"', honest=honest)
    with served(shop) as peer:
        home = brought(peer, tmp_path / "p", **known)
        assert spans(peer)[-1] is None, "once more, by one stream"
    assert (tmp_path / "p").read_bytes() == OTHER
    assert home.fetched > len(OTHER), "what came in vain is counted"
    assert [entry.name for entry in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize("etag", [ETAG, None])
def test_a_file_that_is_replaced_without_a_word_is_found_out_by_its_checksum(etag: str | None, tmp_path: Path) -> None:
    shop = depot(etag=etag)
    shop.gate = Replaced(shop, after=4, etag=etag)
    with served(shop) as peer:
        home = brought(peer, tmp_path / "p", content=OTHER)
        assert spans(peer)[-1] is None
    assert ((tmp_path / "p").read_bytes(), home.fetched) == (OTHER, 2 * len(OTHER))


def test_a_splice_that_cannot_be_mended_leaves_nothing_behind(tmp_path: Path) -> None:
    shop = depot()
    shop.gate = Replaced(shop, after=4, etag=ETAG)
    with served(shop) as peer, pytest.raises(TransferError, match="the md5 is"):
        brought(peer, tmp_path / "p", content=PRODUCT)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_loses_the_etag_is_not_believed_without_a_checksum(tmp_path: Path) -> None:
    shop = depot()
    shop.gate = Replaced(shop, after=3, etag=None, honest=False)
    with served(shop) as peer:
        brought(peer, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == OTHER


LIES: dict[str, Callable[[int, int], bytes]] = {
    "another start": lambda a, b: reply(
        206, PRODUCT[a:b], Content_Range=f"bytes {a + 1}-{b}/{len(PRODUCT)}", ETag=ETAG
    ),
    "another total": lambda a, b: reply(
        206, PRODUCT[a:b], Content_Range=f"bytes {a}-{b - 1}/{len(PRODUCT) + 1}", ETag=ETAG
    ),
    "too long": lambda a, b: reply(206, PRODUCT[a : b + 9], Content_Range=f"bytes {a}-{b - 1}/1000000", ETag=ETAG),
    "too short": lambda a, b: reply(206, PRODUCT[a : b - 9], Content_Range=f"bytes {a}-{b - 1}/1000000", ETag=ETAG),
    "too long, in chunks": lambda a, b: (
        reply(206, sized=False, Content_Range=f"bytes {a}-{b - 1}/1000000", ETag=ETAG, Transfer_Encoding="chunked")
        + b"%x\r\n" % (b - a + 9)
        + PRODUCT[a : b + 9]
        + b"\r\n0\r\n\r\n"
    ),
    "compressed": lambda a, b: reply(
        206, PRODUCT[a:b], Content_Range=f"bytes {a}-{b - 1}/1000000", ETag=ETAG, Content_Encoding="gzip"
    ),
    "all of it": lambda a, b: reply(200, PRODUCT, ETag=ETAG),
    "none of it": lambda a, b: reply(416),
    "a login": lambda a, b: reply(200, b"<html><form><input type=password>", Content_Type="text/html"),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("known", [{"content": PRODUCT}, {}], ids=["checksum", "nothing"])
def test_a_server_that_does_not_keep_to_ranges_is_asked_for_all(
    known: dict[str, object], lie: str, tmp_path: Path
) -> None:
    def gate(request: Request) -> bytes | None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if wanted is None or wanted[1] == "0":
            return None
        return LIES[lie](int(wanted[1]), int(wanted[2] or len(PRODUCT) - 1) + 1)

    with served(depot(gate=gate)) as peer:
        brought(peer, tmp_path / "p", **known)
        assert spans(peer)[-1] is None
    assert (tmp_path / "p").read_bytes() == PRODUCT


# Trouble


def test_a_server_that_wants_fewer_connections_gets_fewer(tmp_path: Path) -> None:
    busy, lock = [0, 0], threading.Lock()

    def gate(request: Request) -> bytes | None:
        with lock:
            busy[0] += 1
            if busy[0] > 2:
                busy[0] -= 1
                busy[1] += 1
                return reply(429, b'{"detail":"Max session number 2 exceeded."}', Content_Type="application/json")
        time.sleep(0.01)  # so that questions meet
        with lock:
            busy[0] -= 1
        return None

    with served(depot(gate=gate)) as peer:
        home = brought(peer, tmp_path / "p", content=PRODUCT)
    assert busy[1] >= 1
    assert home.fetched == len(PRODUCT)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_server_that_refuses_all_others_brings_what_it_has_begun(status: int, tmp_path: Path) -> None:
    def gate(request: Request) -> bytes | None:
        return reply(status) if request.headers.get("if-range") else None

    with served(depot(gate=gate)) as peer, pytest.raises((TransferError, CredentialError), match=str(status)):
        brought(peer, tmp_path / "p", content=PRODUCT)
    with served(depot()) as peer:
        assert brought(peer, tmp_path / "p", content=PRODUCT).fetched < len(PRODUCT)
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_what_a_broken_connection_leaves_is_fetched_by_another(tmp_path: Path) -> None:
    with served(depot(cut=[5_000] * 3)) as peer:
        home = brought(peer, tmp_path / "p", content=PRODUCT)
    assert home.fetched == len(PRODUCT), "no byte twice"
    assert (tmp_path / "p").read_bytes() == PRODUCT


@pytest.mark.parametrize("known", [{"content": PRODUCT}, {}], ids=["checksum", "nothing"])
def test_what_is_interrupted_goes_on_with_what_is_missing(known: dict[str, object], tmp_path: Path) -> None:
    left = [4]

    def gate(request: Request) -> bytes | None:
        left[0] -= 1
        return None if left[0] >= 0 else reply(503)

    with served(depot(gate=gate)) as peer:
        with pytest.raises(TransferError, match="503"):
            brought(peer, tmp_path / "p", **known)
        had = json.loads((tmp_path / "p.part.json").read_text())["spans"]
        there = sum(end - first for first, end in had)
        assert there > 0
        left[0] = 1_000_000
        home = brought(peer, tmp_path / "p", **known)
    assert home.fetched == len(PRODUCT) - there
    assert (tmp_path / "p").read_bytes() == PRODUCT


def gaps(path: Path, *, kept: list[tuple[int, int]], href: str, **more: object) -> None:
    """Leave what an interrupted transfer of several streams has left: garbage where nothing came."""
    content = bytearray(b"?" * kept[-1][1])
    for first, end in kept:
        content[first:end] = PRODUCT[first:end]
    Path(f"{path}.part").write_bytes(content)
    record = {"href": href, "total": len(PRODUCT), "etag": ETAG, "spans": kept, **more}
    Path(f"{path}.part.json").write_text(json.dumps(record))


def boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@pytest.mark.parametrize("streams", [1, 4])
@pytest.mark.parametrize("kept", [[(0, 300_000), (500_000, 900_000)], [(10, 999_990)], [(0, 500), (800, 1_000_000)]])
def test_whatever_is_missing_is_fetched_and_no_more(kept: list[tuple[int, int]], streams: int, tmp_path: Path) -> None:
    with served(depot()) as peer:
        gaps(tmp_path / "p", kept=kept, href=peer.url("/p"), boot=boot())
        home = brought(peer, tmp_path / "p", terms=Terms(streams=streams))
        assert home.fetched == len(PRODUCT) - sum(end - first for first, end in kept)
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_where_one_stream_can_no_longer_fill_the_gaps_it_begins_anew(tmp_path: Path) -> None:
    with served(depot(ranges=False)) as peer:
        gaps(tmp_path / "p", kept=[(0, 300_000), (500_000, 900_000)], href=peer.url("/p"), boot=boot())
        assert brought(peer, tmp_path / "p", terms=Terms()).fetched == len(PRODUCT)
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_several_streams_go_on_from_what_one_has_left(tmp_path: Path) -> None:
    shop = depot(cut=[300_000])
    with served(shop) as peer:
        with pytest.raises(TransferError):
            brought(peer, tmp_path / "p", terms=Terms())
        assert brought(peer, tmp_path / "p").fetched == 700_000
        assert len(peer.requests) > 3
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_a_crash_of_the_machine_may_have_lost_any_of_it(tmp_path: Path) -> None:
    with served(depot()) as peer:
        gaps(tmp_path / "p", kept=[(0, 900_000)], href=peer.url("/p"), boot="another")
        assert brought(peer, tmp_path / "p").fetched == len(PRODUCT)
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_what_is_recorded_beyond_the_end_of_the_part_is_not_there(tmp_path: Path) -> None:
    with served(depot()) as peer:
        gaps(tmp_path / "p", kept=[(0, 300_000), (500_000, 900_000)], href=peer.url("/p"), boot=boot())
        with Path(tmp_path / "p.part").open("r+b") as file:
            file.truncate(600_000)
        assert brought(peer, tmp_path / "p").fetched == 600_000
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_a_whole_part_of_several_streams_is_not_asked_for_again(tmp_path: Path) -> None:
    with served(depot()) as peer:
        gaps(tmp_path / "p", kept=[(0, len(PRODUCT))], href=peer.url("/p"), boot=boot())
        assert brought(peer, tmp_path / "p").fetched == 0
        assert peer.requests == []
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_a_whole_part_with_wrong_bytes_is_fetched_once_more(tmp_path: Path) -> None:
    with served(depot()) as peer:
        gaps(tmp_path / "p", kept=[(9, len(PRODUCT))], href=peer.url("/p"), checksum=md5(PRODUCT))
        record = json.loads((tmp_path / "p.part.json").read_text())
        (tmp_path / "p.part.json").write_text(json.dumps({**record, "spans": [(0, len(PRODUCT))]}))
        assert brought(peer, tmp_path / "p", checksum=md5(PRODUCT)).fetched == len(PRODUCT)
    assert (tmp_path / "p").read_bytes() == PRODUCT


# What ends it


def test_stop_ends_all_streams_and_keeps_what_came(tmp_path: Path) -> None:
    stop, ended = threading.Event(), threading.Event()

    def gate(request: Request) -> None:
        if request.headers.get("if-range"):
            stop.set()
            ended.wait(60)

    start = time.monotonic()
    with served(depot(gate=gate)) as peer, Http(origin=peer.origin, connections=8) as http:
        with pytest.raises(TransferError, match="stopped"):
            fetch(http, asset(peer.url("/p"), PRODUCT, kind=None), tmp_path / "p", terms=FOUR, stop=stop)
        assert time.monotonic() - start < 40
        ended.set()
    assert json.loads((tmp_path / "p.part.json").read_text())["spans"][0][0] == 0


def test_a_defect_in_a_stream_is_raised_to_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Defect(Exception):
        pass

    # Progress is told ten times a second: a quick transfer would only be told of when it is over.
    monkeypatch.setattr("watcher.transfer.home._TELL_EVERY", 0.0)

    def tell(progress: Progress) -> None:
        if progress.done > 500_000:
            raise Defect

    with served(depot()) as peer, Http(origin=peer.origin, connections=8) as http, pytest.raises(Defect):
        fetch(http, asset(peer.url("/p"), PRODUCT, kind=None), tmp_path / "p", terms=FOUR, progress=tell)
    assert not (tmp_path / "p").exists()


def test_a_disk_that_fills_ends_all_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    really = os.pwrite

    def pwrite(fd: int, some: bytes, at: int) -> int:
        if at > 500_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(fd, some, at)

    monkeypatch.setattr("watcher.transfer.part.os.pwrite", pwrite)
    with served(depot()) as peer:
        with pytest.raises(NoSpace):
            brought(peer, tmp_path / "p", content=PRODUCT)
        monkeypatch.undo()
        assert brought(peer, tmp_path / "p", content=PRODUCT).fetched < len(PRODUCT)
    assert (tmp_path / "p").read_bytes() == PRODUCT


def test_transfers_that_share_an_account_take_no_more_connections_than_it_has(tmp_path: Path) -> None:
    spare = threading.Semaphore(1)
    busy, lock, most = [0], threading.Lock(), [0]

    def gate(request: Request) -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.005)  # so that questions meet
        with lock:
            busy[0] -= 1

    terms = Terms(streams=4, spare=spare)
    with served(depot(gate=gate)) as peer:
        threads = [
            threading.Thread(target=brought, args=(peer, tmp_path / name), kwargs={"terms": terms, "content": PRODUCT})
            for name in ("p", "q")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert peer.connections <= 3 + 2, "one for each, one to share, and those that replace them"
    assert most[0] <= 3
    assert spare.acquire(blocking=False), "it is given back"
    assert {(tmp_path / name).read_bytes() == PRODUCT for name in ("p", "q")} == {True}


def test_progress_is_told_over_all_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.transfer.home._TELL_EVERY", 0.0)
    told: list[Progress] = []
    with served(depot()) as peer, Http(origin=peer.origin, connections=8) as http:
        fetch(http, asset(peer.url("/p"), PRODUCT, kind=None), tmp_path / "p", terms=FOUR, progress=told.append)
    done = [progress.done for progress in told]
    assert (done == sorted(done), told[-1]) == (True, Progress(len(PRODUCT), len(PRODUCT)))


# A kill at any moment


@pytest.fixture
def slow() -> Iterator[Peer]:
    """Some 3 MB/s on each connection."""

    def gate(request: Request) -> None:
        time.sleep(0.03)  # it is the moment of the kill that is drawn, not awaited

    with served(depot(gate=gate)) as peer:
        yield peer


def test_killed_at_any_moment_no_byte_is_taken_for_there_that_is_not(slow: Peer, tmp_path: Path) -> None:
    chance = random.Random(5)
    kept = 0
    with nursery() as begin:
        for number in range(6):
            path = tmp_path / f"{number}"
            child = begin(slow.url("/p"), path, streams=4)
            until(lambda path=path: Path(f"{path}.part.json").exists() or path.exists())
            time.sleep(chance.uniform(0.0, 0.15))
            child.kill()
            assert not path.exists() or path.read_bytes() == PRODUCT
            home = brought(slow, path)
            kept += home.fetched < len(PRODUCT)
            assert path.read_bytes() == PRODUCT
    assert kept >= 1, "kills that leave nothing prove little"
