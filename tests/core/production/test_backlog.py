"""How fast a production goes, and how long what is awaited takes."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from tests.given import NOW
from watcher.core.production.backlog import FEWEST, WINDOW, pace

DAY = timedelta(days=1)


def evenly(count: int, days: float = 28) -> list[datetime]:
    return [NOW - days * DAY * (index + 0.5) / count for index in range(count)]


def test_a_pace_is_that_of_the_last_four_weeks() -> None:
    old = [NOW - WINDOW - DAY] * 100
    found = pace([*evenly(56), *old], since=None, now=NOW)
    assert found is not None
    assert found.came == 56
    assert found.daily == pytest.approx(2)
    assert found.low < 2 < found.high
    middle, best, worst = found.takes(14)
    assert middle == timedelta(days=7)
    assert worst is not None
    assert best < middle < worst


def test_where_it_is_looked_at_for_less_the_days_are_fewer_and_of_few_products_there_is_no_pace() -> None:
    young = pace(evenly(10, 5), since=NOW - 5 * DAY, now=NOW)
    assert young is not None
    assert young.daily == pytest.approx(2)
    assert pace(evenly(FEWEST - 1), since=None, now=NOW) is None
    assert pace(evenly(20, 0.5), since=NOW - DAY / 2, now=NOW) is None


def test_what_comes_in_batches_is_less_certain_than_what_comes_one_by_one() -> None:
    steady = pace(evenly(56), since=None, now=NOW)
    batches = pace([NOW - (3.5 + 7 * week) * DAY for week in range(4) for _ in range(14)], since=None, now=NOW)
    assert steady is not None
    assert batches is not None
    assert batches.daily == steady.daily
    assert batches.high - batches.low > 2 * (steady.high - steady.low)


def test_the_bounds_hold_the_truth_four_times_in_five() -> None:
    draw, held = random.Random(4), 0
    for _ in range(200):
        times, at = [], NOW - 40 * DAY
        while (at := at + draw.expovariate(0.5) * DAY) < NOW:
            times.append(at)
        found = pace(times, since=None, now=NOW)
        held += found is not None and found.low <= 0.5 <= found.high
    assert held >= 150


def test_a_queue_is_more_than_what_is_on_its_way() -> None:
    found = pace(evenly(56), since=None, now=NOW)
    assert found is not None
    assert not found.queued(10, 3 * 86400)  # two a day that take three days: six are always on their way
    assert found.queued(13, 3 * 86400)
    assert not found.queued(13, None)
