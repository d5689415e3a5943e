"""How fast a production goes, and how long what is awaited takes at that pace.

Products come in batches, so that their number in a month says less than if each came by itself: the bounds are those of
a Poisson count, widened by how much more the days differ than such counts do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import sqrt

import msgspec

WINDOW = timedelta(days=28)
"""The pace is that of so many days."""

FEWEST = 5
"""Of fewer products, no pace is told."""

_Z = 1.2816  # 80 % of a normal distribution lies within


class Pace(msgspec.Struct, frozen=True):
    """Products a day, over the last `days`, in which `came` so many; between `low` and `high` 4 times in 5."""

    came: int
    days: float
    daily: float
    low: float
    high: float

    def queued(self, awaited: int, usual: float | None) -> bool:
        """Say whether so many are awaited that they queue: more than twice those on their way, if each takes `usual`.

        What takes so many seconds at such a pace has pace times delay on its way (Little's law).
        """
        return usual is not None and awaited > max(FEWEST, 2 * self.daily * usual / 86400)

    def takes(self, awaited: int) -> tuple[timedelta, timedelta, timedelta | None]:
        """Return how long so many take at this pace: as it is, at the best, and at the worst (`None`: for ever)."""
        worst = timedelta(days=awaited / self.low) if self.low > 0 else None
        return timedelta(days=awaited / self.daily), timedelta(days=awaited / self.high), worst


def pace(came: Iterable[datetime], *, since: datetime | None, now: datetime) -> Pace | None:
    """Return the pace at which products came lately; `since` is when they were first looked for.

    `None` where fewer than `FEWEST` came, or they were looked at for less than a day.
    """
    start = max(now - WINDOW, since) if since is not None else now - WINDOW
    days = (now - start) / timedelta(days=1)
    counts = [0] * max(1, int(days))
    for time in came:
        if start < time <= now:
            counts[min(int((time - start) / timedelta(days=1)), len(counts) - 1)] += 1
    count = sum(counts)
    if count < FEWEST or days < 1:
        return None
    mean = count / len(counts)
    spread = sum((each - mean) ** 2 for each in counts) / max(1, len(counts) - 1) / mean
    batch = max(1.0, spread)
    low, high = _poisson(count / batch)
    return Pace(count, days, count / days, low * batch / days, high * batch / days)


def _poisson(count: float) -> tuple[float, float]:
    """Return the bounds of the mean of a Poisson count (Byar's approximation of the exact ones)."""
    low = count * max(0.0, 1 - 1 / (9 * count) - _Z / (3 * sqrt(count))) ** 3
    above = count + 1
    return low, above * (1 - 1 / (9 * above) + _Z / (3 * sqrt(above))) ** 3
