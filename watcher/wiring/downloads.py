"""The archive, and all that brings products there, looks after them, and takes them away."""

from __future__ import annotations

import hashlib
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, get_args

from msgspec import structs

from watcher.config import Config, bucket_place
from watcher.errors import ConfigError, UsageError, WatcherError
from watcher.model import Finding, Product
from watcher.store import ahead
from watcher.store.locks import holding
from watcher.wiring.catalogues import Catalogues
from watcher.wiring.clock import chance, now

if TYPE_CHECKING:
    from watcher.archive import Archive
    from watcher.core.archive.limits import Step
    from watcher.core.archive.shelves import Layout
    from watcher.core.carts import File
    from watcher.store.fetching import Going
    from watcher.tasks import carts
    from watcher.tasks.besides import Besides
    from watcher.tasks.by_hand import Brought as Fetched
    from watcher.tasks.download import Brought, How, Show
    from watcher.tasks.download.cluster import Cluster
    from watcher.tasks.hooks import Ran
    from watcher.tasks.hooks.leash import Living
    from watcher.tasks.tidy import Leaving
    from watcher.tasks.verify import Verdict
    from watcher.transfer import Rate, Terms

DATABASE = "watcher.db"

ByHand = Literal["carts", "parts"]
"""Directories in the archive for what people fetch by hand."""


class _Retention(TypedDict):
    keep: timedelta | None
    max_size: int | None


_FETCHING = "fetching.json"
_HOOKS_LOCK = "hooks.lock"
_LEASH = "hook.running"


class Downloads:
    """What comes home, by the `[download]` table.

    Raises `ConfigError` for a layout of the archive, or a timetable, that is none.
    """

    def __init__(self, config: Config, state: Path, catalogues: Catalogues, stop: threading.Event) -> None:
        self.config, self.state, self.catalogues, self.stop = config, state, catalogues, stop
        self.layout = _layout(config)
        self._bandwidth = _bandwidth(config)
        self._hows: dict[str, How] = {}
        self._guard = threading.Lock()
        self.idle: str | None = None
        """Why the cluster that fetches does not, as far as that was said."""

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

    def gone(self, db: sqlite3.Connection) -> WatcherError | None:
        """Return what is wrong where something was stored in the archive's directory, and nothing is there."""
        from watcher.tasks.download import gone

        return gone(db, self.archive)

    def by_hand(self, db: sqlite3.Connection, name: ByHand) -> Path:
        """Return the directory in the archive for what is fetched by hand.

        Raises `UsageError` for a bucket, which has none, and what `gone` returns: one file that is written where a disk
        is not mounted would let it look as if it were.
        """
        if bucket_place(self.config.download.archive) is not None:
            raise UsageError("the archive is a bucket, and these files are for here", hint="say where: --to DIR")
        gone = self.gone(db)
        if gone is not None:
            raise gone
        return self.archive.disk / name

    def fetch(
        self, db: sqlite3.Connection, show: Show | None = None, alive: Callable[[], None] = lambda: None
    ) -> Iterator[Brought]:
        """Fetch the products that are due, alone; `show` is told of progress by the threads that fetch.

        `alive` is called while a cluster that answers has no worker with time.

        Raises `ClusterError` when a cluster is to fetch them, and cannot.
        """
        from watcher.tasks.download import Rules, download, run
        from watcher.tasks.download.board import Board

        limits = self.config.download
        board = Board(self.state / _FETCHING, show)

        def steer() -> None:
            self.steer()
            board.write()

        with holding(self.state / "download.lock", what="downloading"), ExitStack() as stack:
            stack.callback(board.close)
            ahead.mend(db, now=now())
            cluster = self._cluster(alive)
            for brought in download(
                db,
                self.catalogues.http,
                self.archive,
                layout=self.layout,
                now=now,
                chance=chance,
                concurrency=limits.concurrency,
                how=self.how,
                rules=Rules(limits.order, limits.sites, limits.site_quota),
                owed=self.config.hooks_for,
                steer=steer,
                show=board.show,
                carry=run if cluster is None else stack.enter_context(cluster).carry,
                at_hand=self.catalogues.at_hand,
                choose=self.catalogues.choose,
                levels=self.config.download_levels(),
                stop=self.stop,
            ):
                board.end(brought.title)
                yield brought

    def going(self) -> Sequence[Going]:
        """Return what is being fetched now, by whatever process."""
        from watcher.store import fetching
        from watcher.store.locks import holder

        return () if holder(self.state / "download.lock") is None else fetching.get(self.state / _FETCHING)

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
        whose = f"{socket.gethostname()} {(self.state / DATABASE).absolute()}"
        line = f"eo-watcher-{hashlib.sha256(whose.encode()).hexdigest()[:12]}"
        where = Where(limits.scheduler, **tls)
        return Cluster(where, self.archive, self.catalogues.settings, most=limits.concurrency, line=line, alive=alive)

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

    def besides(self, db: sqlite3.Connection) -> list[Besides]:
        """Read the whole archive, and return what lies there beside its products."""
        from watcher.tasks.besides import besides

        return besides(db, self.archive, by_hand=get_args(ByHand))

    def tidy(self, db: sqlite3.Connection, *, at_once: bool = False) -> Iterator[Leaving]:
        """Mark what is to leave the archive, and remove what was marked a day ago, or all `at_once`; alone."""
        from watcher.tasks.tidy import tidy

        with self._untidied():
            yield from tidy(db, self.archive, **self._retention(), at_once=at_once, now=now, stop=self.stop)

    def _untidied(self) -> AbstractContextManager[None]:
        """Let nobody else remove products meanwhile."""
        return holding(self.state / "tidy.lock", what="tidying the archive", wait=60.0)

    def _retention(self) -> _Retention:
        limits = self.config.download
        keep = None if limits.keep is None else timedelta(seconds=limits.keep)
        return {"keep": keep, "max_size": limits.max_size}

    def run_hooks(
        self,
        db: sqlite3.Connection,
        alive: Callable[[], None] = lambda: None,
        tell: Callable[[Living], None] = lambda left: None,  # noqa: ARG005
    ) -> Iterator[Ran]:
        """Run the commands that are owed to products, alone; `alive` is called while they run.

        `tell` hears what a watcher that was killed had left running, once it is ended.
        """
        from watcher.tasks.hooks import Hook, pay
        from watcher.tasks.hooks.leash import Leash

        known = {name: Hook(hook.command, hook.timeout) for name, hook in self.config.hooks.items()}
        with holding(self.state / _HOOKS_LOCK, what="running hooks"):
            ahead.mend(db, now=now())
            yield from pay(
                db,
                known,
                self.archive,
                citation=self.catalogues.citation,
                leash=Leash(self.state / _LEASH),
                now=now,
                chance=chance,
                stop=self.stop,
                alive=alive,
                tell=tell,
            )

    def running_hook(self) -> tuple[Living | None, bool]:
        """Return the command that runs for a product, and whether the watcher that started it still does, too."""
        from watcher.store.locks import holder
        from watcher.tasks.hooks.leash import Leash

        return Leash(self.state / _LEASH).living(), holder(self.state / _HOOKS_LOCK) is not None

    def hook_findings(self) -> Iterator[Finding]:
        """Say of each hook whether its command may be run."""
        from watcher.tasks.hooks.command import trusted

        for name, hook in self.config.hooks.items():
            try:
                yield Finding(f"hook {name}", True, str(trusted(Path(hook.command[0]))))
            except WatcherError as error:
                yield Finding(f"hook {name}", False, str(error), error.hint)

    def bandwidth(self) -> int | None:
        """Return the bytes a second that downloads may take at this time of day; `None` is no limit."""
        from watcher.core.archive.limits import rate

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
        from watcher.tasks.verify import Sidecars, verify

        sidecars = Sidecars(self.catalogues.citation, self._untidied) if self.config.download.sidecar else None
        yield from verify(
            db, self.archive, site=site, deep=deep, again=again, sidecars=sidecars, now=now, stop=self.stop
        )

    def fetch_by_hand(
        self,
        db: sqlite3.Connection,
        products: Sequence[tuple[str, Product]],
        folder: Path,
        members: Sequence[str] | None = None,
        show: Show | None = None,
    ) -> Iterator[Fetched]:
        """Fetch the assets of products, which are given with their catalogues, or some members, into a folder."""
        from watcher.tasks.by_hand import assets, bring
        from watcher.tasks.by_hand import members as packed
        from watcher.tasks.counting import Counted

        counted = Counted(now)

        def terms(name: str) -> Terms:
            return counted.on(self.how(name).terms, name)

        way = assets(self.stop) if members is None else packed(members, self.stop)
        for brought in bring(products, way, self.catalogues.http, folder, terms=terms, show=show, stop=self.stop):
            counted.note(db)
            yield brought
        counted.note(db)

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

    def fetch_cart(
        self, db: sqlite3.Connection, files: Sequence[File], folder: Path, show: Show | None = None
    ) -> Iterator[carts.Brought]:
        """Fetch the files of a cart into a folder."""
        from watcher.tasks.carts import bring
        from watcher.tasks.counting import Counted
        from watcher.transfer import Terms

        usual, counted = Terms(reserve=self.config.download.reserve, rate=self._rate), Counted(now)

        def terms(url: str) -> Terms:
            name = self.catalogues.at(url)
            return usual if name is None else counted.on(usual, name)

        for brought in bring(
            files,
            self.catalogues.http_at,
            folder,
            concurrency=self.config.download.concurrency,
            terms=terms,
            steer=self.steer,
            show=show,
            stop=self.stop,
        ):
            counted.note(db)
            yield brought
        counted.note(db)

    def file_systems(self) -> Iterator[Finding]:
        """Say what is to be known of the file systems that the database and downloads are written to."""
        from watcher.tasks.health.around import file_systems

        yield from file_systems(self.archive.kind, self.archive.disk, self.state)


def _directory(named: str | None, usual: Path) -> Path:
    return Path(named).expanduser().absolute() if named else usual


def _layout(config: Config) -> Layout:
    from watcher.core.archive.shelves import layout

    try:
        return layout(config.download.layout)
    except ValueError as error:
        raise ConfigError(
            f'{config.path}: download.layout = "{config.download.layout}": {error}',
            hint='write for instance "{site}/{platform}/{acquired:%Y/%m}/{level}/{title}"',
        ) from error


def _bandwidth(config: Config) -> tuple[Step, ...]:
    from watcher.core.archive.limits import timetable

    text = config.download.bandwidth
    try:
        return () if text is None else timetable(text)
    except ValueError as error:
        raise ConfigError(
            f'{config.path}: download.bandwidth = "{text}": {error}',
            hint='write for instance "2M", or "08:00 512k, 19:00 off" in local time',
        ) from error
