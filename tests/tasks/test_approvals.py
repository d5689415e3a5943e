"""More downloads at once than may come by themselves are asked about first; what comes home is told of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.given import ACQUIRED, L2A, NOW, Clock, add_subscription, add_watch, database, owe, product, rows
from tests.tasks.pretend import NOBODY, Pretend
from watcher.archive import Disk
from watcher.core.audience import Owed
from watcher.errors import CatalogueError
from watcher.model import ARRIVALS, Event, Notice, Outcome, Sent
from watcher.store import alerts, approvals, deliveries, downloads, products, subscriptions
from watcher.store.connection import writing
from watcher.store.downloads import Stored
from watcher.tasks.notify import notify
from watcher.tasks.poll import Polled, Terms, poll

JANE, OPERATOR = "mail:jane@example.org", "mail:ops@example.org"


class Ask:
    """Poll with the downloads of all L2A wanted, ten at most without being asked."""

    def __init__(self, db: sqlite3.Connection, clock: Clock) -> None:
        self.db, self.clock = db, clock

    def __call__(self, catalogue: Pretend, most: int = 10) -> Polled:
        self.clock.forward(minutes=15)
        return poll(
            self.db, "take5", catalogue, NOBODY, now=self.clock, terms=Terms(download_levels={L2A}, approve_above=most)
        )


@pytest.fixture
def ask(db: sqlite3.Connection, clock: Clock) -> Ask:
    return Ask(db, clock)


def listing(catalogue: Pretend, count: int, first: int = 0) -> None:
    every = timedelta(minutes=1)
    catalogue.list(*(product(f"P{n}", acquired=ACQUIRED + n * every) for n in range(first, first + count)))


def test_ten_thousand_fake_products_are_one_notice_and_no_download_before_somebody_approves(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    """T8."""
    add_watch(db)
    add_subscription(db, JANE)
    add_subscription(db, OPERATOR, events=(Event.HEALTH,))
    catalogue = Pretend(size=2500)
    ask(catalogue)
    listing(catalogue, 10_000)
    assert ask(catalogue, most=500).held == 10_000
    assert downloads.due(db, now=clock.time) == []
    assert [(one.site, one.count, one.size) for one in approvals.waiting(db)] == [("Pornic", 10_000, 100_000)]
    told: list[tuple[str, Notice]] = []

    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        told.extend(posts)
        yield from (Sent(index, Outcome.SENT) for index in range(len(posts)))

    list(notify(db, send, Disk(Path("/archive")).shown, now=clock, chance=lambda: 0.5))
    assert sorted(address for address, _ in told) == [JANE, OPERATOR]
    asked = dict(told)[OPERATOR]
    assert "10,000 downloads from take5 wait for approval" in asked.subject
    assert "watcher approve --all" in asked.text
    assert "its download waits for approval" in dict(told)[JANE].text
    with writing(db):
        assert approvals.approve(db, "Pornic", now=clock.time) == 10_000
    assert len(downloads.due(db, now=clock.time)) == 10_000


def test_few_downloads_come_once_the_poll_is_over(db: sqlite3.Connection, ask: Ask, clock: Clock, path: Path) -> None:
    add_watch(db)
    catalogue = Pretend(size=2)
    ask(catalogue)
    listing(catalogue, 10)
    meanwhile: list[int] = []

    def look(number: int, _: object) -> None:
        with database(path) as other:
            meanwhile.append(len(downloads.due(other, now=clock.time)))

    catalogue.before_page = look
    assert ask(catalogue).held == 0
    assert set(meanwhile) == {0}
    assert len(downloads.due(db, now=clock.time)) == 10
    assert approvals.waiting(db) == []


def test_what_a_poll_wanted_that_broke_off_comes_all_the_same(db: sqlite3.Connection, ask: Ask, clock: Clock) -> None:
    add_watch(db)
    catalogue = Pretend(size=2)
    ask(catalogue)
    listing(catalogue, 6)
    catalogue.breaks(CatalogueError("cut off"), after=2)
    assert ask(catalogue).problem is not None
    assert len(downloads.due(db, now=clock.time)) == 4


def test_what_a_poll_wanted_that_was_killed_is_counted_with_the_next(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    add_watch(db)
    catalogue = Pretend(size=4)
    ask(catalogue)
    listing(catalogue, 8)
    ask(catalogue, most=8)
    with writing(db):
        db.execute("UPDATE downloads SET due = NULL, held = 'poll'")
    listing(catalogue, 3, first=8)
    assert ask(catalogue).held == 11


def test_what_is_refused_is_not_fetched_and_not_wanted_again_but_by_name(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    add_watch(db)
    catalogue = Pretend(size=100)
    ask(catalogue)
    listing(catalogue, 20)
    assert ask(catalogue).held == 20
    # Nobody is asked twice.
    assert ask(catalogue).held == 0
    assert [alert.topic for alert in alerts.open_now(db)] == ["approval take5"]
    with writing(db):
        assert approvals.refuse(db, "Nowhere") == 0
        assert approvals.refuse(db, None) == 20
        assert downloads.retry(db, now=clock.time) == 0
    ask(catalogue)
    assert downloads.due(db, now=clock.time) == []
    assert downloads.want_by_hand(db, "P3", now=clock.time) == 1
    assert len(downloads.due(db, now=clock.time)) == 1


HOME = Stored("Pornic/L2A/P1.zip", 10, "sha256:00", "md5", 10)


def brought_home(db: sqlite3.Connection, revision: int = 1) -> None:
    with writing(db):
        db.execute("INSERT INTO downloads (revision, site, wanted, due) VALUES (?, 'Pornic', '', '')", [revision])
        downloads.stored(db, revision, HOME, now=NOW)
        audience = subscriptions.audience(db, now=NOW)
        deliveries.owe_home(db, revision, products.one(db, revision)[1], audience, now=NOW)


def said(db: sqlite3.Connection, clock: Clock) -> list[str]:
    told: list[str] = []

    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        told.extend(f"{notice.subject}\n{notice.text}" for _, notice in posts)
        yield from (Sent(index, Outcome.SENT) for index in range(len(posts)))

    list(notify(db, send, Disk(Path("/archive")).shown, now=clock, chance=lambda: 0.5))
    return told


def test_who_asked_for_it_hears_when_the_files_are_at_home(db: sqlite3.Connection, clock: Clock) -> None:
    add_subscription(db, JANE, events=(Event.DOWNLOADED,))
    add_subscription(db, "mail:john@example.org")
    owe(db, add_watch(db).site.number, product("P1"))
    brought_home(db)
    (text,) = said(db, clock)
    assert "1 downloaded L2A at Pornic" in text
    assert "stored in /archive/Pornic/L2A/P1.zip (verified: md5)" in text
    assert said(db, clock) == []


def test_a_notice_that_has_yet_to_leave_says_so_by_itself(db: sqlite3.Connection, clock: Clock) -> None:
    add_subscription(db, JANE, events=(*ARRIVALS, Event.DOWNLOADED))
    owe(db, add_watch(db).site.number, product("P1"), Owed(JANE, 1))
    brought_home(db)
    (text,) = said(db, clock)
    assert "1 new L2A at Pornic" in text
    assert "stored in" in text


def test_who_heard_of_the_product_before_hears_of_its_files_apart(db: sqlite3.Connection, clock: Clock) -> None:
    add_subscription(db, JANE, events=(*ARRIVALS, Event.DOWNLOADED))
    owe(db, add_watch(db).site.number, product("P1"), Owed(JANE, 1))
    assert "1 new L2A" in said(db, clock)[0]
    brought_home(db)
    assert "1 downloaded L2A" in said(db, clock)[0]


def test_the_files_of_another_catalogue_are_told_of_with_what_was_announced(
    db: sqlite3.Connection, clock: Clock
) -> None:
    add_subscription(db, JANE, events=(Event.DOWNLOADED,))
    site = add_watch(db).site.number
    for name in ("A", "B"):
        owe(db, site, product(name))
    with writing(db):
        db.execute("DELETE FROM arrivals WHERE revision = 2")
        db.execute("INSERT INTO sightings (revision, site) VALUES (2, ?)", [site])
        db.execute("UPDATE revisions SET acquisition = 'one'")
    brought_home(db, 2)
    (text,) = said(db, clock)
    assert "1 downloaded L2A at Pornic" in text
    assert "stored in /archive/Pornic/L2A/P1.zip" in text
    assert rows(db, "SELECT count(*) FROM deliveries") == [1]
