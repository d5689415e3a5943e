"""Who had it first: the catalogues that list an acquisition, compared by the time at which each of them had it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median

import msgspec

TIE = timedelta(seconds=1)
"""Catalogues that had it within less than this had it at once: a copy may round the time that it takes over."""


class Had(msgspec.Struct, frozen=True):
    """That a catalogue has an acquisition, since when it says so, and since when we have seen it there.

    `published` is the catalogue's own word, `None` where it says nothing; `seen` is when a poll found it, `None` where
    that tells nothing, because it was there before we looked. `title` is the product's.
    """

    acquisition: str
    level: str | None
    acquired: datetime | None
    catalogue: str
    title: str
    published: datetime | None
    seen: datetime | None

    @property
    def since(self) -> datetime | None:
        """Since when the catalogue had it, as well as that is known."""
        return self.published or self.seen


class Heat(msgspec.Struct, frozen=True):
    """One acquisition in several catalogues: who had it first, and how much later the others did, the quickest first.

    A lag is `None` where nobody knows when that catalogue had it.
    """

    first: Had
    others: tuple[tuple[Had, timedelta | None], ...]

    @property
    def winners(self) -> tuple[Had, ...]:
        """Those that had it first: more than one where it is a tie."""
        return (self.first, *(one for one, lag in self.others if lag is not None and lag < TIE))


class Standing(msgspec.Struct, frozen=True):
    """How a catalogue did: of so many acquisitions it had some first; the median of its lags, zero where it was first.

    `unknown` are those of which nobody knows when it had them, `tied` those that it had first together with another.
    """

    catalogue: str
    shared: int
    first: int
    unknown: int
    lag: timedelta | None
    tied: int = 0


def race(had: Iterable[Had]) -> tuple[list[Heat], list[Standing]]:
    """Compare the catalogues over all acquisitions that at least two of them have, the newest acquisition first.

    What a catalogue lists more than once, in several collections or processings, counts from the earliest.
    """
    by_acquisition: dict[str, dict[str, Had]] = defaultdict(dict)
    for one in had:
        of = by_acquisition[one.acquisition]
        known = of.get(one.catalogue)
        if known is None or _earlier(one, known):
            of[one.catalogue] = one
    heats = [_heat(list(of.values())) for of in by_acquisition.values() if len(of) > 1]
    heats = [heat for heat in heats if heat.first.since is not None]
    heats.sort(
        key=lambda heat: (heat.first.acquired is not None, heat.first.acquired or heat.first.since), reverse=True
    )
    return heats, _standings(heats)


def _heat(runners: list[Had]) -> Heat:
    runners.sort(key=lambda one: (one.since is None, one.since or 0, one.catalogue))
    first, *others = runners
    start = first.since
    lags = tuple((one, one.since - start if one.since and start else None) for one in others)
    return Heat(first, lags)


def _earlier(one: Had, other: Had) -> bool:
    if one.since is None or other.since is None:
        return other.since is None and one.since is not None
    return one.since < other.since


def _standings(heats: Iterable[Heat]) -> list[Standing]:
    lags: dict[str, list[timedelta | None]] = defaultdict(list)
    firsts: dict[str, int] = defaultdict(int)
    ties: dict[str, int] = defaultdict(int)
    for heat in heats:
        winners = heat.winners
        for one in winners:
            firsts[one.catalogue] += 1
            ties[one.catalogue] += len(winners) > 1
        lags[heat.first.catalogue].append(timedelta(0))
        for one, lag in heat.others:
            lags[one.catalogue].append(lag)
    standings = []
    for catalogue, all_lags in lags.items():
        known = [lag for lag in all_lags if lag is not None]
        middle = timedelta(seconds=median(lag.total_seconds() for lag in known)) if known else None
        unknown = len(all_lags) - len(known)
        standings.append(Standing(catalogue, len(all_lags), firsts[catalogue], unknown, middle, tied=ties[catalogue]))
    return sorted(standings, key=lambda one: (-one.first, one.lag is None, one.lag or timedelta(0), one.catalogue))
