"""Which of the products that are due may begin now, and which first."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

import msgspec

from watcher.core.limits import held_until
from watcher.core.wishes import Wishes
from watcher.model import Product
from watcher.names import fold
from watcher.store import downloads, tapes, volumes
from watcher.store.downloads import Order, Wanted
from watcher.transfer import Tally, Terms


class How(msgspec.Struct, frozen=True):
    """How the products of a catalogue are fetched: on which terms, and which members of a zip alone; none is all.

    At most `concurrency` at once, and no more once `daily` or `monthly` bytes came (days and months of UTC); `None` is
    no limit. At most `orders` are brought from tape at once. `sidecar` puts a STAC Item beside each, with `citation`:
    how the data are to be cited.
    """

    terms: Terms = Terms()
    members: tuple[str, ...] = ()
    concurrency: int | None = None
    daily: int | None = None
    monthly: int | None = None
    orders: int = 10
    sidecar: bool = False
    citation: str = ""


class Rules(msgspec.Struct, frozen=True):
    """Which products come first: those of `sites` in their order, then by `order`.

    A site gets no more once `site_quota` bytes lie on its shelf; `None` is no limit.
    """

    order: Order = "newest"
    sites: tuple[str, ...] = ()
    site_quota: int | None = None


class Begun(msgspec.Struct, frozen=True):
    """A download that runs: what it is, its place in the archive, the bytes that came, what its sites ask for."""

    wanted: Wanted
    product: Product
    place: str
    tally: Tally
    wishes: Wishes = ()

    @property
    def size(self) -> int:
        """The bytes that it will take, as far as anybody has said: those that came, at least."""
        return max(self.tally.count, sum(asset.size or 0 for asset in self.product.assets))


class Queue:
    """What is due, in the order in which it may begin."""

    def __init__(self, db: sqlite3.Connection, how: Callable[[str], How], rules: Rules) -> None:
        self._db, self._how, self._rules = db, how, rules
        self._places = {fold(name): place for place, name in reversed(list(enumerate(rules.sites)))}

    def next(self, running: Collection[Begun], refused: Collection[str], *, now: datetime) -> Iterator[Wanted]:
        """Yield what may begin beside what runs; nothing of the catalogues that are `refused`."""
        due = downloads.due(self._db, now=now, order=self._rules.order)
        if self._places:
            due.sort(key=lambda wanted: (wanted.attempts, self._places.get(fold(wanted.site), len(self._places))))
        busy = {begun.wanted.revision for begun in running}
        closed = {*refused, *(name for name in {w.catalogue for w in due} if self._closed(name, running, now=now))}
        full = self._full(running) if due else set()
        at_limit = self._ordered(running) if due else set()
        free = tapes.without_order(self._db, now=now) if at_limit else set()
        for wanted in due:
            if wanted.revision in busy or wanted.catalogue in closed or wanted.site in full:
                continue
            if wanted.catalogue not in at_limit or wanted.revision in free:
                yield wanted

    def _ordered(self, running: Collection[Begun]) -> set[str]:
        """Name the catalogues that bring so much from tape that nothing more is ordered."""
        orders = Counter(one.catalogue for one in tapes.ordered(self._db))
        for begun in running:
            if any(asset.online is False for asset in begun.product.assets):
                orders[begun.wanted.catalogue] += 1
        return {name for name, count in orders.items() if count >= self._how(name).orders}

    def _closed(self, catalogue: str, running: Collection[Begun], *, now: datetime) -> bool:
        how, own = self._how(catalogue), [begun for begun in running if begun.wanted.catalogue == catalogue]
        if how.concurrency is not None and len(own) >= how.concurrency:
            return True
        if how.daily is None and how.monthly is None:
            return False
        used = Counter(volumes.used(self._db, catalogue, now=now))
        used[now.date()] += sum(begun.size for begun in own)
        return held_until(used, daily=how.daily, monthly=how.monthly, now=now) is not None

    def _full(self, running: Collection[Begun]) -> set[str]:
        quota = self._rules.site_quota
        if quota is None:
            return set()
        lies = Counter(downloads.by_site(self._db))
        for begun in running:
            lies[begun.wanted.site] += begun.size
        return {site for site, size in lies.items() if size >= quota}
