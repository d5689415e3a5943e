"""Paying deliveries: sent once, or tried again with patience, or given up; never forgotten."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.given import NOW, Clock, add_subscription, add_watch, database, owe, product, rows
from watcher.archive import Disk
from watcher.core.audience import Owed
from watcher.model import Notice, Outcome, Sent
from watcher.store import deliveries, ledger, recipients, sites
from watcher.store.connection import writing
from watcher.tasks.notify import Paid, notify

JANE, JOHN = "mail:jane@example.org", "mail:john@example.org"
ARCHIVE = Disk(Path("/archive")).shown


class Killed(BaseException):
    """The process dies here."""


class Post:
    """Takes notices to where they belong; `refuses` says of an address how it fails instead."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, Notice]] = []
        self.refuses: dict[str, Sent] = {}
        self.after_each: Callable[[], None] = lambda: None

    def __call__(self, posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, (address, notice) in enumerate(posts):
            refusal = self.refuses.get(address)
            if refusal is not None:
                yield Sent(index, refusal.outcome, refusal.problem)
                continue
            self.arrived.append((address, notice))
            self.after_each()
            yield Sent(index, Outcome.SENT)

    def told(self, address: str = JANE) -> list[str]:
        """The ids that an address was told of, in order."""
        return [
            ident
            for to, notice in self.arrived
            if to == address
            for ident in re.findall(r"SPOT5_(\w+)_L2A", notice.text)
        ]


@pytest.fixture
def here(db: sqlite3.Connection) -> int:
    add_subscription(db, JANE)
    add_subscription(db, JOHN)
    return add_watch(db).site.number


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def pay(db: sqlite3.Connection, post: Post, clock: Clock) -> Callable[[], list[Paid]]:
    return lambda: list(notify(db, post, ARCHIVE, now=clock, chance=lambda: 0.5))


Pay = Callable[[], list[Paid]]


def test_nothing_is_sent_when_nothing_is_due(post: Post, pay: Pay, here: int) -> None:
    assert pay() == []
    assert post.arrived == []


def test_each_address_gets_one_notice_about_all_it_is_owed(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int
) -> None:
    for n in range(3):
        owe(db, here, product(f"P{n}"), Owed(JANE, 1), *([Owed(JOHN, 2)] if n else []))
    jane, john = pay()
    assert (jane.address, jane.arrivals, jane.problem) == (JANE, 3, None)
    assert (john.address, john.arrivals) == (JOHN, 2)
    assert sorted(post.told(JANE)) == ["P0", "P1", "P2"]
    assert sorted(post.told(JOHN)) == ["P1", "P2"]
    assert "watcher unsubscribe 2" in post.arrived[1][1].text
    assert pay() == []


def test_a_notice_tells_where_the_files_lie(db: sqlite3.Connection, post: Post, pay: Pay, here: int) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    with writing(db):
        db.execute(
            "INSERT INTO downloads (revision, site, wanted, stored, path, verified)"
            " VALUES (1, 'Pornic', '', '', 'Pornic/L2A/P1.zip', 'md5')"
        )
    pay()
    assert "stored in /archive/Pornic/L2A/P1.zip (verified: md5)" in post.arrived[0][1].text


def test_a_notice_that_fails_is_sent_later(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock
) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    post.refuses[JANE] = Sent(0, Outcome.FAILED, "550 no such mailbox")
    (paid,) = pay()
    assert paid.problem == "550 no such mailbox"
    assert paid.again is not None
    assert timedelta(seconds=59) < paid.again - clock.time < timedelta(seconds=61)
    assert pay() == []
    post.refuses.clear()
    clock.forward(seconds=62)
    pay()
    assert post.told() == ["P1"]
    assert rows(db, "SELECT due, problem, attempts FROM deliveries") == [(None, None, 1)]


def test_a_send_whose_end_is_unknown_is_repeated(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock
) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    post.refuses[JANE] = Sent(0, Outcome.UNKNOWN, None)
    (paid,) = pay()
    assert paid.problem == "unknown"
    post.refuses.clear()
    clock.forward(minutes=2)
    pay()
    assert post.told() == ["P1"]


def test_a_send_that_has_no_answer_twice_is_given_up_rather_than_repeated_for_days(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock
) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    post.refuses[JANE] = Sent(0, Outcome.UNKNOWN, "no answer")
    (first,) = pay()
    clock.forward(minutes=2)
    (second,) = pay()
    assert first.again is not None
    assert second.again is None
    assert deliveries.counts(db) == (0, 0, 1)
    clock.forward(days=9)
    assert pay() == []


def test_an_unknown_end_after_a_refusal_is_repeated_once(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock
) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.FAILED):
        post.refuses[JANE] = Sent(0, outcome, "trouble")
        (paid,) = pay()
        assert paid.again is not None
        clock.forward(minutes=30)
    post.refuses[JANE] = Sent(0, Outcome.UNKNOWN, "no answer")
    assert pay()[0].again is not None


def test_what_an_address_does_not_take_for_a_week_is_given_up_and_may_be_retried(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock
) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    post.refuses[JANE] = Sent(0, Outcome.FAILED, "refused")
    tries = 0
    while rows(db, "SELECT due FROM deliveries") != [None]:
        tries += len(pay())
        clock.forward(minutes=20)
    assert 7 * 24 < tries < 7 * 24 + 8
    assert timedelta(days=7) < clock.time - NOW < timedelta(days=7.1)
    clock.forward(days=30)
    assert pay() == []
    assert deliveries.counts(db) == (0, 0, 1)
    with writing(db):
        recipients.forgive(db, None)
        assert ledger.retry(db, now=clock()) == 1
    post.refuses.clear()
    pay()
    assert post.told() == ["P1"]
    assert "delivered late" in post.arrived[0][1].subject


def test_a_machine_that_was_off_for_a_week_gives_nothing_up_that_it_hardly_tried(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock
) -> None:
    owe(db, here, product(), Owed(JANE, 1))
    post.refuses[JANE] = Sent(0, Outcome.FAILED, "no network yet")
    pay()
    clock.forward(days=8)
    assert pay()[0].again is not None
    assert deliveries.counts(db) == (1, 0, 0)
    post.refuses.clear()
    clock.forward(hours=2)
    pay()
    assert post.told() == ["P1"]


def test_one_bad_address_delays_no_other(db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock) -> None:
    post.refuses[JANE] = Sent(0, Outcome.FAILED, "refused")
    for n in range(20):
        owe(db, here, product(f"P{n}"), Owed(JANE, 1), Owed(JOHN, 2))
        pay()
        assert post.told(JOHN)[-1] == f"P{n}"
        clock.forward(minutes=7)
    assert len(post.told(JOHN)) == len(set(post.told(JOHN))) == 20
    assert post.told(JANE) == []


def test_yesterdays_failures_hold_back_no_news_of_today(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock
) -> None:
    owe(db, here, product("old"), Owed(JANE, 1))
    post.refuses[JANE] = Sent(0, Outcome.FAILED, "refused")
    pay()
    clock.forward(seconds=61)
    post.refuses.clear()
    owe(db, here, product("new"), Owed(JANE, 1))
    pay()
    assert post.told() == ["new"]
    clock.forward(seconds=61)
    pay()
    assert [notice.text.count("SPOT5_") for _, notice in post.arrived] == [1, 1]
    assert post.told() == ["new", "old"]


@pytest.mark.parametrize("told_before_the_kill", [0, 1, 2, 3])
def test_a_kill_between_claim_and_settlement_repeats_one_notice_at_most(
    path: Path, db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock, told_before_the_kill: int
) -> None:
    for n in range(3):
        add_subscription(db, f"mail:{n}@example.org")
        owe(db, here, product(f"P{n}"), *(Owed(f"mail:{k}@example.org", 3 + k) for k in range(n + 1)))

    def die() -> None:
        if len(post.arrived) == told_before_the_kill:
            raise Killed

    post.after_each = die
    if told_before_the_kill:
        with pytest.raises(Killed):
            pay()
    post.after_each = lambda: None
    with database(path) as after:
        paid = list(notify(after, post, ARCHIVE, now=clock, chance=lambda: 0.5))
    everybody = {f"mail:{n}@example.org" for n in range(3)}
    assert {to for to, _ in post.arrived} == everybody
    repeated = len(post.arrived) - len({(to, notice.key) for to, notice in post.arrived})
    assert repeated == (1 if told_before_the_kill else 0)
    assert len(paid) == 3 - max(told_before_the_kill - 1, 0)
    assert deliveries.counts(db)[0] == 0


def test_the_end_of_a_notice_is_written_down_before_the_next_address_is_told(
    db: sqlite3.Connection, post: Post, pay: Pay, here: int
) -> None:
    """So that a kill doubles one notice, however many are sent one after another."""
    owe(db, here, product("P1"), Owed(JANE, 1), Owed(JOHN, 2))
    settled: list[int] = []
    path = db.execute("PRAGMA database_list").fetchone()[2]

    def look() -> None:
        with closing(sqlite3.connect(path)) as other:
            settled.extend(other.execute("SELECT count(*) FROM deliveries WHERE sent IS NOT NULL").fetchone())

    post.after_each = look
    assert [paid.problem for paid in pay()] == [None, None]
    assert settled == [0, 1]


def test_a_notice_that_is_repeated_after_a_kill_is_the_same_notice(
    path: Path, db: sqlite3.Connection, post: Post, pay: Pay, here: int, clock: Clock
) -> None:
    owe(db, here, product("P1"), Owed(JANE, 1))

    def die() -> None:
        raise Killed

    post.after_each = die
    with pytest.raises(Killed):
        pay()
    post.after_each = lambda: None
    owe(db, here, product("P2"), Owed(JANE, 1))
    pay()
    first, *after = [notice for _, notice in post.arrived]
    assert [notice.key for notice in after].count(first.key) == 1
    assert sorted(post.told()) == ["P1", "P1", "P2"]


def test_a_site_that_is_removed_while_its_notice_is_under_way_takes_no_other_with_it(
    path: Path, db: sqlite3.Connection, post: Post, pay: Pay, here: int
) -> None:
    owe(db, here, product("P1"), Owed(JANE, 1))

    def meanwhile() -> None:
        post.after_each = lambda: None
        with database(path) as other:
            with writing(other):
                sites.remove(other, sites.every(other)[0])
            owe(other, add_watch(other, "Nantes").site.number, product("P2"), Owed(JANE, 1))

    post.after_each = meanwhile
    pay()
    pay()
    assert post.told() == ["P1", "P2"]


def test_deliveries_that_were_not_reached_stay_due(
    db: sqlite3.Connection, here: int, clock: Clock, post: Post, pay: Pay
) -> None:
    owe(db, here, product(), Owed(JANE, 1), Owed(JOHN, 2))
    stopped = notify(db, lambda posts: iter([Sent(0, Outcome.SENT)]), ARCHIVE, now=clock, chance=lambda: 0.5)
    assert [paid.address for paid in stopped] == [JANE]
    pay()
    assert [to for to, _ in post.arrived] == [JOHN]


def test_hundreds_of_arrivals_are_one_notice(db: sqlite3.Connection, post: Post, pay: Pay, here: int) -> None:
    for n in range(250):
        owe(db, here, product(f"P{n}"), Owed(JANE, 1))
    assert [paid.arrivals for paid in pay()] == [250]
    assert len(post.arrived) == 1
    assert deliveries.counts(db) == (0, 250, 0)
