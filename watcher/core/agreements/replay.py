"""What a subscription would have told, had it been there: recorded arrivals are judged and timed as if they came again.

Told is what a notice would have told of: with each pass that found something, or with a digest. No notice waits for a
download here, and the service always ran.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from watcher.core.audience import owing
from watcher.core.calendar import quiet_until
from watcher.core.filters import Refusal, means, refused
from watcher.model import Event, Product, Subscription

_PAUSE = timedelta(minutes=2)
"""What came so long after the last was found by another pass, where no poll is remembered."""


class Came(msgspec.Struct, frozen=True):
    """An arrival that was recorded.

    `collection` and `acquisition` are the number of the one and the key of the other, `passed` is when the poll that
    found it ended; `None` if that is no longer known.
    """

    number: int
    site: int
    event: Event
    product: Product
    catalogue: str
    collection: int
    acquisition: str | None
    coverage: float | None
    arrived: datetime
    passed: datetime | None = None


class Telling(msgspec.Struct, frozen=True):
    """A notice that would have been sent: when, about which arrivals by number."""

    at: datetime
    arrivals: list[int]


class Replay(msgspec.Struct, frozen=True):
    """The notices, in order.

    `came` is how many arrivals there were at the sites that are meant, `refused` how many each filter kept away.
    """

    tellings: list[Telling]
    came: int
    refused: Counter[str]


_Parts = defaultdict[int, dict[str, Product]]
"""The products of an acquisition at a site, by id, for each collection."""


def replay(
    subscription: Subscription, arrivals: Sequence[Came], tags: Mapping[int, Collection[str]], *, once: bool = True
) -> Replay:
    """Tell again what came, in the order in which it did.

    `tags` are those of the sites by number. An acquisition that several catalogues have is told `once`, from the first.
    """
    tellings: dict[datetime, list[int]] = defaultdict(list)
    refusals: Counter[str] = Counter()
    known: dict[tuple[int, str], _Parts] = defaultdict(lambda: defaultdict(dict))
    count = 0
    for came, end in zip(arrivals, _ends(arrivals), strict=True):
        if not means(subscription, came.site, tags.get(came.site, ())):
            continue
        count += 1
        told = _told_elsewhere(known[came.site, came.acquisition], came) if once and came.acquisition else []
        if any(_refusal(subscription, came, product) is None for product in told):
            continue
        refusal = _refusal(subscription, came, came.product)
        if refusal is not None:
            refusals[refusal.by] += 1
            continue
        due = owing(subscription, came.arrived).due or came.arrived
        at = due if due > came.arrived else end
        tellings[quiet_until(subscription.rhythm, at) or at].append(came.number)
    return Replay([Telling(at, tellings[at]) for at in sorted(tellings)], count, refusals)


def _refusal(subscription: Subscription, came: Came, product: Product) -> Refusal | None:
    return refused(subscription, came.event, product, coverage=came.coverage, now=came.arrived)


def _told_elsewhere(known: _Parts, came: Came) -> list[Product]:
    """Return what other catalogues have told of an acquisition before, with what filters judge it by.

    As `watcher.core.identity.kin` does: a catalogue that has more parts of it tells of those.
    """
    if came.event is not Event.NEW:
        return []
    others = [parts for collection, parts in known.items() if collection != came.collection]
    most, here = max(map(len, others), default=0), len(known[came.collection])
    known[came.collection][came.product.id] = came.product
    if most <= here:
        return []
    return [replace(came.product, level=one.level, cloud=one.cloud) for parts in others for one in parts.values()]


def _ends(arrivals: Sequence[Came]) -> list[datetime]:
    """Say of each arrival when the pass that found it had ended: as remembered, else with the last of a flock."""
    ends: list[datetime] = [came.passed or came.arrived for came in arrivals]
    later: dict[str, int] = {}
    for index in range(len(arrivals) - 1, -1, -1):
        came, after = arrivals[index], later.get(arrivals[index].catalogue)
        if came.passed is None and after is not None and arrivals[after].arrived - came.arrived < _PAUSE:
            ends[index] = ends[after]
        later[came.catalogue] = index
    return ends
