"""Settings become working parts: the only place that puts parts together.

`catalogues` are those who are asked, `addresses` those who are told, `downloads` what brings products home, `keeping`
where they lie, `hooks` what is run for them; `Parts` has them all, and the tasks that are about more than one.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.config import Config
from watcher.credentials import revealed
from watcher.model import Notice, Subscription
from watcher.store import ahead, audits, deliveries, subscriptions, watching
from watcher.store.connection import connect, undone
from watcher.store.locks import holding
from watcher.wiring.addresses import Addresses
from watcher.wiring.catalogues import Catalogues
from watcher.wiring.clock import chance, now
from watcher.wiring.downloads import DATABASE, Downloads
from watcher.wiring.hooks import Hooks
from watcher.wiring.keeping import Keeping

if TYPE_CHECKING:
    from watcher.core.notices import Shot
    from watcher.net.heartbeat import Beat, Heartbeat
    from watcher.tasks.feeds import Terms as FeedTerms
    from watcher.tasks.feeds.files import Wrote
    from watcher.tasks.health import Told
    from watcher.tasks.lateness import Reviewed
    from watcher.tasks.notify import Paid
    from watcher.tasks.pace import Pace
    from watcher.tasks.poll import Polled, Reconciled
    from watcher.tasks.poll import Terms as PollTerms

__all__ = ["DATABASE", "Parts", "chance", "now"]

_SOME = 50
"""So many sites are reconciled together: most servers take them as one question."""

_LONG = 300.0
"""Seconds after which a reconcile lets the next poll go first."""


class Parts:
    """All that a command or the service works with, made when it is asked for.

    `stop`, once set, ends every wait of every part. Raises `ConfigError` as `Downloads` does.
    """

    def __init__(self, config: Config, state: Path, *, stop: threading.Event | None = None) -> None:
        self.config = config
        self.state = state
        self.stop = stop or threading.Event()
        self.catalogues = Catalogues(config, self.stop)
        self.addresses = Addresses(config, state, self.stop)
        self.keeping = Keeping(config, state, self.catalogues, self.stop)
        self.hooks = Hooks(config, state, self.catalogues, self.keeping, self.stop)
        self.downloads = Downloads(config, state, self.catalogues, self.keeping, self.stop)
        self._heartbeat: Heartbeat | None = None
        self._guard = threading.Lock()

    @property
    def database(self) -> Path:
        """Where the database lies."""
        return self.state / DATABASE

    def db(self) -> sqlite3.Connection:
        """Open the database; each thread needs a connection of its own."""
        return connect(self.database)

    def lock(self, name: str, *, what: str, wait: float = 0.0) -> AbstractContextManager[None]:
        """Hold a lock of that name in the state directory."""
        return holding(self.state / f"{name}.lock", what=what, wait=wait)

    def alone(self) -> AbstractContextManager[None]:
        """Be the one service on this database."""
        return holding(
            self.state / "run.lock",
            what="a watcher service on this database",
            hint="stop that one first, or give this one a database of its own with --state DIR",
        )

    def poll(
        self, db: sqlite3.Connection, name: str, alive: Callable[[], None] = lambda: None, *, everything: bool = True
    ) -> Polled:
        """Poll a catalogue, alone: nobody else polls it meanwhile. `alive` is called whenever a page was written.

        Without `everything`, collections of which nothing is to be expected yet are not asked.
        """
        from watcher.tasks.poll import poll

        with self.lock(f"poll-{name}", what=f"a poll of {name}", wait=60.0):
            ahead.mend(db, now=now())
            resting = set() if everything else self.pace(db, name).resting(now=now())
            return poll(
                db,
                name,
                self.catalogues.catalogue(name),
                self.catalogues.http(name),
                now=now,
                alive=alive,
                stop=self.stop,
                resting=resting,
                terms=self._asking(),
            )

    def reconcile(
        self,
        db: sqlite3.Connection,
        name: str,
        *,
        at: Collection[int] | None = None,
        alive: Callable[[], None] = lambda: None,
    ) -> Reconciled:
        """List all that is watched of a catalogue again, `at` some sites or all, alone, and read what was missed."""
        from watcher.tasks.poll import reconcile

        with self.lock(f"poll-{name}", what=f"a poll of {name}", wait=60.0):
            return reconcile(
                db,
                name,
                self.catalogues.catalogue(name),
                self.catalogues.http(name),
                now=now,
                at=at,
                alive=alive,
                stop=self.stop,
                terms=self._asking(),
            )

    def _asking(self) -> PollTerms:
        from watcher.tasks.poll import Terms

        config = self.config
        return Terms(
            config.download_levels(),
            timedelta(seconds=config.poll.lookback),
            config.notify.once,
            config.download.approve_above,
            config.download.revisions,
        )

    def reconcile_due(
        self, db: sqlite3.Connection, polled: Polled, *, alive: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[int, Reconciled]]:
        """After a poll, reconcile the sites where that is due; yield of how many at a time, and what came of it.

        Nothing is asked of a server in trouble, and after five minutes the next poll goes first.
        """
        began = time.monotonic()
        outcome: Polled | Reconciled = polled
        due = audits.due(db, polled.catalogue, now=now())
        for first in range(0, len(due), _SOME):
            troubled = outcome.not_before is not None or (outcome.problem is not None and not outcome.listed)
            if troubled or self.stop.is_set() or (first and time.monotonic() - began >= _LONG):
                return
            some = due[first : first + _SOME]
            outcome = self.reconcile(db, polled.catalogue, at=some, alive=alive)
            yield len(some), outcome

    def pace(self, db: sqlite3.Connection, name: str) -> Pace:
        """Say how soon to ask a catalogue again. One that has an interval of its own is asked just so often."""
        from watcher.core.questions.rhythm import Bounds
        from watcher.tasks.pace import pace

        table, usual = self.catalogues.table(name), float(self.config.poll.interval)
        own = table.interval
        bounds = Bounds(usual, *self.config.poll.bounds()) if own is None else Bounds(own, own, own)
        return pace(db, name, bounds=bounds, gap=float(table.gap), now=now())

    def notify(
        self,
        db: sqlite3.Connection,
        *,
        patience: timedelta = timedelta(0),
        left_out: Callable[[str, str], None] = lambda _url, _why: None,
    ) -> Iterator[Paid]:
        """Send the notices that are due, alone; a download that one tells of may take up to `patience`.

        `left_out` is told of quicklooks that are not shown, and why.
        """
        from watcher.tasks.notify import notify

        with self.lock("notify", what="sending notices", wait=60.0):
            ahead.mend(db, now=now())
            yield from notify(
                db,
                self.addresses.send,
                self.keeping.archive.shown,
                now=now,
                chance=chance,
                patience=patience,
                pictures=lambda shots: self.pictures(shots, left_out),
                unsubscribe=self.addresses.unsubscribing(),
                apart=self.addresses.family,
                stop=self.stop,
            )

    def pictures(self, shots: Sequence[Shot], left_out: Callable[[str, str], None]) -> dict[Shot, bytes]:
        """Return what quicklooks of these can be had in a few seconds; `left_out` is told why one cannot."""
        from watcher.tasks.pictures import pictures

        if not self.config.notify.pictures:
            return {}
        directory = self.state / "quicklooks"
        return pictures(
            shots, self.catalogues.http, directory, stop=self.stop, left_out=lambda s, why: left_out(s.url, why)
        )

    def draft(self, db: sqlite3.Connection, subscription: Subscription, arrivals: Sequence[int]) -> Notice:
        """Compose what a subscription, stored or not, would be sent about these arrivals; nothing is kept."""
        from watcher.core.notices import finish
        from watcher.store import telling

        with undone(db):
            number = subscriptions.add(db, subscription, now=now())
            owed = deliveries.Due(subscription.address, number, [], list(arrivals), [])
            return finish(telling.drafts(db, [owed], self.keeping.archive.shown)[0])

    def health(self, db: sqlite3.Connection) -> list[Told]:
        """Look whether all is well, and owe what is to be told of it."""
        from watcher.tasks.health import Terms, look
        from watcher.tasks.health.around import disks, expires

        config = self.config.health
        watched = watching.catalogues(db, paused=False)
        return look(
            db,
            catalogues=[name for name in self.catalogues.polled(db) if name in watched],
            missing=sorted(name for name in watched if self.config.table(name) is None),
            disks=disks(
                self.keeping.archive.kind,
                self.keeping.archive.disk,
                self.state,
                reserve=self.config.download.reserve,
            ),
            archive=self.keeping.archive.shown(""),
            gone=self.keeping.gone(db),
            expires=expires(self.config.catalogues.values(), config.expires),
            shown={one.address: self.addresses.shown(one) for one in subscriptions.every(db)},
            terms=Terms(config.failures, config.listed, config.disk, timedelta(seconds=config.expires_within)),
            now=now(),
        )

    def beat(self) -> Beat | None:
        """Call the heartbeat address, if there is one; `None` where it was not called.

        Raises `ConfigError` or `CredentialError` when it is no address, or cannot be read.
        """
        from watcher.net.heartbeat import Heartbeat

        if self.config.health.heartbeat is None:
            return None
        with self._guard:
            if self._heartbeat is None:
                self._heartbeat = Heartbeat(revealed(self.config.health.heartbeat), stop=self.stop)
        return self._heartbeat.beat()

    def lateness(self, db: sqlite3.Connection, name: str) -> Reviewed:
        """After a poll of a catalogue, tell of what is later than its history explains."""
        from watcher.tasks.lateness import lateness

        return lateness(db, name, now=now())

    def feeds(self, db: sqlite3.Connection, alive: Callable[[], None] | None = None) -> Wrote | None:
        """Write the feeds that are due, alone; `None` if there is nothing to write.

        For the service, which has an `alive` to call meanwhile, a process of its own does it.
        """
        at = self.config.feeds.place()
        if at is None:
            return None
        from watcher.tasks.feeds import due, write
        from watcher.tasks.feeds.child import write_apart

        terms = self._feed_terms()
        if not due(db, at, terms, now=now()):
            return None
        with self.lock("feeds", what="writing the feeds", wait=60.0):
            if alive is None:
                return write(db, at, terms, now=now())
            return write_apart(self.database, at, terms, stop=self.stop, alive=alive)

    def every_feed(self, db: sqlite3.Connection, directory: Path) -> Wrote:
        """Write all feeds into a directory, alone, whatever was written before."""
        from watcher.tasks.feeds import write

        with self.lock("feeds", what="writing the feeds", wait=60.0):
            return write(db, directory, self._feed_terms(), now=now(), every=True)

    def close(self) -> None:
        """Close every HTTP client."""
        with self._guard:
            if self._heartbeat is not None:
                self._heartbeat.close()
                self._heartbeat = None
        self.catalogues.close()

    def _feed_terms(self) -> FeedTerms:
        from watcher.tasks.feeds import Terms

        url = self.config.feeds.public_url
        return Terms(self.config.feeds.count, url and f"{url.rstrip('/')}/")
