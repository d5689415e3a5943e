"""How soon to ask a catalogue again, by what its past polls saw and cost."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import msgspec

from watcher.core.rhythm import Bounds, Day, Habit, day, habit, interval
from watcher.store import measures, polls, sites


class Pace(msgspec.Struct, frozen=True):
    """What the interval is chosen by: when products appear, its bounds, what a poll costs, and the gap in seconds."""

    habit: Habit
    bounds: Bounds
    requests: int
    gap: float

    def interval(self, *, now: datetime) -> float:
        """Return the seconds from a poll that begins now to the next."""
        return interval(self.habit, self.bounds, now=now, requests=self.requests, gap=self.gap)

    def day(self, *, now: datetime, requests: int) -> Day:
        """Foretell the polls of a day that cost so many requests each."""
        return day(self.habit, self.bounds, now=now, requests=requests, gap=self.gap)


def pace(db: sqlite3.Connection, name: str, *, bounds: Bounds, gap: float, now: datetime) -> Pace:
    """Look back at a catalogue's polls."""
    known = habit(measures.appeared(db, name), observed=sites.observed(db, name), now=now)
    _, requests, _ = measures.spent(db, name, day=now)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Pace(known, bounds, requests // max(1, polls.count(db, name, since=midnight)), gap)
