"""How soon to ask a catalogue again, and which of its collections, by what its past polls saw and cost."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime

import msgspec

from watcher.core.questions.rhythm import Bounds, Day, Habit, day, habit, interval, resting
from watcher.store import measures, polls, watching


class Pace(msgspec.Struct, frozen=True):
    """What intervals are chosen by.

    When products appear in each collection that is watched, when each was `asked` last, the bounds, what a poll costs
    in requests, and the gap between two of them in seconds.
    """

    habits: Mapping[str, Habit]
    asked: Mapping[str, datetime]
    bounds: Bounds
    requests: int
    gap: float

    def intervals(self, *, now: datetime) -> dict[str, float]:
        """Return how soon each collection is to be asked again, in seconds."""
        return {
            name: interval(habit, self.bounds, now=now, requests=self.requests, gap=self.gap)
            for name, habit in self.habits.items()
        }

    def interval(self, *, now: datetime) -> float:
        """Return the seconds from a poll that begins now to the next: what the most eager collection wants."""
        return min(self.intervals(now=now).values(), default=self.bounds.usual)

    def resting(self, *, now: datetime) -> set[str]:
        """Return the collections that a poll which begins now need not ask."""
        return resting(self.intervals(now=now), self.asked, self.bounds, now=now)

    def day(self, *, now: datetime, requests: int) -> Day:
        """Foretell the polls of a day that cost so many requests each."""
        return day(self.habits, self.bounds, now=now, requests=requests, gap=self.gap)


def pace(db: sqlite3.Connection, name: str, *, bounds: Bounds, gap: float, now: datetime) -> Pace:
    """Look back at a catalogue's polls."""
    appeared = measures.appeared(db, name)
    habits = {
        collection: habit(appeared.get(collection, {}), observed=observed, now=now)
        for collection, observed in watching.observed(db, name).items()
    }
    asked = {collection: began for collection, (began, _) in polls.looks(db, name).items()}
    _, requests, _ = measures.spent(db, name, day=now)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Pace(habits, asked, bounds, requests // max(1, polls.count(db, name, since=midnight)), gap)
