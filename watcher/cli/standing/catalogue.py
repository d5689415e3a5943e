"""How one catalogue stands, for `watcher status`: when it was asked, when it will be, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from watcher.cli.output import ago, several

if TYPE_CHECKING:
    import sqlite3

    from watcher.wiring import Parts


def standing(
    parts: Parts, db: sqlite3.Connection, name: str, collections: Collection[str], *, moment: datetime
) -> tuple[dict[str, Any], list[str]]:
    """Return what is to be said of a catalogue that is watched in these collections, and its troubles."""
    from watcher.store import polls, unread
    from watcher.store.locks import holder

    last, current = polls.last(db, name, finished=True), polls.last(db, name)
    asking = current is not None and current.finished is None and holder(parts.state / f"poll-{name}.lock")
    pace = parts.pace(db, name) if parts.config.table(name) is not None else None
    looks = {each: span for each, span in polls.looks(db, name).items() if each in collections}
    turn = moment
    if last is not None:
        interval = timedelta(seconds=pace.interval(now=moment) if pace else 0.0)
        turn = max(last.started + interval, last.not_before or last.started)
    failures, odd = polls.failures(db, name), unread.standing(db, name)
    said = {
        "name": name,
        "last_poll": last.started if last else None,
        "asking_since": current.started if asking and current else None,
        "last_good": max((ended for _, ended in looks.values()), default=None),
        "next_poll": turn,
        "collections": len(collections),
        "resting": sorted(pace.resting(now=max(turn, moment)) & set(collections)) if pace else [],
        "listed": last.listed if last else 0,
        "arrived": last.arrived if last else 0,
        "failures": failures,
        "problem": last.problem if last else None,
        "unread": [
            {
                "collection": one.collection,
                "count": one.count,
                "since": one.since,
                "id": one.first.id or None,
                "problem": one.first.problem,
                "raw": one.first.raw,
            }
            for one in odd
        ],
    }
    troubles = [] if pace else [f"{name}: watched, but no longer in the configuration"]
    if last is not None and last.problem is not None:
        rested = pace.resting(now=last.started) if pace else set()
        lost = [
            each for each in collections if each not in rested and (each not in looks or looks[each][0] < last.started)
        ]
        good = None if any(each not in looks for each in lost) else min((looks[each][1] for each in lost), default=None)
        others = f" ({len(lost)} of {len(collections)} collections, the others are well)"
        troubles.append(
            f"{name}: {several(failures, 'poll')} failed, last good {ago(good, moment)}"
            f"{others if 0 < len(lost) < len(collections) else ''}: {last.problem}"
        )
    troubles += [
        f"{name}: {several(one.count, 'item')} of {one.collection} cannot be read, since {ago(one.since, moment)}:"
        f" {one.first.told}"
        for one in odd
    ]
    return said, troubles


def unaudited(db: sqlite3.Connection, *, moment: datetime) -> list[str]:
    """Say where the weekly audit is missing, and where it found what cannot be read."""
    from watcher.store import audits

    said = [
        f"{name}: at {several(sites, 'site')} all was last listed {ago(since, moment)}, which is due every week"
        " (watcher audit --now)"
        for name, sites, since in audits.missing(db, now=moment)
    ]
    said += [
        f"{name}: {several(products, 'product')} at {several(sites, 'site')} could not be read (watcher audit)"
        for name, sites, products in audits.lacking(db)
    ]
    return said
