"""The subject: what arrived where, in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC

from watcher.core.wording import Told, calm, level_words
from watcher.model import Event
from watcher.names import fold, plain


def subject_of(arrivals: Sequence[Told], *, late: bool) -> str:
    """Say what arrived where: `watcher: 7 new (5 L2A, 2 L1C) at Litchfield, Pornic and 1 more`.

    Of a single day its date is told; of a campaign of reprocessing, from what to what.
    """
    what = events(arrivals)
    levels = level_words(arrivals)
    what += f" {next(iter(levels))}" if len(levels) == 1 else f" ({counted(levels)})"
    step = _campaign(arrivals)
    sites = sorted({arrival.site for arrival in arrivals}, key=fold)
    names = [plain(site, limit=50) for site in sites[:2]]
    where = f"{', '.join(names)} and {len(sites) - 2:,} more" if len(sites) > 2 else " and ".join(names)
    days = {a.product.acquired.astimezone(UTC).date() if a.product.acquired else None for a in arrivals}
    day = days.pop() if len(days) == 1 else None
    return headline(f"{what}{step} at {where}{f', {day}' if day else ''}", late=late)


def events(arrivals: Sequence[Told]) -> str:
    """Count arrivals by what happened: `2 new, 1 revised`."""
    found = Counter(arrival.event for arrival in arrivals)
    return ", ".join(f"{found[event]:,} {event.value}" for event in Event if found[event])


def headline(text: str, *, late: bool) -> str:
    """Make a subject of a text."""
    return plain(calm(f"watcher{', delivered late' if late else ''}: {text}", by=""))


def counted(words: Counter[str], *, most: int = 4) -> str:
    """Count words, the most frequent ones by name: `5 L2A, 2 L1C`."""
    ranked = words.most_common()
    shown = [f"{count:,} {word}" for word, count in ranked[:most]]
    if len(ranked) > most:
        shown.append(f"{sum(count for _, count in ranked[most:]):,} other")
    return ", ".join(shown)


def steps(arrivals: Sequence[Told]) -> Counter[str]:
    """Count from which processing to which products went: `N0500 → N0511`."""
    words: Counter[str] = Counter()
    for (was, now), count in Counter((arrival.previous, arrival.current) for arrival in arrivals).items():
        if was:
            words[f"{plain(was, limit=40)} → {plain(now or 'another', limit=40)}"] += count
    return words


def _campaign(arrivals: Sequence[Told]) -> str:
    """Name the one step that nearly all arrivals took, if there are many."""
    ranked = steps(arrivals).most_common(1)
    return f" ({ranked[0][0]})" if ranked and ranked[0][1] >= max(10, 0.8 * len(arrivals)) else ""
