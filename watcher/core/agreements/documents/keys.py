"""How the value of each key of a subscription's table is read: strictly, by the words of the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from watcher.core.agreements import terms
from watcher.core.moments import moment
from watcher.errors import UsageError
from watcher.model import FOR_GOOD, Event, Level, level
from watcher.names import key, near

POLICIES = {True: "pass", False: "refuse"}
"""What becomes of unknown cloud."""


def read(name: str, value: Any) -> Any:
    """Read the value of a key; raises `UsageError`."""
    if name not in KEYS:
        close = near(name, KEYS)
        hint = f"did you mean {' or '.join(close)}?" if close else f"the keys are {', '.join(KEYS)}"
        raise UsageError("there is no such key", hint=hint)
    return KEYS[name](value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise UsageError("it must be text that can be printed")
    return value.strip()


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(one, str) and one.strip() and one.isprintable() for one in value
    ):
        raise UsageError("it must be a list of texts", hint='write ["one", "two"]')
    return tuple(one.strip() for one in value)


def _levels(value: Any) -> tuple[Level, ...]:
    words = _texts(value)
    return () if any(word.casefold() == "any" for word in words) else tuple(level(word) for word in words)


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError("it must be a whole number")
    return value


def _percent(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
        raise UsageError("it must be a number from 0 to 100")
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError("it must be true or false")
    return value


def _events(value: Any) -> tuple[Event, ...]:
    words = _texts(value)
    asked = [event for event in Event if event is not Event.RETURNED]
    for word in words:
        if word not in asked:
            raise UsageError(f'"{word}" is no event', hint=f"the events are {', '.join(asked)}")
    return tuple(Event(word) for word in dict.fromkeys(words))


def _moment(value: Any) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    found = moment(value.isoformat() if isinstance(value, datetime) else value)
    if found is None:
        raise UsageError("it is no date", hint="write 2026-11-22 or 2026-11-22T10:00:00Z")
    return found


def _muted(value: Any) -> datetime | None:
    if isinstance(value, bool):
        return FOR_GOOD if value else None
    return _moment(value)


def _policy(value: Any) -> bool:
    if value not in POLICIES.values():
        raise UsageError("it is no policy for unknown cloud", hint='write "pass" or "refuse"')
    return bool(value == "pass")


def _of(reader: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: reader(value.isoformat("minutes") if isinstance(value, time) else _text(value))


KEYS: dict[str, Callable[[Any], Any]] = {
    "id": _number,
    "address": _text,
    "stands_for": _text,
    "name": _text,
    "sites": _texts,
    "tags": lambda value: tuple(key(terms.tag(word)) for word in _texts(value)),
    "levels": _levels,
    "collections": _texts,
    "platforms": _texts,
    "events": _events,
    "max_cloud": _percent,
    "unknown_cloud": _policy,
    "min_coverage": _percent,
    "since": _moment,
    "every": _of(terms.every),
    "at": _of(terms.time_of_day),
    "on": _of(terms.weekday),
    "zone": _of(terms.zone),
    "quiet": _of(terms.quiet_hours),
    "muted": _muted,
    "fields": lambda value: terms.fields(_texts(value)),
    "still": _truth,
}
"""The keys, and how the value of each is read."""
