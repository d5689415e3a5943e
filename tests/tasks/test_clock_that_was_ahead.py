"""A clock that was years ahead for a while, and what it wrote: nothing waits for those years."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Scene, Watcher
from tests.given import NOW, Clock, add_subscription, add_watch, box, database, product, rows
from tests.tasks.pretend import NOBODY, Pretend
from watcher.errors import HttpError
from watcher.model import Notice, Outcome, Product, Rhythm, Sent
from watcher.store import ahead, audits, hooks, polls, recipients, watching
from watcher.store.connection import stamp, writing
from watcher.tasks.notify import notify
from watcher.tasks.poll import Terms, poll, reconcile

JANE = "mail:jane@example.org"
YEARS = timedelta(days=3650)


def fails(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
    for index, _ in enumerate(posts):
        yield Sent(index, Outcome.FAILED, "no network yet")


def takes(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
    for index, _ in enumerate(posts):
        yield Sent(index, Outcome.SENT)


def mended(db: sqlite3.Connection, clock: Clock, *, by: timedelta = YEARS) -> int:
    """Set the clock right, and mend."""
    clock.time -= by
    return ahead.mend(db, now=clock())


def test_what_was_owed_then_is_sent_once_the_clock_is_right(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    clock.time += YEARS
    catalogue.list(product("P2"))
    poll(db, "take5", catalogue, NOBODY, now=clock, terms=Terms(download_levels=["L2A"]))
    assert [paid.problem for paid in notify(db, fails, str, now=clock, chance=lambda: 0.5)] == ["no network yet"]
    assert mended(db, clock) == 5  # the arrival, its delivery, the address, the download, the watch
    assert rows(db, "SELECT due FROM downloads") == [stamp(clock.time)]
    assert [paid.problem for paid in notify(db, takes, str, now=clock, chance=lambda: 0.5)] == [None]
    assert recipients.one(db, JANE).again is None
    assert ahead.mend(db, now=clock()) == 0


def test_who_is_muted_stays_so(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db)
    until = NOW + timedelta(days=30)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    clock.time += YEARS
    catalogue.list(product("P2"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    with writing(db):
        db.execute("UPDATE deliveries SET due = ?", (stamp(clock.time + YEARS),))
        db.execute("UPDATE subscriptions SET muted = ?", (stamp(until),))
    mended(db, clock)
    assert rows(db, "SELECT due FROM deliveries") == [stamp(until)]


def ground(**facts: Any) -> Product:
    return product(acquired=NOW, geometry=box(-2.5, 46.5, -1.5, 47.5), code=None, **facts)


def test_what_a_baseline_of_another_month_made_polls_pass_over_is_told(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db, geometry=box(-3, 46, -1, 48))
    add_subscription(db, JANE)
    catalogue = Pretend(learns=True, codes=False)
    month = timedelta(days=30)
    clock.time += month
    poll(db, "take5", catalogue, NOBODY, now=clock)
    catalogue.list(ground(ident="P1", learnt=NOW))
    clock.forward(days=2)
    assert poll(db, "take5", catalogue, NOBODY, now=clock).arrived == 0  # it asks for the news of a month later
    assert mended(db, clock, by=month) == 1
    assert reconcile(db, "take5", catalogue, NOBODY, now=clock).arrived == 1
    catalogue.list(ground(ident="P2", learnt=clock.time))
    assert poll(db, "take5", catalogue, NOBODY, now=clock).arrived == 1


def test_a_baseline_that_began_in_the_future_is_made_again(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db, geometry=box(-3, 46, -1, 48))
    add_subscription(db, JANE)
    catalogue = Pretend(ground(ident="P1", learnt=NOW), learns=True, codes=False)
    clock.time += YEARS
    poll(db, "take5", catalogue, NOBODY, now=clock)
    assert mended(db, clock) == 1
    polled = poll(db, "take5", catalogue, NOBODY, now=clock)
    assert (polled.baselined, polled.arrived) == (1, 0)
    catalogue.list(ground(ident="P2", learnt=clock.time))
    assert poll(db, "take5", catalogue, NOBODY, now=clock).arrived == 1


def test_a_clock_that_is_behind_until_it_is_set_makes_no_baseline_again(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db, geometry=box(-3, 46, -1, 48))
    add_subscription(db, JANE)
    catalogue = Pretend(ground(ident="P1", learnt=NOW), learns=True, codes=False)
    poll(db, "take5", catalogue, NOBODY, now=clock)
    before = rows(db, "SELECT * FROM watches")
    clock.forward(hours=1)
    catalogue.list(ground(ident="P2", learnt=clock.time))
    assert mended(db, clock) == 0
    assert rows(db, "SELECT * FROM watches") == before
    clock.time += YEARS
    polled = poll(db, "take5", catalogue, NOBODY, now=clock)
    assert (polled.baselined, polled.arrived) == (0, 1)


def test_a_look_of_those_years_does_not_keep_a_product_from_being_withdrawn(
    db: sqlite3.Connection, clock: Clock
) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"), product("P2"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    clock.time += YEARS
    del catalogue.products["P2"]
    poll(db, "take5", catalogue, NOBODY, now=clock)
    mended(db, clock)
    assert [poll(db, "take5", catalogue, NOBODY, now=clock).arrived for _ in range(3)] == [0, 1, 0]


def test_a_digest_keeps_to_its_day_if_the_clock_was_a_little_wrong(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db)
    add_subscription(db, JANE, rhythm=Rhythm("week", time(8), 0, "UTC", None))
    catalogue = Pretend(product("P1"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    clock.forward(hours=1)
    catalogue.list(product("P2"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    due = rows(db, "SELECT due FROM deliveries")
    mended(db, clock, by=timedelta(hours=1))
    assert rows(db, "SELECT due FROM deliveries") == due
    mended(db, clock, by=timedelta(days=30))
    assert rows(db, "SELECT due FROM deliveries") == [stamp(clock.time)]


def test_what_waits_by_the_right_clock_is_left_alone(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    catalogue.list(product("P2"))
    poll(db, "take5", catalogue, NOBODY, now=clock, terms=Terms(download_levels=["L2A"]))
    list(notify(db, fails, str, now=clock, chance=lambda: 0.5))
    with writing(db):
        db.execute("UPDATE deliveries SET due = ?", (stamp(clock.time + timedelta(days=7)),))
        db.execute("UPDATE downloads SET due = ?", (stamp(clock.time + timedelta(hours=44)),))
        hooks.owe(db, 1, ["index"], now=clock())
    before = list(db.iterdump())
    clock.time -= timedelta(seconds=30)
    assert ahead.mend(db, now=clock()) == 0
    assert list(db.iterdump()) == before


@pytest.mark.parametrize("table", ["deliveries", "downloads"])
def test_each_command_mends_what_it_works_on(watcher: Watcher, home: Path, scene: Scene, table: str) -> None:
    watcher("add-site", "Litchfield", "--level", "L2A")
    watcher("subscribe", f"mbox://{home / 'mail'}")
    watcher("poll")
    scene.play()
    watcher("poll")
    with database(home / "state" / "watcher.db") as db, writing(db):
        written = "owed" if table == "deliveries" else "wanted"
        changed = db.execute(f"UPDATE {table} SET due = '2046-01-01T00:00:00.000Z', {written} = '2045'").rowcount
    assert changed
    said = watcher("notify" if table == "deliveries" else "download")
    assert said.code == 0
    assert "is due" not in said.out + said.err
    with database(home / "state" / "watcher.db") as db:
        assert rows(db, f"SELECT count(*) FROM {table} WHERE due IS NOT NULL") == [0]


def test_what_was_listed_again_then_is_listed_again_now(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db, geometry=box(-3, 46, -1, 48))
    catalogue = Pretend(ground(ident="P1", learnt=NOW), learns=True, codes=False)
    poll(db, "take5", catalogue, NOBODY, now=clock)
    clock.time += YEARS
    catalogue.breaks(after=0)
    assert poll(db, "take5", catalogue, NOBODY, now=clock).problem is not None
    catalogue.mend()
    reconcile(db, "take5", catalogue, NOBODY, now=clock)
    assert audits.due(db, "take5", now=NOW + timedelta(days=8)) == []
    assert mended(db, clock) == 1
    assert audits.due(db, "take5", now=clock()) == [1]
    assert ahead.mend(db, now=clock()) == 0


def test_what_was_measured_over_those_years_is_no_measure(db: sqlite3.Connection, clock: Clock) -> None:
    add_watch(db, geometry=box(-3, 46, -1, 48))
    catalogue = Pretend(ground(ident="P1", learnt=NOW), learns=True, codes=False)
    poll(db, "take5", catalogue, NOBODY, now=clock)
    clock.time += YEARS
    for number in range(3):
        catalogue.list(ground(ident=f"Q{number}", learnt=clock.time))
        clock.forward(hours=1)
        poll(db, "take5", catalogue, NOBODY, now=clock)
    mended(db, clock)
    assert rows(db, "SELECT day FROM measures WHERE day > '2016'") == []
    assert rows(db, "SELECT hour FROM appearances WHERE hour > '2016'") == []
    # Nothing was there at a look of the future: what is new now was not passed over.
    assert polls.looks(db, "take5") == {}
    catalogue.list(ground(ident="P2", learnt=clock.time))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    assert rows(db, "SELECT count(*) FROM sightings WHERE late IS NOT NULL") == [0]
    assert rows(db, "SELECT sum(seconds) < 86400 * 366 FROM measures") == [1]


def test_a_site_that_is_added_now_is_looked_at_though_polls_of_those_years_are_remembered(
    db: sqlite3.Connection, clock: Clock
) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"))
    poll(db, "take5", catalogue, NOBODY, now=clock)
    clock.time += YEARS
    catalogue.breaks(HttpError("busy", status=503, retry_after=3600))
    assert poll(db, "take5", catalogue, NOBODY, now=clock).not_before is not None
    mended(db, clock)
    assert watching.unlooked(db, now=clock()) == []
    clock.forward(minutes=5)
    add_watch(db, "Brest", now=clock())
    assert watching.unlooked(db, now=clock()) == ["take5"]
