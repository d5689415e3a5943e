"""Times as catalogues write them, and spans of time as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def moment(text: object) -> datetime | None:
    """Read an RFC 3339 time of any precision; `None` for what is none. Without a zone it is UTC."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is UTC:
            return time
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def written(time: datetime) -> str:
    """Write a time in UTC as RFC 3339 with `Z`, to the second where that is exact."""
    text = time.astimezone(UTC).isoformat(timespec="microseconds" if time.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def lasting(span: timedelta) -> str:
    """Say how long something lasts: `40 s`, `25 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = abs(span.total_seconds())
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(minutes / 60), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def roughly(span: timedelta) -> str:
    """Write how long something takes as people say it: `40 s`, `12 min`, `3.5 h`, `26 h`, `12 d`, `3 y`."""
    seconds = span.total_seconds()
    for size, least, unit in ((31_557_600, 2, "y"), (86400, 2, "d"), (3600, 1, "h"), (60, 1, "min")):
        if seconds >= least * size:
            amount = seconds / size
            exact = amount < 9.95 and unit != "min"
            return f"{f'{amount:.1f}'.removesuffix('.0') if exact else f'{amount:.0f}'} {unit}"
    return f"{seconds:.0f} s"
