"""Which files leave the archive: those that are too old, and the oldest of what is too much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec


class Kept(msgspec.Struct, frozen=True):
    """A product in the archive: its revision, its bytes, when it came, and whether it is pinned."""

    revision: int
    size: int
    stored: datetime
    pinned: bool


def surplus(kept: Iterable[Kept], *, keep: timedelta | None, max_size: int | None, now: datetime) -> Mapping[int, str]:
    """Return the revisions that are to leave, the oldest first, each with why, in words.

    What came home more than `keep` ago leaves; then, oldest first, whatever is more than `max_size` bytes in all.
    `None` sets no such limit. What is pinned stays, and counts.
    """
    files = sorted(kept, key=lambda one: (one.stored, one.revision))
    total = sum(one.size for one in files)
    leaving = {}
    for one in files:
        old = keep is not None and now - one.stored > keep
        much = max_size is not None and total > max_size
        if one.pinned or not (old or much):
            continue
        total -= one.size
        leaving[one.revision] = f"stored {(now - one.stored).days} d ago" if old else "the archive is too large"
    return leaving
