"""When it was acquired: dates, ranges of them, and clauses such as "since 2014" or "les 3 derniers mois"."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from watcher.core.sentences.counted import counted, relative, rolling
from watcher.core.sentences.dates import Part, impossible, latest, named, window
from watcher.core.sentences.sentence import Facts, Interval, Kind, Match
from watcher.core.sentences.tokens import Words
from watcher.core.sentences.words import Sense

_MICROSECOND = timedelta(microseconds=1)
_Item = tuple[Part, Part | None]
"""A date, or a range from one to another."""


def when(words: Words, index: int) -> Match | None:
    """Read a clause of time at an index; a day that is none, as 31 June, is strange as a whole."""
    if (end := impossible(words, index)) is not None:
        return Match(end, Kind.STRANGE, "")
    return _bounded(words, index) or _during(words, index)


def shown(interval: Interval) -> str:
    """Write an interval by its days, by its times where it begins or ends within one."""
    whole = all(edge is None or edge.strftime("%H%M%S") in ("000000", "235959") for edge in interval)
    pattern = "%Y-%m-%d" if whole else "%Y-%m-%dT%H:%M:%SZ"
    start, end = (edge.strftime(pattern) if edge else "" for edge in interval)
    return start if start == end else f"{start}…{end}"


def narrowed(interval: Interval, bound: Interval) -> Interval | None:
    """Return what two intervals share; `None` for nothing."""
    start = max((edge for edge in (interval[0], bound[0]) if edge is not None), default=None)
    end = min((edge for edge in (interval[1], bound[1]) if edge is not None), default=None)
    return None if start is not None and end is not None and start > end else (start, end)


def _bounded(words: Words, index: int) -> Match | None:
    """Read `since`, `after`, `before`, `until` and a date, and `from` a date `onwards`."""
    for sense in (Sense.SINCE, Sense.AFTER, Sense.BEFORE, Sense.UNTIL, Sense.FROM):
        start = words.sees(index, sense)
        if start == index or (found := _edge(words, start, since=sense is Sense.SINCE)) is None:
            continue
        (first, last), end = found
        if sense is Sense.FROM:
            if (behind := words.sees(end, Sense.ONWARDS)) == end:
                continue
            end = behind
        bound: Interval = (first, None)
        if sense is Sense.AFTER:
            bound = (last + _MICROSECOND if last else None, None)
        elif sense is Sense.BEFORE:
            bound = (None, first - _MICROSECOND if first else None)
        elif sense is Sense.UNTIL:
            bound = (None, last)
        elif (behind := words.sees(end, Sense.UNTIL, Sense.TO)) > end and (until := _edge(words, behind)) is not None:
            bound, end = (first, until[0][1]), until[1]
        return Match(end, Kind.ACQUIRED, shown(bound), Facts(bounds=(bound,)))
    return None


def _edge(words: Words, index: int, *, since: bool = False) -> tuple[Interval, int] | None:
    """Read the date that a bound is set at; `since 3 days` counts from today."""
    index = words.after(index, Sense.ARTICLE)
    found = _one(words, index, beside=True)
    if found is None and since and (amount := counted(words, index)) is not None:
        count, unit, end = amount
        if (part := rolling(words, -count, unit)) is not None:
            found = part, end
    if found is None:
        return None
    interval = found[0].point or latest(found[0], words.now)
    return None if interval is None else (interval, found[1])


def _during(words: Words, index: int) -> Match | None:
    """Read dates and ranges of them, after `in`, `during`, `between` and their like or without."""
    start = words.sees(index, Sense.BETWEEN)
    if start > index:
        if (found := _range(words, words.after(start, Sense.ARTICLE), Sense.AND, Sense.TO)) is None:
            return None
        items, end = [found[0]], found[1]
    else:
        start = index
        while (listed := _list(words, start)) is None:
            behind = words.sees(start, Sense.DURING, Sense.ARTICLE, Sense.FROM)
            if behind == start:
                return None
            start = behind
        items, end = listed
    if not (windows := _windows(words, items)):
        return None
    yearless = all(part.turning for item in items for part in item if part is not None)
    meaning = ", ".join(map(shown, windows))
    return Match(end, Kind.ACQUIRED, meaning, Facts(windows=tuple(windows), yearless=yearless))


def _list(words: Words, index: int) -> tuple[list[_Item], int] | None:
    items: list[_Item] = []
    end = index
    while True:
        start = words.after(end, Sense.AND, Sense.ARTICLE) if items else end
        found = _range(words, start, Sense.TO) or _single(words, start)
        if found is None:
            return (_dated(items), end) if items else None
        items.append(found[0])
        end = found[1]


def _single(words: Words, index: int) -> tuple[_Item, int] | None:
    found = _one(words, index)
    return None if found is None else ((found[0], None), found[1])


def _range(words: Words, index: int, *separators: Sense) -> tuple[_Item, int] | None:
    """Read a date, a separator and another date; the first may be a day alone: `12 to 15 June`."""
    first = _one(words, index, beside=True)
    if first is None and re.fullmatch("0?[1-9]|[12][0-9]|3[01]", words.at(index)):
        first = Part(day=int(words.at(index))), index + 1
    if first is None:
        return None
    behind = words.sees(first[1], *separators)
    if behind == first[1]:
        return None
    second = _one(words, words.after(behind, Sense.ARTICLE), beside=True)
    if second is None:
        return None
    part = first[0]
    if part.turning and part.month is None and part.season is None:
        if second[0].day is None:
            return None
        part = msgspec.structs.replace(second[0], day=part.day)
    return (part, second[0]), second[1]


def _dated(items: list[_Item]) -> list[_Item]:
    """Give months and seasons the year that follows them, and years the month before: `June and July 2014, 2015`."""
    parts = list(items)
    for at in range(len(parts) - 2, -1, -1):
        (part, until), (following, _) = parts[at], parts[at + 1]
        if until is None and part.turning and following.year and (following.month or following.season):
            parts[at] = (msgspec.structs.replace(part, year=following.year), None)
    dated: list[_Item] = []
    for part, until in parts:
        alike = _same_year(dated) if until is None and part.year and not (part.month or part.season) else []
        dated += [(msgspec.structs.replace(before, year=part.year), None) for before in alike] or [(part, until)]
    return dated


def _same_year(items: list[_Item]) -> list[Part]:
    """Return the months and seasons at the end that share a year."""
    alike: list[Part] = []
    for part, until in reversed(items):
        if until is not None or part.day or not (part.month or part.season) or part.year != items[-1][0].year:
            break
        alike.insert(0, part)
    return alike


def _windows(words: Words, items: list[_Item]) -> list[Interval]:
    found = [latest(part, words.now) if until is None else _span(words, part, until) for part, until in items]
    return [] if None in found else [interval for interval in found if interval is not None]


def _span(words: Words, first: Part, last: Part) -> Interval | None:
    """Return from the beginning of one date to the end of another; one lends the other its year."""
    if last.turning and first.year is not None:
        ends = [window(last, year) for year in (first.year, first.year + 1)]
        begin = window(first)
        end = next(
            (found for found in ends if found and begin and found[1] and begin[0] and found[1] >= begin[0]), None
        )
    else:
        end = latest(last, words.now)
        begin = window(first)
        if first.turning and end is not None and end[1] is not None:
            begins = [window(first, year) for year in (end[1].year, end[1].year - 1)]
            begin = next((found for found in begins if found and found[0] and found[0] <= end[1]), None)
    return None if begin is None or end is None else (begin[0], end[1])


def _one(words: Words, index: int, *, beside: bool = False) -> tuple[Part, int] | None:
    return relative(words, index) or named(words, index, beside=beside)
