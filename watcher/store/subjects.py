"""Arrivals as notices need them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Literal

import msgspec


class Subject(msgspec.Struct, frozen=True):
    """An arrival as a notice needs it: where, what happened and why, which revision, and the state of its download.

    `number` and `site` are the number and the name of the site, `coverage` is how much of it the product covers. The
    download may be `held`: it waits for approval.
    """

    arrival: int
    number: int
    site: str
    event: str
    cause: str | None
    revision: int
    download: Literal["no", "wanted", "held", "stored", "failed"]
    path: str | None
    verified: str | None
    coverage: float | None


def told_of(
    db: sqlite3.Connection, arrivals: Sequence[int], *, at_home: Collection[int] = frozenset()
) -> list[Subject]:
    """Return what a notice about these arrivals has to tell, in their order.

    Of those `at_home` it tells that their files are there: of the same product from another catalogue, if need be.
    """
    rows = db.execute(
        "SELECT a.number, s.number, s.name, iif(a.number IN (SELECT value FROM json_each(?2)), 'downloaded', a.event),"
        " a.cause, a.revision, CASE WHEN d.stored IS NOT NULL THEN 'stored' WHEN d.given_up IS NOT NULL THEN 'failed'"
        " WHEN d.held = 'approval' THEN 'held' WHEN d.due IS NOT NULL OR d.held = 'poll' THEN 'wanted'"
        " ELSE 'no' END, d.path, d.verified, a.coverage FROM json_each(?1) AS listed"
        " CROSS JOIN arrivals AS a ON a.number = listed.value JOIN sites AS s"
        " ON s.number = a.site LEFT JOIN downloads AS d ON d.revision ="
        " iif(a.number IN (SELECT value FROM json_each(?2)), coalesce((SELECT f.revision FROM revisions AS this"
        " JOIN revisions AS other ON other.number = this.number OR other.acquisition = this.acquisition"
        " JOIN downloads AS f ON f.revision = other.number AND f.stored IS NOT NULL WHERE this.number = a.revision"
        " ORDER BY other.number = this.number DESC, f.stored DESC LIMIT 1), a.revision), a.revision)",
        (msgspec.json.encode(list(arrivals)).decode(), msgspec.json.encode(list(at_home)).decode()),
    )
    return [Subject(*row) for row in rows]
