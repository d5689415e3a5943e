"""Places that are asked about: what the watches of one have in common, and from when on its news are asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watcher.core.questions.reach import REREAD
from watcher.model import Level, Watch

BEGINNING = timedelta(days=1)
"""How far before its baseline a watch without a cursor asks: our clock, unlike a cursor, is not the catalogue's."""


class Where(msgspec.Struct, frozen=True):
    """What the watches of one place share; `start` is from which acquisition on it is read again."""

    collection: str
    place: str | int
    level: Level | None
    news: bool
    start: datetime | None


class Place(msgspec.Struct, frozen=True):
    """What one question for one place would serve.

    `level` is theirs, if they share one and the catalogue can be asked for it; `cursor` and `begun` are the oldest
    cursor, and from where the watches without one ask; `due` says that one of them was not asked about as far back as
    `OVERLAP` for a day.
    """

    where: Where
    watches: list[Watch]
    level: Level | None
    cursor: datetime | None
    begun: datetime | None
    due: bool

    @property
    def since(self) -> datetime:
        """Return the time that its news are asked from, but for the overlap."""
        return min(time for time in (self.cursor, self.begun) if time is not None)

    @property
    def joins(self) -> bool:
        """Say whether a question may hold other places besides; a code is asked for alone."""
        first = self.watches[0]
        return first.code is None and first.site.geometry is not None

    @property
    def somewhere(self) -> bool:
        """Say whether what is listed everywhere can be matched with it."""
        first = self.watches[0]
        return first.code is not None or first.site.geometry is not None


def gathered(where: Where, watches: list[Watch], *, now: datetime, levels: bool) -> Place:
    """Put the watches of one place together; `levels` says that the catalogue can be asked for one level."""
    wanted = {watch.level for watch in watches} if levels else {None}
    cursors = [watch.cursor for watch in watches if watch.cursor is not None]
    begun = [watch.baselined - BEGINNING for watch in watches if watch.cursor is None and watch.baselined is not None]
    due = any(watch.reread is None or now - watch.reread >= REREAD for watch in watches)
    level = wanted.pop() if len(wanted) == 1 else None
    return Place(where, watches, level, min(cursors, default=None), min(begun, default=None), due)
