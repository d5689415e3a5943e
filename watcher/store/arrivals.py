"""Arrivals: the newest, as feeds tell of them, and which sites had some lately."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from watcher.core.feeds.feed import Came
from watcher.model import Event
from watcher.store.products import COLUMNS, described


def newest(db: sqlite3.Connection, *, site: int | None, limit: int) -> list[Came]:
    """Return so many arrivals at a site, or at all of them."""
    # Of one site by its index, for its arrivals are few among all; of all by their number.
    chosen = "SELECT * FROM arrivals ORDER BY number DESC LIMIT ?1"
    if site is not None:
        chosen = "SELECT * FROM arrivals WHERE site = ?2 ORDER BY +number DESC LIMIT ?1"
    rows = db.execute(
        f"SELECT sites.name, event, arrived, cause, coverage, catalogue, collections.name, {COLUMNS}"
        f" FROM ({chosen}) AS came JOIN sites ON sites.number = came.site JOIN revisions ON revisions.number = revision"
        " JOIN collections ON collections.number = collection ORDER BY came.number DESC",
        (limit,) if site is None else (limit, site),
    )
    return [
        Came(
            site=name,
            event=Event(event),
            arrived=datetime.fromisoformat(arrived),
            catalogue=catalogue,
            product=described(collection, columns),
            cause=cause,
            coverage=coverage,
        )
        for name, event, arrived, cause, coverage, catalogue, collection, *columns in rows
    ]


def last(db: sqlite3.Connection) -> int:
    """Return the number of the newest arrival, 0 if there is none."""
    return int(db.execute("SELECT coalesce(max(number), 0) FROM arrivals").fetchone()[0])


def at(db: sqlite3.Connection, *, after: int) -> set[int]:
    """Return the sites that had an arrival after that number."""
    # By number: an index of the sites would be read whole.
    rows = db.execute("SELECT DISTINCT site FROM arrivals NOT INDEXED WHERE number > ?", (after,))
    return {site for (site,) in rows}
