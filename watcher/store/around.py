"""The watches that a question's answer is judged by, as they are now."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from watcher.core.ground.matching import Watched, watched
from watcher.core.questions.asking import Ask
from watcher.model import Watch
from watcher.store import watching


class Around:
    """All watches of a catalogue (`at` some sites): those of a question are read again when they may have changed.

    A product is seen once at a site, whichever question lists it: so all that watch that site must judge it then. A
    site that was paused a moment ago is judged too: what a poll lists, it moves the cursor past. Ask inside the
    transaction that writes what follows: SQLite counts the commits of other connections, and who writes to the watches
    by this one says so by `changed`.
    """

    def __init__(self, db: sqlite3.Connection, catalogue: str, *, at: Collection[int] | None = None) -> None:
        self._db, self._catalogue = db, catalogue
        self._ask: Ask | None = None
        self._version = self._count()
        self._watches: Sequence[Watch] = ()
        self._sorted = watched(())
        self._all: dict[str, dict[int, list[Watch]]] | None = {}
        for watch in watching.watches(db, catalogue=catalogue, at=at, paused=True):
            self._all.setdefault(watch.collection, {}).setdefault(watch.site.number, []).append(watch)

    def unpaused(self) -> list[Watch]:
        """Return the catalogue's watches of sites that are not paused, as they were at the beginning."""
        everywhere = [watch for places in (self._all or {}).values() for here in places.values() for watch in here]
        return [watch for watch in everywhere if not watch.site.paused]

    def changed(self) -> None:
        """Read the watches again before the next answer."""
        self._all = self._ask = None

    def watches(self, ask: Ask) -> Sequence[Watch]:
        """Return the watches of a question's collection and sites."""
        self._read(ask)
        return self._watches

    def sorted(self, ask: Ask) -> Watched:
        """Return the same, sorted for matching."""
        self._read(ask)
        return self._sorted

    def _read(self, ask: Ask) -> None:
        version = self._count()
        if version != self._version:
            self.changed()
        if ask is self._ask:
            return
        at = dict.fromkeys(watch.site.number for watch in ask.watches)
        collection = ask.query.collection
        if self._all is not None:
            places = self._all.get(collection, {})
            self._watches = [watch for number in at for watch in places.get(number, ())]
        else:
            self._watches = watching.watches(
                self._db, catalogue=self._catalogue, collection=collection, at=at, paused=True
            )
        self._sorted, self._ask, self._version = watched(self._watches), ask, version

    def _count(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])
