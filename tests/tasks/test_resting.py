"""Collections of a catalogue that are asked each at its own time, and lose nothing by it."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.given import NOW, Clock, add_watch, announced, box, product, rows
from tests.tasks.pretend import NOBODY, Pretend
from watcher.core.questions.rhythm import Bounds
from watcher.errors import CatalogueError
from watcher.model import Query
from watcher.store import measures, polls, sites, watching
from watcher.store.connection import writing
from watcher.tasks.pace import pace
from watcher.tasks.poll import Polled, poll, reconcile

BOUNDS = Bounds(usual=900, least=300, most=6 * 3600)
HERE = box(0, 40, 1, 41)
QUARTER = timedelta(minutes=15)


class Archive(Pretend):
    """A catalogue with a collection that is alive, SPOT5, and one in which nothing has come for long, SPOT4."""

    def __init__(self, db: sqlite3.Connection, clock: Clock) -> None:
        first = (product(name, collection=name, geometry=HERE, learnt=NOW) for name in ("SPOT4", "SPOT5"))
        super().__init__(*first, learns=True, codes=False)
        self.db, self.clock, self.refuses = db, clock, ""
        add_watch(db, "Field", geometry=HERE, collection="SPOT5")
        add_watch(db, "Field", geometry=HERE, collection="SPOT4")
        self.before_page = self.refuse

    def refuse(self, number: int, query: Query) -> None:
        if query.collection == self.refuses:
            raise CatalogueError("404 not found", permanent=True)

    def publish(self, name: str, collection: str, *, since: timedelta = timedelta(0)) -> None:
        """Let a product appear that the catalogue learnt of so long ago."""
        self.list(product(name, collection=collection, geometry=HERE, learnt=self.clock.time - since))

    def turn(self, *, forward: timedelta = QUARTER) -> tuple[Polled, list[str]]:
        """Poll as the service does, a quarter of an hour later; return how it went, and the collections asked."""
        self.clock.time += forward
        self.asked.clear()
        known = pace(self.db, "take5", bounds=BOUNDS, gap=1.0, now=self.clock.time)
        resting = known.resting(now=self.clock.time)
        polled = poll(self.db, "take5", self, NOBODY, now=self.clock, resting=resting)
        return polled, sorted(query.collection for query in self.asked)


@pytest.fixture
def archive(db: sqlite3.Connection, clock: Clock) -> Archive:
    """Two months after the baseline, in which SPOT5 published something each hour."""
    made = Archive(db, clock)
    made.turn()
    hours = {(clock.time + timedelta(hours=hour), 0): 1 for hour in range(60 * 24)}
    with writing(db):
        measures.appear(db, watching.collection_number(db, "take5", "SPOT5"), hours, now=clock.time)
    made.turn(forward=timedelta(days=60))
    made.turn(forward=timedelta(hours=6))
    return made


def test_what_nothing_comes_in_is_asked_every_six_hours_while_the_rest_is_asked_each_time(archive: Archive) -> None:
    turns = [archive.turn() for _ in range(25)]
    assert all("SPOT5" in asked for _, asked in turns)
    assert [number for number, (_, asked) in enumerate(turns, 1) if "SPOT4" in asked] in ([23], [24])
    assert {polled.resting for polled, _ in turns} == {0, 1}


def test_a_collection_without_history_is_asked_each_time(db: sqlite3.Connection, clock: Clock) -> None:
    fresh = Archive(db, clock)
    assert [set(fresh.turn()[1]) for _ in range(3)] == [{"SPOT4", "SPOT5"}] * 3


def test_what_appears_in_it_is_told_within_the_longest_interval_and_wakes_it(
    db: sqlite3.Connection, archive: Archive
) -> None:
    archive.turn()
    archive.publish("back", "SPOT4")
    archive.publish("later", "SPOT4", since=timedelta(hours=2))
    archive.turn(forward=timedelta(hours=5, minutes=45))
    assert sorted(announced(db)) == [("Field", "back", "new"), ("Field", "later", "new")]
    assert archive.turn()[1] == archive.turn()[1] == ["SPOT4", "SPOT5"]


def test_what_it_published_while_it_rested_is_not_late(db: sqlite3.Connection, archive: Archive) -> None:
    for _ in range(3):
        archive.turn()
    archive.publish("back", "SPOT4", since=QUARTER * 2)
    archive.publish("overlooked", "SPOT5", since=QUARTER * 2)
    archive.turn()
    archive.turn(forward=timedelta(hours=6))
    late = "SELECT id, late IS NOT NULL FROM sightings JOIN revisions ON number = revision WHERE id IN (?, ?)"
    assert sorted(rows(db, late, ("back", "overlooked"))) == [("back", 0), ("overlooked", 1)]


def test_a_site_that_is_added_is_asked_at_once(db: sqlite3.Connection, archive: Archive) -> None:
    assert archive.turn()[1] == ["SPOT5"]
    add_watch(db, "Wood", geometry=box(0.5, 40, 1, 41), collection="SPOT4", now=archive.clock.time)
    polled, asked = archive.turn(forward=timedelta(seconds=30))
    assert ("SPOT4" in asked, polled.baselined) == (True, 1)


def test_a_site_that_is_resumed_is_asked_at_the_next_turn(db: sqlite3.Connection, archive: Archive) -> None:
    site = sites.named(db, "Field")
    sites.pause(db, site, since=archive.clock.time)
    add_watch(db, "Wood", geometry=HERE, collection="SPOT5")
    archive.turn()
    sites.pause(db, site, since=None)
    assert "SPOT4" in archive.turn()[1]
    assert "SPOT4" not in archive.turn()[1]


def test_terms_that_are_changed_hold_at_the_next_turn(db: sqlite3.Connection, archive: Archive) -> None:
    archive.turn()
    add_watch(db, "Field", geometry=HERE, collection="SPOT4", since=NOW - timedelta(days=400))
    assert "SPOT4" in archive.turn()[1]


def test_a_poll_by_hand_asks_everything(db: sqlite3.Connection, archive: Archive) -> None:
    archive.turn()
    archive.asked.clear()
    poll(db, "take5", archive, NOBODY, now=archive.clock)
    assert sorted(query.collection for query in archive.asked) == ["SPOT4", "SPOT5"]


def test_one_that_is_refused_for_good_keeps_the_others_looks_apart(db: sqlite3.Connection, archive: Archive) -> None:
    archive.refuses = "SPOT4"
    archive.turn(forward=timedelta(hours=6))
    before = polls.looks(db, "take5")
    polled, asked = archive.turn()
    assert (asked, polled.problem) == (["SPOT4", "SPOT5"], "SPOT4 (Field): 404 not found")
    after = polls.looks(db, "take5")
    assert after["SPOT5"][0] > before["SPOT5"][0]
    assert after["SPOT4"] == before["SPOT4"]
    archive.refuses = ""
    assert archive.turn()[1] == ["SPOT4", "SPOT5"], "what was not answered is due"
    assert archive.turn()[1] == ["SPOT5"]


def test_a_poll_that_breaks_off_was_no_look(db: sqlite3.Connection, archive: Archive) -> None:
    archive.turn(forward=timedelta(hours=6))
    before = polls.looks(db, "take5")

    def killed(number: int, query: Query) -> None:
        raise KeyboardInterrupt

    archive.before_page = killed
    with pytest.raises(KeyboardInterrupt):
        archive.turn()
    assert polls.looks(db, "take5") == before


def test_a_reconcile_lists_what_rests_as_well(db: sqlite3.Connection, archive: Archive) -> None:
    archive.turn()
    archive.publish("hidden", "SPOT4", since=timedelta(days=90))
    again: Any = reconcile(db, "take5", archive, NOBODY, now=archive.clock)
    assert (again.mended, again.arrived) == (1, 1)
    assert announced(db) == [("Field", "hidden", "new")]


def test_whatever_rests_when_nothing_is_missed(db: sqlite3.Connection, clock: Clock, archive: Archive) -> None:
    """Days in which both collections publish now and then: each product is told once, none later than six hours."""
    chance, published, told = Random(3), dict[str, datetime](), dict[str, datetime]()
    for number in range(60):
        if number < 50 and chance.random() < 0.3:
            published[f"P{number}"] = clock.time
            collection = chance.choice(["SPOT4", "SPOT5"])
            archive.publish(f"P{number}", collection, since=timedelta(minutes=chance.randrange(170)))
        archive.turn(forward=chance.choice([QUARTER, QUARTER, timedelta(hours=3)]))
        for _, name, _ in announced(db)[len(told) :]:
            assert name not in told
            told[name] = clock.time
    assert told.keys() == published.keys()
    assert max(told[name] - published[name] for name in told) <= timedelta(hours=9)
    assert len(rows(db, "SELECT DISTINCT collection FROM arrivals JOIN revisions ON revisions.number = revision")) == 2
