"""Which notices belong together: what an address was told of an acquisition before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from watcher.core.identity.acquisitions import observation
from watcher.store.light import Light

_LAST = 10
"""So many earlier notices are named."""


def follows(db: sqlite3.Connection, lights: Iterable[Light], address: str) -> list[str]:
    """Return the keys of the notices that an address got of every one of these acquisitions, oldest first.

    So an L2A answers the notice of its L1C, and a reprocessing both. A digest answers one that told of all that it
    tells of, and begins a conversation of its own otherwise.
    """
    acquisitions = {
        observation(light.acquisition) if light.acquisition else str(light.revision): light for light in lights
    }
    common: dict[str, str] | None = None
    for light in acquisitions.values():
        found = _notices(db, light, address)
        common = found if common is None else {key: sent for key, sent in common.items() if key in found}
        if not common:
            return []
    return [key for key, _ in sorted((common or {}).items(), key=lambda pair: pair[1])][-_LAST:]


def _notices(db: sqlite3.Connection, light: Light, address: str) -> dict[str, str]:
    """Return the notices of an acquisition that an address got, each with the time."""
    first = observation(light.acquisition) if light.acquisition else None
    rows = db.execute(
        "WITH family AS (SELECT other.number FROM revisions AS this JOIN revisions AS other"
        " ON other.collection = this.collection AND other.id = this.id WHERE this.number = ?1"
        " UNION SELECT number FROM revisions WHERE acquisition >= ?2 AND acquisition < ?3)"
        " SELECT d.notice, max(d.sent) FROM family CROSS JOIN arrivals AS a ON a.revision = family.number"
        " CROSS JOIN deliveries AS d ON d.arrival = a.number AND d.address = ?4"
        " WHERE d.sent IS NOT NULL AND d.notice IS NOT NULL GROUP BY d.notice",
        (light.revision, first, first and f"{first}\U0010ffff", address),
    )
    return dict(rows.fetchall())
