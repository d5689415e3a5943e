"""Was anything missed? What an audit counts, and how late a product was found that could have been found before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from watcher.core.decide import Decision, Listing
from watcher.model import Level

EVERY = timedelta(days=7)
"""How often everything that is watched is listed again."""

AGAIN = timedelta(days=1)
"""How soon it is once more where something was missed, or is missing."""

_MOST = 20
_NEAR = timedelta(days=1)

Span = tuple[datetime | None, datetime | None]
"""The first and last acquisition asked for, both included; `None` is an open end."""


class Audit(msgspec.Struct, frozen=True):
    """What is known of one watch: what the catalogue `counted` when all was listed last, and what was `seen` of it.

    `missing` is what it listed and could not be read, `mended` what no poll had seen until it was listed again, `late`
    how many seconds after its publication each product was found that an earlier poll might have found. Whatever was
    never counted is `None`.
    """

    site: str
    catalogue: str
    collection: str
    level: Level | None
    counted: int | None
    seen: int
    missing: int | None
    mended: int | None
    late: Sequence[int]
    withdrawn: int
    reconciled: datetime | None
    due: datetime | None

    @property
    def share(self) -> float:
        """The percentage of what was seen that was found late."""
        return 100.0 * len(self.late) / self.seen if self.seen else 0.0

    @property
    def usually(self) -> timedelta | None:
        """By how much, in the middle of those."""
        return timedelta(seconds=median(self.late)) if self.late else None

    @property
    def worst(self) -> timedelta | None:
        """By how much at most."""
        return timedelta(seconds=max(self.late)) if self.late else None


def late(
    decision: Decision, found: Iterable[Listing], *, before: tuple[datetime, datetime] | None, now: datetime
) -> Iterator[tuple[int, int, int]]:
    """Yield revision, site and delay in seconds of what the catalogue had when it was asked `before`, and is new now.

    `before` is when the last poll that went well began and ended. What was published before the baseline of a watch is
    not late for it.
    """
    if before is None:
        return
    missed = {
        number: (product.id, since)
        for number, product in decision.revisions
        if (since := product.learnt or product.published) is not None and since < before[0]
    }
    if not missed:
        return
    begun = {
        (listing.product.id, watch.site.number): watch.baselined
        for listing in found
        for watch in listing.watches
        if watch.baselined is not None
    }
    for number, site in decision.sightings:
        identity, since = missed.get(number, ("", now))
        start = begun.get((identity, site))
        if start is not None and start <= since:
            yield number, site, int((now - since).total_seconds())


def spans(times: Iterable[datetime | None], whole: Span) -> list[Span]:
    """Return windows of acquisition that hold all these times, few and short; `whole` if one is not known."""
    known: list[datetime] = []
    for time in times:
        if time is None:
            return [whole]
        known.append(time)
    known.sort()
    gap = _NEAR
    while True:
        found: list[tuple[datetime, datetime]] = []
        for time in known:
            if found and time - found[-1][1] <= gap:
                found[-1] = (found[-1][0], time)
            else:
                found.append((time, time))
        if len(found) <= _MOST:
            second = timedelta(seconds=1)
            return [(first - second, last + second) for first, last in found]
        gap *= 2
