"""How long things take, by what came and by what is still waited for.

What has not come yet is an observation, too: it took at least as long as it has been waited for. To leave it out would
make every delay look shorter than it is. `censored` is the estimator of Kaplan and Meier (1958) of what is waited for;
`truncated` that of Lynden-Bell (1971), for what is only known of once it has come. Delays are seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import exp, log, sqrt

import msgspec

LEAST = 10
"""So many have to have come: of fewer, no delay is told."""

_Z = 1.96  # 95 % of a normal distribution lies within


class Curve(msgspec.Struct, frozen=True):
    """Which share has come by which delay: `shares[i]` from `delays[i]` on.

    `came` is how many came, and `waiting` how many did not yet. `spreads` are the variances of the logarithm of what
    has not come, or of the share itself if that is what was `counted`.
    """

    delays: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    spreads: tuple[float, ...] = ()
    came: int = 0
    waiting: int = 0
    counted: bool = False

    @property
    def known(self) -> bool:
        """Whether enough have come for it to say anything."""
        return self.came >= LEAST

    @property
    def top(self) -> float:
        """The share that had come by the longest delay that was seen."""
        return self.shares[-1] if self.shares else 0.0

    def share(self, delay: float) -> float:
        """Return which share has come by that delay."""
        index = bisect_right(self.delays, delay)
        return self.shares[index - 1] if index else 0.0

    def quantile(self, share: float) -> float | None:
        """Return by which delay that share has come; `None` if so many did not come in the time that was looked at."""
        return _first(self.delays, self.shares, share)

    def bounds(self, share: float) -> tuple[float | None, float | None]:
        """Return between which delays that quantile lies, 19 times in 20; `None` is an open end.

        They are Greenwood's, on the scale log(-log) (Kalbfleisch and Prentice), which keeps shares within 0 and 1.
        """
        low, high = self._bounds()
        return _first(self.delays, high, share), _first(self.delays, low, share)

    def rest(self, age: float, share: float) -> float | None:
        """Return by which delay that share has come of those that take longer than `age`; `None` if it did not."""
        had = self.share(age)
        return self.quantile(had + share * (1 - had)) if had < 1 else None

    def _bounds(self) -> tuple[list[float], list[float]]:
        """Return the least and the greatest that each share may be. They never fall again."""
        low: list[float] = []
        high: list[float] = []
        for share, spread in zip(self.shares, self.spreads, strict=True):
            if share >= 1:  # all that came: how sure that is, the step before says
                least, most = 0.0, 1.0
            elif self.counted:
                least, most = _within(share, spread)
            else:
                least, most = (1 - left for left in reversed(_within(1 - share, spread)))
            low.append(max(least, low[-1]) if low else least)
            high.append(max(most, high[-1]) if high else most)
        return low, high


def censored(came: Iterable[float], waiting: Iterable[float]) -> Curve:
    """Learn from the delays of those that came, and from how long the others have been waited for."""
    took, waits = sorted(max(0.0, delay) for delay in came), sorted(max(0.0, age) for age in waiting)
    total, before, left, spread = len(took) + len(waits), 0, 1.0, 0.0
    delays: list[float] = []
    shares: list[float] = []
    spreads: list[float] = []
    for delay, same in groupby(took):
        count = len(list(same))
        # Who has been waited for just as long was still there.
        at_risk = total - before - bisect_left(waits, delay)
        before += count
        left *= 1 - count / at_risk
        spread += count / (at_risk * (at_risk - count)) if at_risk > count else 0.0
        delays.append(delay)
        shares.append(1 - left)
        spreads.append(spread)
    return Curve(tuple(delays), tuple(shares), tuple(spreads), len(took), len(waits))


def truncated(came: Iterable[tuple[float, float]]) -> Curve:
    """Learn from pairs of a delay and an age: it took so long, and would be known of only if it took no longer.

    So of what is young only the quick is known, which the slow is not to be held against.
    """
    pairs = [(max(0.0, delay), max(0.0, delay, age)) for delay, age in came]
    took, ages = sorted(delay for delay, _ in pairs), sorted(age for _, age in pairs)
    share, spread = 1.0, 0.0
    delays: list[float] = []
    shares: list[float] = []
    spreads: list[float] = []
    for delay, same in groupby(reversed(took)):
        count = len(list(same))
        delays.append(delay)
        shares.append(share)
        spreads.append(spread)
        # Those that took no longer, and that would be known of had they taken as long.
        at_risk = bisect_right(took, delay) - bisect_left(ages, delay)
        share *= 1 - count / at_risk
        spread += count / (at_risk * (at_risk - count)) if at_risk > count else 0.0
    return Curve(tuple(delays[::-1]), tuple(shares[::-1]), tuple(spreads[::-1]), len(took), counted=True)


def _within(part: float, spread: float) -> tuple[float, float]:
    if not 0 < part < 1:
        return part, part
    width = _Z * sqrt(spread) / abs(log(part))
    return exp(log(part) * exp(width)), exp(log(part) * exp(-width))


def _first(delays: Sequence[float], shares: Sequence[float], share: float) -> float | None:
    # A hair of tolerance: 0.9 of ten is nine, whatever the rounding.
    index = bisect_left(shares, share - 1e-9)
    return delays[index] if index < len(delays) else None
