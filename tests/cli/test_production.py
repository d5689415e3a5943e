"""`watcher progress`, `upcoming` and `feeds`, as a person uses them in June 2015."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from tests.conftest import Scene, Watcher
from tests.given import Clock


@pytest.fixture
def june(watcher: Watcher, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Pornic, watched for L1C and L2A since the story began, and the clock as it is at its end."""
    clock = Clock(datetime(2015, 6, 3, 6, tzinfo=UTC))
    monkeypatch.setattr("watcher.wiring.now", clock)
    watcher("add-site", "Pornic", "--level", "L1C", "--level", "L2A")
    watcher("poll")
    scene.play()
    clock.time = datetime(2015, 6, 18, 12, tzinfo=UTC)
    watcher("poll")
    return clock


def test_progress_says_how_many_l1c_have_their_l2a_and_how_long_that_took(june: Clock, watcher: Watcher) -> None:
    lines = watcher("progress", "Pornic").out.splitlines()
    assert lines[:2] == [
        "Pornic: take5 SPOT5 L2A, as of 2015-06-18 12:00 UTC",
        "  12 of 13 L1C have their L2A (92 %), 1 of them in a newer version",
    ]
    delays = {line.split("  ")[1]: line for line in lines if "→" in line}
    assert list(delays) == ["acquisition → L1C", "L1C → L2A", "acquisition → L2A"]
    assert "12 came, by the catalogue's time of publication" in delays["L1C → L2A"]
    assert lines[-2] == "  1 awaited:"
    assert lines[-1].startswith(
        "    2015-06-09 11:12  SPOT-5 PORNIC, cloud 59 %: awaited for 4 d; its L1C came 2015-06-14"
    )
    assert "; expected from 2015-06-" in lines[-1]


def test_progress_of_all_sites_is_a_table(june: Clock, watcher: Watcher) -> None:
    heading, row = watcher("progress").out.splitlines()
    assert heading.split() == [
        "SITE",
        "COLLECTION",
        "LEVEL",
        "THERE",
        "NEWER",
        "MEDIAN",
        "90",
        "%",
        "NOW",
        "AWAITED",
        "OVERDUE",
    ]
    assert row.split()[:10] == ["Pornic", "take5", "SPOT5", "L2A", "12", "of", "13", "L1C", "(92", "%)"]


def test_progress_for_programs_has_numbers_and_says_which_clock(june: Clock, watcher: Watcher) -> None:
    (line,) = json.loads(watcher("progress", "--json", "--limit", "0").out)
    assert (line["sources"], line["made"], line["there"], line["again"]) == (13, 12, 12, 1)
    assert (line["awaiting"], line["awaited"], line["overdue"]) == (1, [], 0)
    assert line["made_from"] == {"catalogue": "take5", "collection": "SPOT5", "level": "L1C"}
    first, then, _ = line["delays"]
    assert (first["from"], first["to"], then["from"], then["to"]) == ("acquisition", "L1C", "L1C", "L2A")
    assert then["clocks"] == {"published": 12}
    assert then["waiting"] == 1
    assert then["median_low_seconds"] <= then["median_seconds"] <= then["median_high_seconds"]


def test_progress_is_of_one_collection_or_level_on_request(june: Clock, watcher: Watcher) -> None:
    assert [line["level"] for line in json.loads(watcher("progress", "--level", "l1c", "--json").out)] == ["L1C"]
    assert json.loads(watcher("progress", "--collection", "spot-5", "--json").out)[0]["collection"] == "SPOT5"
    said = watcher("progress", "--collection", "SPOT4")
    assert said.code == 2
    assert 'no collection "SPOT4" was ever watched' in said.err
    assert "the collections are: SPOT5" in said.err


def test_little_history_is_said_rather_than_told_from(watcher: Watcher, scene: Scene) -> None:
    assert watcher("progress").out == "No site is watched yet: watcher add-site NAME\n"
    assert watcher("upcoming").out == "No site is watched yet: watcher add-site NAME\n"
    watcher("add-site", "Pornic")
    assert "not looked at" in watcher("progress", "Pornic").out
    assert "Pornic: no poll has looked at it yet" in watcher("upcoming").out
    watcher("poll")
    said = watcher("progress", "Pornic").out
    assert "9 acquisitions with L2A" in said
    assert "not enough history: 9 delays are known" in said


def test_upcoming_lists_the_next_acquisitions_and_the_one_that_just_passed(june: Clock, watcher: Watcher) -> None:
    heading, passed, *coming = watcher("upcoming", "Pornic", "--days", "12").out.splitlines()
    assert heading.split() == ["SITE", "EXPECTED", "±", "SENSOR", "OVER", "EVERY", "BEFORE", "STATE"]
    assert passed.split()[:3] == ["Pornic", "2015-06-14", "11:12"]
    assert "12 of 12" in passed
    assert "passed, " in passed
    assert [line.split()[1] for line in coming] == ["2015-06-19", "2015-06-24", "2015-06-29"]
    (site,) = json.loads(watcher("upcoming", "--json").out)
    assert site["expected"][1]["period_days"] == 5
    assert site["expected"][1]["earliest"] < site["expected"][1]["at"] < site["expected"][1]["latest"]
    assert (site["overdue"], site["not_enough_history"]) == ([], [])


def test_a_satellite_that_no_longer_comes_is_not_expected(june: Clock, watcher: Watcher, scene: Scene) -> None:
    june.time = datetime(2016, 6, 1, tzinfo=UTC)
    watcher("poll")
    assert watcher("upcoming").out.splitlines() == [
        "No acquisition is expected in the next 14 days.",
        "Pornic: nothing of SPOT-5 HRG since 2015-06-09 11:12, where it came every 5 d: no more is expected",
    ]


def test_feeds_are_written_by_hand_and_after_each_poll_where_the_configuration_says(
    june: Clock, watcher: Watcher, home: Path
) -> None:
    refused = watcher("feeds")
    assert refused.code == 2
    assert "nothing says where to write the feeds" in refused.err
    said = watcher("feeds", str(home / "by-hand"))
    assert said.out.startswith(f"1 site in {home}/by-hand: 16 files written, 0 left as they were, 0 removed")
    assert "0 files written, 16 left" in watcher("feeds", str(home / "by-hand")).out
    config = home / "config.toml"
    config.write_text(f'{config.read_text()}[feeds]\ndirectory = "{home}/out"\n')
    assert "take5: feeds of 1 site written (16 files)" in watcher("poll").out
    assert "feeds" not in watcher("poll").out
    entries = feedparser.parse((home / "out/sites/pornic/arrivals.atom").read_bytes()).entries
    assert len(entries) == 6
    assert not any(str(home) in path.read_text() for path in (home / "out").rglob("*") if path.is_file())
    config.write_text(config.read_text().replace(f"{home}/out", f"{config}"))
    failed = watcher("poll")
    assert failed.code == 75
    assert f"WRONG  feeds: {config} cannot be written" in watcher("check").out
    assert f"take5: the feeds in {config} cannot be written: Not a directory" in failed.err
