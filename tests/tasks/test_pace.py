"""How soon a catalogue is asked again, by what its polls saw."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from tests.given import NOW, Clock, add_watch, box, product
from tests.tasks.pretend import NOBODY, Pretend
from watcher.core.questions.rhythm import Bounds
from watcher.store import measures, watching
from watcher.tasks.pace import Pace, pace
from watcher.tasks.poll import poll

BOUNDS = Bounds(usual=900, least=300, most=6 * 3600)
HERE = box(0, 40, 1, 41)


def paced(db: sqlite3.Connection, clock: Clock) -> Pace:
    return pace(db, "take5", bounds=BOUNDS, gap=1.0, now=clock.time)


def test_a_catalogue_falls_asleep_and_its_first_news_wake_it(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db, "Field", geometry=HERE)
    catalogue = Pretend(product("P1", geometry=HERE, learnt=NOW), learns=True, codes=False)
    poll(db, "take5", catalogue, NOBODY, now=clock)
    assert paced(db, clock).interval(now=clock.time) == 900
    clock.forward(days=60)
    poll(db, "take5", catalogue, NOBODY, now=clock)
    assert paced(db, clock).interval(now=clock.time) == 6 * 3600
    catalogue.list(product("P2", geometry=HERE, learnt=clock.time))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    assert paced(db, clock).interval(now=clock.time) == 900


def test_a_catalogue_that_is_read_again_wakes_as_well(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    clock.forward(days=60)
    poll(db, "take5", catalogue, NOBODY, now=clock)
    assert paced(db, clock).interval(now=clock.time) == 6 * 3600
    catalogue.list(product("P2"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    assert paced(db, clock).interval(now=clock.time) == 900


def test_a_busy_catalogue_is_asked_sooner_as_far_as_its_polls_are_cheap(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db, "Field", geometry=HERE)
    catalogue = Pretend(product("P0", geometry=HERE, learnt=NOW), learns=True, codes=False)
    poll(db, "take5", catalogue, NOBODY, now=clock)
    hours = {(clock.time - timedelta(hours=hour), 0): 30 for hour in range(49)}
    measures.appear(db, watching.collection_number(db, "take5", "SPOT5"), hours, now=clock.time)
    known = paced(db, clock)
    assert known.requests == 2
    assert known.interval(now=clock.time) == 300
    assert known.day(now=clock.time, requests=1).polls > 250
    assert known.day(now=clock.time, requests=30).polls < 150
