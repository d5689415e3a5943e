"""iCalendar (RFC 5545): the acquisitions that were seen, and those that are expected, which are tentative."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from watcher.core.feeds.feed import Feed, percent, urn
from watcher.core.moments import roughly
from watcher.core.production import Acquisition
from watcher.core.production.expected import Expected
from watcher.names import plain


def ics(feed: Feed) -> bytes:
    """Write the acquisitions of a feed as a calendar. An event has no length: a pass takes seconds."""
    from icalendar import Calendar

    calendar = Calendar()
    name = f"Acquisitions at {plain(feed.site, limit=100)}" if feed.site is not None else "Acquisitions at every site"
    calendar.add("prodid", "-//watcher//acquisitions//EN")
    calendar.add("version", "2.0")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    if not feed.seen and not feed.expected:
        calendar.add_component(_nothing())
    for site, one in feed.seen:
        calendar.add_component(_seen(site, one))
    for site, expected in feed.expected:
        calendar.add_component(_expected(site, expected))
    return bytes(calendar.to_ical())


def _nothing() -> Any:
    """Return a time zone: a calendar has to have something in it (RFC 5545 §3.4)."""
    from icalendar import Timezone, TimezoneStandard

    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "Etc/UTC")
    standard.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001 - local time, as the rule is
    standard.add("tzoffsetfrom", timedelta(0))
    standard.add("tzoffsetto", timedelta(0))
    zone.add_component(standard)
    return zone


def _seen(site: str, one: Acquisition) -> Any:
    levels = sorted({plain(step.level or "product", limit=20) for step in one.steps})
    cloud = next((cover for step in one.steps if (cover := percent(step.cloud)) is not None), None)
    lines = [f"cloud {cloud:.0f} %"] if cloud is not None else []
    lines += sorted({plain(step.title) for step in one.steps})
    where = f", {plain(one.place, limit=40)}" if one.place and one.place != site.upper() else ""
    known = max((step.there for step in one.steps if step.there is not None), default=one.acquired)
    return _event(
        urn("acquisition", site, one.key),
        f"{plain(one.platform or 'acquisition', limit=60)} at {plain(site, limit=100)}{where}: {', '.join(levels)}",
        one.acquired,
        known,
        site,
        "\n".join(lines),
        "CONFIRMED",
    )


def _expected(site: str, one: Expected) -> Any:
    track = one.track
    sensor = plain(track.sensor.words, limit=80)
    lines = [
        f"plus or minus {roughly(track.spread)}, every {track.period} days",
        f"{track.hits} of {track.chances} passes before brought something",
        *map(plain, track.places),
    ]
    return _event(
        urn("expected", site, track.sensor.words, f"{one.at:%Y-%m-%dT%H}"),
        f"expected: {sensor} at {plain(site, limit=100)}",
        one.at,
        track.last,
        site,
        "\n".join(lines),
        "TENTATIVE",
    )


def _event(identity: str, summary: str, at: datetime, known: datetime, site: str, description: str, status: str) -> Any:
    from icalendar import Event

    event = Event()
    event.add("uid", identity)
    event.add("summary", summary)
    event.add("dtstart", _second(at))
    event.add("dtstamp", _second(known))
    event.add("location", plain(site, limit=100))
    event.add("description", description)
    event.add("status", status)
    event.add("transp", "TRANSPARENT")
    return event


def _second(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)
