"""When what is awaited is overdue: later than its history explains. And when it is to be expected until then.

Some processors make no L2A of an acquisition with clouds. That is history, too: where many never came, one more of them
is not overdue. So acquisitions with clouds are judged apart, where there are enough of them. And history ends when
something last came: a production that stands still does not excuse itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from watcher.core.production.delays import Curve, censored

ENOUGH = 20
"""So many have to have come before anything is called overdue."""

CERTAIN = 0.99
"""Overdue is what is later than this share of the past…"""

RARELY = 0.95
"""…or than all that came, where so many came and the others never did."""

FLOOR = 6 * 3600.0
"""No lateness is worth a word before that, in seconds, however quick the past was."""

CLOUDS = 50.0
"""Above so much cloud (percent), an acquisition is compared with those that had as much."""

_MANY = 100
_TWICE = 2.0


class Wait(msgspec.Struct, frozen=True):
    """One wait: how many seconds it took, or lasted until something last came. `cloud` is percent, `None` unknown."""

    seconds: float
    came: bool
    cloud: float | None = None


class Limit(msgspec.Struct, frozen=True):
    """From which delay on something is overdue (seconds), and by what: later than `share` of `past` that came.

    `twice` says that those are too few to know the last percent of: then it is twice as long as any of them took.
    `alike` is what they have in common with it: few clouds, or many.
    """

    seconds: float
    share: float
    past: int
    twice: bool = False
    alike: str = ""

    @property
    def words(self) -> str:
        """Say what it is later than."""
        before = f"of the {self.past:,} before{f' with {self.alike} clouds' if self.alike else ''}"
        if self.twice:
            return f"more than twice as late as any {before}"
        return f"later than {100 * self.share:.0f} % {before}"

    def passed(self, age: float) -> bool:
        """Say whether a wait of so many seconds is longer than that."""
        return age > self.seconds


class Past(msgspec.Struct, frozen=True):
    """What waits were like: of all, and where there are enough, of those with few clouds and of those with many."""

    all: Curve
    clear: Curve | None = None
    cloudy: Curve | None = None

    def of(self, cloud: float | None) -> Curve:
        """Return what an acquisition with so much cloud is compared with."""
        curve = self.cloudy if _cloudy(cloud) else self.clear
        return curve or self.all

    def limit(self, cloud: float | None) -> Limit | None:
        """Return from when on one is overdue; `None` where there is not enough history, or it explains any delay."""
        curve = self.of(cloud)
        if curve.came < ENOUGH or curve.top < RARELY:
            return None
        share = min(CERTAIN, curve.top)
        longest = curve.quantile(share)
        if longest is None:
            return None
        twice = curve.came < _MANY
        alike = "" if curve is self.all else "many" if curve is self.cloudy else "few"
        return Limit(max(FLOOR, longest * (_TWICE if twice else 1.0)), share, curve.came, twice, alike)


def past(waits: Iterable[Wait]) -> Past:
    """Learn from waits."""
    every = list(waits)
    clear, cloudy = ([wait for wait in every if _cloudy(wait.cloud) is many] for many in (False, True))
    if min(len(clear), len(cloudy)) < ENOUGH:
        return Past(_curve(every))
    return Past(_curve(every), _curve(clear), _curve(cloudy))


def _cloudy(cloud: float | None) -> bool:
    return cloud is not None and cloud > CLOUDS


def _curve(waits: Sequence[Wait]) -> Curve:
    return censored((wait.seconds for wait in waits if wait.came), (wait.seconds for wait in waits if not wait.came))


class Forecast(msgspec.Struct, frozen=True):
    """When something comes that has been waited for, counted from when the wait began: 4 times in 5 within the bounds.

    `None` is later than anything that was seen. `hope` is the share that ever came of those that took as long.
    """

    early: timedelta | None
    middle: timedelta | None
    late: timedelta | None
    hope: float


def forecast(curve: Curve, age: float) -> Forecast | None:
    """Foretell the end of a wait that has lasted `age` seconds; `None` where history says nothing of such a wait."""
    had = curve.share(age)
    if not curve.known or had >= curve.top:
        return None
    early, middle, late = (_span(curve.rest(age, share)) for share in (0.1, 0.5, 0.9))
    return Forecast(early, middle, late, (curve.top - had) / (1 - had))


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
