"""How fast, and how much."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from watcher.core.archive.limits import held_until, rate, reached, timetable

NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)


def test_a_timetable_holds_from_each_time_on_and_through_midnight() -> None:
    steps = timetable("19:00 off, 8:00 512k")
    told = [rate(steps, time(hour, minute)) for hour, minute in ((7, 59), (8, 0), (18, 59), (19, 0), (0, 0))]
    assert told == [None, 512_000, 512_000, None, None]
    assert rate(timetable("2M"), time(3)) == 2_000_000
    assert rate((), time(3)) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no step"),
        ("08:00", "is no rate"),
        ("24:00 1M, 08:00 off", "is no step"),
        ("08:00 1M, 8:00 off", "twice"),
        ("08:00 12, 9:00 off", "is no rate"),
        ("08:00 1M 09:00 off", "is no step"),
    ],
)
def test_what_is_no_timetable_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        timetable(text)


def test_a_volume_that_is_used_up_holds_until_the_next_day_or_month() -> None:
    used = {date(2026, 11, 15): 60, date(2026, 11, 1): 30, date(2026, 10, 31): 500}
    assert held_until(used, daily=100, monthly=100, now=NOON) is None
    assert held_until(used, daily=60, monthly=None, now=NOON) == (datetime(2026, 11, 16, tzinfo=UTC), "day")
    assert held_until(used, daily=60, monthly=90, now=NOON) == (datetime(2026, 12, 1, tzinfo=UTC), "month")
    december = {date(2026, 12, 31): 60}
    end = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    assert held_until(december, daily=None, monthly=60, now=end) == (datetime(2027, 1, 1, tzinfo=UTC), "month")


def test_the_day_on_which_a_month_is_used_up_follows_from_the_pace_of_a_week() -> None:
    used = {date(2026, 11, day): 10 for day in range(9, 16)}
    assert reached(used, 150, now=NOON) == date(2026, 11, 23)
    assert reached(used, 10_000, now=NOON) is None
    assert reached({NOON.date(): 1}, 12 * 10**12, now=NOON) is None, "in the year 230 million"
    assert reached({}, 150, now=NOON) is None
