"""Settings become working parts: the only place that puts parts together."""

from __future__ import annotations

import hashlib
import random
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from msgspec import structs

from watcher import plugins
from watcher.config import CatalogueTable, Config, bucket_place, preset, presets
from watcher.credentials import Secret, redact, remembered, revealed
from watcher.errors import ConfigError, StoreError, UsageError, WatcherError
from watcher.model import Finding, Notice, Outcome, Product, Sent, Subscription
from watcher.store import addresses, audits, deliveries, sites, subscriptions
from watcher.store.connection import connect, undone
from watcher.store.locks import holding

if TYPE_CHECKING:
    from watcher.archive import Archive
    from watcher.core.carts import File
    from watcher.core.limits import Step
    from watcher.core.notices import Shot
    from watcher.core.shelves import Layout
    from watcher.net import Http, Settings
    from watcher.net.heartbeat import Beat, Heartbeat
    from watcher.plugins import Catalogue
    from watcher.tasks import carts, members
    from watcher.tasks.download import Brought, How, Show
    from watcher.tasks.download.cluster import Cluster
    from watcher.tasks.feeds import Terms as FeedTerms
    from watcher.tasks.feeds.files import Wrote
    from watcher.tasks.health import Told
    from watcher.tasks.hooks import Ran
    from watcher.tasks.lateness import Reviewed
    from watcher.tasks.notify import Paid
    from watcher.tasks.pace import Pace
    from watcher.tasks.poll import Polled, Reconciled
    from watcher.tasks.tidy import Leaving
    from watcher.tasks.verify import Verdict
    from watcher.transfer import Rate, Terms

DATABASE = "watcher.db"

_SOME = 50
"""So many sites are reconciled together: most servers take them as one question."""

_NOWHERE = "https://nowhere.invalid"
"""An origin that nothing has (RFC 2606), so that no address is trusted more than another."""

_LONG = 300.0
"""Seconds after which a reconcile lets the next poll go first."""


class _Retention(TypedDict):
    keep: timedelta | None
    max_size: int | None


class Parts:
    """All that a command or the service works with, made when it is asked for.

    `stop`, once set, ends every wait of every part. Raises `ConfigError` for a layout of the archive, or a
    timetable, that is none.
    """

    def __init__(self, config: Config, state: Path, *, stop: threading.Event | None = None) -> None:
        self.config = config
        self.state = state
        self.layout = _layout(config)
        self._bandwidth = _bandwidth(config)
        self.stop = stop or threading.Event()
        self._https: dict[str, Http] = {}
        self._heartbeat: Heartbeat | None = None
        self._hows: dict[str, How] = {}
        self._guard = threading.Lock()
        self._taken: set[str] = set()
        self.idle: str | None = None
        """Why the cluster that fetches does not, as far as that was said."""

    @property
    def database(self) -> Path:
        """Where the database lies."""
        return self.state / DATABASE

    @cached_property
    def archive(self) -> Archive:
        """Where downloads are shelved: `download.archive`, else `archive` in the state directory."""
        from watcher.archive import Disk

        table = self.config.download
        place = bucket_place(table.archive)
        if place is None:
            return Disk(_directory(table.archive, self.state / "archive"))
        from watcher.archive.bucket import Bucket
        from watcher.archive.objects import Objects
        from watcher.archive.spool import Spool

        return Bucket(Objects(place, table.bucket), Spool(_directory(table.spool, self.state / "spool")))

    def by_hand(self, name: str) -> Path:
        """Return the directory in the archive for what is fetched by hand; a bucket has none: raises `UsageError`."""
        if bucket_place(self.config.download.archive) is not None:
            raise UsageError("the archive is a bucket, and these files are for here", hint="say where: --to DIR")
        return self.archive.disk / name

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

    def table(self, name: str) -> CatalogueTable:
        """Return the settings of a catalogue; raises `UsageError` when none has that name."""
        table = self.config.table(name)
        if table is None:
            raise _unknown(name, self.config)
        return table

    def polled(self, db: sqlite3.Connection) -> list[str]:
        """Name the catalogues that are asked: those configured, and those of the presets that are watched."""
        watched = sites.catalogues(db)
        others = sorted(watched - self.config.catalogues.keys())
        return [*self.config.catalogues, *(name for name in others if self.config.table(name) is not None)]

    def catalogue(self, name: str) -> Catalogue:
        """Build a catalogue from its settings."""
        table = self.table(name)
        part: Catalogue = plugins.build("catalogues", table.kind, table.settings, place=f"catalogues.{name}")
        return part

    def http(self, name: str) -> Http:
        """Return the HTTP client of a catalogue, one for all threads, so that its pace holds over them."""
        with self._guard:
            if name not in self._https:
                table = self.table(name)
                auth = None if table.auth is None else self._auth(table).auth()
                signed = "search" in table.needs_account
                self._https[name] = self._settings_of(name).client(auth, signed=signed, stop=self.stop)
            return self._https[name]

    def _settings_of(self, name: str) -> Settings:
        """Return what a catalogue's client is made of, here or at a worker."""
        from watcher.net import Settings

        table = self.table(name)
        return Settings(
            origin=self.catalogue(name).url,
            hosts=table.hosts,
            auth_hosts=table.auth_hosts,
            gap=table.gap,
            deadline=table.deadline,
            connections=3 + self.config.download.concurrency + table.streams,
            ca_bundle=table.ca_bundle,
            allow_insecure=table.allow_insecure,
            proxy=table.proxy,
        )

    def poll(
        self, db: sqlite3.Connection, name: str, alive: Callable[[], None] = lambda: None, *, everything: bool = True
    ) -> Polled:
        """Poll a catalogue, alone: nobody else polls it meanwhile. `alive` is called whenever a page was written.

        Without `everything`, collections of which nothing is to be expected yet are not asked.
        """
        from watcher.tasks.poll import poll

        with self.lock(f"poll-{name}", what=f"a poll of {name}", wait=60.0):
            resting = set() if everything else self.pace(db, name).resting(now=now())
            return poll(
                db,
                name,
                self.catalogue(name),
                self.http(name),
                now=now,
                download_levels=self.config.download_levels(),
                lookback=timedelta(seconds=self.config.poll.lookback),
                alive=alive,
                stop=self.stop,
                once=self.config.notify.once,
                approve_above=self.config.download.approve_above,
                resting=resting,
                revisions=self.config.download.revisions,
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
                self.catalogue(name),
                self.http(name),
                now=now,
                download_levels=self.config.download_levels(),
                at=at,
                lookback=timedelta(seconds=self.config.poll.lookback),
                alive=alive,
                stop=self.stop,
                once=self.config.notify.once,
                approve_above=self.config.download.approve_above,
                revisions=self.config.download.revisions,
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
        from watcher.core.rhythm import Bounds
        from watcher.tasks.pace import pace

        table, usual = self.table(name), float(self.config.poll.interval)
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
            yield from notify(
                db,
                self.send,
                self.archive.shown,
                now=now,
                chance=chance,
                patience=patience,
                pictures=lambda shots: self.pictures(shots, left_out),
                unsubscribe=self.unsubscribing(),
                apart=self._channel,
                stop=self.stop,
            )

    def pictures(self, shots: Sequence[Shot], left_out: Callable[[str, str], None]) -> dict[Shot, bytes]:
        """Return what quicklooks of these can be had in a few seconds; `left_out` is told why one cannot."""
        from watcher.tasks.pictures import pictures

        if not self.config.notify.pictures:
            return {}
        directory = self.state / "quicklooks"
        return pictures(shots, self.http, directory, stop=self.stop, left_out=lambda s, why: left_out(s.url, why))

    def unsubscribing(self) -> Callable[[Subscription], str | None]:
        """Return what gives the address on the web that ends a subscription: none without `notify.public_url`.

        Only a mail has one: in a chat anybody could end what all read.
        """
        from watcher.core.unsubscribing import link

        url = self.config.notify.public_url
        if url is None:
            return lambda _: None
        secret = addresses.secret(self.state)
        return lambda subscription: link(url, secret, subscription) if self._by_mail(subscription) else None

    def _by_mail(self, subscription: Subscription) -> bool:
        try:
            return self.address(subscription.address).partition("://")[0] in ("mailto", "mailtos", "mbox")
        except WatcherError:
            return False  # sending says why

    def draft(self, db: sqlite3.Connection, subscription: Subscription, arrivals: Sequence[int]) -> Notice:
        """Compose what a subscription, stored or not, would be sent about these arrivals; nothing is kept."""
        from watcher.core.notices import finish
        from watcher.store import telling

        with undone(db):
            number = subscriptions.add(db, subscription, now=now())
            owed = deliveries.Due(subscription.address, number, [], list(arrivals), [])
            return finish(telling.drafts(db, [owed], self.archive.shown)[0])

    def download(
        self, db: sqlite3.Connection, show: Show | None = None, alive: Callable[[], None] = lambda: None
    ) -> Iterator[Brought]:
        """Fetch the products that are due, alone; `show` is told of progress by the threads that fetch.

        `alive` is called while a cluster that answers has no worker with time.

        Raises `ClusterError` when a cluster is to fetch them, and cannot.
        """
        from watcher.tasks.download import Rules, download, run

        limits = self.config.download
        with self.lock("download", what="downloading"), ExitStack() as stack:
            cluster = self._cluster(alive)
            yield from download(
                db,
                self.http,
                self.archive,
                layout=self.layout,
                now=now,
                chance=chance,
                concurrency=limits.concurrency,
                how=self.how,
                rules=Rules(limits.order, limits.sites, limits.site_quota),
                owed=self.config.hooks_for,
                steer=self.steer,
                show=show,
                carry=run if cluster is None else stack.enter_context(cluster).carry,
                at_hand=self.at_hand,
                stop=self.stop,
            )

    def at_hand(self, name: str, product: Product) -> bool | None:
        """Say whether what was ordered from a catalogue's tapes is back; `None` if it does not tell."""
        part = self.catalogue(name)
        return part.at_hand(product, self.http(name)) if isinstance(part, plugins.Taped) else None

    def _cluster(self, alive: Callable[[], None] = lambda: None) -> Cluster | None:
        """Return the cluster that fetches, not asked yet; `None` where threads do it."""
        limits = self.config.download
        if limits.engine != "dask" or limits.scheduler is None:
            return None
        from watcher.tasks.download.cluster import Cluster
        from watcher.tasks.download.scheduler import Where

        tls = (
            {} if limits.tls is None else {k: str(Path(v).expanduser()) for k, v in structs.asdict(limits.tls).items()}
        )
        whose = f"{socket.gethostname()} {self.database.absolute()}"
        line = f"eo-watcher-{hashlib.sha256(whose.encode()).hexdigest()[:12]}"
        where = Where(limits.scheduler, **tls)
        return Cluster(where, self.archive, self._settings_of, most=limits.concurrency, line=line, alive=alive)

    def _shared(self) -> str:
        from watcher.archive import Disk
        from watcher.transfer.mark import mark_of

        if not isinstance(self.archive, Disk):
            return "which bring it to the bucket by themselves"
        if mark_of(self.archive.root) is None:
            return "whether same archive, the first download shows"
        return "same archive"

    def cluster_findings(self) -> Iterator[Finding]:
        """Say of the cluster that fetches, if one does, who is there, and whether they can."""
        cluster = self._cluster()
        if cluster is None:
            return
        try:
            with cluster:
                roll = cluster.roll()
        except WatcherError as error:
            yield Finding("cluster", False, str(error), error.hint)
            return
        place, fit = self.config.download.scheduler, sum(why is None for why in roll.values())
        if not roll:
            yield Finding("cluster", False, f"{place} has no worker", f"start one: dask worker {place}")
        elif fit:
            text = f"{place} has {fit} of {len(roll)} workers that can fetch: same eo-watcher, {self._shared()}"
            yield Finding("cluster", True, text)
        for address, why in roll.items():
            if why is not None:
                yield Finding(f"cluster: {address}", False, why, "what it would have fetched is given to the others")

    def leaving(self, db: sqlite3.Connection) -> list[Leaving]:
        """Return what is to leave the archive by its limits."""
        from watcher.tasks.tidy import leaving

        return leaving(db, self.archive.shown(""), **self._retention(), now=now())

    def tidy(self, db: sqlite3.Connection, *, at_once: bool = False) -> Iterator[Leaving]:
        """Mark what is to leave the archive, and remove what was marked a day ago, or all `at_once`; alone."""
        from watcher.tasks.tidy import tidy

        with self.lock("tidy", what="tidying the archive", wait=60.0):
            yield from tidy(db, self.archive, **self._retention(), at_once=at_once, now=now, stop=self.stop)

    def _retention(self) -> _Retention:
        limits = self.config.download
        keep = None if limits.keep is None else timedelta(seconds=limits.keep)
        return {"keep": keep, "max_size": limits.max_size}

    def run_hooks(self, db: sqlite3.Connection, alive: Callable[[], None] = lambda: None) -> Iterator[Ran]:
        """Run the commands that are owed to products, alone; `alive` is called while they run."""
        from watcher.tasks.hooks import Hook, pay

        known = {name: Hook(hook.command, hook.timeout) for name, hook in self.config.hooks.items()}
        with self.lock("hooks", what="running hooks"):
            yield from pay(
                db,
                known,
                self.archive,
                citation=self.citation,
                now=now,
                chance=chance,
                stop=self.stop,
                alive=alive,
            )

    def hook_findings(self) -> Iterator[Finding]:
        """Say of each hook whether its command may be run."""
        from watcher.tasks.hooks.command import trusted

        for name, hook in self.config.hooks.items():
            try:
                yield Finding(f"hook {name}", True, str(trusted(Path(hook.command[0]))))
            except WatcherError as error:
                yield Finding(f"hook {name}", False, str(error), error.hint)

    def citation(self, name: str) -> str:
        """Return how the data of a catalogue are to be cited; "" where that is not known."""
        table = self.config.table(name)
        return "" if table is None else table.citation

    def bandwidth(self) -> int | None:
        """Return the bytes a second that downloads may take at this time of day; `None` is no limit."""
        from watcher.core.limits import rate

        return rate(self._bandwidth, now().astimezone().time())

    @cached_property
    def _rate(self) -> Rate:
        """How fast all downloads may be together."""
        from watcher.transfer import Rate

        return Rate(self.bandwidth())

    def steer(self) -> None:
        """Let downloads be as fast as they may be now, also those that run."""
        self._rate.limit = self.bandwidth()

    def verify(self, db: sqlite3.Connection, *, site: str | None, deep: bool, again: bool) -> Iterator[Verdict]:
        """Look whether what came home is still there and the same; `again` wants what is not anew."""
        from watcher.tasks.verify import verify

        yield from verify(db, self.archive, site=site, deep=deep, again=again, now=now, stop=self.stop)

    def bring_members(
        self, products: Sequence[tuple[str, Product]], folder: Path, patterns: Sequence[str], show: Show | None = None
    ) -> Iterator[members.Brought]:
        """Fetch some members of products, which are given with their catalogues, into a folder."""
        from watcher.tasks.members import bring

        def terms(name: str) -> Terms:
            return self.how(name).terms

        yield from bring(products, self.http, folder, patterns, terms=terms, show=show, stop=self.stop)

    def how(self, name: str) -> How:
        """Say how a catalogue's products are fetched: its downloads share the connections beyond one for each.

        One that is not in the configuration has no terms of its own; its client says what is missing.
        """
        from watcher.tasks.download import How
        from watcher.transfer import Terms

        with self._guard:
            if name not in self._hows:
                table = self.config.table(name)
                streams = table.streams if table else 1
                spare = threading.Semaphore(streams - 1)
                terms = Terms(reserve=self.config.download.reserve, streams=streams, spare=spare, rate=self._rate)
                how = How(terms, sidecar=self.config.download.sidecar)
                if table is not None:
                    how = structs.replace(
                        how,
                        members=table.members,
                        concurrency=table.concurrency,
                        daily=table.daily,
                        monthly=table.monthly,
                        orders=table.orders,
                        citation=table.citation,
                    )
                self._hows[name] = how
            return self._hows[name]

    def http_at(self, url: str) -> Http:
        """Return the client for an address that no catalogue gave: that of the catalogue whose host it is.

        Any other address is asked without an account, and only if it is public and encrypted.
        """
        from urllib.parse import urlsplit

        from watcher.net import Http

        place = urlsplit(url)
        for name in self.config.known():
            own, table = urlsplit(self.catalogue(name).url), self.table(name)
            if place[:2] == own[:2] or {place.netloc, place.hostname} & {*table.hosts, *table.auth_hosts}:
                return self.http(name)
        with self._guard:
            if _NOWHERE not in self._https:
                connections = 4 + self.config.download.concurrency
                self._https[_NOWHERE] = Http(origin=_NOWHERE, connections=connections, stop=self.stop)
            return self._https[_NOWHERE]

    def bring(self, files: Sequence[File], folder: Path, show: Show | None = None) -> Iterator[carts.Brought]:
        """Fetch the files of a cart into a folder."""
        from watcher.tasks.carts import bring
        from watcher.transfer import Terms

        yield from bring(
            files,
            self.http_at,
            folder,
            concurrency=self.config.download.concurrency,
            terms=Terms(reserve=self.config.download.reserve, rate=self._rate),
            steer=self.steer,
            show=show,
            stop=self.stop,
        )

    def health(self, db: sqlite3.Connection) -> list[Told]:
        """Look whether all is well, and owe what is to be told of it."""
        from watcher.tasks.health import Terms, look
        from watcher.tasks.health.around import disks, expires

        config = self.config.health
        watched = sites.catalogues(db, paused=False)
        return look(
            db,
            catalogues=[name for name in self.polled(db) if name in watched],
            disks=disks(self.archive.kind, self.archive.disk, self.state, reserve=self.config.download.reserve),
            expires=expires(self.config.catalogues.values(), config.expires),
            shown={one.address: self.shown(one) for one in subscriptions.every(db)},
            terms=Terms(config.failures, config.listed, config.disk, timedelta(seconds=config.expires_within)),
            now=now(),
        )

    def file_systems(self) -> Iterator[Finding]:
        """Say what is to be known of the file systems that the database and downloads are written to."""
        from watcher.tasks.health.around import file_systems

        yield from file_systems(self.archive.kind, self.archive.disk, self.state)

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
            for http in self._https.values():
                http.close()
            self._https.clear()

    def account(self, name: str) -> Finding | None:
        """Try the account of a catalogue; `None` where none is configured."""
        table = self.table(name)
        if table.auth is None:
            return None
        try:
            part = self._auth(table)
        except WatcherError as error:
            return Finding(f"{name} account", False, str(error), error.hint)
        finding = part.check(self.http(name))
        # It may quote a server, which may quote us.
        hint = None if finding.hint is None else redact(finding.hint)
        return Finding(finding.subject, finding.well, redact(finding.text), hint)

    def secrets(self, name: str) -> dict[str, Secret]:
        """Return where the secrets of a catalogue's account lie, by its settings; none where none is configured."""
        return {setting: value for setting, value in self._settings(name).items() if isinstance(value, Secret)}

    def logs_in_at(self, name: str) -> list[str]:
        """Return the addresses that the account of a catalogue goes to for its own sake, such as that of tokens."""
        return [value for value in self._settings(name).values() if isinstance(value, str) and "://" in value]

    def send(self, posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        """Send each notice to the address that its reference stands for; one that has none fails alone."""
        from watcher.channels import family

        families: dict[str, list[tuple[int, str, Notice]]] = {}
        for index, (reference, notice) in enumerate(posts):
            try:
                url = self.address(reference)
                families.setdefault(family(url), []).append((index, url, notice))
            except WatcherError as error:
                yield Sent(index, Outcome.FAILED, f"{error} [{error.hint}]" if error.hint else str(error))
        for kind, group in families.items():
            settings = {"timeout": float(self.config.notify.timeout)} if kind == "apprise" else {}
            channel = plugins.build("channels", kind, settings, place="notify")
            for sent in channel.send([(url, notice) for _, url, notice in group], stop=self.stop):
                yield structs.replace(sent, index=group[sent.index][0])

    def _channel(self, reference: str) -> str:
        """Name the kind of channel that a delivery's reference stands for; `send` says what is wrong with it."""
        from watcher.channels import family

        try:
            return family(self.address(reference))
        except WatcherError:
            return ""

    def address(self, reference: str) -> str:
        """Return the URL that a delivery's reference stands for. It may hold secrets.

        Raises `ConfigError`, `CredentialError` or `StoreError` when what it refers to is gone.
        """
        kind, _, rest = reference.partition(":")
        if kind == "channel":
            channel = self.config.channels.get(rest)
            if channel is None:
                raise ConfigError(
                    f'the channel "{rest}" is no longer in the configuration',
                    hint=f"restore [channels.{rest}], or unsubscribe",
                )
            return _guarded(revealed(channel.url))
        if kind == "mail":
            from watcher.channels import resolved

            mail = self.config.mail
            return _guarded(resolved(rest, mail_url=revealed(mail.url) if mail else None))
        return _guarded(addresses.reveal(self.state, reference))

    def reference(self, text: str) -> str:
        """Turn what a person subscribes with into the reference that is kept: a channel's name, e-mail or URL.

        Raises `UsageError` for an address that cannot be sent to.
        """
        return self.kept(self.checked(text))

    def checked(self, text: str) -> str:
        """Return what a person subscribes with as a reference, a URL in clear if it has none yet; nothing is kept.

        Raises `UsageError` for an address that cannot be sent to.
        """
        text = text.strip()
        if text in self.config.channels:
            self._asked(self.address(f"channel:{text}"))
            return f"channel:{text}"
        if text.startswith("url:"):
            try:
                addresses.reveal(self.state, text)
            except StoreError as error:
                hint = "write the URL itself, or the name of a channel"
                raise UsageError(f"{text} stands for no address that is kept here", hint=hint) from error
            return text
        if "@" not in text and "://" not in text:
            known = ", ".join(self.config.channels)
            hint = f"the channels are: {known}" if known else f"no channel is configured: add [channels.{text}]"
            raise UsageError(f'"{text}" is no channel, e-mail address or Apprise URL', hint=hint)
        if "://" in text:
            url = _guarded(self._asked(text))
            return addresses.known(self.state, url) or url
        self._asked(text)
        mailbox = re.sub(r"^mail(to)?:", "", text, flags=re.IGNORECASE)
        name, _, domain = mailbox.rpartition("@")
        return f"mail:{name}@{domain.lower()}"

    def _asked(self, text: str) -> str:
        """Return the URL of an address that its channel takes. Of the mail account, that is asked about once."""
        from watcher.channels import address_for, resolved

        mail = self.config.mail
        account = revealed(mail.url) if mail else None
        url = resolved(text, mail_url=account)
        what = url if "://" in text else "mail"
        if what not in self._taken:
            address_for(text, mail_url=account)
            self._taken.add(what)
        return url

    def kept(self, checked: str) -> str:
        """Return the reference of a checked address; a URL in clear is kept for it."""
        return addresses.keep(self.state, checked) if "://" in checked else checked

    def written(self, subscription: Subscription) -> tuple[str, str | None]:
        """Return a subscription's address as a person would write it, and what it stands for if that is a secret."""
        kind, _, rest = subscription.address.partition(":")
        if kind != "url":
            return rest, None
        shown = self.shown(subscription)
        try:
            secret = addresses.reveal(self.state, subscription.address) != shown
        except WatcherError:
            secret = True
        return (subscription.address, shown) if secret else (shown, None)

    def shown(self, subscription: Subscription) -> str:
        """Return a subscription's address as it may be shown: never a secret."""
        from watcher.channels import masked

        kind, _, rest = subscription.address.partition(":")
        if rest.startswith("//"):  # in clear, not kept yet
            return masked(subscription.address)
        if kind != "url":
            return rest
        try:
            return masked(addresses.reveal(self.state, subscription.address))
        except WatcherError:
            return "(lost)"

    def _settings(self, name: str) -> dict[str, Any]:
        table = self.table(name)
        return {} if table.auth is None else structs.asdict(self._auth(table))  # type: ignore[arg-type]

    def _feed_terms(self) -> FeedTerms:
        from watcher.tasks.feeds import Terms

        url = self.config.feeds.public_url
        return Terms(self.config.feeds.count, url and f"{url.rstrip('/')}/")

    def _auth(self, table: CatalogueTable) -> plugins.Auth:
        settings = dict(table.auth or {})
        place = f"catalogues.{table.name}.auth"
        kind = settings.pop("kind", None)
        if not isinstance(kind, str):
            raise ConfigError(f"[{place}] names no kind", hint=f"the kinds are: {', '.join(plugins.kinds('auth'))}")
        if kind in plugins.kinds("auth") and "url" in plugins.settings_of("auth", kind):
            settings.setdefault("url", self.catalogue(table.name).url)
        see = f"watcher login {table.name} --kind {kind} says what to write"
        part: plugins.Auth = plugins.build("auth", kind, settings, place=place, see=see)
        return part


def _directory(named: str | None, usual: Path) -> Path:
    return Path(named).expanduser().absolute() if named else usual


def _layout(config: Config) -> Layout:
    from watcher.core.shelves import layout

    try:
        return layout(config.download.layout)
    except ValueError as error:
        raise ConfigError(
            f'{config.path}: download.layout = "{config.download.layout}": {error}',
            hint='write for instance "{site}/{platform}/{acquired:%Y/%m}/{level}/{title}"',
        ) from error


def _bandwidth(config: Config) -> tuple[Step, ...]:
    from watcher.core.limits import timetable

    text = config.download.bandwidth
    try:
        return () if text is None else timetable(text)
    except ValueError as error:
        raise ConfigError(
            f'{config.path}: download.bandwidth = "{text}": {error}',
            hint='write for instance "2M", or "08:00 512k, 19:00 off" in local time',
        ) from error


def _unknown(name: str, config: Config) -> UsageError:
    """Say that no catalogue has that name, or what a preset of that name still needs."""
    if name in presets() and (needs := preset(name).needs):
        settings = ", ".join(needs)
        one = f"name it as {name}:{needs[0].upper()}, or " if needs != ("url",) and len(needs) == 1 else ""
        return UsageError(
            f'the catalogue "{name}" needs a setting: {settings}',
            hint=f'{one}write [catalogues.{name}] with preset = "{name}" and {settings} = "…" to config.toml',
        )
    return UsageError(
        f'no catalogue is called "{name}"',
        hint=f"the catalogues are: {', '.join(config.known())}; add [catalogues.{name}] to config.toml",
    )


def now() -> datetime:
    """Ask the clock: aware, UTC."""
    return datetime.now(UTC)


def chance() -> float:
    """Draw a number in [0, 1)."""
    return random.random()  # noqa: S311 - it spreads load, it guards nothing


def _guarded(url: str) -> str:
    """Return an address, its secrets remembered so that no log line shows them."""
    from watcher.channels import family, secrets_of

    if family(url) == "apprise":
        for secret in secrets_of(url):
            remembered(secret)
    return url
