"""Polls: when each catalogue was asked, and how it went."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from tests.given import NOW, rows
from watcher.store import polls, watching
from watcher.store.connection import writing

LATER = NOW + timedelta(minutes=15)


def polled(db: sqlite3.Connection, catalogue: str = "take5", problem: str | None = None) -> int:
    number = polls.start(db, catalogue, now=NOW)
    polls.finish(db, number, listed=3, arrived=1, problem=problem, not_before=LATER if problem else None, now=NOW)
    return number


def test_the_last_poll_of_a_catalogue_tells_how_it_went(db: sqlite3.Connection) -> None:
    assert polls.last(db, "take5") is None
    polled(db)
    polled(db, "cdse")
    polled(db, problem="refused")
    last = polls.last(db, "take5")
    assert last is not None
    assert (last.number, last.catalogue, last.listed, last.arrived) == (3, "take5", 3, 1)
    assert (last.started, last.finished, last.not_before, last.problem) == (NOW, NOW, LATER, "refused")


def test_failures_are_counted_since_the_last_that_went_well(db: sqlite3.Connection) -> None:
    polled(db, problem="refused")
    polled(db, "cdse", problem="refused")
    assert polls.failures(db, "take5") == 1
    polled(db)
    assert polls.failures(db, "take5") == 0
    polled(db, problem="refused")
    polls.start(db, "take5", now=NOW)
    polled(db, problem="refused")
    assert polls.failures(db, "take5") == 2


def test_looks_are_kept_for_each_collection(db: sqlite3.Connection) -> None:
    for catalogue, name in (("take5", "SPOT4"), ("take5", "SPOT5"), ("cdse", "SPOT5")):
        watching.collection_number(db, catalogue, name)
    polls.looked(db, "take5", ["SPOT5"], began=NOW, ended=LATER)
    assert polls.looks(db, "take5") == {"SPOT5": (NOW, LATER)}
    assert polls.looks(db, "cdse") == {}


def test_a_poll_that_was_killed_is_not_finished(db: sqlite3.Connection) -> None:
    polls.start(db, "take5", now=NOW)
    last = polls.last(db, "take5")
    assert last is not None
    assert last.finished is None


def test_the_newest_thousand_are_kept_of_each_catalogue(db: sqlite3.Connection) -> None:
    with writing(db):
        polls.start(db, "cdse", now=NOW)
        numbers = [polls.start(db, "take5", now=NOW) for _ in range(1005)]
    assert rows(db, "SELECT number FROM polls WHERE catalogue = 'take5'") == numbers[5:]
    assert rows(db, "SELECT count(*) FROM polls WHERE catalogue = 'cdse'") == [1]
