"""Pay the deliveries that are due: one notice for each address and pass, each settled as soon as its end is known."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from watcher.core.calendar import quiet_until
from watcher.core.notices import finish
from watcher.core.patience import DELIVERY
from watcher.model import Notice, Outcome, Sent
from watcher.store import deliveries, subscriptions, telling
from watcher.store.connection import writing

Send = Callable[[Sequence[tuple[str, Notice]]], Iterator[Sent]]


class Paid(msgspec.Struct, frozen=True):
    """How one notice ended: to whom, about how many arrivals, and what went wrong, if anything did."""

    address: str
    subject: str
    arrivals: int
    problem: str | None
    again: datetime | None


def notify(
    db: sqlite3.Connection,
    send: Send,
    archive: Path,
    *,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    patience: timedelta = timedelta(0),
) -> Iterator[Paid]:
    """Send all that is due and yield each notice as it ends.

    What is being downloaded is told of when it is there, or after `patience`.
    A send is settled when it has ended: one that a crash cuts short is sent again, and one that had no answer, which
    may have arrived all the same, is tried once more.
    """
    if not deliveries.due(db, now=now(), patience=patience):
        return
    with writing(db):
        # Read again inside: what is told of must not be removed between the reading and the claim.
        _let_sleep(db, now=now())
        due = deliveries.due(db, now=now(), patience=patience)
        drafts = telling.drafts(db, due, archive)
        for owed, draft in zip(due, drafts, strict=True):
            deliveries.claim(db, owed, notice=draft.key, now=now())
    posts = [(owed.address, finish(draft)) for owed, draft in zip(due, drafts, strict=True)]
    for outcome in send(posts):
        owed, (_, notice) = due[outcome.index], posts[outcome.index]
        problem, again = None, None
        with writing(db):
            if outcome.outcome is Outcome.SENT:
                deliveries.sent(db, owed, now=now())
            else:
                problem = outcome.problem or outcome.outcome
                unknown = outcome.outcome is Outcome.UNKNOWN
                if not (unknown and owed.unknown):
                    again = DELIVERY.next_try(owed.attempts + 1, now=now(), chance=chance())
                deliveries.failed(db, owed, problem=problem, again=again, now=now(), unknown=unknown)
        yield Paid(owed.address, notice.subject, len(owed.deliveries), problem, again)


def _let_sleep(db: sqlite3.Connection, *, now: datetime) -> None:
    """Let what is due in somebody's quiet hours wait for their end.

    Their rhythm has kept to them already; but a pass may come late, and so may another try.
    """
    for subscription in subscriptions.every(db):
        until = quiet_until(subscription.rhythm, now)
        if until is not None:
            deliveries.hold(db, subscription.number, until=until, now=now)
