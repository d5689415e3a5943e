"""Who is to hear of a product, why not, and whether its files are wanted.

Watches have filters, and so have subscriptions. What refuses a product does so in words, which people are told.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any, Literal

import msgspec

from watcher.core import calendar
from watcher.model import FOR_GOOD, Event, Level, Product, Rhythm, Subscription, Watch

LATE = timedelta(days=1)
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
    return _other_kind(subscription, event, product) or _seen_badly(subscription, product, coverage)


def muted(subscription: Subscription, now: datetime) -> bool:
    """Say whether a subscriber wants to be left alone."""
    return subscription.muted is not None and now < subscription.muted


def _other_kind(subscription: Subscription, event: Event, product: Product) -> Refusal | None:
    if (Event.WITHDRAWN if event is Event.RETURNED else event) not in subscription.events:
        return Refusal("event", f"{event} is not asked for")
    if subscription.levels and product.level not in subscription.levels:
        return Refusal("level", f"level {product.level or 'unknown'}")
    if not _like(product.collection, subscription.collections):
        return Refusal("collection", f"collection {product.collection}")
    if not _like(product.platform or "", subscription.platforms):
        return Refusal("platform", f"platform {product.platform or 'unknown'}")
    return None


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
    return published is not None and published >= baselined - LATE


def wanted(watch: Watch, product: Product, download_levels: Collection[Level]) -> bool:
    """Say whether a product's files are to be brought home. What a baseline announces is not."""
    if watch.baselined is None or not (product.assets or watch.assets) or watch.download is False:
        return False
    return watch.download is True or product.level in download_levels


_Kind = tuple[Event, Level | None, str, str | None]
_Ranks = tuple[int, int, int]


class _Group:
    """Subscriptions that mean the same sites.

    `interested` are those that want products of a kind, one of each set of limits with all that is owed by such;
    `told` is whom a product is told to.
    """

    def __init__(self) -> None:
        self.members: list[Subscription] = []
        self.interested: dict[_Kind, list[tuple[Subscription, list[Owed]]]] = {}
        self.told: dict[tuple[_Kind, _Ranks], Sequence[Owed]] = {}


class Audience:
    """Who wants to hear, now, of a product at a site.

    `tags` are those of the sites by number. Of a thousand subscriptions only those are looked at that mean the site,
    and only once for products that no filter tells apart: of cloud, coverage and acquisition counts the rank among the
    limits that anybody has set.
    """

    def __init__(
        self, subscriptions: Sequence[Subscription], *, now: datetime, tags: Mapping[int, Collection[str]] | None = None
    ) -> None:
        self._now, self._tags = now, tags or {}
        self._everywhere, self._dues = _Group(), dict[Rhythm, Owed]()
        self._at, self._tagged = defaultdict[int, _Group](_Group), defaultdict[str, _Group](_Group)
        heard = [one for one in subscriptions if not muted(one, now)]
        self._clouds = sorted({one.max_cloud for one in heard if one.max_cloud is not None})
        self._coverages = sorted({one.min_coverage for one in heard if one.min_coverage is not None})
        self._sinces = sorted({one.acquired_since for one in heard if one.acquired_since is not None})
        for one in heard:
            if one.sites is None and not one.tags:
                self._everywhere.members.append(one)
                continue
            for site in one.sites or ():
                self._at[site].members.append(one)
            for tag in one.tags:
                self._tagged[tag].members.append(one)

    def owed(
        self, site: int, product: Product, *, event: Event = Event.NEW, coverage: float | None = None
    ) -> Sequence[Owed]:
        """Return the addresses to tell, each once, by the oldest subscription that lets it hear first."""
        kind = (event, product.level, product.collection, product.platform)
        ranks = (
            _rank(bisect_left, self._clouds, product.cloud),
            _rank(bisect_right, self._coverages, coverage),
            _rank(bisect_right, self._sinces, product.acquired),
        )
        lists = []
        for group in self._groups(site):
            told = group.told.get((kind, ranks))
            if told is None:
                told = group.told[kind, ranks] = self._tells(group, kind, product, coverage)
            if told:
                lists.append(told)
        return lists[0] if len(lists) == 1 else self._earliest([*chain.from_iterable(lists)])

    def _groups(self, site: int) -> Iterable[_Group]:
        yield self._everywhere
        if self._tagged:
            yield from (self._tagged[tag] for tag in self._tags.get(site, ()) if tag in self._tagged)
        if site in self._at:
            yield self._at[site]

    def _tells(self, group: _Group, kind: _Kind, product: Product, coverage: float | None) -> Sequence[Owed]:
        if kind not in group.interested:
            alike: dict[tuple[Any, ...], tuple[Subscription, list[Owed]]] = {}
            for one in group.members:
                if _other_kind(one, kind[0], product) is None:
                    limits = (one.max_cloud, one.unknown_cloud, one.min_coverage, one.acquired_since)
                    alike.setdefault(limits, (one, []))[1].append(self._owing(one))
            group.interested[kind] = list(alike.values())
        passing = (to for one, to in group.interested[kind] if _seen_badly(one, product, coverage) is None)
        return self._earliest([*chain.from_iterable(passing)])

    def _earliest(self, found: Sequence[Owed]) -> Sequence[Owed]:
        addresses = {owed.address: owed for owed in found}
        if len(addresses) == len(found):
            return found
        for owed in found:
            before = addresses[owed.address]
            if (owed.due or self._now, owed.subscription) < (before.due or self._now, before.subscription):
                addresses[owed.address] = owed
        return list(addresses.values())

    def _owing(self, subscription: Subscription) -> Owed:
        alike = self._dues.get(subscription.rhythm)
        if alike is None:
            alike = self._dues[subscription.rhythm] = owing(subscription, self._now)
        return Owed(subscription.address, subscription.number, alike.due, alike.hold)


def _rank(bisect: Callable[[Sequence[Any], Any], int], limits: Sequence[Any], value: Any) -> int:
    return -1 if value is None else bisect(limits, value)


def owing(subscription: Subscription, now: datetime) -> Owed:
    """Return what is owed to a subscriber for something that comes `now`: when it is due, and why not at once.

    Who is muted hears of it after that.
    """
    since = subscription.muted if subscription.muted is not None and now < subscription.muted else now
    due = FOR_GOOD if since >= FOR_GOOD else calendar.due(subscription.rhythm, since)
    hold: Literal["digest", "quiet"] | None = None
    if due > now:
        hold = "digest" if subscription.rhythm.every != "pass" and since == now else "quiet"
    return Owed(subscription.address, subscription.number, due, hold)


def concerned(subscriptions: Iterable[Subscription], event: Event, *, now: datetime) -> list[Owed]:
    """Return who is to hear of what is no product (`late`, `health`), each address once: as soon as it may."""
    addresses: dict[str, Owed] = {}
    for subscription in subscriptions:
        if event in subscription.events and not (subscription.muted is not None and now < subscription.muted):
            owed = owing(subscription, now)
            before = addresses.setdefault(owed.address, owed)
            if (owed.due or now) < (before.due or now):
                addresses[owed.address] = owed
    return list(addresses.values())
