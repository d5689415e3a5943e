"""How often a catalogue is asked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.given import NOW
from watcher.core.questions.rhythm import ASLEEP, HOUR, SILENT, Bounds, day, habit, interval, resting

BOUNDS = Bounds(usual=900, least=300, most=6 * HOUR)
MONTH = timedelta(days=28)


def hours(count: int, *, at: tuple[int, ...] = tuple(range(24)), until: datetime = NOW, days: int = 28) -> dict:
    """So many products in each of these hours of the day, for so many days."""
    midnight = until.replace(hour=0, minute=0)
    times = [midnight - timedelta(days=back) + timedelta(hours=hour) for back in range(days) for hour in at]
    return {time: count for time in times if time <= until}


def test_a_catalogue_that_nobody_knows_yet_is_asked_as_usual() -> None:
    assert interval(habit({}, observed=None, now=NOW), BOUNDS, now=NOW) == 900
    assert interval(habit({}, observed=NOW, now=NOW), BOUNDS, now=NOW) == 900


def test_a_busy_hour_is_asked_sooner_down_to_the_least() -> None:
    for count, seconds in ((1, 900), (6, 600), (1000, 300)):
        known = habit(hours(count), observed=NOW - MONTH, now=NOW)
        assert interval(known, BOUNDS, now=NOW) == pytest.approx(seconds, rel=0.05)


def test_sooner_takes_no_more_than_its_share_of_the_host() -> None:
    known = habit(hours(1000), observed=NOW - MONTH, now=NOW)
    assert interval(known, BOUNDS, now=NOW, requests=20, gap=1.0) == 400
    assert interval(known, BOUNDS, now=NOW, requests=20_000, gap=1.0) == 900


def test_an_hour_that_never_brought_anything_is_asked_later_until_the_next_that_did() -> None:
    known = habit(hours(100, at=(10, 11)), observed=NOW - MONTH, now=NOW)
    assert interval(known, BOUNDS, now=NOW.replace(hour=2)) == 1800
    assert interval(known, BOUNDS, now=NOW.replace(hour=9, minute=50)) == 300
    slow = Bounds(usual=2700, least=300, most=6 * HOUR)
    assert interval(known, slow, now=NOW.replace(hour=8, minute=40)) == 80 * 60


def test_an_archive_that_is_silent_for_weeks_is_asked_less_and_less() -> None:
    def after(days: float) -> float:
        known = habit({NOW: 40}, observed=NOW - MONTH, now=NOW + timedelta(days=days))
        return interval(known, BOUNDS, now=NOW + timedelta(days=days))

    assert after(6.9) == 900
    assert 900 < after(10) < after(20) < 6 * HOUR
    assert after(28) == after(1000) == 6 * HOUR


def test_what_was_never_heard_of_falls_asleep_as_well() -> None:
    assert interval(habit({}, observed=NOW - ASLEEP, now=NOW), BOUNDS, now=NOW) == 6 * HOUR


def test_the_first_news_bring_it_back_at_once() -> None:
    later = NOW + timedelta(days=300)
    known = habit({NOW: 40, later.replace(minute=0): 1}, observed=NOW - MONTH, now=later)
    assert interval(known, BOUNDS, now=later) == 900


def test_bounds_that_are_one_leave_no_choice() -> None:
    fixed = Bounds(60, 60, 60)
    for known in (hours(1000), hours(100, at=(10,)), {NOW - timedelta(days=300): 5}):
        assert interval(habit(known, observed=NOW - MONTH, now=NOW), fixed, now=NOW) == 60


def test_a_day_of_polls_is_foretold() -> None:
    steady = day({"one": habit({}, observed=NOW, now=NOW)}, BOUNDS, now=NOW)
    assert (steady.polls, steady.median, steady.nearly_all) == pytest.approx((96, 450, 855))
    busy = day({"one": habit(hours(1000), observed=NOW - MONTH, now=NOW)}, BOUNDS, now=NOW)
    assert (busy.polls, busy.median, busy.nearly_all) == pytest.approx((288, 150, 285))
    asleep = day({"one": habit({}, observed=NOW - 2 * MONTH, now=NOW)}, BOUNDS, now=NOW)
    assert (asleep.polls, asleep.median) == pytest.approx((4, 3 * HOUR))


def test_the_delay_is_that_of_the_hours_which_bring_products() -> None:
    known = habit(hours(100, at=(10, 11)), observed=NOW - MONTH, now=NOW)
    foretold = day({"one": known}, BOUNDS, now=NOW)
    assert foretold.polls < 96
    assert foretold.median == pytest.approx(150, rel=0.01)


@given(
    st.dictionaries(st.integers(0, 24 * 60).map(lambda back: NOW - timedelta(hours=back)), st.integers(1, 10_000)),
    st.integers(0, 100),
    st.integers(0, 100_000),
    st.integers(0, 200),
)
def test_every_interval_keeps_its_bounds(
    appeared: dict[datetime, int], observed: int, requests: int, later: int
) -> None:
    now = NOW + timedelta(hours=later)
    known = habit(appeared, observed=NOW - timedelta(days=observed), now=now)
    seconds = interval(known, BOUNDS, now=now, requests=requests, gap=1.0)
    assert BOUNDS.least <= seconds <= BOUNDS.most
    if appeared and now - max(appeared) <= SILENT:
        assert seconds <= 2 * BOUNDS.usual
    foretold = day({"one": known}, BOUNDS, now=now, requests=requests, gap=1.0)
    assert 0 < foretold.median <= foretold.nearly_all <= BOUNDS.most
    assert 4 - 1e-6 <= foretold.polls <= 288 + 1e-6


ARCHIVE = {"live": 900.0, "archive": 6 * HOUR}


def test_an_archive_rests_while_what_is_alive_is_asked() -> None:
    both = dict.fromkeys(ARCHIVE, NOW)
    assert resting(ARCHIVE, both, BOUNDS, now=NOW + timedelta(minutes=15)) == {"archive"}
    assert resting(ARCHIVE, both, BOUNDS, now=NOW + timedelta(hours=5)) == {"archive"}
    assert resting(ARCHIVE, both, BOUNDS, now=NOW + timedelta(hours=5, minutes=50)) == set()


def test_what_was_never_asked_does_not_rest() -> None:
    assert resting(ARCHIVE, {"live": NOW}, BOUNDS, now=NOW + timedelta(seconds=30)) == {"live"}
    assert resting(ARCHIVE, {}, BOUNDS, now=NOW) == set()


def test_a_clock_that_was_put_back_lets_nothing_rest() -> None:
    assert resting(ARCHIVE, dict.fromkeys(ARCHIVE, NOW + timedelta(days=1)), BOUNDS, now=NOW) == set()


def test_a_catalogue_with_an_interval_of_its_own_is_asked_for_all_each_time() -> None:
    own = Bounds(usual=3600, least=3600, most=3600)
    known = {name: habit({NOW - MONTH: 4}, observed=NOW - MONTH, now=NOW) for name in ARCHIVE}
    intervals = {name: interval(each, own, now=NOW) for name, each in known.items()}
    asked = dict.fromkeys(ARCHIVE, NOW - timedelta(minutes=59))
    assert resting(intervals, asked, own, now=NOW) == set()


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(BOUNDS.least, BOUNDS.most), min_size=1),
    st.lists(st.floats(-0.3, 0.3), min_size=60, max_size=60),
)
def test_every_collection_is_asked_at_the_turn_nearest_to_its_time(
    intervals: dict[str, float], jitter: list[float]
) -> None:
    turn, moment = min(intervals.values()), NOW
    asked = dict.fromkeys(intervals, NOW)
    for chance in jitter:
        moment += timedelta(seconds=turn * (1 + chance))
        rest = resting(intervals, asked, BOUNDS, now=moment)
        assert rest < intervals.keys(), "a poll asks something"
        for name in intervals.keys() - rest:
            waited = (moment - asked[name]).total_seconds()
            assert waited <= max(intervals[name], turn) + turn
            assert waited <= max(BOUNDS.most, turn) + turn * chance + 1e-3
            if name != min(intervals, key=lambda each: intervals[each]):
                assert waited >= min(intervals[name], BOUNDS.most - turn / 2) - turn
            asked[name] = moment


def test_a_day_counts_each_collection_by_itself() -> None:
    alive = habit(hours(4), observed=NOW - 2 * MONTH, now=NOW)
    both = {"live": alive, "archive": habit({}, observed=NOW - 2 * MONTH, now=NOW)}
    foretold = day(both, BOUNDS, now=NOW)
    assert foretold.polls == pytest.approx(96)
    assert foretold.asked == {"live": pytest.approx(96), "archive": pytest.approx(4, rel=0.1)}
    assert foretold.median == pytest.approx(450, rel=0.01), "what never brings a product delays none"
