"""Was anything missed? What an audit counts, and how late a product was found that could have been found before.

Once a week all that a watch covers is listed again, by identity alone: a reconcile. What follows from it is what would
have followed from a poll; here is what is particular to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from watcher.core.decide import Decision, Known, Listing
from watcher.core.identity.revisions import recognised
from watcher.core.questions.reach import OVERLAP
from watcher.model import Capability, Level, Product, Watch

EVERY = timedelta(days=7)
"""How often everything that is watched is listed again."""

AGAIN = timedelta(days=1)
"""How soon it is once more where something was missed, or is missing."""

APART = timedelta(minutes=10)
"""A reconcile so soon after another look is no second one: what is processed again is gone for a moment."""

_MOST = 20
_NEAR = timedelta(days=1)

Span = tuple[datetime | None, datetime | None]
"""The first and last acquisition asked for, both included; `None` is an open end."""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one watch, by the last time that all was listed: when it was `reconciled`.

    The catalogue `counted` so many products then, of which `missing` could not be read; `since` is how many came later.
    `mended` is what no poll would have found, `late` how many seconds after its publication each product was found that
    an earlier poll might have found, of `total` that were ever seen. `gone` is what the last complete look missed for
    the first time, `withdrawn` what two did. `due` is when all is listed again, `None` before the baseline.
    """

    site: str
    catalogue: str
    collection: str
    level: Level | None
    paused: bool = False
    counted: int | None = None
    missing: int = 0
    since: int = 0
    mended: int = 0
    late: Sequence[int] = ()
    total: int = 0
    gone: int = 0
    withdrawn: int = 0
    reconciled: datetime | None = None
    due: datetime | None = None

    @property
    def seen(self) -> int | None:
        """How many of what the catalogue counted were seen."""
        return None if self.counted is None else self.counted - self.missing

    @property
    def share(self) -> float:
        """The percentage of what was ever seen that was found late."""
        return 100.0 * len(self.late) / self.total if self.total else 0.0

    @property
    def usually(self) -> timedelta | None:
        """By how much, in the middle of those."""
        return timedelta(seconds=median(self.late)) if self.late else None

    @property
    def worst(self) -> timedelta | None:
        """By how much at most."""
        return timedelta(seconds=max(self.late)) if self.late else None


def late(
    decision: Decision,
    found: Iterable[Listing],
    known: Mapping[str, Known],
    *,
    before: tuple[datetime, datetime] | None,
    now: datetime,
) -> Iterator[tuple[int, int, int]]:
    """Yield revision, site and delay in seconds of what the catalogue had when it was asked `before`, and is new now.

    `before` is when the last poll that went well began and ended, `known` what was known of the page. What was
    published before the baseline of a watch is not late for it, nor is anything while nobody looked, at a paused site.
    """
    if before is None:
        return
    missed = {
        number: (product.id, since)
        for number, product in decision.revisions
        if (since := _had(product, revised=product.id in known)) is not None and since < before[0]
    }
    if not missed:
        return
    begun: dict[tuple[str, int], datetime] = {}
    for listing in found:
        for watch in listing.watches:
            if watch.baselined is not None and watch.reread is not None:
                place = (listing.product.id, watch.site.number)
                begun[place] = min(begun.get(place, watch.baselined), watch.baselined)
    for number, site in decision.sightings:
        identity, since = missed.get(number, ("", now))
        start = begun.get((identity, site))
        if start is not None and start <= since:
            yield number, site, int((now - since).total_seconds())


def _had(product: Product, *, revised: bool) -> datetime | None:
    """Return since when the catalogue has had a product, by its own word, or this revision of one that was known."""
    if not revised:
        return product.learnt or product.published
    return max((time for time in (product.learnt, product.updated) if time is not None), default=None)


def recorded(listing: Listing, known: Known | None) -> str | None:
    """Return the token of the revision that a brief answer names, as it was recorded when it was described.

    `None` when it has to be described: it is not known, or not at each of the sites where it is listed now.
    """
    if known is None:
        return None
    text = recognised(list(known.tokens), listing.product.revision)
    if text is None or any(known.sites.get(watch.site.number, 0) < known.tokens[text] for watch in listing.watches):
        return None
    return text


def passed_over(product: Product, watch: Watch, capability: Capability, *, now: datetime, lookback: timedelta) -> bool:
    """Say whether no poll would find a product that a reconcile found: it is behind all that polls ask for.

    What came since the last poll is merely news, and what is from before the baseline was nobody's business until the
    watch was given an earlier start.
    """
    acquired = product.acquired
    if watch.looked_from is not None and acquired is not None and acquired < watch.looked_from:
        published = product.learnt or product.published
        if published is None or watch.baselined is None or published < watch.baselined:
            return False
    if capability.learns:
        reached = watch.cursor or watch.baselined
        return product.learnt is None or reached is None or product.learnt < reached - OVERLAP
    if capability.codes or watch.since is not None:
        return False  # each poll reads all of it
    return acquired is not None and acquired < now - lookback


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
