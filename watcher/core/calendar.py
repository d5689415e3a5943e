"""When a subscriber is to hear of what came now: the next digest, never in quiet hours.

Local times are read in the subscriber's zone. One that a day does not have, as clocks go forward, is as much later; of
one that a day has twice, a digest takes the first, so that each local date has one digest. Quiet hours are what the
clock on the wall says, both times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from watcher.model import Rhythm

_DAY = timedelta(days=1)


def due(rhythm: Rhythm, now: datetime) -> datetime:
    """Return when that is due which a subscriber is owed since `now`: the next digest after it, outside quiet hours."""
    if rhythm.every == "pass":
        digest = now
    elif rhythm.every == "hour":
        digest = _full_hour(now, ZoneInfo(rhythm.zone))
    else:
        digest = next(moment for moment in _digests(rhythm, now) if moment > now)
    return quiet_until(rhythm, digest) or digest


def quiet_until(rhythm: Rhythm, now: datetime) -> datetime | None:
    """Return when the quiet hours end that `now` lies in; `None` outside them."""
    if rhythm.quiet is None or not _within(now.astimezone(ZoneInfo(rhythm.zone)).time(), *rhythm.quiet):
        return None
    zone, until = ZoneInfo(rhythm.zone), rhythm.quiet[1]
    today = now.astimezone(zone).date()
    ends = (_at(day, until, zone, fold) for day in (today, today + _DAY, today + 2 * _DAY) for fold in (0, 1))
    return next(end for end in ends if end > now and not _within(end.astimezone(zone).time(), *rhythm.quiet))


def _within(wall: time, start: time, end: time) -> bool:
    return start <= wall < end if start <= end else wall >= start or wall < end


def _full_hour(now: datetime, zone: ZoneInfo) -> datetime:
    wall = now.astimezone(zone)
    return now + timedelta(hours=1) - timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)


def _digests(rhythm: Rhythm, now: datetime) -> Iterator[datetime]:
    """Yield the moments of the digests, the earliest of them past."""
    zone = ZoneInfo(rhythm.zone)
    day = now.astimezone(zone).date() - _DAY
    while True:
        if rhythm.every == "day" or day.weekday() == rhythm.weekday:
            yield _at(day, rhythm.at, zone)
        day += _DAY


def _at(day: date, wall: time, zone: ZoneInfo, fold: int = 0) -> datetime:
    return datetime.combine(day, wall.replace(fold=fold), zone).astimezone(UTC)
