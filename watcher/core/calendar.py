"""When a subscriber is to hear of what came now: the next digest, never in quiet hours.

Local times are read in the subscriber's zone, as RFC 5545 §3.3.5 reads them: one that a day does not have, as clocks go
forward, is as much later; of one that a day has twice, a digest takes the first. So each local date has one digest.
Quiet hours are what the clock on the wall says, both times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from watcher.model import Rhythm

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def due(rhythm: Rhythm, now: datetime) -> datetime:
    """Return when a subscriber is to hear of what comes `now`: with the next digest, or at once.

    What falls into quiet hours is told as they end.
    """
    if rhythm.every == "pass":
        return quiet_until(rhythm, now) or now
    told = (quiet_until(rhythm, digest) or digest for digest in _digests(rhythm, now))
    return next(moment for moment in told if moment > now)


def quiet_until(rhythm: Rhythm, now: datetime) -> datetime | None:
    """Return when the quiet hours end that `now` lies in; `None` outside them."""
    zone = ZoneInfo(rhythm.zone)
    if rhythm.quiet is None or not _quiet(now, zone, rhythm.quiet):
        return None
    today = now.astimezone(zone).date()
    ends = (_at(today + n * _DAY, rhythm.quiet[1], zone, fold) for n in range(3) for fold in (0, 1))
    end = next(end for end in ends if end > now and not _quiet(end, zone, rhythm.quiet))
    turn = _turn(now, end, zone)
    return end if turn is None or _quiet(turn, zone, rhythm.quiet) else turn


def last_week(rhythm: Rhythm, now: datetime) -> datetime:
    """Return when a subscriber's last whole week began: weeks go from one `weekday` at `at` to the next."""
    zone = ZoneInfo(rhythm.zone)
    today = now.astimezone(zone).date()
    ended = today - timedelta(days=(today.weekday() - rhythm.weekday) % 7)
    if _at(ended, rhythm.at, zone) > now:
        ended -= 7 * _DAY
    return _at(ended - 7 * _DAY, rhythm.at, zone)


def _quiet(now: datetime, zone: ZoneInfo, quiet: tuple[time, time]) -> bool:
    wall, (start, end) = now.astimezone(zone).time(), quiet
    return start <= wall < end if start <= end else wall >= start or wall < end


def _turn(start: datetime, end: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the minute in which clocks change after `start` and before `end`; `None` if they do not."""
    offset = start.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == offset:
        return None
    first, last = int(start.timestamp()) // 60, int(end.timestamp()) // 60
    while first < last:
        middle = (first + last) // 2
        if datetime.fromtimestamp(middle * 60, zone).utcoffset() == offset:
            first = middle + 1
        else:
            last = middle
    return datetime.fromtimestamp(last * 60, UTC)


def _digests(rhythm: Rhythm, now: datetime) -> Iterator[datetime]:
    """Yield the moments of the digests, the first of them past: it may have waited for quiet hours to end."""
    zone = ZoneInfo(rhythm.zone)
    if rhythm.every == "hour":
        digest = _full_hour(now, zone) - _HOUR
        while True:
            yield digest
            digest = _full_hour(digest, zone)
    day = now.astimezone(zone).date() - _DAY
    while True:
        if rhythm.every == "day" or day.weekday() == rhythm.weekday:
            yield _at(day, rhythm.at, zone)
        day += _DAY


def _full_hour(now: datetime, zone: ZoneInfo) -> datetime:
    wall = now.astimezone(zone)
    past = timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
    return now.astimezone(UTC) + _HOUR - past


def _at(day: date, wall: time, zone: ZoneInfo, fold: int = 0) -> datetime:
    return datetime.combine(day, wall.replace(fold=fold), zone).astimezone(UTC)
