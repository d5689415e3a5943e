"""The acquisitions to come at a site, and those that should have come: by its tracks, and how long products take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

import msgspec

from watcher.core.production import RECENT, Acquisition
from watcher.core.production.delays import Curve, truncated
from watcher.core.production.passes import Sensor
from watcher.core.production.revisits import CERTAIN, Track, tracks

ENOUGH = 99
"""Of fewer acquisitions, no pass is ever overdue: a hundred chances leave one in a hundred."""

_UNKNOWN = timedelta(days=30)
"""Where nobody knows how long products take, a pass may still bring something for so long."""


class Expected(msgspec.Struct, frozen=True):
    """A pass of a track, in the future or not long ago.

    `chance` is how likely it brings something, `share` how much of what comes has come by now (0 before the pass), and
    `usually` when a product of it is there in the middle of all; `None` is not known.
    """

    track: Track
    at: datetime
    chance: float
    share: float = 0.0
    usually: datetime | None = None

    @property
    def early(self) -> datetime:
        """The earliest time that it may pass."""
        return self.at - self.track.spread

    @property
    def late(self) -> datetime:
        """The latest time that it may pass."""
        return self.at + self.track.spread

    @property
    def overdue(self) -> bool:
        """Whether history explains less than once in a hundred times that nothing of it is there."""
        return self.chance * self.share >= CERTAIN


class Outlook(msgspec.Struct, frozen=True):
    """What is expected, soonest first; what has left (a track, since when), and the sensors without a known rhythm."""

    expected: Sequence[Expected] = ()
    left: Sequence[Track] = ()
    unknown: Sequence[Sensor] = ()


def outlook(acquisitions: Sequence[Acquisition], *, looked: datetime, now: datetime, until: datetime) -> Outlook:
    """Look ahead from `now` to `until`, by what was seen when a site was `looked` at last.

    What passed before that time is expected as long as products of it may still come; what is overdue, for a period
    more.
    """
    newest = max((one.acquired for one in acquisitions), default=looked)
    recent = [one for one in acquisitions if newest - one.acquired <= RECENT]
    took = _first_products(recent, looked)
    settled = took.quantile(CERTAIN) if took.known else None
    settles = _UNKNOWN if settled is None else timedelta(seconds=settled)
    known, unknown = tracks(recent)
    left = [track for track in known if track.left(looked, settled=settles)]
    found = [
        one
        for track in known
        if track not in left
        for at in takewhile(lambda at: at <= until, track.after(looked - settles - timedelta(days=track.period)))
        if (one := _expected(track, at, took, looked)).at > now or one.share < CERTAIN or one.overdue
    ]
    return Outlook(sorted(found, key=lambda one: (one.at, one.track.sensor)), left, unknown)


def _expected(track: Track, at: datetime, took: Curve, looked: datetime) -> Expected:
    middle = took.quantile(0.5) if took.known else None
    usually = None if middle is None else at + timedelta(seconds=middle)
    age = (looked - at).total_seconds()
    return Expected(track, at, track.chance, took.share(age) if took.known and age > 0 else 0.0, usually)


def _first_products(acquisitions: Iterable[Acquisition], looked: datetime) -> Curve:
    """Learn how long after an acquisition its first product is there."""
    pairs = []
    for one in acquisitions:
        there = min((step.there for step in one.steps if step.there is not None), default=None)
        if there is not None:
            pairs.append(((there - one.acquired).total_seconds(), (looked - one.acquired).total_seconds()))
    return truncated(pairs)
