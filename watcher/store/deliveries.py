"""Deliveries: arrivals owed to addresses, until sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from watcher.core.audience import Owed
from watcher.core.decide import Arrival
from watcher.store.connection import moment, stamp

_DIGEST = timedelta(hours=1)


class Due(msgspec.Struct, frozen=True):
    """What one address is owed now: its deliveries by number, what they tell of, and the tries so far.

    They tell of `arrivals` and `alerts`, by number. `unknown` says that the last try had no answer; `notice` is the key
    of the notice that was tried; `late` that it could not be sent for some time.
    """

    address: str
    subscription: int
    deliveries: list[int]
    arrivals: list[int]
    alerts: list[int]
    attempts: int
    unknown: bool
    notice: str | None
    late: bool = False


class Trouble(msgspec.Struct, frozen=True):
    """Deliveries of one address that did not go as they should."""

    address: str
    count: int
    attempts: int
    due: datetime | None
    given_up: datetime | None
    problem: str


def owe(db: sqlite3.Connection, arrivals: Iterable[tuple[int, Arrival]], *, now: datetime) -> int:
    """Owe each arrival to its addresses, when each is to hear of it; return how many are new."""
    before = db.total_changes
    db.executemany(
        "INSERT INTO deliveries (arrival, subscription, address, owed, due, hold) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (
            (number, owed.subscription, owed.address, stamp(now), stamp(owed.due or now), owed.hold)
            for number, arrival in arrivals
            for owed in arrival.owed
        ),
    )
    return db.total_changes - before


def owe_alert(db: sqlite3.Connection, alert: int, to: Iterable[Owed], *, now: datetime) -> None:
    """Owe an alert to these addresses."""
    db.executemany(
        "INSERT INTO deliveries (alert, subscription, address, owed, due, hold) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        ((alert, owed.subscription, owed.address, stamp(now), stamp(owed.due or now), owed.hold) for owed in to),
    )


def due(db: sqlite3.Connection, *, now: datetime, patience: timedelta = timedelta(0)) -> list[Due]:
    """Return what is due, one value for each address and notice; those tried least come first.

    An arrival whose files are on their way waits for them, but not longer than `patience`; what a baseline announces
    waits, an hour at most, until the baseline is complete, so that it is one digest. Deliveries that failed before are
    apart from new ones, so that a bad day does not hold back today's news.
    """
    groups: dict[tuple[str, str | None], Due] = {}
    for number, arrival, alert, subscription, address, attempts, unknown, notice in db.execute(
        "SELECT d.number, d.arrival, d.alert, d.subscription, d.address, d.attempts, d.unknown, d.notice"
        " FROM deliveries AS d LEFT JOIN arrivals AS a ON a.number = d.arrival"
        " WHERE d.due <= ?1 AND NOT EXISTS (SELECT 1 FROM downloads AS f"
        " WHERE f.revision = a.revision AND f.due IS NOT NULL AND f.problem IS NULL AND a.arrived > ?2)"
        " AND NOT EXISTS (SELECT 1 FROM watches AS w WHERE w.site = a.site AND w.announce AND w.baselined IS NULL"
        " AND a.arrived > ?3) ORDER BY d.attempts, d.number",
        (stamp(now), stamp(now - patience), stamp(now - _DIGEST)),
    ):
        owed = groups.setdefault(
            (address, notice), Due(address, subscription, [], [], [], attempts, bool(unknown), notice)
        )
        owed.deliveries.append(number)
        if arrival is not None:
            owed.arrivals.append(arrival)
        else:
            owed.alerts.append(alert)
    return list(groups.values())


def hold(db: sqlite3.Connection, subscription: int, *, until: datetime, now: datetime) -> None:
    """Keep what is due to a subscriber until the quiet hours end."""
    db.execute(
        "UPDATE deliveries SET due = ?, hold = 'quiet' WHERE subscription = ? AND due <= ?",
        (stamp(until), subscription, stamp(now)),
    )


def claim(db: sqlite3.Connection, owed: Due, *, notice: str, now: datetime) -> None:
    """Give deliveries the notice that is to tell of them, and note that it is being sent.

    They stay due: if we die now they are paid again, for twice is better than never. But then, and after a failure, it
    is the same notice, with the same key, so that who gets it twice can tell.
    """
    db.executemany(
        "UPDATE deliveries SET notice = ?, sending = ?, hold = NULL WHERE number = ?",
        ((notice, stamp(now), number) for number in owed.deliveries),
    )


def sent(db: sqlite3.Connection, owed: Due, *, now: datetime, answer: str | None = None) -> None:
    """Note that a notice has left, and what was answered: the debt is paid."""
    db.executemany(
        "UPDATE deliveries SET sent = ?1, tried = ?1, sending = NULL, due = NULL, problem = NULL, answer = ?2"
        " WHERE number = ?3",
        ((stamp(now), answer, number) for number in owed.deliveries),
    )


def failed(
    db: sqlite3.Connection,
    owed: Due,
    *,
    problem: str,
    again: datetime | None,
    now: datetime,
    unknown: bool = False,
) -> None:
    """Note that a notice did not leave, or that nobody knows, and when to try again; `None` gives it up.

    Only what ended counts as a try: what a crash or a stop cut short does not.
    """
    db.executemany(
        "UPDATE deliveries SET due = ?, given_up = ?, problem = ?, unknown = ?, tried = ?, sending = NULL,"
        " attempts = attempts + 1 WHERE number = ?",
        (
            (stamp(again) if again else None, None if again else stamp(now), problem, unknown, stamp(now), number)
            for number in owed.deliveries
        ),
    )


def retry(db: sqlite3.Connection, *, subscription: int | None, now: datetime) -> int:
    """Make what was given up, or waits for its next try, due at once; return how many."""
    cursor = db.execute(
        "UPDATE deliveries SET due = ?1, given_up = NULL, attempts = 0, unknown = 0"
        " WHERE sent IS NULL AND (given_up IS NOT NULL OR (due > ?1 AND hold IS NULL))"
        " AND (?2 IS NULL OR subscription = ?2)",
        (stamp(now), subscription),
    )
    return cursor.rowcount


def troubles(db: sqlite3.Connection) -> list[Trouble]:
    """Return what waits for another try or was given up, by address."""
    rows = db.execute(
        "SELECT address, count(*), max(attempts), min(due), max(given_up), max(problem) FROM deliveries"
        " WHERE sent IS NULL AND problem IS NOT NULL GROUP BY address, given_up IS NULL ORDER BY address"
    )
    return [
        Trouble(address, count, attempts, moment(due), moment(given_up), problem)
        for address, count, attempts, due, given_up, problem in rows
    ]


def counts(db: sqlite3.Connection) -> tuple[int, int, int]:
    """Return how many deliveries are owed, were sent, and were given up."""
    owed, sent_count, given_up = db.execute(
        "SELECT count(due), count(sent), count(given_up) FROM deliveries"
    ).fetchone()
    return int(owed), int(sent_count), int(given_up)


class Subject(msgspec.Struct, frozen=True):
    """An arrival as a notice needs it: where, what happened and why, which revision, and the state of its download.

    `number` and `site` are the number and the name of the site, `coverage` is how much of it the product covers.
    """

    arrival: int
    number: int
    site: str
    event: str
    cause: str | None
    revision: int
    download: Literal["no", "wanted", "stored", "failed"]
    path: str | None
    verified: str | None
    coverage: float | None


def subjects(db: sqlite3.Connection, arrivals: Sequence[int]) -> list[Subject]:
    """Return what a notice about these arrivals has to tell, in their order."""
    rows = db.execute(
        "SELECT a.number, s.number, s.name, a.event, a.cause, a.revision, CASE WHEN d.stored IS NOT NULL THEN 'stored'"
        " WHEN d.given_up IS NOT NULL THEN 'failed' WHEN d.due IS NOT NULL THEN 'wanted' ELSE 'no' END,"
        " d.path, d.verified, a.coverage FROM json_each(?) AS listed"
        " CROSS JOIN arrivals AS a ON a.number = listed.value JOIN sites AS s"
        " ON s.number = a.site LEFT JOIN downloads AS d ON d.revision = a.revision",
        (msgspec.json.encode(list(arrivals)).decode(),),
    )
    return [Subject(*row) for row in rows]
