"""How often to ask a catalogue, learnt from when its products appeared.

The configured interval is the centre. While products appear at a pace, it is shorter, down to the least; in hours of
the day that never brought any it is up to twice as long; and an archive that has been silent for a week is asked less
and less, down to the longest after a month, until the first news bring it back at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

HOUR = 3600.0
DAY = 24 * HOUR

SILENT = timedelta(days=7)
"""A silence of so long makes the interval grow…"""

ASLEEP = timedelta(days=28)
"""…and of so long makes it the longest."""

SHARE = 0.05
"""The part of a host's requests a day, one each `gap` seconds, that shorter intervals may take."""

_KNOWN = timedelta(days=14)
_ENOUGH = 50


class Bounds(msgspec.Struct, frozen=True):
    """The usual, the least and the longest interval, in seconds."""

    usual: float
    least: float
    most: float


class Habit(msgspec.Struct, frozen=True):
    """When products of a catalogue appear: how many an hour by the hour of the day (UTC), and when they last did.

    `known` is how long it has been looked at.
    """

    hourly: tuple[float, ...]
    last: datetime | None
    known: timedelta
    products: int


def habit(appeared: Mapping[datetime, int], *, observed: datetime | None, now: datetime) -> Habit:
    """Learn from the products that appeared, by hour, since `observed`, when the catalogue was first looked at."""
    began = min((time for time in (observed, min(appeared, default=None)) if time is not None), default=now)
    known = max(now - began, timedelta(0))
    days = max(known / timedelta(days=1), 1.0)
    counts = [0.0] * 24
    for hour, products in appeared.items():
        counts[hour.astimezone(UTC).hour] += products
    last = max(appeared, default=observed)
    return Habit(tuple(count / days for count in counts), last, known, sum(appeared.values()))


def interval(habit: Habit, bounds: Bounds, *, now: datetime, requests: int = 1, gap: float = 0.0) -> float:
    """Return the seconds from one poll to the next.

    `requests` is what a poll costs and `gap` the pause between two of them, in seconds: shorter intervals than usual
    are not to take more than `SHARE` of the day.
    """
    quiet = now - habit.last if habit.last is not None else timedelta(0)
    if quiet > SILENT:
        sleep = min((quiet - SILENT) / (ASLEEP - SILENT), 1.0)
        return bounds.usual + (bounds.most - bounds.usual) * sleep
    hour = now.astimezone(UTC).hour
    pace = max(habit.hourly[hour], habit.hourly[(hour + 1) % 24]) if habit.known >= timedelta(days=1) else 0.0
    if pace * bounds.usual > HOUR:
        return min(max(HOUR / pace, bounds.least, requests * gap / SHARE), bounds.usual)
    if habit.known >= _KNOWN and habit.products >= _ENOUGH and not pace and not habit.hourly[hour - 1]:
        return min(2 * bounds.usual, bounds.most, max(bounds.usual, _awake(habit, now)))
    return bounds.usual


def _awake(habit: Habit, now: datetime) -> float:
    """Return the seconds until the next hour that ever brought products."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    ahead = next(step for step in range(1, 25) if habit.hourly[(hour.hour + step) % 24])
    return (hour + timedelta(hours=ahead) - now).total_seconds()


class Day(msgspec.Struct, frozen=True):
    """What a day of polls is like: how many, and how long products wait to be seen, in seconds."""

    polls: float
    median: float
    nearly_all: float


def day(habit: Habit, bounds: Bounds, *, now: datetime, requests: int = 1, gap: float = 0.0) -> Day:
    """Foretell a day: each hour's polls, and the delay until half and 95 % of its products are seen.

    A product waits evenly between nothing and the interval of its hour, in the proportion in which the hours bring
    products; in all hours alike where nothing appeared yet. How late the catalogue itself publishes is not in it, nor
    is how long the questions take.
    """
    steps = [timedelta(hours=step) for step in range(24)]
    hours = [now + step for step in steps]
    # The silence so far is held to last, or to be over, all day.
    shifted = [msgspec.structs.replace(habit, last=habit.last and habit.last + step) for step in steps]
    pauses = [
        interval(then, bounds, now=hour, requests=requests, gap=gap) for then, hour in zip(shifted, hours, strict=True)
    ]
    weights = [habit.hourly[hour.astimezone(UTC).hour] for hour in hours]
    if not any(weights):
        weights = [1.0] * 24

    def seen(wait: float) -> float:
        return sum(w * min(1.0, wait / p) for w, p in zip(weights, pauses, strict=True)) / sum(weights)

    return Day(sum(HOUR / pause for pause in pauses), _quantile(seen, 0.5, pauses), _quantile(seen, 0.95, pauses))


def _quantile(share: Callable[[float], float], wanted: float, pauses: list[float]) -> float:
    low, high = 0.0, max(pauses)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) < wanted else (low, middle)
    return high
