"""The watches that a question's answer is judged by, as they are now."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from watcher.core.asking import Ask
from watcher.core.matching import Watched, watched
from watcher.model import Watch
from watcher.store import sites


class Around:
    """All watches of a question's collection and sites, read again only when somebody else has written meanwhile.

    A product is seen once at a site, whichever question lists it: so all that watch that site must judge it then. Ask
    inside the transaction that writes what follows. SQLite counts the commits of other connections; our own never
    change the watches of a question while it is being answered.
    """

    def __init__(self, db: sqlite3.Connection, catalogue: str) -> None:
        self._db, self._catalogue = db, catalogue
        self._ask: Ask | None = None
        self._version = -1
        self._watches: Sequence[Watch] = ()
        self._sorted = watched(())

    def watches(self, ask: Ask) -> Sequence[Watch]:
        """Return the watches."""
        self._read(ask)
        return self._watches

    def sorted(self, ask: Ask) -> Watched:
        """Return the same, sorted for matching."""
        self._read(ask)
        return self._sorted

    def _read(self, ask: Ask) -> None:
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if ask is self._ask and version == self._version:
            return
        at = {watch.site.number for watch in ask.watches}
        # A site that was paused a moment ago is judged too: what this poll lists, it moves the cursor past.
        self._watches = sites.watches(
            self._db, catalogue=self._catalogue, collection=ask.query.collection, at=at, paused=True
        )
        self._sorted, self._ask, self._version = watched(self._watches), ask, version
