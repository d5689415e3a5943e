"""A database as a poll finds it: sites, and a watch for each."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bench.catalogue import COLLECTION, SITE
from watcher.store import sites, watching
from watcher.store.connection import connect, writing

SINCE = datetime(2014, 1, 1, tzinfo=UTC)


def fresh(path: Path, catalogue: str, *, code: str | None = None, ground: bytes | None = None, places: int = 1) -> None:
    """Make it anew, with `places` sites that are watched by a code or by their ground (GeoJSON), every level."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    now = datetime.now(UTC)
    with closing(connect(path)) as db, writing(db):
        for number in range(1, places + 1):
            watching.watch(
                db,
                sites.add(db, f"{SITE} {number}", geometry=ground, country=None, origin="bench", now=now),
                catalogue=catalogue,
                collection=COLLECTION,
                level=None,
                code=code,
                since=SINCE,
                now=now,
            )
