"""What the answer to a question tells of its collection: how much it publishes, when, and how late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from watcher.core.decide import Listing
from watcher.core.questions.asking import Ask, Way
from watcher.model import Page, Product

UNKNOWN = -1
"""The minutes behind the cursor of a product of which that is not known."""


class Gauge:
    """Counts while pages come in.

    `fresh` are the products that the catalogue learnt of since it was last asked; `appeared` counts what came to light
    by its hour and by how many minutes it was behind the cursor by then.
    """

    def __init__(self, ask: Ask, *, now: datetime) -> None:
        self.listed = self.fresh = 0
        self.appeared: Counter[tuple[datetime, int]] = Counter()
        self._ask, self._now = ask, now
        times = [time for watch in ask.watches for time in (watch.cursor, watch.baselined) if time is not None]
        cursors = [watch.cursor for watch in ask.watches if watch.cursor is not None]
        self._mark = max(cursors or times, default=ask.query.learnt_since)
        self._settled = all(watch.baselined is not None for watch in ask.watches)

    def take(self, page: Page, found: Sequence[Listing], fresh: Collection[str]) -> None:
        """Count a page: what was `found` to lie at watched places, and the ids of the products never seen before."""
        if not self._settled:
            return
        new = {listing.product.id: listing for listing in found if listing.product.id in fresh}
        if self._ask.whole:
            self.appeared[_hour(self._now), UNKNOWN] += len(new)
            return
        for product in page:
            if product.learnt is None or product.learnt > self._now + timedelta(minutes=5):
                continue
            recent = self._mark is None or product.learnt > self._mark
            self.fresh += recent
            if product.id in new:
                self.appeared[_hour(product.learnt), _behind(product, new[product.id])] += 1
            elif recent and self._ask.way is Way.SWEEP:
                self.appeared[_hour(product.learnt), UNKNOWN] += 1

    def seconds(self, before: datetime | None) -> float:
        """Return the time in which `fresh` was published: since the catalogue was last asked, `before`.

        A sounding, and what was never asked before, has the time that the question was for.
        """
        if self._ask.whole:
            return 0.0
        since = before
        if self._ask.way is Way.SOUNDING or before is None:
            since = self._ask.query.learnt_since if self._ask.way is Way.SOUNDING else self._mark
        return max((self._now - since).total_seconds(), 0.0) if since is not None else 0.0


def _behind(product: Product, listing: Listing) -> int:
    """Return how many minutes a product is behind the cursor; what comes from before the baseline says nothing."""
    cursors = [watch.cursor for watch in listing.watches]
    begun = [watch.baselined for watch in listing.watches]
    if product.learnt is None or None in cursors or any(time is None or product.learnt < time for time in begun):
        return UNKNOWN
    late = min(time for time in cursors if time is not None) - product.learnt
    return max(0, -(-late // timedelta(minutes=1)))


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
