"""How far behind its cursor a question asks again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.given import NOW
from watcher.core.questions.reach import (
    LEAST,
    MOST_PRODUCTS,
    MOST_REQUESTS,
    OVERLAP,
    onward,
    overlap,
    reach,
    requests,
    span,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(("products", "cost"), [(0, 1), (1, 1), (100, 1), (100.5, 2), (2000, 20)])
def test_an_answer_costs_a_request_a_page_and_at_least_one(products: float, cost: int) -> None:
    assert requests(products, 100) == cost


def test_without_a_measurement_three_days_are_asked_for_again() -> None:
    assert overlap({}) == overlap({0: 199}) == OVERLAP


def test_a_punctual_catalogue_is_asked_for_three_hours_again() -> None:
    assert overlap({0: 10_000}) == overlap({0: 990, 64: 10}) == LEAST


def test_lateness_that_was_measured_is_asked_for_again_with_a_margin() -> None:
    assert overlap({0: 990, 512: 10}) == 512 * 1.25 * MINUTE + HOUR / 2
    assert overlap({0: 990, 4096: 10}) == OVERLAP


def test_one_late_product_in_ten_thousand_does_not_widen_every_question() -> None:
    assert overlap({0: 9_999, 4096: 1}) == LEAST


def test_three_days_are_asked_for_where_they_cost_no_further_request() -> None:
    assert reach(10.0, HOUR, 100, usual=LEAST, due=False) == (OVERLAP, True)


def test_a_busy_sweep_goes_back_three_days_only_when_that_is_due() -> None:
    assert reach(5000.0, HOUR, 500, usual=LEAST, due=False) == (LEAST, False)
    assert reach(5000.0, HOUR, 500, usual=LEAST, due=True) == (OVERLAP, True)


@given(st.floats(0, 1e6), st.floats(0, 60), st.integers(1, 1000), st.floats(3, 72), st.booleans())
def test_no_question_reaches_less_than_three_hours_nor_more_than_an_answer_holds(
    rate: float, age: float, page: int, usual: float, due: bool
) -> None:
    back, far = reach(rate, age * DAY, page, usual=usual * HOUR, due=due)
    assert LEAST <= back <= OVERLAP
    assert far or back == usual * HOUR
    if back > LEAST:
        assert span(rate, age * DAY + back) <= min(MOST_PRODUCTS, MOST_REQUESTS * page) * (1 + 1e-9)
    assert far >= due


def test_a_cursor_moves_to_the_newest_value_stored() -> None:
    assert onward(NOW - OVERLAP, NOW, since=NOW - OVERLAP, looked=None) == NOW
    assert onward(None, NOW, since=NOW - DAY, looked=None) == NOW
    assert onward(NOW, None, since=NOW, looked=None) is None


def test_after_a_long_pause_a_cursor_waits_for_a_second_look() -> None:
    week = NOW - 7 * DAY
    assert onward(week, NOW, since=week, looked=None) == week
    assert onward(week, NOW, since=week, looked=week - HOUR) == week
    assert onward(week, NOW, since=week, looked=NOW - OVERLAP) == NOW
    assert onward(None, NOW, since=week, looked=None) is None
    assert onward(week, NOW + HOUR, since=week, looked=NOW) == NOW + HOUR


def test_however_rarely_polls_come_a_cursor_follows_one_look_behind() -> None:
    week = NOW - 7 * DAY
    assert onward(week - DAY, NOW, since=week - DAY, looked=week) == week
    assert onward(None, NOW, since=week - DAY, looked=week) == week
