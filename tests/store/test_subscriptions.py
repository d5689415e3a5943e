"""Subscriptions."""

from __future__ import annotations

import sqlite3

import pytest

from tests.given import L1C, L2A, NOW, add_subscription, add_watch, owe, product, rows
from watcher.core.audience import Owed
from watcher.core.outbox import Standing
from watcher.errors import UsageError
from watcher.store import recipients, sites, subscriptions
from watcher.store.connection import writing


def test_a_subscription_is_read_back_as_it_was_given(db: sqlite3.Connection) -> None:
    place = add_watch(db).site
    first = add_subscription(db, "mail:jane@example.org")
    second = add_subscription(db, "channel:team", at=[place], levels=[L1C, L2A], max_cloud=20.0)
    everything, chosen = subscriptions.every(db)
    assert (everything.number, everything.sites, everything.levels, everything.max_cloud) == (first, None, (), None)
    assert (chosen.number, chosen.sites, chosen.levels, chosen.max_cloud) == (second, (place.number,), (L1C, L2A), 20.0)
    assert subscriptions.numbered(db, second) == chosen


def test_a_subscription_to_no_site_left_hears_nothing_rather_than_everything(db: sqlite3.Connection) -> None:
    place = add_watch(db).site
    number = add_subscription(db, at=[place])
    sites.remove(db, place)
    assert subscriptions.numbered(db, number).sites == ()


def test_a_number_that_is_none_is_refused(db: sqlite3.Connection) -> None:
    with pytest.raises(UsageError, match="no subscription 7") as failing:
        subscriptions.numbered(db, 7)
    assert "watcher subscriptions" in str(failing.value.hint)


def test_the_number_in_an_old_notice_never_unsubscribes_somebody_else(db: sqlite3.Connection) -> None:
    gone = add_subscription(db)
    subscriptions.remove(db, subscriptions.numbered(db, gone), now=NOW)
    assert add_subscription(db, "mail:john@example.org") != gone


def test_ending_a_subscription_drops_what_it_was_owed(db: sqlite3.Connection) -> None:
    place = add_watch(db).site
    number = add_subscription(db)
    owe(db, place.number, product(), Owed("mail:jane@example.org", number))
    with writing(db):
        assert subscriptions.remove(db, subscriptions.numbered(db, number), now=NOW) == 1
    assert rows(db, "SELECT * FROM deliveries") == []


def test_what_the_same_address_wants_by_another_subscription_stays_owed(db: sqlite3.Connection) -> None:
    place, elsewhere = add_watch(db).site, add_watch(db, "Nantes").site
    jane = "mail:jane@example.org"
    ending = add_subscription(db, jane)
    add_subscription(db, jane, at=[elsewhere])
    add_subscription(db, jane, levels=[L1C])
    add_subscription(db, jane, max_cloud=10.0)
    add_subscription(db, "mail:john@example.org")
    here = place.number
    told = [
        owe(db, elsewhere.number, product("at another site", cloud=90.0), Owed(jane, ending)),
        owe(db, here, product("of another level", level=L1C, cloud=90.0), Owed(jane, ending)),
        owe(db, here, product("clear", cloud=10.0), Owed(jane, ending)),
        owe(db, here, product("cloud unknown"), Owed(jane, ending)),
    ]
    owe(db, here, product("nobody's", cloud=90.0), Owed(jane, ending))
    with writing(db):
        assert subscriptions.remove(db, subscriptions.numbered(db, ending), now=NOW) == 1
    assert rows(db, "SELECT arrival FROM deliveries WHERE due IS NOT NULL ORDER BY arrival") == told


def test_an_address_that_subscribes_again_begins_anew(db: sqlite3.Connection) -> None:
    numbers = [add_subscription(db, "mail:jane@example.org") for _ in range(2)]
    aside = Standing(failing=NOW, aside=NOW, problem="550 no such person")
    with writing(db):
        recipients.keep(db, "mail:jane@example.org", aside)
        subscriptions.remove(db, subscriptions.numbered(db, numbers[0]), now=NOW)
    assert recipients.one(db, "mail:jane@example.org") == aside
    with writing(db):
        subscriptions.remove(db, subscriptions.numbered(db, numbers[1]), now=NOW)
    assert recipients.one(db, "mail:jane@example.org") == Standing()
