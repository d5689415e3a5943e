"""How often to ask a collection, learnt from when its products appeared.

The configured interval is the centre. While products appear at a pace, it is shorter, down to the least; in hours of
the day that never brought any it is up to twice as long; and an archive that has been silent for a week is asked less
and less, down to the longest after a month, until the first news bring it back at once.

A catalogue has its turn when the most eager of its collections has; the others rest until their own time comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil

import msgspec

HOUR = 3600.0

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
    """When products of a collection appear: how many an hour by the hour of the day (UTC), and when they last did.

    `known` is how long it has been looked at.
    """

    hourly: tuple[float, ...]
    last: datetime | None
    known: timedelta
    products: int


def habit(appeared: Mapping[datetime, int], *, observed: datetime | None, now: datetime) -> Habit:
    """Learn from the products that appeared, by hour, since `observed`, when it was first looked at."""
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


def rests(interval: float, turn: float, bounds: Bounds) -> float:
    """Return the seconds after which a collection of that interval is due, whose catalogue has a turn every `turn`.

    The nearest turn will do, but none that comes later than the longest interval.
    """
    return max(min(interval, bounds.most - turn / 2), turn)


def resting(
    intervals: Mapping[str, float], asked: Mapping[str, datetime], bounds: Bounds, *, now: datetime
) -> set[str]:
    """Return the collections that need not be asked at a turn of their catalogue that is `now`.

    `intervals` are theirs, in seconds, `asked` is when each was asked last. One that never was is due, and so is always
    the one whose time comes first.
    """
    turn = min(intervals.values(), default=bounds.usual)
    ahead = {
        name: rests(seconds, turn, bounds) - (now - asked[name]).total_seconds()
        for name, seconds in intervals.items()
        if name in asked and asked[name] <= now
    }
    first = min(ahead.values(), default=0.0) if ahead.keys() == intervals.keys() else 0.0
    return {name for name, seconds in ahead.items() if seconds > max(turn / 2, first)}


class Day(msgspec.Struct, frozen=True):
    """What a day of polls is like: how many, of each collection, and how long products wait to be seen, in seconds."""

    polls: float
    asked: Mapping[str, float]
    median: float
    nearly_all: float


def day(habits: Mapping[str, Habit], bounds: Bounds, *, now: datetime, requests: int = 1, gap: float = 0.0) -> Day:
    """Foretell a day: each hour's polls, and the delay until half and 95 % of its products are seen.

    A product waits evenly between nothing and the interval of its collection at its hour, in the proportion in which
    they bring products; in all alike where nothing appeared yet. How late the catalogue itself publishes is not in it,
    nor is how long the questions take.
    """
    turns: list[float] = []
    pauses: dict[str, list[float]] = {name: [] for name in habits}
    for step in range(24):
        passed = timedelta(hours=step)
        own = {
            # The silence so far is held to last, or to be over, all day.
            name: interval(
                msgspec.structs.replace(habit, last=habit.last and habit.last + passed),
                bounds,
                now=now + passed,
                requests=requests,
                gap=gap,
            )
            for name, habit in habits.items()
        }
        turns.append(min(own.values(), default=bounds.usual))
        for name, seconds in own.items():
            pauses[name].append(turns[-1] * ceil(rests(seconds, turns[-1], bounds) / turns[-1] - 0.5))
    hours = [(now + timedelta(hours=step)).astimezone(UTC).hour for step in range(24)]
    weights = [habit.hourly[hour] for habit in habits.values() for hour in hours]
    if not any(weights):
        weights = [1.0] * len(weights)
    waits = [pause for each in pauses.values() for pause in each]

    def seen(wait: float) -> float:
        return sum(w * min(1.0, wait / p) for w, p in zip(weights, waits, strict=True)) / sum(weights)

    return Day(
        sum(HOUR / turn for turn in turns),
        {name: sum(HOUR / pause for pause in each) for name, each in pauses.items()},
        _quantile(seen, 0.5, waits),
        _quantile(seen, 0.95, waits),
    )


def _quantile(share: Callable[[float], float], wanted: float, waits: list[float]) -> float:
    low, high = 0.0, max(waits)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) < wanted else (low, middle)
    return high
