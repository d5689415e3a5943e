"""Feeds as files: written when something changed, whole, and gone with their site."""

from __future__ import annotations

import errno
import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import feedparser
import icalendar
import msgspec
import pytest

from tests.given import L2A, NOW, add_watch, product
from tests.store.test_production import baseline, record, well
from watcher.core.decide import Arrival
from watcher.errors import StoreError
from watcher.model import Event, Product, Watch
from watcher.store import products, sites
from watcher.store.connection import writing
from watcher.tasks.feeds import Terms, due, write
from watcher.tasks.feeds.child import Asked, write_apart
from watcher.tasks.feeds.files import Files, Wrote, folder

TERMS = Terms(10)
DAY = timedelta(days=1)
NAMES = {"acquisitions.ics", "arrivals.atom", "arrivals.geojson", "arrivals.json", "collection.json"}


def arrive(db: sqlite3.Connection, at: Watch, *listed: Product, event: Event = Event.NEW) -> None:
    numbers = record(db, at, *listed)
    with writing(db):
        products.arrive(db, [Arrival(at.site.number, number, event, (), False) for number in numbers], now=NOW)


@pytest.fixture
def at(db: sqlite3.Connection) -> Watch:
    """A site with a baseline and one arrival."""
    watch = add_watch(db)
    baseline(db, watch)
    well(db)
    arrive(db, watch, product("A"))
    return watch


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "feeds"


def files(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file() and path.name[0] != "."}


def titles(out: Path, site: str = "pornic") -> list[str]:
    return [entry.title for entry in feedparser.parse((out / "sites" / site / "arrivals.atom").read_bytes()).entries]


def test_each_site_has_its_feeds_and_all_sites_have_theirs(db: sqlite3.Connection, at: Watch, out: Path) -> None:
    assert due(db, out, TERMS, now=NOW)
    wrote = write(db, out, TERMS, now=NOW)
    written = files(out)
    assert written >= NAMES
    assert written >= {f"sites/pornic/{name}" for name in NAMES}
    (item,) = (name for name in written if "/items/" in name)
    assert item.startswith("sites/pornic/items/SPOT5_A_L2A-")
    assert wrote == Wrote(sites=1, written=len(written))
    assert titles(out) == ["new L2A at Pornic: SPOT5_A_L2A"]
    assert [link["href"] for link in json.loads((out / "collection.json").read_bytes())["links"]] == [
        "./collection.json",
        "./sites/pornic/collection.json",
    ]
    assert not list(out.rglob("*.new"))


def test_a_pass_without_news_writes_nothing(db: sqlite3.Connection, at: Watch, out: Path) -> None:
    write(db, out, TERMS, now=NOW)
    before = {path: path.stat().st_ino for path in out.rglob("*")}
    assert not due(db, out, TERMS, now=NOW)
    again = write(db, out, TERMS, now=NOW, every=True)
    assert (again.written, again.removed) == (0, 0)
    assert {path: path.stat().st_ino for path in out.rglob("*")} == before


def test_what_arrived_is_written_to_its_site_and_to_all_and_no_other(
    db: sqlite3.Connection, at: Watch, out: Path
) -> None:
    other = add_watch(db, "Kourou")
    arrive(db, other, product("K"))
    write(db, out, TERMS, now=NOW)
    arrive(db, at, product("B"))
    assert due(db, out, TERMS, now=NOW)
    before = {name: (out / name).stat().st_ino for name in files(out)}
    assert write(db, out, TERMS, now=NOW).sites == 1
    changed = {name for name in files(out) if before.get(name) != (out / name).stat().st_ino}
    assert changed == {
        "arrivals.atom", "arrivals.json", "arrivals.geojson", "acquisitions.ics",
        "sites/pornic/arrivals.atom", "sites/pornic/arrivals.json", "sites/pornic/arrivals.geojson",
        "sites/pornic/acquisitions.ics", "sites/pornic/collection.json",
        *(name for name in files(out) if "SPOT5_B" in name),
    }  # fmt: skip
    assert titles(out) == ["new L2A at Pornic: SPOT5_B_L2A", "new L2A at Pornic: SPOT5_A_L2A"]


def test_only_so_many_arrivals_are_told_of_and_the_items_of_others_go(
    db: sqlite3.Connection, at: Watch, out: Path
) -> None:
    write(db, out, Terms(1), now=NOW)
    (out / "sites/pornic/items/notes.json").write_text("mine")
    arrive(db, at, product("B"))
    wrote = write(db, out, Terms(1), now=NOW)
    assert wrote.removed == 1
    assert titles(out) == ["new L2A at Pornic: SPOT5_B_L2A"]
    kept = {path.name for path in (out / "sites/pornic/items").iterdir()}
    assert {name.partition("-")[0] for name in kept} == {"SPOT5_B_L2A", "notes.json"}


def test_the_feeds_of_a_site_that_is_removed_go_and_nothing_else(db: sqlite3.Connection, at: Watch, out: Path) -> None:
    other = add_watch(db, "Kourou")
    write(db, out, TERMS, now=NOW)
    (out / "sites/pornic/index.html").write_text("mine")
    with writing(db):
        sites.remove(db, at.site)
    assert due(db, out, TERMS, now=NOW)
    write(db, out, TERMS, now=NOW)
    assert {name for name in files(out) if name.startswith("sites/pornic")} == {"sites/pornic/index.html"}
    assert f"sites/{other.site.name.lower()}/arrivals.atom" in files(out)
    with writing(db):
        sites.remove(db, other.site)
    write(db, out, TERMS, now=NOW)
    assert not (out / "sites/kourou").exists()
    # The numbers of arrivals begin again.
    back = add_watch(db, "Pornic")
    arrive(db, back, product("B"))
    write(db, out, TERMS, now=NOW)
    assert titles(out) == ["new L2A at Pornic: SPOT5_B_L2A"]


def test_other_terms_or_a_new_day_write_again(db: sqlite3.Connection, at: Watch, out: Path) -> None:
    write(db, out, TERMS, now=NOW)
    public = Terms(10, "https://example.org/arrivals/")
    assert due(db, out, public, now=NOW)
    write(db, out, public, now=NOW)
    (link,) = feedparser.parse((out / "sites/pornic/arrivals.atom").read_bytes()).feed.links
    assert link["href"] == "https://example.org/arrivals/sites/pornic/arrivals.atom"
    assert due(db, out, public, now=NOW + DAY)


def test_the_calendar_says_what_was_seen_at_the_baseline_and_what_is_expected(
    db: sqlite3.Connection, out: Path
) -> None:
    watch = add_watch(db)
    record(db, watch, *(product(f"{n}", acquired=NOW - n * 5 * DAY, published=NOW, platform="SPOT5") for n in range(8)))
    baseline(db, watch)
    well(db)
    write(db, out, TERMS, now=NOW)
    for path in (out / "sites/pornic/acquisitions.ics", out / "acquisitions.ics"):
        events = icalendar.Calendar.from_ical(path.read_bytes()).events
        assert [str(event["STATUS"]) for event in events] == ["CONFIRMED"] * 8 + ["TENTATIVE"] * 6
        assert events[8].start == NOW + 5 * DAY
    assert titles(out) == []


def test_a_directory_that_cannot_be_written_is_named_with_the_way_out(
    db: sqlite3.Connection, at: Watch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"the feeds in .*file cannot be written: Not a directory") as raised:
        write(db, tmp_path / "file", TERMS, now=NOW)
    assert "[feeds]" in str(raised.value.hint)


def test_a_note_that_cannot_be_read_or_leads_elsewhere_does_no_harm(
    db: sqlite3.Connection, at: Watch, out: Path, tmp_path: Path
) -> None:
    write(db, out, TERMS, now=NOW)
    note = out / ".watcher-feeds.json"
    note.write_text("{")
    assert due(db, out, TERMS, now=NOW)
    victim = tmp_path / "victim"
    (victim / "items").mkdir(parents=True)
    (victim / "arrivals.atom").write_text("mine")
    write(db, out, TERMS, now=NOW)
    note.write_text(note.read_text().replace("sites/pornic", "../victim").replace('"1"', '"9"'))
    write(db, out, TERMS, now=NOW)
    assert (victim / "arrivals.atom").read_text() == "mine"


def test_a_link_that_lies_in_the_way_is_not_followed(db: sqlite3.Connection, at: Watch, out: Path) -> None:
    out.mkdir()
    (out / "target").write_text("mine")
    (out / ".arrivals.atom.new").symlink_to(out / "target")
    with pytest.raises(StoreError):
        write(db, out, TERMS, now=NOW)
    assert (out / "target").read_text() == "mine"
    write(db, out, TERMS, now=NOW)
    assert not (out / "arrivals.atom").is_symlink()


def test_a_full_disk_leaves_no_half_file_and_the_next_pass_goes_on(
    db: sqlite3.Connection, at: Watch, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(db, out, TERMS, now=NOW)
    before = (out / "arrivals.atom").read_bytes()
    arrive(db, at, product("B"))
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(Path, "replace", Mock(side_effect=full))
    with pytest.raises(StoreError, match="No space left on device") as raised:
        write(db, out, TERMS, now=NOW)
    assert not raised.value.permanent
    assert (out / "arrivals.atom").read_bytes() == before
    assert not list(out.rglob("*.new"))
    monkeypatch.undo()
    write(db, out, TERMS, now=NOW)
    assert len(titles(out)) == 2


@pytest.mark.parametrize(
    ("site", "at"),
    [
        ("Pornic", r"sites/pornic"),
        ("Île de Ré", r"sites/ile-de-re"),
        ("106/069", r"sites/106-069-[0-9a-f]{8}"),
        ("北京", r"sites/[0-9a-f]{8}"),
        ("../../etc", r"sites/etc-[0-9a-f]{8}"),
        ("x" * 300, r"sites/x{60}-[0-9a-f]{8}"),
    ],
)
def test_a_site_has_a_directory_of_its_own_whatever_its_name(site: str, at: str) -> None:
    assert re.fullmatch(at, folder(site))


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_child_writes_the_same_and_says_what_it_wrote(
    db: sqlite3.Connection, at: Watch, path: Path, out: Path, stop: threading.Event
) -> None:
    beats: list[int] = []
    wrote = write_apart(path, out, TERMS, stop=stop, alive=lambda: beats.append(1))
    assert wrote is not None
    assert (wrote.sites, wrote.written) == (1, len(files(out)))
    assert beats
    by_hand = out.with_name("by-hand")
    write(db, by_hand, TERMS, now=NOW, every=True)
    assert files(by_hand) == files(out)
    assert (by_hand / "arrivals.atom").read_bytes() == (out / "arrivals.atom").read_bytes()
    (out.with_name("file")).write_text("")
    with pytest.raises(StoreError, match="Not a directory"):
        write_apart(path, out.with_name("file"), TERMS, stop=stop, alive=lambda: None)
    stop.set()
    assert write_apart(path, out, TERMS, stop=stop, alive=lambda: None) is None


def whole(out: Path) -> None:
    """Hold every file that is there to its format."""
    for path in out.rglob("*"):
        if path.suffix == ".atom":
            assert not feedparser.parse(path.read_bytes()).bozo
        elif path.suffix in (".json", ".geojson"):
            json.loads(path.read_bytes())
        elif path.suffix == ".ics":
            icalendar.Calendar.from_ical(path.read_bytes())


class Crash(BaseException):
    """The end of a process, at a step of our choice."""


def test_wherever_writing_ends_early_files_are_whole_and_the_next_pass_finishes(
    db: sqlite3.Connection, at: Watch, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, steps = Path.replace, 0
    while True:
        left = iter(range(steps))

        def put(path: Path, to: Path, left: Iterator[int] = left) -> Path:
            if next(left, None) is None:
                raise Crash
            return replace(path, to)

        monkeypatch.setattr(Path, "replace", put)
        try:
            write(db, out, TERMS, now=NOW + steps * DAY)
        except Crash:
            assert due(db, out, TERMS, now=NOW + steps * DAY)
        else:
            break
        whole(out)
        arrive(db, at, product(f"B{steps}"))
        steps += 1
    assert steps > 10
    monkeypatch.undo()
    write(db, out, TERMS, now=NOW + steps * DAY)
    assert len(titles(out)) == 10
    assert not list(out.rglob("*.new"))


def test_of_many_sites_who_is_stopped_goes_on_from_there(
    db: sqlite3.Connection, at: Watch, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.tasks.feeds._OFTEN", 1)
    for name in ("Kourou", "Kakadu"):
        arrive(db, add_watch(db, name), product(name))
    public = Terms(10, "https://example.org/")
    write(db, out, TERMS, now=NOW)
    put, count = Files.put, iter(range(12))

    def stopped(files: Files, name: str, content: bytes) -> None:
        if next(count, None) is None:
            raise Crash
        put(files, name, content)

    monkeypatch.setattr(Files, "put", stopped)
    with pytest.raises(Crash):
        write(db, out, public, now=NOW)
    monkeypatch.setattr(Files, "put", put)
    assert due(db, out, public, now=NOW)
    assert write(db, out, public, now=NOW).sites == 1
    assert all(b"https://example.org/sites/" in path.read_bytes() for path in out.rglob("sites/*/arrivals.atom"))


def test_a_process_that_is_killed_leaves_whole_files(db: sqlite3.Connection, path: Path, out: Path) -> None:
    for number in range(12):
        arrive(db, add_watch(db, f"Site {number}"), product(f"P{number}", level=L2A))
    command = [sys.executable, "-P", "-m", "watcher.tasks.feeds"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(Asked(str(path), str(out), TERMS)))
    process.stdin.close()
    until = time.monotonic() + 60
    while not (out / "sites").is_dir() and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    process.wait()
    whole(out)
    write(db, out, TERMS, now=NOW)
    assert len(list(out.rglob("arrivals.atom"))) == 13


def test_files_are_put_there_at_once(tmp_path: Path) -> None:
    out = Files(tmp_path)
    out.put("a/b.json", b"1")
    out.put("a/b.json", b"1")
    out.put("a/b.json", b"2")
    assert (tmp_path / "a/b.json").read_bytes() == b"2"
    assert out.wrote == Wrote(written=2, same=1)
