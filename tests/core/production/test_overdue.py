"""When what is awaited is later than its history explains."""

from __future__ import annotations

from datetime import timedelta

import pytest

from watcher.core.production.overdue import ENOUGH, FLOOR, Wait, forecast, past

HOUR = 3600.0


def waits(count: int, *, hours: float = 10, cloud: float | None = None, came: bool = True) -> list[Wait]:
    """Waits of up to so many hours."""
    return [Wait(hours * HOUR * (index + 1) / count, came, cloud) for index in range(count)]


def test_overdue_is_later_than_99_percent_of_the_past() -> None:
    limit = past(waits(200)).limit(None)
    assert limit is not None
    assert limit.seconds == pytest.approx(9.9 * HOUR)
    assert limit.words == "later than 99 % of the 200 before"
    assert not limit.passed(9.9 * HOUR)
    assert limit.passed(9.91 * HOUR)


def test_of_a_short_history_it_is_twice_as_late_as_any() -> None:
    limit = past(waits(30)).limit(None)
    assert limit is not None
    assert limit.seconds == pytest.approx(20 * HOUR)
    assert limit.words == "more than twice as late as any of the 30 before"


def test_however_quick_the_past_was_nothing_is_overdue_within_hours() -> None:
    limit = past(waits(200, hours=0.1)).limit(None)
    assert limit is not None
    assert limit.seconds == FLOOR


def test_nothing_is_overdue_without_enough_history() -> None:
    assert past(waits(ENOUGH - 1)).limit(None) is None
    assert past([]).limit(None) is None


def test_where_many_never_came_history_explains_any_delay() -> None:
    assert past([*waits(150), *waits(50, hours=2000, came=False)]).limit(None) is None


def test_where_a_few_never_came_it_is_later_than_all_that_did() -> None:
    limit = past([*waits(200), *[Wait(2000 * HOUR, False)] * 5]).limit(None)
    assert limit is not None
    assert limit.words == "later than 98 % of the 200 before"
    assert limit.seconds == pytest.approx(10 * HOUR)


def test_what_is_under_clouds_is_compared_with_what_was() -> None:
    clear, cloudy = waits(100, cloud=5), [*waits(30, cloud=90), *waits(70, hours=2000, cloud=90, came=False)]
    known = past([*clear, *cloudy])
    assert known.limit(80) is None
    limit = known.limit(10)
    assert limit is not None
    assert limit.words == "later than 99 % of the 100 before with few clouds"
    assert past([*clear, *cloudy[: ENOUGH - 1]]).limit(80) is not None  # too few to be judged apart


def test_a_forecast_looks_at_those_that_took_as_long() -> None:
    curve = past(waits(100)).all
    fresh, late = forecast(curve, 0), forecast(curve, 8 * HOUR)
    assert fresh is not None
    assert fresh.middle == timedelta(hours=5)
    assert fresh.hope == pytest.approx(1)
    assert late is not None
    assert late.middle == timedelta(hours=9)
    assert forecast(curve, 11 * HOUR) is None
    assert forecast(past(waits(5)).all, 0) is None


def test_a_forecast_says_how_many_came_at_all() -> None:
    found = forecast(past([*waits(50), *waits(50, hours=2000, came=False)]).all, 0)
    assert found is not None
    assert found.late is None
    assert 0.4 < found.hope < 0.6
