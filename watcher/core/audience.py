"""Who is to hear of a product, and whether its files are wanted: watches have filters, and so have subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.model import Level, Product, Subscription, Watch

LATE = timedelta(days=1)
"""How long after its stamp of publication a product may come to light, and is news still."""


class Owed(msgspec.Struct, frozen=True):
    """An arrival owed to an address, because of a subscription."""

    address: str
    subscription: int


def accepts(watch: Watch, product: Product, *, again: bool) -> bool:
    """Say whether a watch announces this product: past its baseline, and through its filter.

    `again` says that it was seen there before. Unknown cloud cover passes: better told of a cloudy scene than not told
    of a clear one.
    """
    if watch.baselined is None:
        if not watch.announce:
            return False
    elif not (again or _news(watch, product, watch.baselined)):
        return False
    if watch.max_cloud is not None and product.cloud is not None and product.cloud > watch.max_cloud:
        return False
    return watch.since is None or product.acquired is None or product.acquired >= watch.since


def _news(watch: Watch, product: Product, baselined: datetime) -> bool:
    """Say whether a product that was never seen is news, or only comes from before the time that the baseline read.

    An old record that is touched comes up again where a catalogue is asked what it learnt. What was published since the
    baseline is news, however old the acquisition; where no catalogue says when that was, what it learnt since is.
    """
    if watch.looked_from is None or product.acquired is None or product.acquired >= watch.looked_from:
        return True
    published = product.published or product.learnt
    return published is not None and published >= baselined - LATE


def wanted(watch: Watch, product: Product, download_levels: Collection[Level]) -> bool:
    """Say whether a product's files are to be brought home. What a baseline announces is not."""
    if watch.baselined is None or not product.assets or watch.download is False:
        return False
    return watch.download is True or product.level in download_levels


class Audience:
    """Who wants to hear of a product at a site; subscriptions are looked through once for each site and level."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self._subscriptions = subscriptions
        self._interested: dict[tuple[int, Level | None], list[Subscription]] = {}

    def owed(self, site: int, product: Product) -> list[Owed]:
        """Return the addresses to tell, each once."""
        key = (site, product.level)
        if key not in self._interested:
            self._interested[key] = [
                s
                for s in self._subscriptions
                if (s.sites is None or site in s.sites) and (not s.levels or product.level in s.levels)
            ]
        addresses: dict[str, Owed] = {}
        for subscription in self._interested[key]:
            limit = subscription.max_cloud
            if limit is None or product.cloud is None or product.cloud <= limit:
                addresses.setdefault(subscription.address, Owed(subscription.address, subscription.number))
        return list(addresses.values())
