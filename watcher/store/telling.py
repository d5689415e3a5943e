"""What notices tell, read for all that is due in a pass: an arrival that many are told of is read once."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Sequence

import msgspec

from watcher.core.identity.acquisitions import change
from watcher.core.notices import FULL, Draft, draft, leading
from watcher.core.wording import Told, Warned
from watcher.model import Event, Product, Subscription
from watcher.store import acquisitions, alerts, light, subscriptions
from watcher.store.conversations import follows
from watcher.store.deliveries import Due
from watcher.store.light import Light
from watcher.store.subjects import Subject, told_of


def drafts(
    db: sqlite3.Connection,
    due: Sequence[Due],
    shown: Callable[[str], str],
    *,
    unsubscribe: Callable[[Subscription], str | None] = lambda _: None,
) -> list[Draft]:
    """Return the notices that pay these debts, in their order. One that was tried before keeps its key.

    `shown` says where a place of the archive is, `unsubscribe` gives the address on the web that ends a subscription.
    """
    by_number = {subscription.number: subscription for subscription in subscriptions.every(db)}
    teller = _Teller(db, shown)
    return [
        _draft(teller, owed, by_number[owed.subscription], unsubscribe(by_number[owed.subscription])) for owed in due
    ]


def _draft(teller: _Teller, owed: Due, subscription: Subscription, unsubscribe: str | None) -> Draft:
    told, warned = teller.told(owed.arrivals, owed.at_home), alerts.these(teller.db, owed.alerts)
    return draft(
        told,
        [Warned(alert.kind, alert.title, alert.body, alert.hint, alert.site) for alert in warned],
        key=owed.notice or hashlib.sha256(f"{owed.address} {owed.deliveries}".encode()).hexdigest()[:12],
        footer=f"To hear no more of this: watcher unsubscribe {owed.subscription}",
        fields=subscription.fields,
        late=owed.late,
        unsubscribe=unsubscribe,
        follows=[] if warned or len(told) > FULL else follows(teller.db, teller.lights(owed.arrivals), owed.address),
        again=owed.attempts > 0,
    )


class _Read(msgspec.Struct, frozen=True):
    """An arrival as it was read; a `brief` one was not looked for in other catalogues."""

    subject: Subject
    light: Light
    told: Told
    brief: bool


class _Teller:
    """Reads arrivals, each once in a pass."""

    def __init__(self, db: sqlite3.Connection, shown: Callable[[str], str]) -> None:
        self.db, self._shown = db, shown
        self._read: dict[tuple[int, bool], _Read] = {}
        self._clear: dict[int, dict[int, Product]] = {}

    def told(self, arrivals: Sequence[int], at_home: Collection[int]) -> list[Told]:
        """Return what there is to tell of these arrivals; where pictures are shown, with a clear look from before.

        Those `at_home` are told of because their files are there.
        """
        brief = len(arrivals) > FULL
        keys = [(number, number in at_home) for number in arrivals]
        unread = [number for number, key in zip(arrivals, keys, strict=True) if self._unread(key, brief=brief)]
        subjects = told_of(self.db, unread, at_home=at_home)
        before = {
            subject.revision: number
            for subject in subjects
            if subject.event == Event.REVISED
            and (number := acquisitions.previous(self.db, subject.revision)) is not None
        }
        lights = light.these(self.db, [*(subject.revision for subject in subjects), *before.values()])
        for subject in subjects:
            old = before.get(subject.revision)
            was = None if old is None else lights[old].product
            key = (subject.arrival, subject.arrival in at_home)
            self._read[key] = self._one(subject, lights[subject.revision], was, brief=brief)
        told = [self._read[key].told for key in keys]
        news = {self._read[key].subject.revision for key in keys}
        for place in leading(told):
            looks = self._clear_before(arrivals[place])
            clear = next((look for revision, look in looks.items() if revision not in news), None)
            told[place] = msgspec.structs.replace(told[place], clear=clear and (told[place].catalogue, clear))
        return told

    def lights(self, arrivals: Sequence[int]) -> list[Light]:
        """Return the revisions of arrivals that were read."""
        return [self._known(number).light for number in arrivals]

    def _unread(self, key: tuple[int, bool], *, brief: bool) -> bool:
        return key not in self._read or (self._read[key].brief and not brief)

    def _known(self, arrival: int) -> _Read:
        return self._read.get((arrival, False)) or self._read[arrival, True]

    def _one(self, subject: Subject, light: Light, before: Product | None, *, brief: bool) -> _Read:
        was, now = (before and change(before, light.product)) or (None, None)
        others = [] if brief else acquisitions.also(self.db, subject.revision, subject.number)
        told = Told(
            event=Event(subject.event),
            site=subject.site,
            product=light.product,
            catalogue=light.catalogue,
            download=subject.download,
            path=self._shown(subject.path) if subject.path else None,
            verified=subject.verified,
            previous=was,
            current=now,
            also=[place.beside(light.catalogue) for place in others],
            cause=subject.cause,
            coverage=subject.coverage,
        )
        return _Read(subject, light, told, brief)

    def _clear_before(self, arrival: int) -> dict[int, Product]:
        if arrival not in self._clear:
            read = self._known(arrival)
            self._clear[arrival] = light.clear_before(self.db, read.light, read.subject.number)
        return self._clear[arrival]
