"""An address that is down for three days, one that is gone, a message that is refused, a send that hangs."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.given import NOW, Clock, add_subscription, add_watch, owe, product, rows
from tests.tasks.postoffice import PostOffice
from watcher.archive import Disk
from watcher.core.audience import Owed
from watcher.core.decide import Arrival, Decision
from watcher.core.notices import FULL
from watcher.model import Event, Notice, Outcome, Sent
from watcher.store import deliveries, ledger, products, recipients, watching
from watcher.store.connection import writing
from watcher.tasks.notify import Paid, notify

JANE, JOHN = "mail:jane@example.org", "mail:john@example.org"
ARCHIVE = Disk(Path("/archive")).shown
MINUTE = timedelta(minutes=1)

Pay = Callable[[], list[Paid]]


@pytest.fixture
def here(db: sqlite3.Connection) -> int:
    add_subscription(db, JANE)
    add_subscription(db, JOHN)
    return add_watch(db).site.number


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice()
    office.up()
    yield office
    office.down()


@pytest.fixture
def pay(db: sqlite3.Connection, office: PostOffice, clock: Clock) -> Pay:
    return lambda: list(notify(db, office.send, ARCHIVE, now=clock, chance=lambda: 0.5))


def owe_many(db: sqlite3.Connection, site: int, names: Sequence[str], *owed: Owed, clock: Clock) -> None:
    """Let products arrive at a site and owe them, as one page of a poll does."""
    with writing(db):
        first = products.first_free(db)
        listed = [(first + n, product(name, title=f"SPOT5_{name}_L2A")) for n, name in enumerate(names)]
        collection = watching.collection_number(db, "take5", "SPOT5")
        products.record(db, collection, Decision(listed, [], [], [], [], [], set()), now=clock.time)
        arrivals = [Arrival(site, number, Event.NEW, owed, False) for number, _ in listed]
        deliveries.owe(db, products.arrive(db, arrivals, now=clock.time), now=clock.time)


def test_three_days_without_a_mail_server_lose_nothing_and_end_in_a_few_mails(
    db: sqlite3.Connection, office: PostOffice, pay: Pay, here: int, clock: Clock
) -> None:
    """F17: 5,000 events in three simulated days; the next one comes when the server is back."""
    owe(db, here, product("before"), Owed("mail:jane@example.org", 1))
    pay()
    office.down()
    tries = office.asked
    expected = ["before"]
    for turn in range(25):
        names = [f"P{turn}x{n}" for n in range(200)]
        owe_many(db, here, names, Owed(JANE, 1), clock=clock)
        expected += names
        pay()
        clock.forward(hours=72 / 25)
    assert len(expected) == 5001
    assert office.asked - tries == 25
    assert ledger.states(db, now=clock.time) == {"sent": 1, "retrying": 5000}
    office.up()
    mails: list[tuple[timedelta, int]] = []
    back = clock.time
    for _ in range(70):
        before = len(office.mails)
        pay()
        if len(office.mails) > before:
            mails.append((clock.time - back, len(office.mails) - before))
        clock.forward(minutes=1)
    assert deliveries.counts(db) == (0, 5001, 0)
    assert [count for _, count in mails] == [1]
    assert "delivered late" in office.mails[-1][1].split("\n\n")[0].replace("\n", "")
    notices = rows(db, "SELECT notice, count(*) FROM deliveries GROUP BY notice ORDER BY 2")
    assert [count for _, count in notices] == [1, 5000]


def test_an_address_that_answers_nothing_for_days_is_sent_all_of_it_when_it_answers_again(
    db: sqlite3.Connection, here: int, clock: Clock
) -> None:
    silent = True
    came: list[str] = []

    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, (_, notice) in enumerate(posts):
            if silent:
                yield Sent(index, Outcome.UNKNOWN, "no answer in 30 s, so it may have arrived or not")
            else:
                came.append(notice.subject)
                yield Sent(index, Outcome.SENT)

    def pay() -> list[Paid]:
        return list(notify(db, send, ARCHIVE, now=clock, chance=lambda: 0.5))

    tries: Counter[str] = Counter()
    for n in range(6):
        owe(db, here, product(f"P{n}"), Owed(JANE, 1))
        for _ in range(12):
            for paid in pay():
                tries[paid.subject] += 1
            clock.forward(hours=1)
    assert max(tries.values()) <= 2 + 6  # each twice; those of one product share a subject
    assert ledger.states(db, now=clock.time)["given up"] >= 5
    silent = False
    owe(db, here, product("last"), Owed(JANE, 1))
    for _ in range(3):
        pay()
        clock.forward(minutes=1)
    assert deliveries.counts(db) == (0, 7, 0)
    assert len(came) == 2
    assert came[1].startswith("watcher, delivered late:")
    assert rows(db, "SELECT max(doubtful) FROM deliveries") == [2]


def test_one_poison_message_is_given_up_and_keeps_no_other_waiting(
    db: sqlite3.Connection, office: PostOffice, pay: Pay, here: int, clock: Clock
) -> None:
    """F18: always 550, among good ones to the same address and to another, as many as a notice tells of one by one."""
    office.refuses["POISON"] = "550 5.7.1 we do not take this"
    owe(db, here, product("before"), Owed(JANE, 1))
    pay()
    owe(db, here, product("POISON"), Owed(JANE, 1))
    for n in range(FULL - 1):
        owe(db, here, product(f"P{n}"), Owed(JANE, 1), Owed(JOHN, 2))
    began = clock.time
    pay()
    assert len(office.told("john@example.org")) == FULL - 1
    assert clock.time - began < timedelta(seconds=10)
    while deliveries.counts(db)[0]:
        clock.forward(minutes=1)
        pay()
    assert sorted(office.told("jane@example.org")) == sorted(["before", *(f"P{n}" for n in range(FULL - 1))])
    assert clock.time - began < timedelta(minutes=30)
    (entry,) = ledger.entries(db, state="given up", now=clock.time)
    assert "POISON" in entry.title
    assert entry.problem is not None
    assert "550" in entry.problem
    assert recipients.troubled(db) == {}


def test_poison_alone_is_given_up_at_once_and_what_comes_next_goes_within_the_minute(
    db: sqlite3.Connection, office: PostOffice, pay: Pay, here: int, clock: Clock
) -> None:
    office.refuses["POISON"] = "550 5.7.1 we do not take this"
    for name in ("before", "POISON", "after"):
        owe(db, here, product(name), Owed(JANE, 1))
        pay()
        clock.forward(seconds=61)
    assert office.told("jane@example.org") == ["before", "after"]
    assert ledger.states(db, now=clock.time) == {"sent": 2, "given up": 1}


def test_an_address_that_is_gone_is_set_aside_and_delays_no_other(
    db: sqlite3.Connection, office: PostOffice, pay: Pay, here: int, clock: Clock
) -> None:
    office.refuses["jane@"] = "550 5.1.1 no such person here"
    for n in range(3):
        owe(db, here, product(f"P{n}"), Owed(JANE, 1), Owed(JOHN, 2))
        paid = pay()
        assert office.told("john@example.org")[-1] == f"P{n}"
    assert office.asked == 4
    assert [one.address for one in paid] == [JOHN]
    assert deliveries.counts(db) == (0, 3, 3)
    assert recipients.troubled(db)[JANE].aside is not None
    # Mended by hand: all of it goes, as one.
    office.refuses.clear()
    clock.forward(hours=5)
    with writing(db):
        recipients.forgive(db, JANE)
        assert ledger.retry(db, address=JANE, now=clock.time) == 3
    pay()
    assert sorted(office.told("jane@example.org")) == ["P0", "P1", "P2"]
    assert sum(to == "jane@example.org" for to, _ in office.mails) == 1
    assert recipients.troubled(db) == {}


def test_a_digest_that_waits_for_its_hour_is_not_sent_because_others_could_be(
    db: sqlite3.Connection, office: PostOffice, pay: Pay, here: int, clock: Clock
) -> None:
    later = NOW + timedelta(hours=20)
    owe(db, here, product("digest"), Owed(JANE, 1, later, "digest"))
    office.down()
    owe(db, here, product("failed"), Owed(JANE, 1))
    pay()
    office.up()
    clock.forward(minutes=2)
    owe(db, here, product("new"), Owed(JANE, 1))
    for _ in range(3):
        pay()
        clock.forward(minutes=2)
    assert sorted(office.told("jane@example.org")) == ["failed", "new"]
    assert ledger.states(db, now=clock.time) == {"sent": 2, "held": 1}
    clock.time = later
    pay()
    assert "digest" in office.told("jane@example.org")


class Hanging:
    """Ten addresses whose sends hang until they are let go; the others are taken at once."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.hung = threading.Event()
        self.taken: list[str] = []

    def __call__(self, posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        hung = [index for index, (address, _) in enumerate(posts) if "hung" in address]
        for index, (address, _) in enumerate(posts):
            if index not in hung:
                self.taken.append(address)
                yield Sent(index, Outcome.SENT)
        if hung:
            self.hung.set()
            self.let_go.wait(60)
        yield from (Sent(index, Outcome.UNKNOWN, "no answer") for index in hung)


def test_sends_that_hang_keep_no_news_waiting_that_comes_meanwhile(
    db: sqlite3.Connection, path: Path, here: int, clock: Clock
) -> None:
    """F19: ten hangs; what becomes due while they hang goes beside them."""
    hanging, stop = Hanging(), threading.Event()
    for n in range(10):
        add_subscription(db, f"mail:hung{n}@example.org")
    owe(db, here, product("P1"), Owed(JANE, 1), *(Owed(f"mail:hung{n}@example.org", 3 + n) for n in range(10)))
    passed = notify(db, hanging, ARCHIVE, now=clock, chance=lambda: 0.5, stop=stop)
    assert next(passed).address == JANE
    assert hanging.hung.wait(30)
    owe(db, here, product("P2"), Owed(JOHN, 2))
    assert next(passed).address == JOHN
    assert hanging.taken == [JANE, JOHN]
    hanging.let_go.set()
    assert len(list(passed)) == 10
    assert ledger.states(db, now=clock.time) == {"sent": 2, "unknown": 10}


def test_a_send_that_hangs_does_not_delay_a_stop_and_is_sent_again_at_the_next_start(
    db: sqlite3.Connection, here: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.channels._batches.LEAVE", 0.2)
    hanging, stop = Hanging(), threading.Event()
    add_subscription(db, "mail:hung@example.org")
    owe(db, here, product(), Owed("mail:hung@example.org", 3))
    threading.Thread(target=lambda: (hanging.hung.wait(30), stop.set())).start()
    (paid,) = notify(db, hanging, ARCHIVE, now=clock, chance=lambda: 0.5, stop=stop)
    assert paid.again is not None
    assert ledger.states(db, now=clock.time) == {"sending": 1}
    assert ledger.states(db, sending=False, now=clock.time) == {"unknown": 1}
    (key,) = rows(db, "SELECT notice FROM deliveries")
    hanging.let_go.set()
    told: list[Notice] = []

    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        told.extend(notice for _, notice in posts)
        yield from (Sent(index, Outcome.SENT) for index in range(len(posts)))

    (paid,) = notify(db, send, ARCHIVE, now=clock, chance=lambda: 0.5)
    assert paid.repeated
    assert [notice.key for notice in told] == [key]
    assert rows(db, "SELECT attempts, doubtful FROM deliveries") == [(0, 1)]


def test_a_batch_without_a_word_is_given_up_on_as_unknown(
    db: sqlite3.Connection, here: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.channels._batches.HUNG", 0.2)
    hanging = Hanging()
    owe(db, here, product(), Owed("mail:hung@example.org", 2))
    (paid,) = notify(db, hanging, ARCHIVE, now=clock, chance=lambda: 0.5)
    assert paid.problem is not None
    assert paid.problem.startswith("no word in")
    hanging.let_go.set()


def test_addresses_of_another_channel_are_handed_over_apart(db: sqlite3.Connection, here: int, clock: Clock) -> None:
    handed: list[list[str]] = []

    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        handed.append([address for address, _ in posts])
        yield from (Sent(index, Outcome.SENT) for index in range(len(posts)))

    add_subscription(db, "channel:team")
    owe(db, here, product(), Owed(JANE, 1), Owed(JOHN, 2), Owed("channel:team", 3))
    list(notify(db, send, ARCHIVE, now=clock, chance=lambda: 0.5, apart=lambda address: address.partition(":")[0]))
    assert sorted(handed) == [["channel:team"], [JANE, JOHN]]


def test_a_channel_with_a_defect_leaves_the_others_their_turn_and_the_defect_is_raised(
    db: sqlite3.Connection, here: int, clock: Clock
) -> None:
    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        if posts[0][0] == JANE:
            raise ZeroDivisionError("a defect")
        time.sleep(0)
        yield Sent(0, Outcome.SENT)

    owe(db, here, product(), Owed(JANE, 1), Owed(JOHN, 2))
    paid = []
    with pytest.raises(ZeroDivisionError):
        for one in notify(db, send, ARCHIVE, now=clock, chance=lambda: 0.5, apart=lambda address: address):
            paid.append(one)  # noqa: PERF402
    assert {one.address: one.problem is None for one in paid} == {JANE: False, JOHN: True}
    assert ledger.states(db, now=clock.time) == {"sent": 1, "unknown": 1}
