"""Which of the products that are due may begin now, and which first."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

import msgspec

from watcher.core.archive.limits import held_until
from watcher.core.archive.shelves import USUAL, Layout
from watcher.core.archive.wishes import Wishes
from watcher.model import Level, Product
from watcher.names import fold
from watcher.store import downloads, tapes, volumes
from watcher.store.downloads import Order, Wanted
from watcher.transfer import Tally, Terms

ORDERS = 10
"""Products that a catalogue brings from tape at once, where nothing else is said."""


class How(msgspec.Struct, frozen=True):
    """How the products of a catalogue are fetched: on which terms, and which members of a zip alone; none is all.

    At most `concurrency` at once, and no more once `daily` or `monthly` bytes came (days and months of UTC); `None` is
    no limit. At most `orders` are brought from tape at once; where nobody has said how many, `ORDERS`. `sidecar` puts a
    STAC Item beside each, with `citation`: how the data are to be cited.
    """

    terms: Terms = Terms()
    members: tuple[str, ...] = ()
    concurrency: int | None = None
    daily: int | None = None
    monthly: int | None = None
    orders: int | None = None
    sidecar: bool = False
    citation: str = ""

    @property
    def most_orders(self) -> int:
        """The products that are brought from tape at once."""
        return ORDERS if self.orders is None else self.orders


class Rules(msgspec.Struct, frozen=True):
    """What holds for products of all catalogues.

    Those of `sites` come first, in their order, then by `order`; at most `concurrency` at once, and each to the place
    that `layout` gives it. A site gets no more once `site_quota` bytes lie on its shelf in this archive; `None` is no
    limit. `levels` come home where a site does not say whether.
    """

    order: Order = "newest"
    sites: tuple[str, ...] = ()
    site_quota: int | None = None
    concurrency: int = 2
    layout: Layout = USUAL
    levels: Collection[Level] = ()


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
        said = self.tally.total or 0 if self._alone else 0
        return max(self.tally.count, said, sum(asset.size or 0 for asset in self.product.assets))

    @property
    def sized(self) -> bool:
        """Whether somebody has said how many bytes it will take."""
        if self._alone and self.tally.total is not None:
            return True
        return all(asset.size is not None for asset in self.product.assets)

    @property
    def on_disk(self) -> bool:
        """Whether it is known that its provider need not bring it from tape: the catalogue says so, or it comes."""
        return all(asset.online for asset in self.product.assets) or (self._alone and self.tally.count > 0)

    @property
    def _alone(self) -> bool:
        return len(self.product.assets) == 1  # of several the first says nothing of the others


class Queue:
    """What is due for the archive `home`, in the order in which it may begin."""

    def __init__(self, db: sqlite3.Connection, home: str, how: Callable[[str], How], rules: Rules) -> None:
        self._db, self._home, self._how, self._rules = db, home, how, rules
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
        """Name the catalogues that bring so much from tape that nothing more is ordered.

        What runs may turn out to be an order, and counts as one until that is known, where a catalogue is known to have
        tapes: it brings something from there, or `orders` are set.
        """
        orders = Counter(one.catalogue for one in tapes.ordered(self._db))
        perhaps: Counter[str] = Counter()
        for begun in running:
            if not begun.wanted.staged and not begun.on_disk:  # what was ordered before is counted already
                known = any(asset.online is False for asset in begun.product.assets)
                (orders if known else perhaps)[begun.wanted.catalogue] += 1
        hows = {name: self._how(name) for name in {*orders, *perhaps}}
        return {
            name
            for name, how in hows.items()
            if orders[name] + (perhaps[name] if orders[name] or how.orders else 0) >= how.most_orders
        }

    def _closed(self, catalogue: str, running: Collection[Begun], *, now: datetime) -> bool:
        how, own = self._how(catalogue), [begun for begun in running if begun.wanted.catalogue == catalogue]
        if how.concurrency is not None and len(own) >= how.concurrency:
            return True
        if how.daily is None and how.monthly is None:
            return False
        if not all(begun.sized for begun in own):
            return True  # nobody knows yet what it leaves
        used = Counter(volumes.used(self._db, catalogue, now=now))
        used[now.date()] += sum(begun.size for begun in own)
        return held_until(used, daily=how.daily, monthly=how.monthly, now=now) is not None

    def _full(self, running: Collection[Begun]) -> set[str]:
        quota = self._rules.site_quota
        if quota is None:
            return set()
        lies = Counter(downloads.by_site(self._db, self._home))
        for begun in running:
            lies[begun.wanted.site] += begun.size
        return {site for site, size in lies.items() if size >= quota}
