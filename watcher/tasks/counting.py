"""What is fetched by hand counts in the volumes of its catalogue, too: the provider counts it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime

from msgspec import structs

from watcher.store import volumes
from watcher.store.connection import writing
from watcher.transfer import Tally, Terms


class Counted:
    """Counts the bytes that come from each catalogue, over all threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._tallies: dict[str, Tally] = {}
        self._noted: dict[str, int] = {}

    def on(self, terms: Terms, catalogue: str) -> Terms:
        """Return terms on which what comes is counted for a catalogue."""
        return structs.replace(terms, tally=self._tallies.setdefault(catalogue, Tally()))

    def note(self, db: sqlite3.Connection) -> None:
        """Write down what came since the last time."""
        counts = {name: tally.count for name, tally in self._tallies.items()}
        with writing(db):
            for name, count in counts.items():
                volumes.spend(db, name, count - self._noted.get(name, 0), now=self._now())
        self._noted = counts
