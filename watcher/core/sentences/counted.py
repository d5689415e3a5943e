"""Dates that are counted from today: `3 days ago`, `last 2 months`, `le mois dernier`, `this summer`."""

from __future__ import annotations

from datetime import date, timedelta

from watcher.core.sentences.dates import Part, around, days, latest, month, named, shifted, window
from watcher.core.sentences.times import ALL_SEASONS
from watcher.core.sentences.tokens import Words
from watcher.core.sentences.words import Sense


def relative(words: Words, index: int) -> tuple[Part, int] | None:
    """Read a date that is counted from today, and return it with the index behind it."""
    return _ago(words, index) or _last(words, index) or _behind(words, index)


def counted(words: Words, index: int) -> tuple[int, str, int] | None:
    """Read `3 months`: the count, the unit and the index behind."""
    number = words.number(index)
    if number is None or number[0] != int(number[0]) or number[0] > 10_000:
        return None
    unit = words.unit(number[1])
    return None if unit is None else (int(number[0]), *unit)


def _ago(words: Words, index: int) -> tuple[Part, int] | None:
    start = words.sees(index, Sense.AGO_BEFORE)
    amount = counted(words, start)
    if amount is None:
        return None
    count, unit, end = amount
    if start == index and (end := words.sees(end, Sense.AGO)) == amount[2]:
        return None
    if unit == "hour":
        instant = words.now - timedelta(hours=count)
        return Part(fixed=(instant, instant)), end
    day = _moved(words, -count, unit)
    return None if day is None else (Part(fixed=around(day, unit), point=days(day, day)), end)


def _last(words: Words, index: int) -> tuple[Part, int] | None:
    """Read `last 2 months`, `last month`, `the past month`, `3 derniers mois`, `last summer`, `this year`."""
    number = words.number(index)
    start = index if number is None or number[0] > 10_000 else number[1]
    for sense in (Sense.PAST, Sense.LAST, Sense.NEXT, Sense.THIS):
        after = words.sees(start, sense)
        if after == start:
            continue
        amount = counted(words, after) if start == index else None
        unit = words.unit(after)
        if amount is not None:
            count, name, end = amount
        elif unit is not None:
            count, (name, end) = (int(number[0]) if number is not None and start > index else 0), unit
        else:
            return _again(words, after, sense) if start == index else None
        if count and sense is not Sense.THIS:
            part = rolling(words, count if sense is Sense.NEXT else -count, name)
        else:
            part = _calendar(words, sense, name)
        return None if part is None else (part, end)
    return None


def _calendar(words: Words, sense: Sense, unit: str) -> Part | None:
    if sense is Sense.PAST or unit == "hour":
        return rolling(words, -1, unit)
    day = _moved(words, {Sense.LAST: -1, Sense.NEXT: 1}.get(sense, 0), unit)
    return None if day is None else Part(fixed=around(day, unit))


def _again(words: Words, index: int, sense: Sense) -> tuple[Part, int] | None:
    """Read the month or season behind `last`, `next` or `this`, which has no year."""
    found = named(words, index, beside=True) if _turns(words, index) else None
    if found is None or not found[0].turning:
        return None
    interval = latest(found[0], words.now, ended=sense in (Sense.LAST, Sense.PAST))
    if sense in (Sense.THIS, Sense.NEXT):
        years = (words.now.year, words.now.year + 1)
        intervals = [window(found[0], year) for year in years]
        coming = [i for i in intervals if i and i[1] and i[0] and (i[1] if sense is Sense.THIS else i[0]) > words.now]
        interval = coming[0] if coming and sense is Sense.NEXT else intervals[0]
    return None if interval is None else (Part(fixed=interval), found[1])


def _turns(words: Words, index: int) -> bool:
    return month(words, index, beside=True) is not None or words.at(index) in ALL_SEASONS


def _behind(words: Words, index: int) -> tuple[Part, int] | None:
    """Read `mois dernier`, `l'été dernier`, `semaine prochaine`."""
    unit = words.unit(index)
    if unit is not None:
        for sense in (Sense.LAST_BEHIND, Sense.NEXT):
            if (end := words.sees(unit[1], sense)) > unit[1]:
                part = _calendar(words, Sense.LAST if sense is Sense.LAST_BEHIND else sense, unit[0])
                return None if part is None else (part, end)
        return None
    if not _turns(words, index):
        return None
    found = named(words, index, beside=True)
    if found is None or not found[0].turning:
        return None
    end = words.sees(found[1], Sense.LAST_BEHIND)
    interval = latest(found[0], words.now, ended=True)
    return None if end == found[1] or interval is None else (Part(fixed=interval), end)


def rolling(words: Words, count: int, unit: str) -> Part | None:
    """Return the time from so many units before today to today, or on to so many after it."""
    if unit == "hour":
        other = words.now + timedelta(hours=count)
        return Part(fixed=(min(words.now, other), max(words.now, other)))
    day = _moved(words, count, unit)
    today = words.now.date()
    return None if day is None else Part(fixed=days(min(day, today), max(day, today)))


def _moved(words: Words, count: int, unit: str) -> date | None:
    try:
        return shifted(words.now.date(), count, "day" if unit == "hour" else unit)
    except (ValueError, OverflowError):
        return None
