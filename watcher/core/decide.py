"""What follows from what a catalogue lists: the one place where it is decided what is new.

Pure. A poll gives it a page, what is known of the page's products, and who wants to hear; it returns all that is to
be written, so that one transaction can write it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.core.revisions import completes, recognised
from watcher.model import Event, Level, Product, Subscription, Watch

_DAY = timedelta(days=1)


class Listing(msgspec.Struct, frozen=True):
    """A product that was listed, and the watches whose site and level it matches."""

    product: Product
    watches: Sequence[Watch]


class Known(msgspec.Struct):
    """What is known of a product: its revisions by token, oldest first, and the newest that each site has seen."""

    tokens: dict[str, int]
    sites: dict[int, int]
    missing: bool = False


class Owed(msgspec.Struct, frozen=True):
    """An arrival owed to an address, because of a subscription."""

    address: str
    subscription: int


class Arrival(msgspec.Struct, frozen=True):
    """What happened at a site, to which revision, who is to hear of it, and whether its files are wanted."""

    site: int
    revision: int
    event: Event
    owed: Sequence[Owed]
    download: bool


class Decision(msgspec.Struct, frozen=True):
    """All that follows from a page. Revisions and sightings are given by number.

    `completed` are revisions that were known and whose description gained something, `offered` those among them
    whose files a watch wants, which may have had none when they arrived; `returned` are sightings that had been
    missing.
    """

    revisions: list[tuple[int, Product]]
    completed: list[tuple[int, Product]]
    offered: list[tuple[int, Watch]]
    sightings: list[tuple[int, int]]
    returned: list[int]
    arrivals: list[Arrival]
    listed: set[int]


def decide(
    listed: Iterable[Listing],
    known: Mapping[str, Known],
    subscriptions: Sequence[Subscription],
    *,
    first_number: int,
    download_levels: Collection[Level],
) -> Decision:
    """Decide what is new in a page.

    `known` is keyed by product id and has no entry for a product never seen; `first_number` is the first free
    revision number. A watch without a baseline remembers what it finds and announces it only if it was asked to.
    """
    decision = Decision([], [], [], [], [], [], set())
    audience = Audience(subscriptions)
    number = first_number
    fresh: dict[str, Known] = {}
    for listing in listed:
        product = listing.product
        record = known.get(product.id) or fresh.get(product.id)
        if record is None:
            revision = number
            record = fresh[product.id] = Known({product.revision: number}, {})
            decision.revisions.append((number, product))
            number += 1
        elif product.revision in record.tokens:
            revision = record.tokens[product.revision]
        elif (text := recognised(list(record.tokens), product.revision)) is not None:
            revision = record.tokens[text]
            if text == next(reversed(record.tokens)) and completes(text, product.revision):
                del record.tokens[text]
                record.tokens[product.revision] = revision
                decision.completed.append((revision, product))
                decision.offered.extend((revision, w) for w in listing.watches if wanted(w, product, download_levels))
        else:
            revision = record.tokens[product.revision] = number
            decision.revisions.append((number, product))
            number += 1
        decision.listed.update(record.tokens.values())
        if record.missing:
            record.missing = False
            decision.returned.extend(record.tokens.values())

        for site in {watch.site.number for watch in listing.watches}:
            before = record.sites.get(site)
            if before is not None and revision <= before:
                continue
            record.sites[site] = revision
            decision.sightings.append((revision, site))
            here = (w for w in listing.watches if w.site.number == site)
            accepting = [w for w in here if accepts(w, product, again=before is not None)]
            if accepting:
                decision.arrivals.append(
                    Arrival(
                        site,
                        revision,
                        Event.NEW if before is None else Event.REVISED,
                        audience.owed(site, product),
                        any(wanted(watch, product, download_levels) for watch in accepting),
                    )
                )
    return decision


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
    return published is not None and published >= baselined - _DAY


def wanted(watch: Watch, product: Product, download_levels: Collection[Level]) -> bool:
    """Say whether a product's files are to be brought home. What a baseline announces is not."""
    if watch.baselined is None or not product.assets or watch.download is False:
        return False
    return watch.download is True or product.level in download_levels


def vanished(listed: Collection[int], seen: Iterable[tuple[int, bool]]) -> tuple[list[int], list[int]]:
    """Compare a complete listing with what was seen: return what is missing for the first time, and what is withdrawn.

    `seen` gives the newest revision of each product at the site and whether the last complete look missed it too.
    Withdrawn takes two complete looks, because a reprocessed product is gone for a moment before it is back.
    """
    gone = [(revision, before) for revision, before in seen if revision not in listed]
    return [revision for revision, before in gone if not before], [revision for revision, before in gone if before]


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
