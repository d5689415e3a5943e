"""What watches and subscriptions take, and whether files are wanted.

What refuses a product does so in words, which people are told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

import msgspec

from watcher.core.identity.missions import is_from
from watcher.model import Event, Level, Product, Subscription, Watch

LATE = timedelta(days=1)
"""How long after its stamp of publication a product may come to light, and is news still."""


class Refusal(msgspec.Struct, frozen=True):
    """Why nobody is told: by which filter (`cloud`, `coverage`, `level`…), and in words."""

    by: str
    text: str


_REMEMBERED = Refusal("baseline", "what the first poll finds is remembered, not announced")


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
            return _REMEMBERED
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
    if muted(subscription, now):
        return Refusal("muted", "muted")
    return other_kind(subscription, event, product) or seen_badly(subscription, product, coverage)


def muted(subscription: Subscription, now: datetime) -> bool:
    """Say whether a subscriber wants to be left alone."""
    return subscription.muted is not None and now < subscription.muted


def other_kind(subscription: Subscription, event: Event, product: Product) -> Refusal | None:
    """Say why a subscription does not ask for what a product is, or for what happened to it."""
    if (Event.WITHDRAWN if event is Event.RETURNED else event) not in subscription.events:
        return Refusal("event", f"{event} is not asked for")
    if subscription.levels and product.level not in subscription.levels:
        return Refusal("level", f"level {product.level or 'unknown'}")
    if not _like(product.collection, subscription.collections):
        return Refusal("collection", f"collection {product.collection}")
    if not of_platform(product.platform or "", subscription.platforms):
        return Refusal("platform", f"platform {product.platform or 'unknown'}")
    return None


def seen_badly(subscription: Subscription, product: Product, coverage: float | None) -> Refusal | None:
    """Say which limit on how, and when, it sees the ground a product does not keep."""
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


def of_platform(platform: str, wanted: Collection[str]) -> bool:
    """Say whether a platform, as its catalogue writes it, is one that is wanted, in whatever spelling; none is all."""
    return _like(platform, wanted) or any(is_from(platform, one) for one in wanted)


def means(subscription: Subscription, site: int, tags: Iterable[str]) -> bool:
    """Say whether a subscription means a site that has these tags."""
    if subscription.sites is None and not subscription.tags:
        return True
    return site in (subscription.sites or ()) or not set(subscription.tags).isdisjoint(tags)


def reaches(watch: Watch, subscription: Subscription, tags: Iterable[str]) -> bool:
    """Say whether a watch of a site with these tags looks for anything that a subscription may be told of."""
    return (
        set(subscription.events) != {Event.HEALTH}
        and means(subscription, watch.site.number, tags)
        and (watch.level is None or not subscription.levels or watch.level in subscription.levels)
        and _like(watch.collection, subscription.collections)
    )


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
    if watch.baselined is None or not (product.assets or watch.assets) or watch.download is False:
        return False
    return watch.download is True or product.level in download_levels
