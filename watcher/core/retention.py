"""Which files leave the archive: those that are too old, and the oldest of what is too much."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec


class Kept(msgspec.Struct, frozen=True):
    """A product in the archive: its revision, its place, its bytes, when it came, and whether it is pinned."""

    revision: int
    site: str
    title: str
    path: str
    size: int
    stored: datetime
    pinned: bool


class Surplus(msgspec.Struct, frozen=True):
    """A product that is to leave, and why, in words."""

    kept: Kept
    why: str


def surplus(kept: Iterable[Kept], *, keep: timedelta | None, max_size: int | None, now: datetime) -> list[Surplus]:
    """Return what is to leave, the oldest first.

    What came home more than `keep` ago leaves; then, oldest first, whatever is more than `max_size` bytes in all.
    `None` sets no such limit. What is pinned stays, and counts.
    """
    files = sorted(kept, key=lambda one: (one.stored, one.revision))
    total = sum(one.size for one in files)
    leaving = []
    for one in files:
        old = keep is not None and now - one.stored > keep
        much = max_size is not None and total > max_size
        if one.pinned or not (old or much):
            continue
        total -= one.size
        days = (now - one.stored).days
        leaving.append(Surplus(one, f"stored {days} d ago" if old else "the archive is larger than max_size"))
    return leaving
