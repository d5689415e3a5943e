"""Whether a catalogue has been silent for longer than its own history explains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

LEAST = 10
"""So many bursts of publications, and what came before says something of what comes."""

FLOOR = timedelta(days=2)
"""No silence is worth a word before that: a weekend, a maintenance."""

FACTOR = 3.0
"""A silence is odd once it is so many times as long as nearly all (95 %) of the gaps before it."""

_BURST = timedelta(hours=12)


class Silence(msgspec.Struct, frozen=True):
    """How long nothing came (`lasted`), since when, and how long that may be by what came before."""

    since: datetime
    lasted: timedelta
    usual: timedelta

    @property
    def odd(self) -> bool:
        """Whether its history does not explain it."""
        return self.lasted > max(FACTOR * self.usual, FLOOR)


def silence(times: Iterable[datetime], *, now: datetime) -> Silence | None:
    """Return the silence at `now` after these times, which may be in any order; those after `now` do not count.

    What comes within 12 hours is one burst: a pass over a site is published as a dozen products, and their minutes say
    nothing of the days between passes. `usual` is the 95th percentile of the gaps between bursts (nearest rank).
    `None` with less than `LEAST` bursts: then there is no history to speak of.
    """
    bursts = _bursts(sorted(time for time in times if time <= now))
    if len(bursts) < LEAST:
        return None
    gaps = sorted(later - earlier for (_, earlier), (later, _) in pairwise(bursts))
    last = bursts[-1][1]
    return Silence(last, now - last, gaps[-(-95 * len(gaps) // 100) - 1])


def _bursts(times: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Return where each burst begins and ends."""
    bursts: list[tuple[datetime, datetime]] = []
    for time in times:
        if bursts and time - bursts[-1][0] < _BURST:
            bursts[-1] = (bursts[-1][0], time)
        else:
            bursts.append((time, time))
    return bursts
