"""Who is to hear of a product, and when."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Literal

import msgspec

from watcher.core import calendar
from watcher.core.filters import muted, other_kind, seen_badly
from watcher.model import FOR_GOOD, Event, Level, Product, Rhythm, Subscription


class Owed(msgspec.Struct, frozen=True):
    """An arrival owed to an address, because of a subscription; `due` when, and why not at once (`hold`)."""

    address: str
    subscription: int
    due: datetime | None = None
    hold: Literal["digest", "quiet"] | None = None


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
                if other_kind(one, kind[0], product) is None:
                    limits = (one.max_cloud, one.unknown_cloud, one.min_coverage, one.acquired_since)
                    alike.setdefault(limits, (one, []))[1].append(self._owing(one))
            group.interested[kind] = list(alike.values())
        passing = (to for one, to in group.interested[kind] if seen_badly(one, product, coverage) is None)
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
