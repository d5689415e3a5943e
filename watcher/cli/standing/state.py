"""How things stand, as a value: what is watched, what came, what is owed and wanted, and what is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from watcher.cli.output import ago, several, until
from watcher.cli.standing import catalogue
from watcher.cli.standing.archive import archive_troubles, limits

if TYPE_CHECKING:
    from watcher.model import Subscription
    from watcher.store.ledger import State
    from watcher.wiring import Parts

OPEN: tuple[State, ...] = ("queued", "held", "sending", "unknown", "retrying")
"""The states of what is owed."""


def standing(parts: Parts, db: sqlite3.Connection, moment: datetime) -> dict[str, Any]:
    """Return all that `watcher status` tells, as `--json` prints it."""
    from watcher.store import alerts, approvals, products, subscriptions, watching
    from watcher.store.locks import holder

    watches = watching.watches(db, paused=True)
    subscribed = subscriptions.every(db)
    catalogues, troubles = [], []
    for name in sorted({watch.catalogue for watch in watches}):
        here = [watch for watch in watches if watch.catalogue == name]
        collections = {watch.collection for watch in here if not watch.site.paused}
        said, wrong = catalogue.standing(parts, db, name, collections, moment=moment)
        catalogues.append(said)
        troubles += wrong
    waiting = sum(one.count for one in approvals.waiting(db))
    shown = {one.address: parts.addresses.shown(one) for one in subscribed}
    troubles += catalogue.unaudited(db, moment=moment)
    troubles += [_deaf(one, shown[one.address]) for one in subscribed if one.sites == () and not one.tags]
    troubles += _undelivered(db, shown, moment)
    troubles += archive_troubles(parts, db, moment)
    troubles += _unfetched(db, waiting, moment)
    troubles += _set_aside(db, shown, moment)
    return {
        "service": holder(parts.state / "run.lock"),
        "sites": len({watch.site.number for watch in watches}),
        "paused": len({watch.site.number for watch in watches if watch.site.paused}),
        "watches": len(watches),
        "subscriptions": len(subscribed),
        "products": products.count(db),
        "catalogues": catalogues,
        "arrivals": {
            "day": products.arrived(db, since=moment - timedelta(days=1)),
            "week": products.arrived(db, since=moment - timedelta(days=7)),
            "all": products.arrived(db, since=None),
        },
        "deliveries": _deliveries(parts, db, moment),
        "downloads": _downloads(parts, db, waiting),
        "alerts": [
            {
                "kind": one.kind,
                "topic": one.topic,
                "site": one.site,
                "title": one.title,
                "body": one.body,
                "raised": one.raised,
            }
            for one in alerts.open_now(db)
        ],
        "limits": limits(parts, db, moment),
        "archive": parts.keeping.archive.shown(""),
        "database": str(parts.database),
        "troubles": troubles,
    }


def _deliveries(parts: Parts, db: sqlite3.Connection, moment: datetime) -> dict[str, int]:
    from watcher.store import deliveries, ledger
    from watcher.store.locks import holder

    owed, sent, given_up = deliveries.counts(db)
    states = ledger.states(db, sending=holder(parts.state / "notify.lock") is not None, now=moment)
    return {"owed": owed, **{word: states.get(word, 0) for word in OPEN}, "sent": sent, "given_up": given_up}


def _downloads(parts: Parts, db: sqlite3.Connection, waiting: int) -> dict[str, Any]:
    from watcher.store import downloads

    wanted, stored, given_up, size = downloads.counts(db)
    return {
        "wanted": wanted,
        "waiting_for_approval": waiting,
        "stored": stored,
        "given_up": given_up,
        "bytes": size,
        "fetching": [
            {
                "title": one.title,
                "done": one.done,
                "total": one.total,
                "rate": one.rate,
                "left": one.left,
                "storing": one.storing,
            }
            for one in parts.downloads.going()
        ],
    }


def _deaf(one: Subscription, shown: str) -> str:
    return (
        f"subscription {one.number} ({shown}) hears of nothing: its sites were removed"
        f" (watcher unsubscribe {one.number})"
    )


def _undelivered(db: sqlite3.Connection, shown: Mapping[str, str], moment: datetime) -> Iterator[str]:
    from watcher.store import ledger

    for owed in ledger.troubles(db):
        after = "given up (watcher retry)" if owed.given_up else until(owed.due, moment)
        yield (
            f"{shown.get(owed.address, owed.address)}: {several(owed.count, 'delivery', 'deliveries')} failed"
            f" after {several(owed.attempts, 'try', 'tries')}, {after}: {owed.problem}"
        )


def _unfetched(db: sqlite3.Connection, waiting: int, moment: datetime) -> Iterator[str]:
    from watcher.store import downloads

    for file in downloads.troubles(db):
        after = "given up (watcher retry)" if file.given_up else until(file.due, moment)
        tries = f" after {several(file.attempts, 'try', 'tries')}" if file.attempts else ""
        yield f"{file.title}: download failed{tries}, {after}: {file.problem}"
    if waiting:
        yield f"{several(waiting, 'download')} wait for approval (watcher approve)"


def _set_aside(db: sqlite3.Connection, shown: Mapping[str, str], moment: datetime) -> Iterator[str]:
    from watcher.store import recipients

    for address, one in recipients.troubled(db).items():
        if one.aside is not None and address in shown:
            since = ago(one.aside, moment)
            yield f"{shown[address]}: set aside {since}, it refuses notices for good: {one.problem}"
