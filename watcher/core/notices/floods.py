"""Too many arrivals to be told of one by one: how many of what, where, from when, how large, and what to do next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import UTC

import msgspec

from watcher.core.notices.subjects import counted, steps
from watcher.core.wording import Told, bytes_word, level_words, volume
from watcher.model import Event
from watcher.names import fold, plain

_SITES = 40
"""So many sites have a line of their own."""

_STEPS = 8
"""So many steps from one processing to another are told apart."""


class Flood(msgspec.Struct, frozen=True):
    """Many arrivals, summed up: sentences, a line for each site (name, what, acquired, volume), and what to do next."""

    sentences: list[str]
    sites: list[tuple[str, str, str, str]]
    advice: list[str]


def flood(arrivals: Sequence[Told], *, shown: int) -> Flood:
    """Sum up arrivals of which the newest are `shown` one by one."""
    sites: dict[str, list[Told]] = {}
    for arrival in arrivals:
        sites.setdefault(arrival.site, []).append(arrival)
    names = sorted(sites, key=fold)
    rows = [_row(name, sites[name]) for name in names[:_SITES]]
    if len(names) > _SITES:
        others = [arrival for name in names[_SITES:] for arrival in sites[name]]
        rows.append(_row(f"{len(names) - _SITES:,} more sites", others))
    return Flood(_sentences(arrivals, len(names), shown), rows, _advice(arrivals, names))


def _row(name: str, arrivals: Sequence[Told]) -> tuple[str, str, str, str]:
    events: dict[Event, list[Told]] = {}
    for arrival in arrivals:
        events.setdefault(arrival.event, []).append(arrival)
    what = "; ".join(f"{event.value}: {counted(level_words(events[event]))}" for event in Event if event in events)
    return plain(name, limit=100), what, span(arrivals), _volume(arrivals)


def _sentences(arrivals: Sequence[Told], sites: int, shown: int) -> list[str]:
    total = len(arrivals)
    revised = sum(arrival.event is Event.REVISED for arrival in arrivals)
    new = sum(arrival.event is Event.NEW for arrival in arrivals)
    where = f"{sites:,} site{'s' if sites != 1 else ''}"
    if revised >= 0.8 * total:
        words = [f"A reprocessing: {revised:,} products that were known were processed again, at {where}."]
    elif new >= 0.8 * total:
        words = [f"{new:,} products are new, at {where}."]
    else:
        words = [f"{total:,} arrivals, at {where}."]
    words.append(f"Acquired {span(arrivals)}; {_volume(arrivals)}.")
    taken = steps(arrivals).most_common()
    if taken:
        told = [f"{step} ({count:,})" for step, count in taken[:_STEPS]]
        told += [f"{sum(count for _, count in taken[_STEPS:]):,} other"] if len(taken) > _STEPS else []
        words.append(f"Processing: {', '.join(told)}.")
    words.append(f"This one notice tells of them all; the {shown:,} newest are below.")
    return words


def _advice(arrivals: Sequence[Told], names: Sequence[str]) -> list[str]:
    first = min((a.product.acquired for a in arrivals if a.product.acquired), default=None)
    since = f" --since {first:%Y-%m-%d}" if first else ""
    at = f" --site {shlex.quote(plain(names[0], limit=100))}" if len(names) == 1 else ""
    advice = [f"See them all: watcher products{at}{since}"]
    states = Counter(arrival.download for arrival in arrivals)
    if states["wanted"]:
        advice.append(f"{states['wanted']:,} will be downloaded: watcher status says how far that is")
    if any(arrival.event is Event.REVISED and arrival.download in ("wanted", "stored") for arrival in arrivals):
        advice.append("Earlier files are kept: the new ones lie beside them, as ….v2")
    return advice


def span(arrivals: Sequence[Told]) -> str:
    """Say between which days these were acquired."""
    times = [arrival.product.acquired for arrival in arrivals if arrival.product.acquired]
    if not times:
        return "at unknown times"
    first, last = (f"{time.astimezone(UTC):%Y-%m-%d}" for time in (min(times), max(times)))
    return first if first == last else f"{first} … {last}"


def _volume(arrivals: Sequence[Told]) -> str:
    sizes = [volume(arrival.product) for arrival in arrivals]
    unknown = sum(not size for size in sizes)
    known = bytes_word(sum(sizes))
    if not known:
        return "size unknown"
    return f"{known} without {unknown:,} of unknown size" if unknown else known
