"""The terms of a subscription as people write them: times of day, days of the week, zones, columns. Read here only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from msgspec.structs import replace

from watcher.errors import UsageError
from watcher.model import FIELDS, Event, Rhythm, Subscription
from watcher.names import near
from watcher.quantities import Seconds, read

Every = Literal["pass", "hour", "day", "week"]

EVERY: dict[str, Every] = {
    "pass": "pass",
    "hour": "hour",
    "hourly": "hour",
    "day": "day",
    "daily": "day",
    "week": "week",
    "weekly": "week",
}
"""How often, in the words that are understood."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_TIME = re.compile(r"([01]?\d|2[0-3])(?::([0-5]\d))?(?::00)?")


def every(text: str) -> Every:
    """Read how often: `pass` (at once), `hour`, `day`, `week`, or `hourly`, `daily`, `weekly`."""
    said = EVERY.get(text.strip().casefold())
    if said is None:
        raise UsageError(f'"{text}" is no rhythm', hint="write pass, hour, day or week")
    return said


def time_of_day(text: str) -> time:
    """Read a local time of day, `08:00` or `8`."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise UsageError(f'"{text}" is no time of day', hint="write 08:00, from 00:00 to 23:59")
    return time(int(found[1]), int(found[2] or 0))


def quiet_hours(text: str) -> tuple[time, time]:
    """Read from when until when it is quiet, `22:00-07:00`."""
    start, dash, end = re.sub("[\u2013\u2014]", "-", text).partition("-")
    if not dash or not _TIME.fullmatch(start.strip()) or not _TIME.fullmatch(end.strip()):
        raise UsageError(f'"{text}" are no quiet hours', hint="write 22:00-07:00")
    hours = time_of_day(start), time_of_day(end)
    if hours[0] == hours[1]:
        raise UsageError(f'"{text}" would be the whole day or none of it', hint="to hear nothing: watcher mute ID")
    return hours


def weekday(text: str) -> int:
    """Read a day of the week, `monday` or `mon`; 0 is Monday."""
    word = text.strip().casefold()
    days = [number for number, day in enumerate(WEEKDAYS) if len(word) > 2 and day.casefold().startswith(word)]
    if len(days) != 1:
        raise UsageError(f'"{text}" is no day of the week', hint=f"write one of {', '.join(WEEKDAYS).lower()}")
    return days[0]


def zone(text: str) -> str:
    """Read the name of an IANA time zone, whatever its case; raises `UsageError` with the nearest names."""
    word = text.strip().replace(" ", "_").casefold()
    found = _zones().get(word)
    if found is None:
        # People know the city; the names begin with the continent.
        cities = {name.rpartition("/")[2]: name for name in sorted(_zones().values())}
        close = [cities[city] for city in near(word.rpartition("/")[2], cities)]
        hint = f"did you mean {' or '.join(close)}?" if close else "write an IANA name such as Europe/Paris, or UTC"
        raise UsageError(f'no time zone is called "{text}"', hint=hint)
    return found


@cache
def _zones() -> dict[str, str]:
    """Return the names of the time zones by what they are without regard to case; they are files, and slow to list."""
    return {name.casefold(): name for name in available_timezones() - {"Factory", "localtime"}}


def fields(words: str | Iterable[str]) -> tuple[str, ...]:
    """Read which columns a notice is to have, in their order: `acquired,cloud,link`."""
    listed = re.split(r"[\s,]+", words.strip()) if isinstance(words, str) else list(words)
    for word in listed:
        if word not in FIELDS:
            close = near(word, FIELDS)
            also = f"did you mean {' or '.join(close)}? " if close else ""
            raise UsageError(f'there is no column "{word}"', hint=f"{also}the columns are {', '.join(FIELDS)}".strip())
    if len(set(listed)) < len(listed):
        raise UsageError(f'"{",".join(listed)}" names a column twice', hint="name each once")
    return tuple(listed)


def until(text: str, *, zone: str, now: datetime) -> datetime:
    """Read until when: a date or time, in the zone unless it names one, or how long from now (`3d`, `2w`, `6h`)."""
    try:
        if re.fullmatch(r"\s*[\d.]+\s*[a-z]+\s*", text, re.IGNORECASE):
            moment = now + timedelta(seconds=read(Seconds, text))
        else:
            local = datetime.fromisoformat(text.strip())
            moment = (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        hint = "write 2026-12-24, 2026-12-24T18:00, or how long: 3d, 2w, 6h"
        raise UsageError(f'"{text}" is neither a date nor a duration', hint=hint) from error
    if moment <= now:
        raise UsageError(f'"{text}" is over', hint="name a time to come")
    return moment


def tag(text: str) -> str:
    """Read a word that groups sites; raises `UsageError` for what cannot be listed."""
    word = " ".join(text.split())
    if not word or not word.isprintable() or len(word) > 50 or "," in word:
        raise UsageError(f'"{text[:50]}" is no tag', hint="a tag has 1 to 50 characters that can be printed, no comma")
    return word


def rhythm(
    before: Rhythm,
    *,
    every: Every | None = None,
    at: time | None = None,
    weekday: int | None = None,
    zone: str | None = None,
    quiet: tuple[time, time] | None = None,
) -> Rhythm:
    """Return a rhythm that is changed in what is given. A day of the week means weekly, a time of day means daily."""
    if every is None:
        rare = before.every in ("day", "week")
        every = "week" if weekday is not None else "day" if at is not None and not rare else before.every
    if at is not None and every in ("pass", "hour"):
        when = "with each pass" if every == "pass" else "each hour"
        raise UsageError(f"a time of day, {at:%H:%M}, does not go with a notice {when}", hint="make it daily or weekly")
    if weekday is not None and every != "week":
        raise UsageError(
            f"{WEEKDAYS[weekday]} goes with a weekly notice only", hint="make it weekly, or leave the day out"
        )
    return Rhythm(
        every,
        before.at if at is None else at,
        before.weekday if weekday is None else weekday,
        before.zone if zone is None else zone,
        before.quiet if quiet is None else quiet,
    )


def checked(subscription: Subscription) -> Subscription:
    """Refuse terms that contradict each other; raises `UsageError`."""
    if not subscription.unknown_cloud and subscription.max_cloud is None:
        raise UsageError(
            "to refuse unknown cloud goes with a maximum of cloud",
            hint="a maximum of 100 takes any cloud cover that is known",
        )
    if not subscription.events:
        raise UsageError("there is no event to hear of", hint=f"the events are {', '.join(Event)}")
    for what, patterns in (("collection", subscription.collections), ("platform", subscription.platforms)):
        for pattern in patterns:
            if not pattern.strip() or not pattern.isprintable():
                raise UsageError(f'"{pattern}" is no {what}', hint="write its name; * in it is anything")
    return subscription


def essence(subscription: Subscription) -> Subscription:
    """Return a subscription without number, age and what has no effect: those that promise the same have the same."""
    rhythm = subscription.rhythm
    rare, timed = rhythm.every == "week", rhythm.every in ("day", "week")
    rhythm = replace(
        rhythm,
        at=rhythm.at if timed else time(),
        weekday=rhythm.weekday if rare else 0,
        zone=rhythm.zone if timed or rhythm.quiet else "UTC",
    )
    lists = {name: tuple(sorted(getattr(subscription, name))) for name in ("tags", "levels", "events")}
    places = None if subscription.sites is None else tuple(sorted(subscription.sites))
    return replace(subscription, number=0, changed=None, rhythm=rhythm, sites=places, **lists)
