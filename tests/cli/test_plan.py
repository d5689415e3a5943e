"""`watcher plan`: the questions of the next poll, and what a day costs."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Watcher
from tests.given import NOW, box, database
from watcher.store import measures, polls, sites, watching
from watcher.store.connection import writing
from watcher.store.measures import Measure
from watcher.wiring import now


@pytest.fixture
def sky(home: Path) -> Path:
    """A STAC catalogue that nobody serves: nothing is asked."""
    config = home / "config.toml"
    config.write_text(
        config.read_text()
        + """
[catalogues.sky]
kind = "stac"
url = "http://127.0.0.1:1/stac"
collections = { s2 = "L2A" }
gap = 2.0
"""
    )
    return home / "state" / "watcher.db"


def watched(path: Path, count: int, *, looked: bool, rate: float | None = None) -> None:
    moment = now()
    with database(path) as db, writing(db):
        for number in range(count):
            place = sites.add(
                db, f"S{number:04}", geometry=box(number % 300 / 2, 0, number % 300 / 2 + 0.3, 1), country=None,
                origin="a test", now=moment,
            )  # fmt: skip
            watching.watch(
                db, place, catalogue="sky", collection="s2", level=None,
                now=moment,
            )  # fmt: skip
        if looked:
            for watch in watching.watches(db):
                assert watching.advance(db, watch, cursor=moment, whole=True, now=moment)
        if rate is not None:
            collection = watching.collection_number(db, "sky", "s2")
            fresh = Measure("sweep", fresh=round(rate), seconds=86_400.0, requests=3)
            measures.note(db, collection, fresh, now=moment)
            measures.appear(db, collection, {(moment, 0): 1000}, now=moment)


def test_nothing_is_planned_where_nothing_is_watched(watcher: Watcher) -> None:
    assert watcher("plan").out == "No site is watched yet: watcher add-site NAME\n"
    watcher("add-site", "Pornic")
    assert watcher("plan", "--catalogue", "cdse").out == "No site of cdse is watched.\n"
    watcher("pause-site", "Pornic")
    assert watcher("plan").out == watcher("poll").out == "Every site is paused: watcher resume-site NAME\n"


def test_a_plan_says_what_a_day_costs_and_why(watcher: Watcher, sky: Path) -> None:
    watched(sky, 120, looked=True, rate=20_000)
    said = watcher("plan").out.splitlines()
    assert re.fullmatch(
        r"sky: 120 sites → 3 requests a poll, 2\d\d a day; expected delay until seen: median 7.5 min, 95 % 14.\d+ min;"
        r" 0.6\d % of the host's budget",
        said[0],
    )
    assert said[1].split() == ["COLLECTION", "WAY", "QUESTIONS", "PLACES", "REQUESTS", "WHY"]
    assert re.fullmatch(
        r"s2 +places +3 +120 +3 +the server takes 50 places at once; a sweep would list 20,000 products a day", said[2]
    )


def test_a_plan_for_many_sites_is_a_sweep(watcher: Watcher, sky: Path) -> None:
    watched(sky, 2000, looked=True, rate=500)
    (plan,) = json.loads(watcher("plan", "--json").out)
    assert (plan["sites"], plan["requests"]["first_look"]) == (2000, 0)
    (question,) = plan["questions"]
    assert (question["way"], len(question["sites"])) == ("sweep", 2000)
    assert plan["requests"]["poll"] == question["requests"] < 40
    assert plan["budget"] == pytest.approx(plan["requests"]["day"] * 2 / 86_400, rel=0.01)
    assert plan["today"] == {"questions": 1, "requests": 3, "bytes": 0}


def test_first_looks_are_counted_apart(watcher: Watcher, sky: Path) -> None:
    watched(sky, 60, looked=False)
    said = watcher("plan", "--catalogue", "sky").out
    assert "before that, once: 122 requests for a first look" in said
    assert re.search(r"s2 +sounding +1 +0 +1 +measures how much a sweep would list", said)


def test_a_collection_in_which_nothing_appears_is_asked_seldom(watcher: Watcher, sky: Path) -> None:
    watched(sky, 1, looked=True)
    asleep = now() - timedelta(days=60)
    with database(sky) as db, writing(db):
        watching.watch(
            db, sites.named(db, "S0000"), catalogue="sky", collection="old", level=None,
            now=asleep,
        )  # fmt: skip
        (old,) = watching.watches(db, collection="old")
        assert watching.advance(db, old, cursor=asleep, whole=True, now=asleep)
        polls.looked(db, "sky", ["old", "s2"], began=now(), ended=now())
    said = watcher("plan").out.splitlines()
    assert re.match(r"sky: 1 site → up to 2 requests a poll, 10\d a day; expected delay until seen: median", said[0])
    assert said[1] == "at the next poll 1 of 2 collections rests, as nothing is to be expected of it yet"
    assert [line.split()[5:7] for line in said[2:]] == [["EVERY", "WHY"], ["6", "h"], ["15", "min"]]
    (plan,) = json.loads(watcher("plan", "--json").out)
    assert plan["intervals"] == {"old": 6 * 3600, "s2": 900}
    assert plan["resting"] == ["old"]


def test_a_paused_site_is_not_in_the_plan(watcher: Watcher, sky: Path) -> None:
    watched(sky, 2, looked=True)
    with database(sky) as db:
        sites.pause(db, sites.named(db, "S0001"), since=NOW)
    assert watcher("plan").out.startswith("sky: 1 site →")


def test_a_catalogue_that_left_the_configuration_is_named(watcher: Watcher, home: Path, sky: Path) -> None:
    watched(sky, 1, looked=True)
    config = home / "config.toml"
    config.write_text(config.read_text().replace("[catalogues.sky]", "[catalogues.sea]"))
    said = watcher("plan")
    assert "sky: watched, but no longer in the configuration" in said.err
    assert watcher("plan", "--catalogue", "sky").code != 0
