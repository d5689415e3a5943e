"""What `watcher status` says of limits and of the archive."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Watcher
from tests.given import database
from tests.tasks.stored import put, want
from watcher.model import Asset
from watcher.store import downloads, fetching, tapes, volumes
from watcher.store.connection import writing
from watcher.store.fetching import Going
from watcher.store.locks import holding


@pytest.fixture
def limited(home: Path) -> Path:
    """Some limits are configured; returns where the database lies."""
    config = home / "config.toml"
    text = config.read_text().replace("gap = 0\n", 'gap = 0\ndaily = "1 GB"\nmonthly = "70 GB"\n', 1)
    config.write_text(text.replace("[download]\n", '[download]\nbandwidth = "2M"\nsite_quota = 5\n'))
    (home / "state").mkdir()
    return home / "state" / "watcher.db"


def test_the_limits_are_told_with_what_they_hold_back(watcher: Watcher, limited: Path, home: Path) -> None:
    moment = datetime.now(UTC)
    with database(limited) as db:
        put(db, home / "state/archive", "P1", b"content")
        want(db, "P2")
        with writing(db):
            volumes.spend(db, "take5", 10**9, now=moment)
        said = watcher("status").out
        with writing(db):
            db.execute("UPDATE volumes SET bytes = 7000000")
        before = watcher("status").out
        with writing(db):
            db.execute("UPDATE volumes SET day = ?", ((moment.date() - timedelta(days=1)).isoformat(),))
        later = watcher("status").out
    tomorrow = moment.date() + timedelta(days=1)
    assert "downloads take 2.0 MB/s at most at this time of day\n" in said
    assert "take5: fetched 1.0 GB of 1.0 GB today and 1.0 GB of 70 GB this month; the day's volume is used up," in said
    assert f"and 1 download waits until {tomorrow} 00:00 UTC" in said
    assert "Pornic: its 5 B are full, and its downloads wait (download.site_quota)\n" in said
    assert "take5: fetched 7.0 MB of 1.0 GB today and 7.0 MB of 70 GB this month\n" in before
    assert re.search(r"^take5: fetched nothing of 1\.0 GB today and (7\.0 MB|nothing) of 70 GB", later, re.MULTILINE)


def test_a_timetable_that_is_none_is_refused_with_the_way_out(watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("[download]\n", '[download]\nbandwidth = "fast"\n'))
    said = watcher("status")
    assert said.code == 78
    assert 'download.bandwidth = "fast": "fast" is no rate' in said.err
    assert '"08:00 512k, 19:00 off"' in said.err


def test_what_is_on_tape_is_told_with_when_it_is_asked_for_again(watcher: Watcher, home: Path) -> None:
    moment = datetime.now(UTC)
    with database(home / "state" / "watcher.db") as db:
        number = want(db, "P1", title="ONE")
        with writing(db):
            again = moment + timedelta(minutes=119, seconds=59)
            tapes.staged(db, number, since=moment - timedelta(days=9), problem="on tape", again=again)
    said = watcher("status").out
    assert "ONE: on tape at take5, first asked for 9 d ago, again in 2 h\n" in said
    assert "troubles: none" in said
    assert "on tape, asked again in 2 h" in watcher("products").out
    (row,) = json.loads(watcher("products", "--json").out)
    assert (row["stored"], row["staged"][:4]) == (None, str(again.year))


def test_a_pass_that_is_held_back_says_so(watcher: Watcher, limited: Path) -> None:
    with database(limited) as db:
        want(db, "P1")
        with writing(db):
            volumes.spend(db, "take5", 10**9, now=datetime.now(UTC))
    assert watcher("download").out == "1 download is held back; `watcher status` says why.\n"


def test_what_lies_in_another_archive_since_the_configuration_changed_is_said(
    watcher: Watcher, home: Path, tmp_path: Path
) -> None:
    watcher("add-site", "Pornic")
    watcher("poll")
    titles = [row["title"] for row in json.loads(watcher("products", "--json").out)][:2]
    count = watcher("download", *titles).out.count("stored ")
    assert count == len(titles)
    config, former, other = home / "config.toml", home / "state" / "archive", tmp_path / "other"
    config.write_text(config.read_text().replace("[download]\n", f'[download]\narchive = "{other}"\n'))
    assert f"lie in {former}, which is no longer the archive: copy them to {other}" in watcher("status").out
    places = [row["stored"] for row in json.loads(watcher("products", "--json").out) if row["stored"]]
    assert len(places) == count
    assert all(Path(place).exists() for place in places)
    said = watcher("verify")
    assert said.code == 1
    assert f"{count} products looked at (sizes only; --deep reads every byte): {count} elsewhere\n" in said.out
    assert f"→ copy what lies elsewhere to the same places in {other}, then verify again" in said.err
    former.rename(other)
    assert watcher("verify", "--deep").code == 0
    assert "no longer the archive" not in watcher("status").out


def test_what_waits_for_others_to_come_from_tape_is_told(watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("gap = 0\n", "gap = 0\norders = 1\n", 1))
    moment = datetime.now(UTC)
    with database(home / "state" / "watcher.db") as db:
        number = want(db, "P1", title="ONE")
        with writing(db):
            tapes.staged(db, number, since=moment, problem="on tape", again=moment + timedelta(hours=2))
        assert "`orders`" not in watcher("status").out
        want(db, "P2", title="TWO", assets=(Asset("p", "https://h.example/2", online=True),))
        assert "`orders`" not in watcher("status").out
        want(db, "P3", title="THREE")
    said = watcher("status").out
    assert "take5: 1 product comes from tape, as many as `orders` allows; 1 download that may have to waits for" in said


def test_of_many_downloads_that_failed_some_are_told_of_and_how_many_more_there_are(
    watcher: Watcher, home: Path
) -> None:
    moment = datetime.now(UTC)
    with database(home / "state" / "watcher.db") as db:
        for number in range(33):
            revision = want(db, f"P{number}", title=f"P{number:02}")
            with writing(db):
                downloads.failed(db, revision, problem="no route", again=moment + timedelta(hours=1), now=moment)
    said = watcher("status").out
    assert said.count("download failed after 1 try, again in ") == 30
    assert said.endswith("  … and 3 more (--json lists all)\n")
    assert len(json.loads(watcher("status", "--json").out)["troubles"]) == 33
    assert watcher("retry").code == 0
    assert "P00: download failed, due again: no route\n" in watcher("status").out


def test_what_is_being_fetched_is_shown_while_somebody_fetches(watcher: Watcher, home: Path) -> None:
    assert watcher("status").code == 0
    going = [Going("ONE", 1_300_000, 3_000_000, 630_000), Going("TWO", 0, None, 0), Going("SIX", 5, 9, 0, storing=True)]
    fetching.put(home / "state" / "fetching.json", going)
    assert "fetching" not in watcher("status").out, "whoever wrote that is gone"
    with holding(home / "state" / "download.lock", what="downloading"):
        said = watcher("status").out
        (one, two, _) = json.loads(watcher("status", "--json").out)["downloads"]["fetching"]
    assert (
        "fetching ONE: 1.3 MB of 3.0 MB (43 %), 630 kB/s, 3 s left\nfetching TWO: 0 B\nstoring SIX: 5 B of 9 B" in said
    )
    assert (one["rate"], round(one["left"], 1), two["left"]) == (630_000, 2.7, None)


def test_a_pass_says_how_far_it_is_and_leaves_nothing_behind(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic", "--no-download")
    watcher("poll")
    title = next(row["title"] for row in json.loads(watcher("products", "--json", "--level", "L2A").out))
    assert watcher("download", title).code == 0
    assert not (home / "state" / "fetching.json").exists()
