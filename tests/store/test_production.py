"""What was seen at a site as steps of its production."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

import pytest

from tests.given import ACQUIRED, L1C, L2A, NOW, add_watch, product, rows, version
from watcher.core.decide import Decision
from watcher.model import Product, Watch
from watcher.store import polls, production, products, sites, watching
from watcher.store.connection import writing

HOUR = timedelta(hours=1)


def record(db: sqlite3.Connection, at: Watch, *listed: Product, now: datetime = NOW) -> list[int]:
    """Let products be seen at a site; return the numbers of their revisions."""
    with writing(db):
        first = products.first_free(db)
        numbered = list(enumerate(listed, start=first))
        collection = watching.collection_number(db, at.catalogue, at.collection)
        sightings = [(number, at.site.number) for number, _ in numbered]
        products.record(db, collection, Decision(numbered, [], [], sightings, [], [], set()), now=now)
        return [number for number, _ in numbered]


def baseline(db: sqlite3.Connection, at: Watch, *, now: datetime = NOW) -> None:
    with writing(db):
        watching.advance(db, at, cursor=None, whole=True, now=now)


def well(db: sqlite3.Connection, *, now: datetime = NOW, problem: str | None = None) -> None:
    """Let a poll of the catalogue have gone well, or not."""
    with writing(db):
        number = polls.start(db, "take5", now=now)
        polls.finish(db, number, listed=1, arrived=0, problem=problem, not_before=None, now=now)


def test_its_catalogue_says_when_a_product_was_there_else_the_poll_that_found_it(db: sqlite3.Connection) -> None:
    at = add_watch(db)
    record(db, at, product("old"), now=NOW - HOUR)
    baseline(db, at)
    record(db, at, product("A", published=ACQUIRED + HOUR, updated=NOW), product("B", updated=NOW), now=NOW + HOUR)
    record(db, at, product("C"), now=NOW + 2 * HOUR)
    assert [(step.title[6:9], step.clock, step.there) for step in production.steps(db, at.site.number)] == [
        ("old", None, None),
        ("A_L", "published", ACQUIRED + HOUR),
        ("B_L", "updated", NOW),
        ("C_L", "seen", NOW + 2 * HOUR),
    ]


def test_a_product_is_one_step_from_its_first_processing_on(db: sqlite3.Connection) -> None:
    at = add_watch(db)
    first, second = product("A", published=ACQUIRED + HOUR), product("A", published=NOW, revision=version(2))
    numbers = record(db, at, first, second)
    (step,) = production.steps(db, at.site.number)
    assert (step.there, step.again, step.gone) == (ACQUIRED + HOUR, True, False)
    with writing(db):
        products.miss(db, at.site.number, numbers[1:], now=NOW)
    assert production.steps(db, at.site.number)[0].gone


def test_one_that_another_id_replaces_has_a_newer_version(db: sqlite3.Connection) -> None:
    at = add_watch(db)
    old, new = record(db, at, product("A"), product("B"))
    with writing(db):
        db.execute("UPDATE revisions SET replaced = ? WHERE number = ?", (new, old))
    assert [step.again for step in production.steps(db, at.site.number)] == [True, False]


def test_what_was_acquired_long_ago_is_left_out_on_request(db: sqlite3.Connection) -> None:
    at = add_watch(db)
    record(db, at, product("A"), product("B", acquired=ACQUIRED - 48 * HOUR))
    assert len(production.steps(db, at.site.number, since=ACQUIRED - HOUR)) == 1
    assert production.newest(db, at.site.number) == ACQUIRED


def test_a_collection_is_looked_at_up_to_the_last_poll_that_went_well(db: sqlite3.Connection) -> None:
    at = add_watch(db, since=ACQUIRED)
    assert [(look.began, look.until) for look in production.looked(db, at.site.number)] == [(None, None)]
    baseline(db, at)
    well(db, now=NOW - HOUR)  # the poll that made the baseline began before it was complete
    (look,) = production.looked(db, at.site.number)
    assert (look.level, look.since, look.began, look.until) == (L2A, ACQUIRED, NOW, NOW)
    well(db, now=NOW + HOUR)
    well(db, now=NOW + 2 * HOUR, problem="it was down")
    assert production.looked(db, at.site.number)[0].until == NOW + HOUR
    with writing(db):
        sites.pause(db, at.site, since=NOW + HOUR / 2)
    assert production.looked(db, at.site.number)[0].until == NOW + HOUR / 2


@pytest.mark.parametrize("level", [L1C, None])
def test_a_watch_of_a_level_or_of_all_has_a_baseline_that_counts(db: sqlite3.Connection, level: str | None) -> None:
    at = add_watch(db, level=level)
    baseline(db, at)
    record(db, at, product("A", level=L1C), now=NOW + HOUR)
    assert [step.clock for step in production.steps(db, at.site.number)] == ["seen"]


def test_the_steps_of_a_site_are_found_by_its_index(db: sqlite3.Connection) -> None:
    plan = rows(
        db,
        "EXPLAIN QUERY PLAN SELECT r.id FROM sightings AS s CROSS JOIN revisions AS r ON r.number = s.revision"
        " WHERE s.site = 1 ORDER BY s.revision",
    )
    said = " ".join(row[3] for row in plan)
    assert "sighting_site" in said
    assert "TEMP B-TREE" not in said
