"""Alerts of what is late: raised once, owed to whom wants them, closed when it comes."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from tests.given import L1C, L2A, NOW, add_subscription, add_watch, product, rows
from tests.store.test_production import baseline, record, well
from watcher.model import Event, Product, Watch
from watcher.store import alerts, deliveries, sites
from watcher.store.connection import writing
from watcher.tasks.lateness import Reviewed, lateness

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LATE = (Event.NEW, Event.LATE)


def made(day: float, *, level: str, takes: float = 4, name: str = "Pornic") -> Product:
    acquired = NOW - day * DAY
    hours = 1 if level == L1C else takes
    return product(
        f"{name}{day}{level}",
        level=level,
        acquired=acquired,
        published=acquired + hours * HOUR,
        platform="SPOT5",
        cloud=5.0,
    )


def watched(db: sqlite3.Connection, name: str = "Pornic") -> Watch:
    """A site with thirty L1C and L2A, and an L1C that has waited for its L2A for eleven hours."""
    at = add_watch(db, name, level=None)
    baseline(db, at, now=NOW - 40 * DAY)
    for day in range(30, 0, -1):
        record(db, at, made(day, level=L1C, name=name), made(day, level=L2A, name=name), now=NOW - day * DAY + 4 * HOUR)
    record(db, at, made(0.5, level=L1C, name=name), now=NOW - DAY / 2 + HOUR)
    well(db)
    return at


def test_what_is_overdue_is_owed_once_to_those_who_asked_and_closed_when_it_comes(db: sqlite3.Connection) -> None:
    at = watched(db)
    add_subscription(db, "mail:late@example.org", events=LATE)
    add_subscription(db, "mail:news@example.org")
    assert lateness(db, "take5", now=NOW) == Reviewed(("L2A of 2015-06-11 at Pornic is overdue",), 0)
    assert lateness(db, "take5", now=NOW) == Reviewed()
    (alert,) = alerts.open_now(db)
    assert (alert.kind, alert.site, alert.hint) == ("late", "Pornic", "watcher progress Pornic")
    assert [(due.address, due.alerts) for due in deliveries.due(db, now=NOW)] == [
        ("mail:late@example.org", [alert.number])
    ]
    record(db, at, made(0.5, level=L2A, takes=13), now=NOW + HOUR)
    well(db, now=NOW + HOUR)
    assert lateness(db, "take5", now=NOW + HOUR) == Reviewed((), 1)
    assert alerts.open_now(db) == []
    assert lateness(db, "take5", now=NOW + 2 * HOUR) == Reviewed()


def test_the_filters_of_a_subscription_hold_for_what_should_have_come(db: sqlite3.Connection) -> None:
    watched(db)
    for number, terms in enumerate(
        ({"levels": [L1C]}, {"platforms": ("S2*",)}, {"max_cloud": 1.0}, {"muted": NOW + DAY}, {"levels": [L2A]})
    ):
        add_subscription(db, f"mail:{number}@example.org", events=LATE, **terms)
    assert len(lateness(db, "take5", now=NOW).raised) == 1
    assert rows(db, "SELECT address FROM deliveries") == ["mail:4@example.org"]


def test_nothing_is_raised_where_nobody_wants_to_hear_or_at_a_site_that_is_paused(db: sqlite3.Connection) -> None:
    at, other = watched(db), add_watch(db, "Kourou")
    assert lateness(db, "take5", now=NOW) == Reviewed()
    add_subscription(db, at=[other.site], events=LATE)
    assert lateness(db, "take5", now=NOW) == Reviewed()
    add_subscription(db, events=LATE)
    assert lateness(db, "geodes", now=NOW) == Reviewed()
    with writing(db):
        sites.pause(db, at.site, since=NOW)
    assert lateness(db, "take5", now=NOW) == Reviewed()


def test_what_is_awaited_no_longer_is_closed_without_a_word(db: sqlite3.Connection) -> None:
    at = watched(db)
    add_subscription(db, events=LATE)
    lateness(db, "take5", now=NOW)
    with writing(db):
        db.execute("UPDATE sightings SET missing = '2015' WHERE revision = (SELECT max(revision) FROM sightings)")
    assert lateness(db, "take5", now=NOW) == Reviewed((), 1)
    lateness(db, "take5", now=NOW)
    with writing(db):
        sites.remove(db, at.site)
    assert alerts.open_now(db) == []


def test_of_very_many_sites_each_poll_looks_at_its_share(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.tasks.lateness._SOME", 1)
    watched(db, "Pornic")
    watched(db, "Kourou")
    add_subscription(db, events=LATE)
    raised = []
    for turn in range(2):
        well(db, now=NOW + turn * HOUR / 60)
        raised.append(lateness(db, "take5", now=NOW).raised)
    assert sorted(len(titles) for titles in raised) == [1, 1]
    assert len(alerts.open_now(db)) == 2
