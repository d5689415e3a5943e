"""What notices tell, read for all that is due in a pass."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from watcher.core.acquisitions import change
from watcher.core.notices import Draft, draft
from watcher.core.wording import Told, Warned
from watcher.model import Event
from watcher.store import acquisitions, alerts, deliveries, products
from watcher.store.deliveries import Due, Subject


def drafts(db: sqlite3.Connection, due: Sequence[Due], archive: Path) -> list[Draft]:
    """Return the notices that pay these debts, in their order. One that was tried before keeps its key."""
    return [_draft(db, owed, archive) for owed in due]


def _draft(db: sqlite3.Connection, owed: Due, archive: Path) -> Draft:
    told = [_told(db, subject, archive) for subject in deliveries.subjects(db, owed.arrivals)]
    warned = [Warned(one.kind, one.title, one.body, one.hint, one.site) for one in alerts.these(db, owed.alerts)]
    key = owed.notice or hashlib.sha256(f"{owed.address} {owed.deliveries}".encode()).hexdigest()[:12]
    return draft(told, warned, key=key, footer=f"To hear no more of this: watcher unsubscribe {owed.subscription}")


def _told(db: sqlite3.Connection, subject: Subject, archive: Path) -> Told:
    catalogue, product = products.one(db, subject.revision)
    event, before = Event(subject.event), None
    if event is Event.REVISED and (number := acquisitions.previous(db, subject.revision)) is not None:
        before = products.one(db, number)[1]
    was, now = (before and change(before, product)) or (None, None)
    return Told(
        event=event,
        site=subject.site,
        product=product,
        catalogue=catalogue,
        download=subject.download,
        path=str(archive / subject.path) if subject.path else None,
        verified=subject.verified,
        previous=was,
        current=now,
        also=[place.beside(catalogue) for place in acquisitions.also(db, subject.revision, subject.number)],
        cause=subject.cause,
        coverage=subject.coverage,
    )
