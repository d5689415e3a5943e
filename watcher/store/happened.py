"""Arrivals as they were recorded, for who asks what they would have been told of."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime

from watcher.core.agreements.replay import Came
from watcher.model import Event, Level, Product
from watcher.store.connection import moment, stamp


def since(db: sqlite3.Connection, start: datetime) -> list[Came]:
    """Return what arrived since then, in that order, each with what filters judge it by."""
    polls: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for catalogue, *span in db.execute("SELECT catalogue, started, finished FROM polls ORDER BY started, number"):
        polls[catalogue].append((span[0], span[1] or ""))
    rows = db.execute(
        "SELECT a.number, a.site, a.event, a.coverage, a.arrived, r.collection, r.acquisition, c.catalogue, c.name,"
        " r.id, r.level, r.cloud, r.platform, r.acquired FROM arrivals AS a"
        " JOIN revisions AS r ON r.number = a.revision JOIN collections AS c ON c.number = r.collection"
        " WHERE a.arrived >= ? ORDER BY a.arrived, a.number",
        (stamp(start),),
    )
    return [
        Came(
            number,
            site,
            Event(event),
            _product(name, *facts),
            catalogue,
            collection,
            acquisition,
            coverage,
            datetime.fromisoformat(arrived),
            moment(_end(polls[catalogue], arrived)),
        )
        for number, site, event, coverage, arrived, collection, acquisition, catalogue, name, *facts in rows
    ]


def _product(
    collection: str, identity: str, level: str | None, cloud: float | None, platform: str | None, acquired: str | None
) -> Product:
    return Product(
        collection, identity, "", Level(level) if level else None, moment(acquired), "", cloud=cloud, platform=platform
    )


def _end(polls: list[tuple[str, str]], arrived: str) -> str | None:
    """Return when the poll ended in which something arrived; `None` where none is remembered."""
    before = bisect_right(polls, (arrived, "~"))
    return polls[before - 1][1] if before and polls[before - 1][1] >= arrived else None
