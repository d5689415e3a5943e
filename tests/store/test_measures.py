"""What questions listed and cost, and when products appeared."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from tests.given import NOW, rows
from watcher.core.questions.asking import Load
from watcher.store import measures, watching
from watcher.store.measures import KEPT, Measure

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SWEEP = Measure("sweep", places=9, listed=300, fresh=50, seconds=3600.0, requests=3, size=1000)


@pytest.fixture
def collection(db: sqlite3.Connection) -> int:
    return watching.collection_number(db, "take5", "SPOT5")


def load(db: sqlite3.Connection) -> Load:
    return measures.loads(db, "take5", now=NOW)["SPOT5"]


def test_nothing_is_known_of_a_collection_that_was_never_asked(db: sqlite3.Connection, collection: int) -> None:
    assert measures.loads(db, "take5", now=NOW) == {"SPOT5": Load()}
    assert measures.loads(db, "cdse", now=NOW) == {}
    assert measures.appeared(db, "take5") == {}
    assert measures.spent(db, "take5", day=NOW) == (0, 0, 0)


def test_a_sweep_tells_what_the_whole_collection_publishes(db: sqlite3.Connection, collection: int) -> None:
    measures.note(db, collection, SWEEP, now=NOW - DAY)
    measures.note(db, collection, Measure("sweep", places=9, fresh=0, seconds=3600.0, requests=1), now=NOW)
    assert load(db).everywhere == pytest.approx(25 * 24)
    assert load(db).sounded == NOW.replace(hour=0)
    assert not load(db).failed
    assert measures.spent(db, "take5", day=NOW) == (1, 1, 0)
    assert measures.spent(db, "take5", day=NOW - DAY) == (1, 3, 1000)


def test_questions_by_place_tell_what_one_place_brings_once_a_day_of_it_was_seen(
    db: sqlite3.Connection, collection: int
) -> None:
    places = Measure("places", places=12, listed=30, fresh=6, seconds=3600.0, requests=1)
    measures.note(db, collection, places, now=NOW)
    assert load(db).place is None
    measures.note(db, collection, places, now=NOW)
    assert load(db).place == pytest.approx(12)
    assert load(db).everywhere is None


def test_what_is_read_again_tells_how_much_a_place_holds(db: sqlite3.Connection, collection: int) -> None:
    measures.note(db, collection, Measure("whole", places=4, listed=600, requests=6), now=NOW)
    assert load(db).held == 150


def test_a_sweep_that_failed_counts_for_today_and_measures_nothing(db: sqlite3.Connection, collection: int) -> None:
    failed = Measure("sweep", listed=9, fresh=9, seconds=9.0, requests=5, answered=False, too_much=True)
    measures.note(db, collection, failed, now=NOW)
    assert (load(db).failed, load(db).everywhere, load(db).sounded) == (True, None, None)
    assert measures.spent(db, "take5", day=NOW) == (1, 5, 0)
    assert not measures.loads(db, "take5", now=NOW + DAY)["SPOT5"].failed


def test_a_sweep_that_had_no_answer_says_nothing_against_sweeps(db: sqlite3.Connection, collection: int) -> None:
    measures.note(db, collection, Measure("sweep", seconds=9.0, requests=5, answered=False), now=NOW)
    assert (load(db).failed, load(db).everywhere, load(db).sounded) == (False, None, None)
    assert measures.spent(db, "take5", day=NOW) == (1, 5, 0)


def test_what_is_older_than_two_weeks_is_forgotten(db: sqlite3.Connection, collection: int) -> None:
    measures.note(db, collection, SWEEP, now=NOW - 15 * DAY)
    assert load(db).everywhere is not None
    measures.note(db, collection, Measure("places", places=1), now=NOW)
    assert load(db).everywhere is None


def test_appearances_are_counted_by_the_hour_and_by_lateness(db: sqlite3.Connection, collection: int) -> None:
    half = NOW + timedelta(minutes=30)
    measures.appear(db, collection, {(NOW, 0): 5, (half, 3): 2, (half, -1): 7, (NOW - HOUR, 90): 1}, now=NOW)
    measures.appear(db, collection, {(NOW, 4): 1}, now=NOW)
    assert measures.appeared(db, "take5") == {"SPOT5": {NOW - HOUR: 1, NOW: 15}}
    assert load(db).late == {0: 5, 4: 3, 91: 1}


@pytest.mark.parametrize("minutes", [1, 2, 3, 59, 181, 4000, 100_000])
def test_lateness_is_rounded_up_by_a_fifth_at_most(db: sqlite3.Connection, collection: int, minutes: int) -> None:
    measures.appear(db, collection, {(NOW, minutes): 1}, now=NOW)
    (kept,) = load(db).late
    assert minutes <= kept <= max(1.2 * minutes, minutes + 1)


def test_appearances_are_kept_for_eight_weeks(db: sqlite3.Connection, collection: int) -> None:
    measures.appear(db, collection, {(NOW - KEPT - HOUR, 0): 1, (NOW - KEPT, 0): 1}, now=NOW)
    measures.appear(db, collection, {(NOW, 0): 1}, now=NOW)
    assert list(measures.appeared(db, "take5")["SPOT5"]) == [NOW - KEPT, NOW]


def test_measures_go_with_their_collection(db: sqlite3.Connection, collection: int) -> None:
    measures.note(db, collection, SWEEP, now=NOW)
    measures.appear(db, collection, {(NOW, 0): 1}, now=NOW)
    db.execute("DELETE FROM collections")
    assert rows(db, "SELECT (SELECT count(*) FROM measures) + (SELECT count(*) FROM appearances)") == [0]
