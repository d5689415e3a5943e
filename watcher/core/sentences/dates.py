"""One date of a sentence: `2014`, `June`, `12 juin 2015`, `summer 2014`, `yesterday`, and when that was.

Seasons are those of resto's query analyser (version 2.5): spring begins on 21 March, summer on 21 June, autumn on
21 September, winter on 21 December of the year before; austral ones are opposite.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from watcher.core.moments import moment
from watcher.core.sentences.sentence import Interval
from watcher.core.sentences.times import ALL_DAYS, ALL_MONTHS, ALL_SEASONS, SHORT_MONTHS
from watcher.core.sentences.tokens import Words
from watcher.core.sentences.words import Sense

_YEAR = re.compile(r"19[5-9][0-9]|20[0-9][0-9]")
_DAY = re.compile(r"([0-9]{1,2})(st|nd|rd|th|er)?")
_ISO = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?|/([0-9]{2})/([0-9]{2})|([0-9]{2})([0-9]{2}))")
_TURNED = re.compile(r"(?:([0-9]{1,2})([/.]))?([0-9]{1,2})[/.]([0-9]{4})")
_OPPOSITE = {"spring": "autumn", "summer": "winter", "autumn": "spring", "winter": "summer"}
_BEGINS = {"spring": (3, 21), "summer": (6, 21), "autumn": (9, 21), "winter": (12, 21)}
_ENDS = {"spring": (6, 20), "summer": (9, 20), "autumn": (12, 20), "winter": (3, 20)}
_MICROSECOND = timedelta(microseconds=1)


class Part(msgspec.Struct, frozen=True):
    """A date as far as it was said. `fixed` is one that needs no year; `point` the day it is counted from."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    season: str | None = None
    fixed: Interval | None = None
    point: Interval | None = None

    @property
    def turning(self) -> bool:
        """Whether it comes again each year, and the year was not said."""
        return self.fixed is None and self.year is None


def days(first: date, last: date) -> Interval:
    """Return the interval from the beginning of a day to the end of another."""
    start, end = (datetime.combine(day, time(), UTC) for day in (first, last))
    return start, end + timedelta(days=1) - _MICROSECOND


def shifted(day: date, count: int, unit: str) -> date:
    """Return the day `count` days, weeks, months or years later; the last of a month where there is no such day.

    Raises `ValueError` or `OverflowError` beyond the calendar.
    """
    if unit in ("day", "week"):
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9998:
        raise ValueError(f"the year {year}")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def around(day: date, unit: str) -> Interval:
    """Return the day, the week from Monday on, the month or the year that a day lies in."""
    if unit == "week":
        monday = day - timedelta(days=day.weekday())
        return days(monday, monday + timedelta(days=6))
    first = day.replace(day=1) if unit == "month" else day.replace(month=1, day=1) if unit == "year" else day
    return days(first, first if unit == "day" else shifted(first, 1, unit) - timedelta(days=1))


def window(part: Part, year: int | None = None) -> Interval | None:
    """Return when that is, in `year` if it says none; `None` where there is no such day, as on 31 February."""
    if part.fixed is not None:
        return part.fixed
    year = part.year or year
    if year is None:
        return None
    try:
        if part.season is not None:
            begins = year - 1 if part.season == "winter" else year
            return days(date(begins, *_BEGINS[part.season]), date(year, *_ENDS[part.season]))
        if part.month is None:
            return around(date(year, 1, 1), "year")
        return around(date(year, part.month, part.day or 1), "month" if part.day is None else "day")
    except ValueError:
        return None


def latest(part: Part, now: datetime, *, ended: bool = False) -> Interval | None:
    """Return the latest such date that has begun, or has `ended`."""
    if not part.turning:
        return window(part)
    for year in range(now.year + 1, now.year - 9, -1):
        found = window(part, year)
        if found is not None and found[ended] is not None and found[ended] <= now:  # type: ignore[operator]
            return found
    return None


def day_of(word: str, *, french: bool) -> Part | None:
    """Read a date that is one word of figures: ISO 8601 to the year, month, day or second; `12/06/2015`, `06/2015`.

    Day and month that could be either are read as the French write them, and not at all in an English sentence.
    """
    if _YEAR.fullmatch(word):
        return Part(int(word))
    if match := _ISO.fullmatch(word):
        year, *rest = [int(group) for group in match.groups() if group]
        month_of, day_of_month = [*rest, None, None][:2]
        return _proven(Part(year, month_of, day_of_month)) if _YEAR.fullmatch(match[1]) else None
    if match := _TURNED.fullmatch(word):
        if match[1] is None:
            return _proven(Part(int(match[4]), int(match[3])))
        first, second = int(match[1]), int(match[3])
        if first <= 12 and second <= 12 and first != second and not french and match[2] == "/":
            return None
        day, month = (first, second) if first > 12 or second <= 12 else (second, first)
        return _proven(Part(int(match[4]), month, day))
    if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}t", word) and (instant := moment(word.upper())) is not None:
        return Part(fixed=(instant, instant))
    return None


def _proven(part: Part) -> Part | None:
    return part if part.month != 0 and window(part) is not None else None


def named(words: Words, index: int, *, beside: bool = False) -> tuple[Part, int] | None:
    """Read the date at an index, and return it with the index behind it; `None` if there is none.

    `beside` says that the words before call for a date, so that "Jan" alone is one.
    """
    for length in (4, 2, 1):
        phrase = " ".join(words.at(index + offset) for offset in range(length))
        if phrase in ALL_DAYS:
            day = words.now.date() + timedelta(days=ALL_DAYS[phrase])
            return Part(fixed=days(day, day)), index + length
    if (part := day_of(words.at(index), french=words.french)) is not None:
        return _year_first(words, index + 1, part) or (part, index + 1)
    return _day_first(words, index) or _month_first(words, index, beside=beside) or _season(words, index)


def month(words: Words, index: int, *, beside: bool = False) -> int | None:
    """Read a month; a short one only `beside` a figure."""
    word = words.at(index).rstrip(".")
    return ALL_MONTHS.get(word) or (SHORT_MONTHS.get(word) if beside else None)


def _year_of(words: Words, index: int) -> tuple[int | None, int]:
    """Read the year behind a month or season: `2014`, `of 2014`, `de l'année 2014`, `'14` is none."""
    after = words.after(index, Sense.ARTICLE)
    if words.unit(after) == ("year", after + 1):
        after = words.after(after + 1, Sense.ARTICLE)
    if _YEAR.fullmatch(words.at(after)):
        return int(words.at(after)), after + 1
    return None, index


def _figure(words: Words, index: int) -> int | None:
    match = _DAY.fullmatch(words.at(index))
    return int(match[1]) if match and 1 <= int(match[1]) <= 31 else None


def _day_first(words: Words, index: int) -> tuple[Part, int] | None:
    day = _figure(words, index)
    after = words.after(index + 1, Sense.ARTICLE)
    if day is None or (named_month := month(words, after, beside=True)) is None:
        return None
    year, end = _year_of(words, after + 1)
    return _possible(Part(year, named_month, day), end)


def impossible(words: Words, index: int) -> int | None:
    """Return the index behind a day that no month has, as 31 June; `None` where there is none."""
    for month_at, day_at in ((words.after(index + 1, Sense.ARTICLE), index), (index, index + 1)):
        day, named_month = _figure(words, day_at), month(words, month_at, beside=True)
        behind = max(month_at, day_at) + 1
        if day is None or named_month is None or (day_at > month_at and _counts(words, behind)):
            continue
        year, end = _year_of(words, behind)
        if window(Part(year, named_month, day), 2000) is None:
            return end
    return None


def _month_first(words: Words, index: int, *, beside: bool) -> tuple[Part, int] | None:
    day = _figure(words, words.after(index + 1, Sense.ARTICLE))
    year, end = _year_of(words, index + 1)
    named_month = month(words, index, beside=beside or year is not None or day is not None)
    if named_month is None:
        return None
    behind = words.after(index + 1, Sense.ARTICLE) + 1
    if day is not None and not _counts(words, behind):
        year, end = _year_of(words, behind)
        return _possible(Part(year, named_month, day), end)
    return Part(year, named_month), end


def _counts(words: Words, index: int) -> bool:
    """Say whether the figure before an index counts something else than days of a month: `June 20 % cloud`."""
    return words.sees(index, Sense.PERCENT, Sense.CLOUD, Sense.KILOMETRE) > index or words.unit(index) is not None


def _season(words: Words, index: int) -> tuple[Part, int] | None:
    start = words.after(index, Sense.AUSTRAL, Sense.BOREAL)
    season = ALL_SEASONS.get(words.at(start))
    if season is None:
        return None
    end = words.after(start + 1, Sense.AUSTRAL, Sense.BOREAL)
    sides = [at for at in (*range(index, start), *range(start + 1, end)) if words.sees(at, Sense.AUSTRAL) > at]
    year, end = _year_of(words, end)
    return Part(year, season=_OPPOSITE[season] if sides else season), end


def _year_first(words: Words, index: int, part: Part) -> tuple[Part, int] | None:
    """Read `2014 June` and `2014 summer`; not `2014 June 2015`, which are two."""
    if part.month is not None or part.year is None:
        return None
    found = _season(words, index) or _month_first(words, index, beside=True)
    if found is None or not found[0].turning:
        return None
    return _possible(msgspec.structs.replace(found[0], year=part.year), found[1])


def _possible(part: Part, end: int) -> tuple[Part, int] | None:
    return (part, end) if window(part, 2000) is not None else None
