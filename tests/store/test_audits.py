"""What was counted when all was listed, and when that is due again."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.given import L1C, L2A, NOW, add_watch, box, product, rows
from watcher.core.decide import Arrival, Decision
from watcher.core.health.auditing import AGAIN, EVERY, Audit
from watcher.model import Event, Product, Watch
from watcher.store import audits, products, sites, watching
from watcher.store.connection import writing

DAY = timedelta(days=1)
YEARS = NOW - 2000 * DAY


def looked(db: sqlite3.Connection, *, whole_from: datetime | None = None, at: datetime = NOW) -> None:
    """Let each watch have its baseline."""
    with writing(db):
        for watch in watching.watches(db, paused=True):
            assert watching.advance(db, watch, cursor=at, whole_from=whole_from, whole=True, now=at)


def counted(db: sqlite3.Connection, count: int, *, at: datetime = NOW, **facts: Any) -> None:
    """Let everything be counted at each watch."""
    usual = {"lacking": 0, "mended": 0, "gone": False, "whole_from": None}
    with writing(db):
        for watch in watching.watches(db):
            audits.counted(db, watch, count, now=at, **(usual | facts))


def seen(db: sqlite3.Connection, watch: Watch, *listed: Product, at: datetime = NOW) -> list[int]:
    """Record products where a watch is; return their numbers."""
    with writing(db):
        first = products.first_free(db)
        revisions = list(enumerate(listed, start=first))
        sightings = [(number, watch.site.number) for number, _ in revisions]
        collection = watching.collection_number(db, watch.catalogue, watch.collection)
        products.record(db, collection, Decision(revisions, [], [], sightings, [], [], set()), now=at)
    return [number for number, _ in revisions]


def audit(db: sqlite3.Connection) -> Audit:
    (one,) = audits.every(db)
    return one


def test_before_the_baseline_nothing_is_counted_and_nothing_due(db: sqlite3.Connection) -> None:
    add_watch(db)
    assert (audit(db).counted, audit(db).reconciled, audit(db).due) == (None, None, None)
    assert audits.due(db, "take5", now=NOW + 99 * EVERY) == []


def test_all_is_listed_again_a_week_after_the_baseline_and_then_each_week(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    looked(db)
    assert audit(db).due == NOW + EVERY
    assert audits.due(db, "take5", now=NOW + EVERY - DAY) == []
    assert audits.due(db, "take5", now=NOW + EVERY) == [watch.site.number]
    assert audits.due(db, "geodes", now=NOW + EVERY) == []
    counted(db, 3, at=NOW + 8 * DAY)
    assert (audit(db).counted, audit(db).seen, audit(db).reconciled) == (3, 3, NOW + 8 * DAY)
    assert audits.due(db, "take5", now=NOW + 14 * DAY) == []
    assert audits.due(db, "take5", now=NOW + 15 * DAY) == [watch.site.number]


@pytest.mark.parametrize("gap", [{"lacking": 1}, {"mended": 1}, {"gone": True}])
def test_where_something_was_missed_it_is_due_in_a_day(db: sqlite3.Connection, gap: dict[str, Any]) -> None:
    add_watch(db)
    looked(db)
    counted(db, 3, **gap)
    assert audit(db).due == NOW + AGAIN


def test_what_was_mended_is_added_up_and_what_is_lacking_is_not(db: sqlite3.Connection) -> None:
    add_watch(db)
    looked(db)
    counted(db, 3, mended=2, lacking=1)
    counted(db, 4, mended=1)
    assert (audit(db).mended, audit(db).missing, audit(db).counted) == (3, 0, 4)


def test_a_reconcile_that_fails_is_due_again_in_a_day(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    add_watch(db, level=L1C)
    looked(db)
    late = NOW + EVERY
    with writing(db):
        audits.postpone(db, watching.watches(db), now=late)
    assert audits.due(db, "take5", now=late + AGAIN - timedelta(minutes=1)) == []
    assert audits.due(db, "take5", now=late + AGAIN) == [watch.site.number]
    assert audit_of(db, L2A).reconciled is None


def audit_of(db: sqlite3.Connection, level: str) -> Audit:
    return next(one for one in audits.every(db) if one.level == level)


def test_what_has_no_baseline_is_not_put_off(db: sqlite3.Connection) -> None:
    add_watch(db)
    with writing(db):
        audits.postpone(db, watching.watches(db), now=NOW)
    assert rows(db, "SELECT reconcile FROM watches") == [None]


def test_a_paused_site_is_not_due(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    looked(db)
    sites.pause(db, watch.site, since=NOW)
    assert audits.due(db, "take5", now=NOW + EVERY) == []
    assert audit(db).paused


@pytest.mark.parametrize(
    ("covers", "since", "whole_from", "counts"),
    [
        (None, None, None, True),
        (None, None, NOW, False),
        (YEARS, None, YEARS, True),
        (YEARS, None, NOW, False),
        (YEARS, NOW, NOW, True),
        (None, NOW, NOW, True),
    ],
)
def test_only_a_look_at_all_that_the_watch_covers_counts(
    db: sqlite3.Connection, covers: Any, since: Any, whole_from: Any, counts: bool
) -> None:
    add_watch(db)
    looked(db, whole_from=covers)
    add_watch(db, since=since)
    counted(db, 7, whole_from=whole_from)
    assert audit(db).counted == (7 if counts else None)


def test_what_was_seen_since_is_told_apart_from_what_was_counted(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    looked(db)
    seen(db, watch, product("P1"), product("P2"))
    counted(db, 2, at=NOW + DAY)
    assert audit(db).since == 0
    seen(db, watch, product("P1", revision="again"), product("P3"), at=NOW + 2 * DAY)
    assert (audit(db).counted, audit(db).since, audit(db).total) == (2, 1, 3)


def test_a_watch_counts_what_is_its_own(db: sqlite3.Connection) -> None:
    watch = add_watch(db, level=L2A)
    add_watch(db, level=L1C)
    add_watch(db, level=None)
    add_watch(db, "Nantes")
    seen(db, watch, product("A"), product("B", level=L1C), product("C", level=None))
    assert [(one.site, one.level, one.total) for one in audits.every(db)] == [
        ("Nantes", L2A, 0),
        ("Pornic", None, 3),
        ("Pornic", L1C, 1),
        ("Pornic", L2A, 1),
    ]
    assert len(audits.every(db, site=watch.site.number)) == 3


def test_what_is_gone_for_one_look_is_not_yet_withdrawn(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    first, second = seen(db, watch, product("P1"), product("P2"))
    with writing(db):
        products.miss(db, watch.site.number, [first, second], now=NOW)
        products.arrive(db, [Arrival(watch.site.number, second, Event.WITHDRAWN, (), False)], now=NOW)
    assert (audit(db).gone, audit(db).withdrawn) == (1, 1)


def test_the_first_look_that_missed_a_product_is_remembered(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    numbers = seen(db, watch, product("P1"))
    for later in (0, 1):
        products.miss(db, watch.site.number, numbers, now=NOW + later * DAY)
    assert rows(db, "SELECT missing FROM sightings") == ["2015-06-12T06:00:00.000Z"]


def test_how_late_a_product_was_is_kept_for_each_site(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    first, second = seen(db, watch, product("P1"), product("P2"))
    with writing(db):
        audits.late(db, [(first, watch.site.number, 60), (second, watch.site.number, 3600), (second, 99, 1)])
    assert sorted(audit(db).late) == [60, 3600]
    assert audit(db).share == 100.0


def test_a_site_that_moves_is_counted_anew(db: sqlite3.Connection) -> None:
    watch = add_watch(db, "Field", geometry=box(0, 0, 1, 1))
    looked(db)
    counted(db, 7, mended=2, lacking=1)
    with writing(db):
        watching.move(db, watch.site, geometry=box(5, 5, 6, 6), origin="a test")
    assert audit(db) == Audit(site="Field", catalogue="take5", collection="SPOT5", level=L2A, late=[])
