"""Why somebody was told of a product, or was not: the rules of the audience, asked again, in words.

They are asked as they are now. What was decided by others then is said to have changed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from msgspec.structs import replace

from watcher.core.filters import Refusal, means, passed_over, refused
from watcher.model import Event, Product, Subscription, Watch


class Judged(msgspec.Struct, frozen=True):
    """What a watch makes of a product: it announces it, unless it is `refused`."""

    watch: str
    refused: Refusal | None


def judged(watch: Watch, product: Product, *, seen: datetime, again: bool) -> Judged:
    """Say what a watch makes of a product that was first seen then; `again` says that its site had it before."""
    return Judged(label(watch), _judged(watch, product, seen=seen, again=again))


def _judged(watch: Watch, product: Product, *, seen: datetime, again: bool) -> Refusal | None:
    if watch.level is not None and watch.level != product.level:
        return Refusal("level", f"it looks for {watch.level}, and this is {product.level or 'of unknown level'}")
    if watch.baselined is not None and seen <= watch.baselined:
        # As it was when the product was seen, before the baseline was complete.
        watch = replace(watch, baselined=None)
    return passed_over(watch, product, again=again)


def label(watch: Watch) -> str:
    """Name a watch as people know it: `take5 SPOT5 L2A`."""
    return " ".join(filter(None, (watch.catalogue, watch.collection, watch.level)))


def unheard(
    subscription: Subscription,
    product: Product,
    event: Event,
    *,
    site: int,
    tags: Collection[str],
    coverage: float | None,
    arrived: datetime,
    added: datetime,
) -> Refusal:
    """Say why a subscription did not hear of an arrival that it was not owed."""
    if added > arrived:
        return Refusal("added", f"the subscription was made on {_day(added)}, after that")
    if not means(subscription, site, tags):
        return _changed(Refusal("site", "it does not ask for this site"), subscription, arrived)
    refusal = refused(subscription, event, product, coverage=coverage, now=arrived)
    if refusal is None and event is Event.RETURNED:
        return Refusal("heard", "it had heard of no withdrawal")
    if refusal is None:
        if subscription.changed is not None and subscription.changed > arrived:
            when = _day(subscription.changed)
            return Refusal("changed", f"by its terms of today it would hear of it; they were changed on {when}")
        return Refusal("heard", "by its terms it would hear of it; the address heard of the acquisition otherwise")
    if terms := _terms(subscription, refusal.by):
        refusal = replace(refusal, text=f"{refusal.text}, and it asks for {terms}")
    return _changed(refusal, subscription, arrived)


def _changed(refusal: Refusal, subscription: Subscription, arrived: datetime) -> Refusal:
    if subscription.changed is None or subscription.changed <= arrived:
        return refusal
    return replace(refusal, text=f"{refusal.text} (by its terms since {_day(subscription.changed)})")


def _terms(subscription: Subscription, by: str) -> str:
    """Say what a subscription asks for, as far as one of its filters goes."""
    match by:
        case "cloud":
            known = "" if subscription.unknown_cloud else " that is known"
            return f"cloud up to {subscription.max_cloud:g} %{known}"
        case "coverage":
            return f"{subscription.min_coverage:g} % at least"
        case "acquired":
            return f"what was acquired since {subscription.acquired_since:%Y-%m-%d}"
        case "level":
            return " or ".join(subscription.levels)
        case "collection":
            return " or ".join(subscription.collections)
        case "platform":
            return " or ".join(subscription.platforms)
        case "event":
            return ", ".join(subscription.events) or "nothing"
        case "muted":
            return f"nothing before {_day(subscription.muted)}" if subscription.muted else ""
    return ""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
