"""How long things take, by what came and by what is still waited for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.production.delays import LEAST, censored, truncated

# The weeks of remission under 6-mercaptopurine (Freireich 1963), which every textbook on the estimator computes.
CAME = [6, 6, 6, 7, 10, 13, 16, 22, 23]
WAITING = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]

spans = st.lists(st.integers(0, 50).map(float), max_size=40)


def test_what_is_still_waited_for_counts_as_kaplan_and_meier_let_it() -> None:
    curve = censored(CAME, WAITING)
    assert [round(1 - share, 3) for share in curve.shares] == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.quantile(0.5) == 23
    assert curve.bounds(0.5) == (13, None)
    assert curve.quantile(0.9) is None


@given(spans, spans)
def test_a_share_never_falls_and_stays_within_its_bounds(came: list[float], waiting: list[float]) -> None:
    curve = censored(came, waiting)
    assert list(curve.shares) == sorted(curve.shares)
    assert all(0 < share <= 1 for share in curve.shares)
    for share in (0.1, 0.5, 0.9):
        low, high = curve.bounds(share)
        middle = curve.quantile(share)
        assert middle is None or (low is not None and low <= middle)
        assert high is None or (middle is not None and middle <= high)


@given(spans.filter(bool))
def test_when_all_came_the_shares_are_those_of_what_was_seen(came: list[float]) -> None:
    curve = censored(came, [])
    for delay in came:
        assert curve.share(delay) == pytest.approx(sum(each <= delay for each in came) / len(came))
    assert curve.top == pytest.approx(1)


def test_leaving_out_what_is_waited_for_would_make_delays_look_short() -> None:
    draw, came, waiting = random.Random(1), [], []
    for _ in range(2000):
        delay, age = draw.expovariate(1 / 10), draw.uniform(0, 20)
        (came if delay <= age else waiting).append(min(delay, age))
    assert sorted(came)[len(came) // 2] < 5.5
    median = censored(came, waiting).quantile(0.5)
    assert median is not None
    assert 6.4 < median < 7.5  # 10 ln 2 = 6.93


def test_of_what_is_known_only_once_it_came_the_young_are_not_held_against_the_slow() -> None:
    draw, pairs = random.Random(2), []
    while len(pairs) < 2000:
        delay, age = draw.expovariate(1 / 10), draw.uniform(0, 40)
        if delay <= age:
            pairs.append((delay, age))
    assert sorted(delay for delay, _ in pairs)[1000] < 5.5
    median = truncated(pairs).quantile(0.5)
    assert median is not None
    assert 6.0 < median < 7.5  # 6.75, of those that take up to 40


def test_the_bounds_hold_the_truth_nineteen_times_in_twenty() -> None:
    draw, held = random.Random(3), 0
    for _ in range(200):
        came, waiting = [], []
        for _ in range(60):
            delay, age = draw.expovariate(1 / 10), draw.uniform(0, 40)
            (came if delay <= age else waiting).append(min(delay, age))
        low, high = censored(came, waiting).bounds(0.5)
        held += low is not None and low <= 6.93 and (high is None or high >= 6.93)
    assert 180 <= held <= 198


def test_with_little_history_nothing_is_known_and_of_all_that_came_how_sure_it_is_the_step_before_says() -> None:
    assert not censored([1.0] * (LEAST - 1), []).known
    curve = censored([float(day) for day in range(1, LEAST + 1)], [])
    assert curve.known
    assert curve.quantile(1) == LEAST
    assert curve.bounds(0.9)[1] is None
    assert not truncated([]).known


def test_what_is_left_of_a_wait_is_told_by_those_that_took_as_long() -> None:
    curve = censored([1.0, 2.0, 3.0, 4.0], [])
    assert curve.rest(2.0, 0.5) == 3.0
    assert curve.rest(2.0, 0.9) == 4.0
    assert curve.rest(4.0, 0.5) is None
