"""Pay the deliveries that are due: one notice at a time for each address, settled as soon as its end is known.

What is sent together has a thread of its own, so that an address that hangs keeps no other waiting: what becomes due
meanwhile goes beside it. The database is left to the caller's thread alone.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

import msgspec

from watcher.channels import Batches, Send
from watcher.core.calendar import quiet_until
from watcher.core.notices import Draft, Shot, finish, shots
from watcher.core.outbox import PACE, accepted, refused
from watcher.model import Notice, Outcome, Sent, Subscription
from watcher.store import deliveries, looking, recipients, subscriptions, telling
from watcher.store.connection import writing
from watcher.store.deliveries import Due

Post = tuple[Due, Notice]
Pictures = Callable[[Sequence[Shot]], Mapping[Shot, bytes]]
Unsubscribe = Callable[[Subscription], str | None]


class Paid(msgspec.Struct, frozen=True):
    """How one notice ended: to whom, about how many deliveries, what was answered or what went wrong.

    `again` is when it is tried again, `None` if it was sent or given up. `repeated` says that it may have arrived
    before, `aside` that its address is tried no more.
    """

    address: str
    subject: str
    arrivals: int
    problem: str | None
    again: datetime | None
    answer: str | None = None
    repeated: bool = False
    aside: bool = False


def notify(
    db: sqlite3.Connection,
    send: Send,
    shown: Callable[[str], str],
    *,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    patience: timedelta = timedelta(0),
    pictures: Pictures = lambda _: {},
    unsubscribe: Unsubscribe = lambda _: None,
    apart: Callable[[str], str] = lambda _: "",
    stop: threading.Event | None = None,
) -> Iterator[Paid]:
    """Send all that is due and yield each notice as it ends. The caller sees to it that this is the only pass.

    What is being downloaded is told of when it is there, or after `patience`. `pictures` returns what quicklooks of
    those wanted can be had, `unsubscribe` the address on the web that ends a subscription. Addresses for which `apart`
    has another word are handed over apart. A send is settled when it has ended: one that a crash or `stop` cuts short
    is sent again, and one that had no answer, which may have arrived all the same, is tried once more. A defect in
    sending is raised once the others have ended.
    """
    with writing(db):
        deliveries.interrupted(db)
        recipients.forgo(db, now=now())
    stop = stop or threading.Event()
    batches: Batches[Post] = Batches(send, stop)
    skipped: set[int] = set()
    while True:
        if batches.room():
            busy = {owed.address for owed, _ in batches.under_way()}
            claimed = _claim(db, shown, busy, skipped, unsubscribe, now=now, patience=patience)
            posts = _laid_out(db, claimed, pictures, now=now())
            for word in dict.fromkeys(apart(owed.address) for owed, _ in posts):
                batches.begin([(post, post[0].address, post[1]) for post in posts if apart(post[0].address) == word])
        if batches.over:
            break
        for (owed, notice), sent in batches.ends():
            if sent is None:
                with writing(db):
                    deliveries.release(db, owed)
                skipped.update(owed.deliveries)
            else:
                yield _settle(db, owed, notice, sent, stopped=stop.is_set(), now=now(), chance=chance())
    if batches.defect is not None:
        raise batches.defect


def _claim(
    db: sqlite3.Connection,
    shown: Callable[[str], str],
    busy: Collection[str],
    skipped: Collection[int],
    unsubscribe: Unsubscribe,
    *,
    now: Callable[[], datetime],
    patience: timedelta,
) -> list[tuple[Due, Draft]]:
    """Choose what to send now: the first notice for each address that is not `busy`; and note that it is being sent."""
    if not deliveries.waits(db, now=now(), patience=patience):
        return []
    first: dict[str, Due] = {}
    with writing(db):
        _let_sleep(db, now=now())
        # Read inside: what is told of must not be removed between the reading and the claim.
        for owed in deliveries.due(db, now=now(), patience=patience):
            if owed.address not in busy and not set(owed.deliveries) & set(skipped):
                first.setdefault(owed.address, owed)
        due = list(first.values())
        drafts = telling.drafts(db, due, shown, unsubscribe=unsubscribe)
        for owed, draft in zip(due, drafts, strict=True):
            deliveries.claim(db, owed, notice=draft.key, now=now())
    return list(zip(due, drafts, strict=True))


def _laid_out(
    db: sqlite3.Connection, claimed: Sequence[tuple[Due, Draft]], pictures: Pictures, *, now: datetime
) -> list[Post]:
    """Lay drafts out, with pictures, for which catalogues are asked: no transaction is open."""
    if not claimed:
        return []
    # The first of each notice, then the second of each…
    wanted = [
        shot for turn in zip_longest(*(shots(draft) for _, draft in claimed)) for shot in turn if shot is not None
    ]
    shown = pictures(wanted) if wanted else {}
    numbers = {owed.subscription for owed, _ in claimed}
    seen = looking.looked(db, [one for one in subscriptions.every(db) if one.number in numbers], now=now)
    return [(owed, finish(draft, pictures=shown, looked=seen.get(owed.subscription))) for owed, draft in claimed]


def _settle(
    db: sqlite3.Connection, owed: Due, notice: Notice, sent: Sent, *, stopped: bool, now: datetime, chance: float
) -> Paid:
    """Write down how a notice ended, with all that follows for its address."""
    repeated = any(debt.cut or debt.unknown for debt in owed.debts)
    if stopped and sent.outcome is Outcome.UNKNOWN:
        # Not a try: the next pass finds that it was cut short, and sends it again.
        problem = sent.problem or "stopped while it was being sent"
        return Paid(owed.address, notice.subject, len(owed.debts), problem, now, repeated=repeated)
    with writing(db):
        if sent.outcome is Outcome.SENT:
            deliveries.sent(db, owed, now=now, answer=sent.answer)
            waiting = recipients.wake(db, owed.address, at=now + PACE, now=now)
            recipients.keep(db, owed.address, accepted(waiting=waiting, now=now))
            return Paid(
                owed.address, notice.subject, len(owed.debts), None, None, answer=sent.answer, repeated=repeated
            )
        problem = sent.problem or sent.outcome.value
        verdict = refused(owed.debts, recipients.one(db, owed.address), sent, now=now, chance=chance)
        deliveries.failed(
            db,
            owed,
            problem=problem,
            again=verdict.again,
            now=now,
            unknown=sent.outcome is Outcome.UNKNOWN,
            odd=verdict.odd,
            halve=verdict.halve,
        )
        recipients.keep(db, owed.address, verdict.standing)
        aside = verdict.standing.aside is not None
        if aside:
            recipients.give_up(db, owed.address, problem=f"the address is set aside: {problem}", now=now)
    return Paid(owed.address, notice.subject, len(owed.debts), problem, verdict.again, repeated=repeated, aside=aside)


def _let_sleep(db: sqlite3.Connection, *, now: datetime) -> None:
    """Let what is due in somebody's quiet hours wait for their end.

    Their rhythm has kept to them already; but a pass may come late, and so may another try.
    """
    for subscription in subscriptions.every(db):
        until = quiet_until(subscription.rhythm, now)
        if until is not None:
            deliveries.hold(db, subscription.number, until=until, now=now)
