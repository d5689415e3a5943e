"""All that brings products home."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from watcher.config import Config
from watcher.errors import ConfigError
from watcher.model import Finding, Product
from watcher.store import ahead
from watcher.store.locks import holding
from watcher.wiring.catalogues import Catalogues
from watcher.wiring.clock import chance, now
from watcher.wiring.cluster import cluster, findings
from watcher.wiring.keeping import Keeping

if TYPE_CHECKING:
    from watcher.core.archive.limits import Step
    from watcher.core.archive.shelves import Layout
    from watcher.core.carts import File
    from watcher.store.fetching import Going
    from watcher.tasks import carts
    from watcher.tasks.by_hand import Brought as Fetched
    from watcher.tasks.download import Brought, How, Show
    from watcher.tasks.download.cluster import Cluster
    from watcher.transfer import Rate, Terms

DATABASE = "watcher.db"

_FETCHING = "fetching.json"


class Downloads:
    """What comes home, by the `[download]` table.

    Raises `ConfigError` for a layout of the archive, or a timetable, that is none.
    """

    def __init__(
        self, config: Config, state: Path, catalogues: Catalogues, keeping: Keeping, stop: threading.Event
    ) -> None:
        self.config, self.state, self.catalogues, self.keeping, self.stop = config, state, catalogues, keeping, stop
        self.layout = _layout(config)
        self._bandwidth = _bandwidth(config)
        self._hows: dict[str, How] = {}
        self._guard = threading.Lock()
        self.idle: str | None = None
        """Why nothing is fetched, as far as that was said."""

    def fetch(
        self, db: sqlite3.Connection, show: Show | None = None, alive: Callable[[], None] = lambda: None
    ) -> Iterator[Brought]:
        """Fetch the products that are due, alone; `show` is told of progress by the threads that fetch.

        `alive` is called while a cluster that answers has no worker with time.

        Raises `ClusterError` when a cluster is to fetch them, and cannot.
        """
        from watcher.tasks.download import Rules, Sources, download, run
        from watcher.tasks.download.board import Board

        limits = self.config.download
        rules = Rules(
            order=limits.order,
            sites=limits.sites,
            site_quota=limits.site_quota,
            concurrency=limits.concurrency,
            layout=self.layout,
            levels=self.config.download_levels(),
        )
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
                Sources(self.catalogues.http, self.how, self.catalogues.at_hand, self.catalogues.choose),
                self.keeping.archive,
                rules,
                now=now,
                chance=chance,
                owed=self.config.hooks_for,
                steer=steer,
                show=board.show,
                carry=run if cluster is None else stack.enter_context(cluster).carry,
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
        return cluster(self.config, self.catalogues, self.keeping.archive, database=self.state / DATABASE, alive=alive)

    def cluster_findings(self) -> Iterator[Finding]:
        """Say of the cluster that fetches, if one does, who is there, and whether they can."""
        return findings(self._cluster(), self.keeping.archive, self.config.download.scheduler)

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
