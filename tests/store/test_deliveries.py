"""Deliveries: owed, claimed, sent, failed, tried again."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from tests.given import NOW, add_subscription, add_watch, owe, product, rows
from watcher.core.audience import Owed
from watcher.store import deliveries, ledger, sites
from watcher.store.connection import writing
from watcher.store.subjects import told_of

JANE, JOHN = "mail:jane@example.org", "mail:john@example.org"
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def here(db: sqlite3.Connection) -> int:
    add_subscription(db, JANE)
    add_subscription(db, JOHN)
    return add_watch(db).site.number


def test_an_arrival_is_owed_to_an_address_once(db: sqlite3.Connection, here: int) -> None:
    owe(db, here, product(), Owed(JANE, 1), Owed(JANE, 2), Owed(JOHN, 2))
    assert rows(db, "SELECT address, subscription FROM deliveries") == [(JANE, 1), (JOHN, 2)]


def test_what_is_due_is_gathered_by_address(db: sqlite3.Connection, here: int) -> None:
    first = owe(db, here, product("P1"), Owed(JANE, 1), Owed(JOHN, 2))
    second = owe(db, here, product("P2"), Owed(JANE, 1))
    jane, john = deliveries.due(db, now=NOW)
    assert (jane.address, jane.subscription, jane.arrivals, jane.attempts) == (JANE, 1, [first, second], 0)
    assert (john.address, john.subscription, john.arrivals) == (JOHN, 2, [first])


def test_nothing_is_due_before_its_time(db: sqlite3.Connection, here: int) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    assert deliveries.due(db, now=NOW - timedelta(milliseconds=1)) == []
    (owed,) = deliveries.due(db, now=NOW)
    deliveries.failed(db, owed, problem="refused", again=LATER, now=NOW)
    assert deliveries.due(db, now=LATER - timedelta(milliseconds=1)) == []
    assert len(deliveries.due(db, now=LATER)) == 1


def test_what_was_tried_before_is_apart_from_todays_news(db: sqlite3.Connection, here: int) -> None:
    owe(db, here, product("P1"), Owed(JANE, 1))
    (owed,) = deliveries.due(db, now=NOW)
    deliveries.claim(db, owed, notice="k1", now=NOW)
    deliveries.failed(db, owed, problem="refused", again=LATER, now=NOW)
    owe(db, here, product("P2"), Owed(JANE, 1))
    assert [one.attempts for one in deliveries.due(db, now=LATER)] == [0, 1]


def test_a_claimed_delivery_that_nobody_sends_any_more_is_due_again_as_the_same_notice(
    db: sqlite3.Connection, here: int
) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    (owed,) = deliveries.due(db, now=NOW)
    deliveries.claim(db, owed, notice="k1", now=NOW)
    assert deliveries.due(db, now=NOW) == []
    assert deliveries.interrupted(db) == 1
    (again,) = deliveries.due(db, now=NOW)
    assert (again.deliveries, again.attempts, again.notice) == (owed.deliveries, 0, "k1")
    deliveries.sent(db, again, now=LATER)
    assert deliveries.due(db, now=LATER) == []
    assert rows(db, "SELECT sent, problem, notice FROM deliveries") == [("2015-06-12T06:05:00.000Z", None, "k1")]
    assert deliveries.counts(db) == (0, 1, 0)


def test_what_is_given_up_waits_for_a_retry_by_hand(db: sqlite3.Connection, here: int) -> None:
    owe(db, here, product(), Owed(JANE, 1), Owed(JOHN, 2))
    for owed in deliveries.due(db, now=NOW):
        deliveries.claim(db, owed, notice="k", now=NOW)
        deliveries.failed(db, owed, problem="refused", again=None, now=NOW)
    assert deliveries.due(db, now=LATER) == []
    assert deliveries.counts(db) == (0, 0, 2)
    assert [(t.address, t.count, t.given_up, t.problem) for t in ledger.troubles(db)] == [
        (JANE, 1, NOW, "refused"),
        (JOHN, 1, NOW, "refused"),
    ]
    assert ledger.retry(db, subscription=2, now=LATER) == 1
    assert [(owed.address, owed.attempts) for owed in deliveries.due(db, now=LATER)] == [(JOHN, 0)]
    assert ledger.retry(db, subscription=None, now=LATER) == 1
    assert ledger.retry(db, subscription=None, now=LATER) == 0


def test_a_retry_leaves_alone_what_was_sent(db: sqlite3.Connection, here: int) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    (owed,) = deliveries.due(db, now=NOW)
    deliveries.sent(db, owed, now=NOW)
    assert ledger.retry(db, subscription=None, now=LATER) == 0


def test_the_end_of_a_send_is_not_written_to_a_delivery_that_came_later(db: sqlite3.Connection, here: int) -> None:
    owe(db, here, product("P1"), Owed(JANE, 1))
    (under_way,) = deliveries.due(db, now=NOW)
    with writing(db):
        sites.remove(db, sites.every(db)[0])
    owe(db, add_watch(db, "Nantes").site.number, product("P2"), Owed(JANE, 1))
    deliveries.sent(db, under_way, now=NOW)
    assert len(deliveries.due(db, now=NOW)) == 1


def test_a_notice_is_told_of_its_arrivals_in_their_order(db: sqlite3.Connection, here: int) -> None:
    numbers = [owe(db, here, product(f"P{n}"), Owed(JANE, 1)) for n in range(3)]
    with writing(db):
        db.execute("INSERT INTO downloads (revision, site, wanted, due) VALUES (1, 'Pornic', '', '')")
        db.execute(
            "INSERT INTO downloads (revision, site, wanted, stored, path, verified)"
            " VALUES (2, '', '', '', 'a/b', 'md5')"
        )
        db.execute("INSERT INTO downloads (revision, site, wanted, given_up) VALUES (3, '', '', '')")
    told = told_of(db, numbers[::-1])
    assert [one.arrival for one in told] == numbers[::-1]
    assert [(one.site, one.event, one.download, one.path, one.verified) for one in told] == [
        ("Pornic", "new", "failed", None, None),
        ("Pornic", "new", "stored", "a/b", "md5"),
        ("Pornic", "new", "wanted", None, None),
    ]
