"""Subscriptions."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, time, timedelta

import pytest
from msgspec.structs import replace

from tests.given import ACQUIRED, L1C, L2A, NOW, add_subscription, add_watch, owe, product, rows
from watcher.core.audience import Owed
from watcher.core.outbox import Standing
from watcher.errors import UsageError
from watcher.model import FOR_GOOD, Event, Rhythm, Subscription
from watcher.store import deliveries, ledger, recipients, sites, subscriptions
from watcher.store.connection import moment, undone, writing


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


def test_every_term_is_read_back_as_it_was_given(db: sqlite3.Connection) -> None:
    given = Subscription(
        0,
        "channel:team",
        "the lab",
        sites=(add_watch(db).site.number,),
        levels=(L2A,),
        max_cloud=20.0,
        tags=("dry",),
        collections=("S2*",),
        platforms=("A", "B"),
        events=(Event.NEW, Event.HEALTH),
        unknown_cloud=False,
        min_coverage=60.0,
        acquired_since=ACQUIRED.replace(microsecond=0),
        rhythm=Rhythm("week", time(7, 30), 4, "Europe/Paris", (time(22), time(7))),
        muted=FOR_GOOD,
        fields=("cloud", "link"),
        still=True,
    )
    with writing(db):
        number = subscriptions.add(db, given, now=NOW)
    assert subscriptions.numbered(db, number) == replace(given, number=number, changed=NOW)


DAILY = Rhythm("day", time(8))
TOMORROW = NOW.replace(hour=8) + timedelta(days=1)


def due(db: sqlite3.Connection) -> list[datetime | None]:
    return [moment(text) for text in rows(db, "SELECT due FROM deliveries ORDER BY number")]


def change(db: sqlite3.Connection, number: int, *, now: datetime = NOW, **terms: object) -> int:
    with writing(db):
        return subscriptions.change(db, replace(subscriptions.numbered(db, number), **terms), now=now)


def test_a_new_rhythm_holds_for_what_is_owed_and_other_terms_do_not(db: sqlite3.Connection) -> None:
    place = add_watch(db).site
    number = add_subscription(db)
    owe(db, place.number, product(cloud=88.0), Owed("mail:jane@example.org", number))
    assert change(db, number, max_cloud=20.0, name="the lab") == 0
    assert due(db) == [NOW]
    assert change(db, number, rhythm=DAILY) == 1
    assert due(db) == [NOW.replace(hour=8)]
    assert rows(db, "SELECT hold FROM deliveries") == ["digest"]
    # Another name, a moment after the digest was due and before it is sent, does not put it off for a day.
    assert change(db, number, now=NOW.replace(hour=8, second=10), name="") == 0
    assert due(db) == [NOW.replace(hour=8)]
    assert change(db, number, rhythm=Rhythm()) == 1
    assert due(db) == [NOW]


def test_what_is_owed_to_one_who_is_muted_waits_and_is_neither_retried_nor_lost(db: sqlite3.Connection) -> None:
    place = add_watch(db).site
    number = add_subscription(db)
    owe(db, place.number, product(), Owed("mail:jane@example.org", number))
    with writing(db):
        (failing,) = deliveries.due(db, now=NOW)
        deliveries.failed(db, failing, problem="refused", again=NOW + timedelta(hours=1), now=NOW)
    assert change(db, number, muted=FOR_GOOD) == 1
    assert due(db) == [FOR_GOOD]
    with writing(db):
        assert ledger.retry(db, subscription=number, now=NOW) == 0
    assert change(db, number, muted=NOW + timedelta(days=3)) == 1
    assert due(db) == [NOW + timedelta(days=3)]
    assert change(db, number, muted=None) == 1
    assert due(db) == [NOW]


def test_while_one_is_muted_nothing_is_owed_to_them(db: sqlite3.Connection) -> None:
    place = add_watch(db).site
    add_subscription(db, muted=NOW + timedelta(days=1))
    assert list(subscriptions.audience(db, now=NOW).owed(place.number, product())) == []
    assert len(subscriptions.audience(db, now=NOW + timedelta(days=1)).owed(place.number, product())) == 1


def test_what_is_owed_goes_to_the_new_address_but_for_what_it_was_told(db: sqlite3.Connection) -> None:
    place = add_watch(db).site
    old, new = "mail:jane@example.org", "mail:jane@example.com"
    moving = add_subscription(db, old)
    other = add_subscription(db, new)
    owe(db, place.number, product("both"), Owed(old, moving), Owed(new, other))
    owe(db, place.number, product("one"), Owed(old, moving))
    change(db, moving, address=new)
    assert rows(db, "SELECT arrival, subscription, address FROM deliveries ORDER BY number") == [
        (1, other, new),
        (2, moving, new),
    ]


def test_sites_that_are_tagged_are_meant_by_their_tags_from_then_on(db: sqlite3.Connection) -> None:
    place = add_watch(db).site
    add_subscription(db, tags=("dry",))
    assert list(subscriptions.audience(db, now=NOW).owed(place.number, product())) == []
    with writing(db):
        sites.tag(db, place, ["Dry", "north"])
    assert sites.tags(db) == {place.number: {"dry", "north"}}
    assert len(subscriptions.audience(db, now=NOW).owed(place.number, product())) == 1
    with writing(db):
        sites.untag(db, place, ["DRY"])
    assert list(subscriptions.audience(db, now=NOW).owed(place.number, product())) == []


def test_what_is_written_to_see_what_would_follow_is_taken_back(db: sqlite3.Connection) -> None:
    with pytest.raises(UsageError, match="no subscription 9"), undone(db):
        add = subscriptions.add(db, Subscription(0, "mail:jane@example.org", ""), now=datetime.now(UTC))
        assert subscriptions.numbered(db, add).number == add
        subscriptions.numbered(db, 9)
    assert subscriptions.every(db) == []


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
