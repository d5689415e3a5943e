"""Deliveries as people list them: in which state each is, when what happened to it, and what was answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from watcher.store.connection import moment, stamp

_NEWEST = 1000
"""So many deliveries of a subscription are looked through for one of the last week: the newest come last."""

State = Literal["queued", "held", "sending", "sent", "unknown", "retrying", "given up"]


def _state(*, sending: bool = True) -> str:
    """Return the state of a row of `deliveries`, in SQL; `?1` is now, `sending` says that somebody is at work."""
    return (
        "CASE WHEN sent IS NOT NULL THEN 'sent' WHEN given_up IS NOT NULL THEN 'given up'"
        f" WHEN sending IS NOT NULL THEN '{'sending' if sending else 'unknown'}'"
        " WHEN hold IS NOT NULL AND due > ?1 THEN 'held' WHEN unknown OR cut IS NOT NULL THEN 'unknown'"
        " WHEN attempts > 0 THEN 'retrying' ELSE 'queued' END"
    )


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery: what it tells of (`event`, `title`, `site`), its state, and when what happened to it.

    `due` is when it is tried, at the earliest; `failed` since when it could not be sent; `cut` when a send began that
    was cut short; `doubtful` counts the tries after which nobody knew.
    """

    number: int
    address: str
    subscription: int
    state: State
    arrival: int | None
    event: str
    title: str
    site: str | None
    owed: datetime
    due: datetime | None
    hold: str | None
    sending: datetime | None
    tried: datetime | None
    failed: datetime | None
    cut: datetime | None
    attempts: int
    doubtful: int
    sent: datetime | None
    given_up: datetime | None
    notice: str | None
    problem: str | None
    answer: str | None


def entries(
    db: sqlite3.Connection,
    *,
    addresses: Sequence[str] | None = None,
    subscription: int | None = None,
    arrivals: Sequence[int] | None = None,
    state: State | None = None,
    limit: int = -1,
    sending: bool = True,
    now: datetime,
) -> list[Entry]:
    """Return deliveries, newest first: to these addresses, of a subscription, of these arrivals, in that state, or all.

    `sending` says that somebody is at work: otherwise what is being sent was cut short.
    """
    word = _state(sending=sending)
    # Each term is there only if it is asked for: so each finds its index.
    terms = {
        "address IN (SELECT value FROM json_each(?2))": addresses,
        "subscription = ?3": subscription,
        "arrival IN (SELECT value FROM json_each(?4))": arrivals,
        f"{word} = ?5": state,
    }
    where = " AND ".join(term for term, value in terms.items() if value is not None) or "1"
    rows = db.execute(
        f"SELECT number, address, subscription, {word}, home, arrival, alert, owed, iif(due IS NOT NULL,"
        " max(due, coalesce((SELECT again FROM recipients AS r WHERE r.address = d.address), '')), NULL), hold,"
        " iif(?6, sending, NULL), tried, failed, iif(?6, cut, coalesce(sending, cut)), attempts, doubtful, sent,"
        f" given_up, notice, problem, answer FROM deliveries AS d WHERE {where} ORDER BY number DESC LIMIT ?7",
        (stamp(now), _list(addresses or ()), subscription, _list(arrivals or ()), state, sending, limit),
    ).fetchall()
    return [_entry(db, row) for row in rows]


def _list(values: Collection[object]) -> str:
    return msgspec.json.encode(list(values)).decode()


def _entry(db: sqlite3.Connection, row: Sequence[Any]) -> Entry:
    number, address, subscription, state, home, arrival, alert, *rest = row
    owed, due, hold, sending, tried, failed, cut, attempts, doubtful, sent, given_up, notice, problem, answer = rest
    if arrival is not None:
        event, title, site = db.execute(
            "SELECT event, title, name FROM arrivals JOIN revisions ON revisions.number = revision"
            " JOIN sites ON sites.number = site WHERE arrivals.number = ?",
            (arrival,),
        ).fetchone()
    else:
        event, title, site = db.execute(
            "SELECT kind, title, name FROM alerts LEFT JOIN sites ON sites.number = site WHERE alerts.number = ?",
            (alert,),
        ).fetchone()
    return Entry(
        number=number,
        address=address,
        subscription=subscription,
        state=state,
        arrival=arrival,
        event="downloaded" if home else event,
        title=title,
        site=site,
        owed=datetime.fromisoformat(owed),
        due=moment(due),
        hold=hold,
        sending=moment(sending),
        tried=moment(tried),
        failed=moment(failed),
        cut=moment(cut),
        attempts=attempts,
        doubtful=doubtful,
        sent=moment(sent),
        given_up=moment(given_up),
        notice=notice,
        problem=problem,
        answer=answer,
    )


def states(db: sqlite3.Connection, *, sending: bool = True, now: datetime) -> dict[State, int]:
    """Return how many deliveries are in each state, of the states that there are."""
    word = _state(sending=sending)
    rows = db.execute(f"SELECT {word} AS state, count(*) FROM deliveries GROUP BY state", (stamp(now),))
    return dict(rows.fetchall())


class Trouble(msgspec.Struct, frozen=True):
    """Deliveries of one address that did not go as they should."""

    address: str
    count: int
    attempts: int
    due: datetime | None
    given_up: datetime | None
    problem: str


def retry(
    db: sqlite3.Connection,
    *,
    subscription: int | None = None,
    address: str | None = None,
    state: State | None = None,
    now: datetime,
) -> int:
    """Make what was given up, or waits for its next try, due at once; return how many.

    Only what is owed because of a `subscription`, to an `address`, or in that `state`, if given.
    """
    cursor = db.execute(
        "UPDATE deliveries SET due = ?1, given_up = NULL, attempts = 0, odd = 0, unknown = 0, failed = NULL"
        " WHERE sent IS NULL AND sending IS NULL AND (given_up IS NOT NULL OR (due > ?1 AND hold IS NULL))"
        " AND (?2 IS NULL OR subscription = ?2) AND (?3 IS NULL OR address = ?3)"
        f" AND (?4 IS NULL OR ?4 = {_state()})",
        (stamp(now), subscription, address, state),
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


def lost(db: sqlite3.Connection, *, since: datetime) -> dict[str, int]:
    """Return how many deliveries were given up since then, by address."""
    rows = db.execute("SELECT address, count(*) FROM deliveries WHERE given_up >= ? GROUP BY address", (stamp(since),))
    return dict(rows.fetchall())


def waiting(db: sqlite3.Connection, addresses: Collection[str]) -> dict[str, int]:
    """Return how many deliveries wait to be sent, by address, to those of these that any wait for."""
    rows = db.execute(
        "SELECT address, count(*) FROM deliveries WHERE due IS NOT NULL"
        " AND address IN (SELECT value FROM json_each(?)) GROUP BY address",
        (_list(addresses),),
    )
    return dict(rows.fetchall())


def quiet(db: sqlite3.Connection, subscriptions: Iterable[int], *, since: datetime) -> bool:
    """Say whether nothing was owed or sent because of these subscriptions since then, but that we still look."""
    return not any(
        db.execute(
            "SELECT EXISTS (SELECT 1 FROM (SELECT * FROM deliveries WHERE subscription = ?1 ORDER BY number DESC"
            f" LIMIT {_NEWEST}) AS d LEFT JOIN alerts AS l ON l.number = d.alert WHERE coalesce(l.kind, '') <> 'still'"
            " AND (d.owed >= ?2 OR d.sent >= ?2 OR d.due IS NOT NULL))",
            (number, stamp(since)),
        ).fetchone()[0]
        for number in subscriptions
    )
