"""What a subscription promises, said back in a sentence: the check that it was understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from watcher.core.agreements.terms import WEEKDAYS
from watcher.model import ARRIVALS, FOR_GOOD, Event, Rhythm, Subscription

_NAMED = 5
"""So many sites are named; of more, so many less one and how many others there are."""


def promise(subscription: Subscription, who: str, sites: Mapping[int, str], *, now: datetime) -> str:
    """Say who hears when of what: `team hears daily at 08:00 UTC of L2A at Litchfield, cloud ≤ 20 % (unknown passes)`.

    `sites` are the names of the sites by number.
    """
    said = f"{who} hears {when(subscription.rhythm)} of {what(subscription, sites)}"
    return "; ".join([said, *also(subscription, now=now)])


def when(rhythm: Rhythm) -> str:
    """Say how often, and at which local time where."""
    at = f"at {rhythm.at:%H:%M} {rhythm.zone}"
    match rhythm.every:
        case "pass":
            return "at once"
        case "hour":
            return "hourly"
        case "day":
            return f"daily {at}"
        case _:
            return f"weekly on {WEEKDAYS[rhythm.weekday]} {at}"


def what(subscription: Subscription, sites: Mapping[int, str]) -> str:
    """Say which products where, and what is asked of them."""
    products = [event for event in subscription.events if event is not Event.HEALTH]
    health = "watcher's own health"
    if not products:
        return health
    said = ", ".join([f"{_kinds(subscription, products)} {_where(subscription, sites)}", *_filters(subscription)])
    return said if len(products) == len(subscription.events) else f"{said}, and of {health}"


def also(subscription: Subscription, *, now: datetime) -> list[str]:
    """Say what else was agreed: quiet hours, columns, a word once a week, and silence."""
    rhythm, muted = subscription.rhythm, subscription.muted
    said = []
    if rhythm.quiet is not None:
        zone = f" {rhythm.zone}" if rhythm.every in ("pass", "hour") else ""
        said.append("quiet {:%H:%M}\u2013{:%H:%M}".format(*rhythm.quiet) + zone)
    if subscription.fields:
        said.append(f"columns {', '.join(subscription.fields)}")
    if subscription.still:
        said.append("a word once a week though nothing came")
    if muted is not None and now < muted:
        said.append("muted" if muted >= FOR_GOOD else f"muted until {local(muted, rhythm.zone)}")
    return said


def local(moment: datetime, zone: str) -> str:
    """Write a time as the clocks of a zone show it."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"


def _kinds(subscription: Subscription, events: Sequence[Event]) -> str:
    levels = _and(subscription.levels)
    if set(events) == set(ARRIVALS):
        return levels or "every product"
    return f"{_and(events)} {levels or 'products'}"


def _where(subscription: Subscription, sites: Mapping[int, str]) -> str:
    if subscription.sites is None and not subscription.tags:
        return "at every site"
    names = sorted(sites.get(number, "a site that is gone") for number in subscription.sites or ())
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more sites"]
    tagged = [f"sites tagged {_and(subscription.tags, 'or')}"] if subscription.tags else []
    return f"at {_and([*names, *tagged])}" if names or tagged else "at no site that is left"


def _filters(subscription: Subscription) -> list[str]:
    said = []
    for word, patterns in (("collection", subscription.collections), ("platform", subscription.platforms)):
        if patterns:
            said.append(f"{word} {_and(patterns, 'or')}")
    if subscription.max_cloud is not None:
        unknown = "passes" if subscription.unknown_cloud else "is refused"
        said.append(f"cloud ≤ {subscription.max_cloud:g} % (unknown {unknown})")
    if subscription.min_coverage is not None:
        said.append(f"coverage ≥ {subscription.min_coverage:g} %")
    if subscription.acquired_since is not None:
        since = subscription.acquired_since.astimezone(UTC)
        said.append(
            f"acquired since {since:%Y-%m-%d}"
            + (f" {since:%H:%M} UTC" if since.time().isoformat() > "00:00:00" else "")
        )
    return said


def _and(words: Sequence[str], word: str = "and") -> str:
    *first, last = words or ("",)
    return f"{', '.join(first)} {word} {last}" if first else last
