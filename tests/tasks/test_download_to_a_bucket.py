"""Bringing products to a bucket, from a real server on loopback to another."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.archive.lots import PART, archive_in, spooled
from tests.given import NOW, Clock, rows
from tests.servers.buckets import AnyBucket
from tests.servers.way import Sent, refusal, way_to
from tests.tasks.fetched import fetch
from tests.tasks.test_download import DUE, GIVEN_UP, HOME, Files, files, http, state, want
from tests.tasks.test_download_of_chosen_assets import Shelf, wish
from tests.transfer.depot import noise
from watcher.archive.bucket import Bucket
from watcher.errors import NoArchive
from watcher.net import Http
from watcher.store import archive as shelves
from watcher.store.connection import writing
from watcher.tasks.download import Brought, How
from watcher.tasks.tidy import tidy
from watcher.tasks.verify import verify

__all__ = ["files", "http"]

LARGE = noise(2 * PART + 77)
KEY = "eo/Pornic/L2A/SPOT5_P1_L2A.dat"


@pytest.fixture
def archive(bucket: AnyBucket, tmp_path: Path) -> Bucket:
    return archive_in(bucket, tmp_path)


Bring = Callable[..., list[Brought]]


@pytest.fixture
def bring(db: sqlite3.Connection, http: Http, archive: Bucket, clock: Clock) -> Bring:
    def once(to: Bucket = archive, **terms: Any) -> list[Brought]:
        clock.forward(hours=1)
        return list(fetch(db, http, to, clock, **terms))

    return once


def test_a_product_comes_to_the_bucket_with_its_item_beside_it(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, archive: Bucket, bring: Bring
) -> None:
    number = want(db, "P1", files.asset("/P1.dat", LARGE))
    (brought,) = bring(how=lambda name: How(sidecar=True))
    assert brought.problem is None
    assert archive.shown(brought.place) == f"s3://{bucket.name}/eo/Pornic/L2A/SPOT5_P1_L2A.dat"
    key = "eo/Pornic/L2A/SPOT5_P1_L2A.dat"
    assert bucket.visible() == [key, f"{key}.stac.json"]
    assert bucket.read(key) == LARGE
    item = json.loads(bucket.read(f"{key}.stac.json"))
    assert item["assets"]["product"]["href"] == "./SPOT5_P1_L2A.dat"
    assert item["assets"]["product"]["file:size"] == len(LARGE)
    assert state(db, number) == (*HOME, 0)
    assert spooled(archive) == []


def test_several_files_are_all_proven_before_one_is_sent(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, archive: Bucket, bring: Bring
) -> None:
    good = files.asset("/B02.tif", b"two", key="B02")
    bad = files.asset("/B03.tif", b"three", key="B03")
    files.bytes["/B03.tif"] = b"thref"
    number = want(db, "P1", good, bad)
    (brought,) = bring()
    assert "the md5 is" in str(brought.problem)
    assert bucket.visible() == []
    files.bytes["/B03.tif"] = b"three"
    (brought,) = bring()
    assert brought.problem is None
    assert len(bucket.visible()) == 3
    assert state(db, number)[1]
    assert files.asked("/B02.tif") == 1


def test_a_file_that_a_site_has_chosen_lies_below_its_product(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, archive: Bucket, bring: Bring
) -> None:
    number = want(db, "P1")
    wish(db, "SCL")
    catalogue = Shelf(files)
    (brought,) = bring(choose=catalogue)
    assert brought.problem is None
    place = "eo/Pornic/L2A/SPOT5_P1_L2A"
    assert bucket.visible() == [f"{place}.complete.json", f"{place}/SCL.tif"]
    with writing(db):
        shelves.want_again(db, number, now=NOW)
    (brought,) = bring(choose=catalogue)
    assert brought.stored is not None
    assert (brought.stored.fetched, brought.stored.moved) == (0, False)
    assert files.asked("/SCL.tif") == 1


def test_a_bucket_that_refuses_ends_the_pass_and_nothing_is_fetched_twice(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, tmp_path: Path, bring: Bring
) -> None:
    def refuse(sent: Sent) -> tuple[int, str] | None:
        return (403, refusal("AccessDenied", "no").decode()) if sent.method in ("PUT", "POST") else None

    numbers = [want(db, f"P{n}", files.asset(f"/P{n}.dat", b"content %d" % n)) for n in range(3)]
    with way_to(bucket, refuse) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        (brought,) = bring(archive, concurrency=1)
        assert "cannot be written: AccessDenied" in str(brought.problem)
        assert brought.again is not None
        (brought,) = bring(archive, concurrency=1)  # another one, which is not fetched
        assert "cannot be written: AccessDenied" in str(brought.problem)
        assert sum(files.asked(f"/P{n}.dat") for n in range(3)) == 1
        assert bucket.visible() == []
        way.rule = lambda sent: None
        assert [one.problem for one in bring(archive, concurrency=1)] == [None] * 3
    assert [state(db, number)[1] for number in numbers] == [True] * 3
    assert [files.asked(f"/P{n}.dat") for n in range(3)] == [1, 1, 1]
    assert len(bucket.visible()) == 3


def test_what_a_full_bucket_refuses_at_its_end_is_not_sent_every_five_minutes(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, tmp_path: Path, clock: Clock, bring: Bring
) -> None:
    def refuse(sent: Sent) -> tuple[int, str] | None:
        return (403, refusal("QuotaExceeded", "full").decode()) if sent.completes or sent.whole else None

    want(db, "P1", files.asset("/P1.dat", LARGE))
    want(db, "P2", files.asset("/P2.dat", b"small"))
    waits = {}
    with way_to(bucket, refuse) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        for brought in bring(archive, concurrency=2):
            assert "QuotaExceeded" in str(brought.problem)
            assert brought.again is not None
            waits[brought.title[:8]] = (brought.again - clock()).total_seconds()
    assert 3590 < waits["SPOT5_P1"] <= 3600
    assert waits["SPOT5_P2"] <= 360


@pytest.mark.parametrize("several", [False, True], ids=["a file", "a directory"])
def test_what_waited_for_the_bucket_leaves_the_spool_when_it_was_replaced(
    several: bool, db: sqlite3.Connection, files: Files, bucket: AnyBucket, tmp_path: Path, bring: Bring
) -> None:
    def refuse(sent: Sent) -> tuple[int, str] | None:
        return (403, refusal("AccessDenied", "no").decode()) if sent.method in ("PUT", "POST") else None

    keys = ("B02", "B03") if several else ("product",)
    want(db, "P1", *(files.asset(f"/{key}.dat", key.encode() * 999, key=key) for key in keys))
    with way_to(bucket, refuse) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        bring(archive)
        assert archive.spool.waiting()
        want(db, "P1", files.asset("/newer.dat", b"newer"), revision="later")
        way.rule = lambda sent: None
        assert [one.problem for one in bring(archive)] == [None]
    assert spooled(archive) == []
    assert not archive.spool.waiting()


def test_another_object_in_its_place_gives_the_product_up(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, bring: Bring
) -> None:
    bucket.put("eo/Pornic/L2A/SPOT5_P1_L2A.dat", b"precious")
    number = want(db, "P1", files.asset("/P1.dat", b"content"))
    (brought,) = bring()
    assert str(brought.problem).endswith("is there already, and is another file [move it away to fetch this one]")
    assert state(db, number)[:2] == GIVEN_UP
    assert files.asked("/P1.dat") == 0
    assert bucket.read("eo/Pornic/L2A/SPOT5_P1_L2A.dat") == b"precious"


def test_an_object_that_is_the_product_already_is_kept(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, bring: Bring
) -> None:
    bucket.put("eo/Pornic/L2A/SPOT5_P1_L2A.dat", b"content")
    want(db, "P1", files.asset("/P1.dat", b"content"))
    (brought,) = bring(how=lambda name: How(sidecar=True))
    assert brought.stored is not None
    assert (brought.stored.fetched, brought.stored.verified) == (0, "md5")
    assert files.asked("/P1.dat") == 0
    assert len(bucket.visible()) == 2


def test_a_server_that_says_nothing_of_a_file_is_asked_once_though_the_upload_fails(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, tmp_path: Path, bring: Bring
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"content", proven=False))
    with way_to(bucket, lambda sent: (503, "") if sent.method == "PUT" else None) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)
        assert "status 503" in str(bring(archive)[0].problem)
        way.rule = lambda sent: None
        assert bring(archive)[0].problem is None
    assert files.asked("/P1.dat") == 1


def test_what_is_lost_or_rotten_there_is_fetched_anew(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, archive: Bucket, bring: Bring, clock: Clock
) -> None:
    numbers = [want(db, f"P{n}", files.asset(f"/P{n}.dat", b"content %d" % n)) for n in (1, 2)]
    bring()
    bucket.put("eo/Pornic/L2A/SPOT5_P1_L2A.dat", b"contenu 1")

    def look(*, deep: bool = True, again: bool = False) -> list[str]:
        stop = threading.Event()
        found = verify(db, archive, site=None, deep=deep, again=again, now=clock, stop=stop)
        return sorted(verdict.state.value for verdict in found)

    assert look(deep=False) == ["fine", "fine"]
    assert look(again=True) == ["fine", "rotten"]
    assert state(db, numbers[0])[:2] == DUE
    assert f"{KEY}.rotten" in bucket.visible()
    assert bring()[0].problem is None
    assert look() == ["fine", "fine"]


def test_one_object_that_cannot_be_read_is_that_and_a_bucket_out_of_reach_an_error(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, tmp_path: Path, bring: Bring, clock: Clock
) -> None:
    for n in (1, 2):
        want(db, f"P{n}", files.asset(f"/P{n}.dat", b"content %d" % n))
    bring()
    with way_to(bucket, lambda sent: (403, "") if sent.path.endswith("P1_L2A.dat") else None) as way:
        archive = archive_in(bucket, tmp_path, endpoint=way.endpoint)

        def look() -> list[str]:
            stop = threading.Event()
            found = verify(db, archive, site=None, deep=False, again=True, now=clock, stop=stop)
            return sorted(verdict.state.value for verdict in found)

        assert look() == ["fine", "unreadable"]
        assert len(shelves.faults(db)) == 1
        way.rule = lambda sent: (403, "")
        with pytest.raises(NoArchive, match="cannot be listed"):
            look()
    assert len(shelves.faults(db)) == 1


def test_what_is_to_leave_is_deleted(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, archive: Bucket, bring: Bring, clock: Clock
) -> None:
    want(db, "P1", files.asset("/P1.dat", b"content"))
    bring(how=lambda name: How(sidecar=True))
    (gone,) = tidy(db, archive, keep=None, max_size=1, at_once=True, now=clock, stop=threading.Event())
    assert (gone.removed, bucket.visible()) == (True, [])
    assert shelves.held(db) == []


KILLED = """
import pickle, sys
from pathlib import Path
from tests.given import Clock, database
from watcher.net import Http
from tests.tasks.fetched import fetch

where, origin = Path(sys.argv[1]), sys.argv[2]
with database(where / "watcher.db") as db, Http(origin=origin, allow_insecure=True) as http:
    clock = Clock()
    clock.forward(minutes=1)
    archive = pickle.loads((where / "archive").read_bytes())
    list(fetch(db, http, archive, clock))
"""


@pytest.mark.parametrize(
    ("bucket", "at"), [("s3", 1), ("s3", 3), ("s3", None), ("gs", 3), ("az", 3)], indirect=["bucket"]
)
def test_killed_while_it_uploads_it_goes_on_without_fetching_again(
    db: sqlite3.Connection,
    files: Files,
    bucket: AnyBucket,
    archive: Bucket,
    bring: Bring,
    tmp_path: Path,
    at: int | None,
) -> None:
    number = want(db, "P1", files.asset("/P1.dat", LARGE, proven=False))
    there, on = threading.Event(), threading.Event()

    def wait(sent: Sent) -> None:
        if (at is None and sent.completes) or (at is not None and sent.part == at):
            there.set()
            on.wait(30)

    key = "eo/Pornic/L2A/SPOT5_P1_L2A.dat"
    with way_to(bucket, wait) as way:
        (tmp_path / "archive").write_bytes(pickle.dumps(archive_in(bucket, tmp_path, endpoint=way.endpoint)))
        command = [sys.executable, "-c", KILLED, str(tmp_path), files.peer.origin]
        with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path.cwd())}) as process:
            assert there.wait(30)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert bucket.visible() == []
        assert archive.workplace("Pornic/L2A/SPOT5_P1_L2A.dat").read_bytes() == LARGE
        if at is not None:
            on.set()
    asked = files.asked("/P1.dat")
    (brought,) = bring()
    on.set()
    assert brought.problem is None
    assert (files.asked("/P1.dat"), bucket.read(key), spooled(archive)) == (asked, LARGE, [])
    assert state(db, number)[:2] == HOME
    assert rows(db, "SELECT verified FROM downloads") == ["size"]


def test_killed_before_it_is_written_down_it_is_adopted(
    db: sqlite3.Connection, files: Files, bucket: AnyBucket, bring: Bring
) -> None:
    number = want(db, "P1", files.asset("/P1.dat", b"content", proven=False))
    bring()
    with writing(db):  # as if the machine had died before this was written
        db.execute("UPDATE downloads SET stored = NULL, due = wanted WHERE revision = ?", (number,))
    (brought,) = bring()
    assert brought.stored is not None
    assert (brought.stored.fetched, brought.stored.verified, files.asked("/P1.dat")) == (0, "size", 1)
    assert len(bucket.visible()) == 1
