"""Who is to hear of a product, why not, and whether its files are wanted.

Watches have filters, and so have subscriptions. What refuses a product does so in words, which people are told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from watcher.core import calendar
from watcher.model import Event, Level, Product, Subscription, Watch

_LATE = timedelta(days=1)
"""How long after its stamp of publication a product may come to light, and is news still."""


class Owed(msgspec.Struct, frozen=True):
    """An arrival owed to an address, because of a subscription; `due` when, and why not at once (`hold`)."""

    address: str
    subscription: int
    due: datetime | None = None
    hold: Literal["digest", "quiet"] | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why nobody is told: by which filter (`cloud`, `coverage`, `level`…), and in words."""

    by: str
    text: str


def accepts(watch: Watch, product: Product, *, again: bool) -> bool:
    """Say whether a watch announces this product: past its baseline, and through its filter."""
    return passed_over(watch, product, again=again) is None


def passed_over(watch: Watch, product: Product, *, again: bool) -> Refusal | None:
    """Say why a watch does not announce a product; `None` if it does.

    `again` says that it was seen there before. Unknown cloud cover passes: better told of a cloudy scene than not told
    of a clear one.
    """
    if watch.baselined is None:
        if not watch.announce:
            return Refusal("baseline", "it was there at the first poll, which is remembered and not announced")
    elif not (again or _news(watch, product, watch.baselined)):
        return Refusal("baseline", "it was acquired before what the first poll looked at, and published before it")
    if watch.max_cloud is not None and product.cloud is not None and product.cloud > watch.max_cloud:
        return Refusal("cloud", f"cloud {product.cloud:.0f} %, the watch takes up to {watch.max_cloud:g} %")
    if watch.since is not None and product.acquired is not None and product.acquired < watch.since:
        return Refusal("acquired", f"acquired before {watch.since:%Y-%m-%d}, where the watch begins")
    return None


def refused(
    subscription: Subscription, event: Event, product: Product, *, coverage: float | None, now: datetime
) -> Refusal | None:
    """Say which filter of a subscription a product at one of its sites does not pass; `None` if it passes all."""
    if subscription.muted is not None and now < subscription.muted:
        return Refusal("muted", "muted")
    if event not in subscription.events:
        return Refusal("event", f"{event} is not asked for")
    if subscription.levels and product.level not in subscription.levels:
        return Refusal("level", f"level {product.level or 'unknown'}")
    if not _like(product.collection, subscription.collections):
        return Refusal("collection", f"collection {product.collection}")
    if not _like(product.platform or "", subscription.platforms):
        return Refusal("platform", f"platform {product.platform or 'unknown'}")
    return _seen_badly(subscription, product, coverage)


def _seen_badly(subscription: Subscription, product: Product, coverage: float | None) -> Refusal | None:
    most, least, since = subscription.max_cloud, subscription.min_coverage, subscription.acquired_since
    if most is not None and product.cloud is None and not subscription.unknown_cloud:
        return Refusal("cloud", "cloud unknown")
    if most is not None and product.cloud is not None and product.cloud > most:
        return Refusal("cloud", f"cloud {product.cloud:.0f} %")
    if least is not None and coverage is not None and coverage < least:
        return Refusal("coverage", f"coverage {coverage:.0f} %")
    if since is not None and product.acquired is not None and product.acquired < since:
        return Refusal("acquired", f"acquired {product.acquired:%Y-%m-%d}")
    return None


def _like(word: str, patterns: Collection[str]) -> bool:
    """Say whether a word is one of the patterns (`*` is anything), whatever its case; no pattern is every word."""
    return not patterns or any(fnmatchcase(word.casefold(), pattern.casefold()) for pattern in patterns)


def means(subscription: Subscription, site: int, tags: Iterable[str]) -> bool:
    """Say whether a subscription means a site that has these tags."""
    if subscription.sites is None and not subscription.tags:
        return True
    return site in (subscription.sites or ()) or not set(subscription.tags).isdisjoint(tags)


def _news(watch: Watch, product: Product, baselined: datetime) -> bool:
    """Say whether a product that was never seen is news, or only comes from before the time that the baseline read.

    An old record that is touched comes up again where a catalogue is asked what it learnt. What was published since the
    baseline is news, however old the acquisition; where no catalogue says when that was, what it learnt since is.
    """
    if watch.looked_from is None or product.acquired is None or product.acquired >= watch.looked_from:
        return True
    published = product.published or product.learnt
    return published is not None and published >= baselined - _LATE


def wanted(watch: Watch, product: Product, download_levels: Collection[Level]) -> bool:
    """Say whether a product's files are to be brought home. What a baseline announces is not."""
    if watch.baselined is None or not product.assets or watch.download is False:
        return False
    return watch.download is True or product.level in download_levels


class Audience:
    """Who wants to hear, now, of a product at a site.

    `tags` are those of the sites by number. Subscriptions are looked through once for each site and level.
    """

    def __init__(
        self, subscriptions: Sequence[Subscription], *, now: datetime, tags: Mapping[int, Collection[str]] | None = None
    ) -> None:
        self._subscriptions, self._now, self._tags = subscriptions, now, tags or {}
        self._interested: dict[tuple[int, Level | None], list[Subscription]] = {}
        self._dues: dict[int, Owed] = {}

    def owed(
        self, site: int, product: Product, *, event: Event = Event.NEW, coverage: float | None = None
    ) -> list[Owed]:
        """Return the addresses to tell, each once: by the subscription that lets it hear first."""
        key = (site, product.level)
        if key not in self._interested:
            tags = self._tags.get(site, ())
            self._interested[key] = [
                s for s in self._subscriptions if means(s, site, tags) and (not s.levels or product.level in s.levels)
            ]
        addresses: dict[str, Owed] = {}
        for subscription in self._interested[key]:
            if refused(subscription, event, product, coverage=coverage, now=self._now) is None:
                owed = self._due(subscription)
                before = addresses.setdefault(owed.address, owed)
                if (owed.due or self._now) < (before.due or self._now):
                    addresses[owed.address] = owed
        return list(addresses.values())

    def _due(self, subscription: Subscription) -> Owed:
        if subscription.number not in self._dues:
            self._dues[subscription.number] = owing(subscription, self._now)
        return self._dues[subscription.number]


def owing(subscription: Subscription, now: datetime) -> Owed:
    """Return what is owed to a subscriber for something that comes `now`: when it is due, and why not at once."""
    due = calendar.due(subscription.rhythm, now)
    hold: Literal["digest", "quiet"] | None = None
    if due > now:
        hold = "quiet" if subscription.rhythm.every == "pass" else "digest"
    return Owed(subscription.address, subscription.number, due, hold)
