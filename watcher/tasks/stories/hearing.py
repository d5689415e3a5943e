"""Who heard of an arrival, when and with what answer; who did not, and why."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from watcher.core.moments import lasting
from watcher.core.stories import unheard
from watcher.model import Event, Product, Subscription
from watcher.store import ledger
from watcher.store.ledger import Entry
from watcher.store.stories import Arrived


class Hearer(msgspec.Struct, frozen=True):
    """One address, by which subscription; the state of what it is owed, or `not told` by which rule; and in words."""

    address: str
    subscription: int
    state: str
    text: str
    rule: str | None = None


class People(msgspec.Struct, frozen=True):
    """Who is subscribed, since when, how addresses may be shown, and the tags of sites.

    `working` says that notices are being sent just now.
    """

    subscriptions: Sequence[Subscription]
    added: Mapping[int, datetime]
    shown: Mapping[str, str]
    tags: Mapping[int, Collection[str]]
    working: bool = False


def hearers(
    db: sqlite3.Connection,
    people: People,
    product: Product,
    site: int,
    arrival: Arrived,
    *,
    only: Collection[int] | None = None,
    watched: bool = True,
    now: datetime,
) -> list[Hearer]:
    """Return who heard of an arrival, and who did not, in the order of subscriptions; news of its files included.

    Of all, or of the addresses of `only` these subscriptions. Unless it is still `watched` there, what was owed may
    have been dropped.
    """
    found: list[tuple[int, Hearer]] = []
    entries = ledger.entries(db, arrivals=[arrival.number], sending=people.working, now=now)
    told = {entry.address for entry in entries if entry.event != Event.DOWNLOADED}
    for entry in reversed(entries):
        name = people.shown.get(entry.address, entry.address)
        what = "that its files are at home: " if entry.event == Event.DOWNLOADED else ""
        text = what + said(entry, arrival.arrived)
        found.append((entry.subscription, Hearer(name, entry.subscription, entry.state, text)))
    for subscription in people.subscriptions:
        if subscription.address in told:
            continue
        why = unheard(
            subscription,
            product,
            arrival.event,
            site=site,
            tags=people.tags.get(site, ()),
            coverage=arrival.coverage,
            arrived=arrival.arrived,
            added=people.added[subscription.number],
        )
        if why.by == "heard" and not watched:
            why = replace(why, text=f"{why.text}, or it was owed still when the site was no longer watched for it")
        name = people.shown[subscription.address]
        found.append((subscription.number, Hearer(name, subscription.number, "not told", why.text, why.by)))
    meant = {people.shown[one.address] for one in people.subscriptions if only is None or one.number in only}
    return [hearer for _, hearer in sorted(found, key=lambda one: one[0]) if hearer.address in meant]


def said(entry: Entry, arrived: datetime) -> str:
    """Tell what became of a delivery, as a sentence without its subject."""
    tries = f" after {entry.attempts} {'tries' if entry.attempts != 1 else 'try'} that failed" if entry.attempts else ""
    doubt = f"; it may have come {entry.doubtful + 1} times" if entry.doubtful else ""
    match entry.state:
        case "sent" if entry.sent is not None:
            answer = f"; the answer was: {entry.answer}" if entry.answer else ""
            return f"told on {time(entry.sent)}, {lasting(entry.sent - arrived)} after it came{tries}{answer}{doubt}"
        case "given up" if entry.given_up is not None:
            return f"not told: given up on {time(entry.given_up)}{tries}: {entry.problem}{_perhaps(entry)}"
        case "held":
            why = "its quiet hours end" if entry.hold == "quiet" else "its digest is due"
            return f"not told yet: held until {why}, {time(entry.due)}"
        case "sending":
            return f"being told, since {time(entry.sending)}"
        case "unknown":
            problem = entry.problem or f"the sender was stopped at {time(entry.cut)}"
            return f"perhaps told: {problem}; sent once more from {time(entry.due)} on{doubt}"
        case "retrying":
            return f"not told yet{tries}: {entry.problem}; tried again from {time(entry.due)} on"
    return f"not told yet: owed since {time(entry.owed)}, sent with the next pass"


def _perhaps(entry: Entry) -> str:
    return "; it may have arrived all the same" if entry.doubtful else ""


def time(moment: datetime | None) -> str:
    """Write a moment for people."""
    return "an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
