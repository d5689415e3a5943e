"""How fast, and how much: the bandwidth by the time of day, and when a volume will be used up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import msgspec

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


class Step(msgspec.Struct, frozen=True):
    """From a time of day on, so many bytes a second; `None` is no limit."""

    start: time
    rate: int | None


def timetable(text: str) -> tuple[Step, ...]:
    """Read `"08:00 512k, 19:00 off"`, or one rate for all day (`"2M"`); bytes a second, decimal units.

    What holds before the first time is what holds after the last, through midnight. Raises `ValueError`, in words.
    """
    parts = [part.split() for part in text.split(",")]
    if len(parts) == 1 and len(parts[0]) == 1:
        return (Step(time(0), _rate(parts[0][0])),)
    steps = []
    for part in parts:
        if len(part) != 2 or not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", part[0]):
            raise ValueError(f'"{" ".join(part)}" is no step; write a time and a rate, as in "08:00 512k, 19:00 off"')
        hour, _, minute = part[0].partition(":")
        steps.append(Step(time(int(hour), int(minute)), _rate(part[1])))
    if len({step.start for step in steps}) < len(steps):
        raise ValueError("a time of day stands there twice")
    return tuple(sorted(steps, key=lambda step: step.start))


def _rate(word: str) -> int | None:
    if word.lower() in ("off", "none", "unlimited"):
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmg]?)(?:b?(?:/s)?)", word.lower())
    rate = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if rate < 1000:
        raise ValueError(f'"{word}" is no rate; write 512k or 2M (bytes a second, 1k at least), or off')
    return rate


def rate(steps: Sequence[Step], wall: time) -> int | None:
    """Return the bytes a second that are allowed at a local time of day; `None` is no limit."""
    begun = [step for step in steps if step.start <= wall]
    return (begun or steps)[-1].rate if steps else None


def spent(used: Mapping[date, int], *, today: date, monthly: bool) -> int:
    """Return how many bytes of a day's or a month's volume are used."""
    return sum(
        size
        for day, size in used.items()
        if day == today or (monthly and (day.year, day.month) == (today.year, today.month))
    )


def left(used: Mapping[date, int], cap: int, *, today: date, monthly: bool) -> int:
    """Return how many bytes of a day's or a month's volume are left; 0 when it is used up."""
    return max(0, cap - spent(used, today=today, monthly=monthly))


def reached(used: Mapping[date, int], cap: int, *, now: datetime) -> date | None:
    """Return the day of this month on which its volume will be used up at the pace of the last seven days.

    `None` when it lasts, or when nothing was fetched in these days.
    """
    today = now.date()
    recent = sum(used.get(today - timedelta(days=back), 0) for back in range(7)) / 7
    if not recent:
        return None
    room = left(used, cap, today=today, monthly=True)
    days = room / recent
    if days > 31:
        return None
    day = today + timedelta(days=int(days))
    return day if (day.year, day.month) == (today.year, today.month) else None


def held_until(
    used: Mapping[date, int], *, daily: int | None, monthly: int | None, now: datetime
) -> tuple[datetime, str] | None:
    """Return until when a catalogue is left alone because a volume is used up, and which: "day" or "month".

    `None` while there is room. Days and months are those of UTC.
    """
    today = now.astimezone(UTC).date()
    if monthly is not None and not left(used, monthly, today=today, monthly=True):
        following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return datetime.combine(following, time(0), UTC), "month"
    if daily is not None and not left(used, daily, today=today, monthly=False):
        return datetime.combine(today + timedelta(days=1), time(0), UTC), "day"
    return None
