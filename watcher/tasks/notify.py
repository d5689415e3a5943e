"""Pay the deliveries that are due: one notice for each address and pass, each settled as soon as its end is known."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path

import msgspec

from watcher.core.calendar import quiet_until
from watcher.core.notices import Draft, Shot, finish, shots
from watcher.core.patience import DELIVERY
from watcher.model import Notice, Outcome, Sent, Subscription
from watcher.store import deliveries, looking, subscriptions, telling
from watcher.store.connection import writing
from watcher.store.deliveries import Due

Send = Callable[[Sequence[tuple[str, Notice]]], Iterator[Sent]]
Pictures = Callable[[Sequence[Shot]], Mapping[Shot, bytes]]


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
    pictures: Pictures = lambda _: {},
    unsubscribe: Callable[[Subscription], str | None] = lambda _: None,
) -> Iterator[Paid]:
    """Send all that is due and yield each notice as it ends.

    What is being downloaded is told of when it is there, or after `patience`. `pictures` returns what quicklooks of
    those wanted can be had, `unsubscribe` the address on the web that ends a subscription.
    A send is settled when it has ended: one that a crash cuts short is sent again, and one that had no answer, which
    may have arrived all the same, is tried once more.
    """
    if not deliveries.due(db, now=now(), patience=patience):
        return
    with writing(db):
        # Read again inside: what is told of must not be removed between the reading and the claim.
        _let_sleep(db, now=now())
        due = deliveries.due(db, now=now(), patience=patience)
        drafts = telling.drafts(db, due, archive, unsubscribe=unsubscribe)
        for owed, draft in zip(due, drafts, strict=True):
            deliveries.claim(db, owed, notice=draft.key, now=now())
    notices = _laid_out(db, due, drafts, pictures, now=now())
    posts = [(owed.address, notice) for owed, notice in zip(due, notices, strict=True)]
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


def _laid_out(
    db: sqlite3.Connection, due: Sequence[Due], drafts: Sequence[Draft], pictures: Pictures, *, now: datetime
) -> list[Notice]:
    """Lay drafts out, with pictures, for which catalogues are asked: no transaction is open."""
    # The first of each notice, then the second of each…
    wanted = [shot for turn in zip_longest(*map(shots, drafts)) for shot in turn if shot is not None]
    shown = pictures(wanted) if wanted else {}
    numbers = {owed.subscription for owed in due}
    seen = looking.looked(db, [one for one in subscriptions.every(db) if one.number in numbers], now=now)
    return [
        finish(draft, pictures=shown, looked=seen.get(owed.subscription))
        for owed, draft in zip(due, drafts, strict=True)
    ]


def _let_sleep(db: sqlite3.Connection, *, now: datetime) -> None:
    """Let what is due in somebody's quiet hours wait for their end.

    Their rhythm has kept to them already; but a pass may come late, and so may another try.
    """
    for subscription in subscriptions.every(db):
        until = quiet_until(subscription.rhythm, now)
        if until is not None:
            deliveries.hold(db, subscription.number, until=until, now=now)
