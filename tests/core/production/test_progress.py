"""How far the production is at a site."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.given import L1C, L2A, NOW
from watcher.core.production import Step, acquisitions
from watcher.core.production.progress import Line, Looked, progress
from watcher.model import Level

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def days(count: int, **facts: Any) -> list[Step]:
    """An acquisition a day, the last a day ago: an L1C after an hour, an L2A three hours later."""
    return [step for day in range(count, 0, -1) for step in one(NOW - day * DAY, **facts)]


def one(
    at: datetime, *, takes: timedelta | None = 3 * HOUR, source: int = 1, made: int = 1, **facts: Any
) -> list[Step]:
    there = at + HOUR
    l1c = Step(source, L1C, at, there, "published", platform="SPOT5", **facts)
    return [l1c, Step(made, L2A, at, there + takes, "published", platform="SPOT5")] if takes is not None else [l1c]


def look(collection: int = 1, level: Level | None = None, **facts: Any) -> Looked:
    usual = {"since": None, "began": NOW - 100 * DAY, "until": NOW}
    return Looked(collection, level, **(usual | facts))


def line(steps: list[Step], *looked: Looked) -> Line:
    lines = progress(acquisitions(steps), looked or [look()])
    return next(found for found in lines if found.level == L2A)


def test_of_so_many_l1c_so_many_have_their_l2a() -> None:
    found = line([*days(20), *one(NOW - DAY / 2, takes=None)])
    assert (found.sources, found.made, found.there, found.level) == (21, 20, 20, L2A)
    assert found.first.curve.quantile(0.5) == 3600
    assert found.then.curve.quantile(0.5) == found.then.lately == 3 * 3600
    assert found.whole.curve.quantile(0.9) == 4 * 3600
    assert found.then.clocks == {"published": 20}
    (awaited,) = found.awaited
    assert awaited.acquisition.acquired == NOW - DAY / 2
    assert awaited.age == 11 * 3600
    assert awaited.overdue  # more than twice as late as any of the 20
    assert found.pace is not None


def test_an_l2a_may_be_made_of_the_l1c_of_another_collection_the_one_with_most_in_common() -> None:
    steps = [*days(5, source=1, made=2), *(Step(3, L1C, NOW - 30 * DAY + n * HOUR, NOW, "seen") for n in range(9))]
    found = line(steps, look(1), look(2, L2A), look(3))
    assert (found.collection, found.source, found.sources, found.made) == (2, 1, 5, 5)


def test_a_satellite_that_is_not_processed_is_not_awaited() -> None:
    landsat = Step(1, L1C, NOW - DAY, NOW - DAY + HOUR, "published", platform="LANDSAT8")
    assert line([*days(5, source=1, made=2), landsat], look(1), look(2)).awaited == ()


def test_without_an_l1c_nothing_is_known_to_be_awaited() -> None:
    found = line([step for step in days(15) if step.level == L2A])
    assert (found.source, found.sources, found.there, found.awaited) == (None, 0, 15, ())
    assert found.whole.curve.quantile(0.5) == 4 * 3600


def test_what_was_acquired_before_the_l2a_were_looked_at_is_not_awaited() -> None:
    steps = [*one(NOW - 50 * DAY, takes=None, source=1), *days(5, source=1, made=2)]
    found = line(steps, look(1), look(2, L2A, since=NOW - 20 * DAY))
    assert (found.sources, found.made, found.awaited) == (5, 5, ())


def test_before_the_first_complete_look_nothing_is_awaited() -> None:
    assert line([*days(5), *one(NOW, takes=None)], look(began=None, until=None)).awaited == ()


def test_what_was_withdrawn_is_neither_there_nor_awaited() -> None:
    l1c, l2a = one(NOW - DAY)
    gone = [l1c, Step(1, L2A, l2a.acquired, l2a.there, "published", platform="SPOT5", gone=True)]
    found = line([*days(3)[:4], *gone])
    assert (found.sources, found.made, found.there, found.awaited) == (3, 2, 2, ())
    lost = Step(1, L1C, NOW - DAY / 2, NOW, "seen", platform="SPOT5", gone=True)
    assert line([*days(3), lost]).awaited == ()


def test_a_newer_version_is_counted_once_an_acquisition() -> None:
    steps = days(3)
    again = [Step(1, L2A, steps[1].acquired, NOW, "published", platform="SPOT5", again=True)] * 2
    assert line([*steps, *again]).again == 1


def test_a_production_that_stands_still_does_not_excuse_itself() -> None:
    stuck = [step for hours in range(12, 48, 2) for step in one(NOW - hours * HOUR, takes=None)]
    moved = [Step(1, s.level, s.acquired and s.acquired - 3 * DAY, s.there and s.there - 3 * DAY, "published",
                  platform="SPOT5") for s in days(60)]  # fmt: skip
    found = line([*moved, *stuck])
    assert len(found.awaited) == 18
    assert all(awaited.overdue for awaited in found.awaited)


def test_what_is_awaited_comes_oldest_first_and_is_expected_by_what_others_took() -> None:
    found = line([*days(30), *one(NOW - 2 * HOUR, takes=None), *one(NOW - 90 * 60 * HOUR / 3600, takes=None)])
    assert [awaited.since for awaited in found.awaited] == [NOW - HOUR, NOW - HOUR / 2]
    forecast = found.awaited[0].forecast
    assert forecast is not None
    assert forecast.middle == 3 * HOUR
    assert not found.awaited[0].overdue


def test_old_times_do_not_say_what_is_late_today() -> None:
    old = [Step(1, s.level, s.acquired and s.acquired - 900 * DAY, s.there and s.there - 900 * DAY, "published",
                platform="SPOT5") for s in days(100)]  # fmt: skip
    found = line([*old, *one(NOW - DAY, takes=None)])
    assert found.then.curve.known
    assert found.awaited[0].limit is None


def test_where_nobody_knows_when_something_was_there_it_counts_and_has_no_delay() -> None:
    unknown = [Step(1, level, NOW - DAY, None, None, platform="SPOT5") for level in (L1C, L2A)]
    found = line([*unknown, Step(1, L1C, NOW - 2 * DAY, None, None, platform="SPOT5")])
    assert (found.sources, found.made, found.then.curve.came) == (2, 1, 0)
    assert found.awaited[0].age is None
    assert not found.awaited[0].overdue


def test_a_level_is_asked_for_alone_and_a_watch_without_products_is_a_line() -> None:
    steps = acquisitions(days(3))
    assert [found.level for found in progress(steps, [look()], level=L1C)] == [L1C]
    assert [found.level for found in progress(steps, [look()], level=L2A)] == [L2A]
    (empty,) = progress([], [look(level=L2A)])
    assert (empty.there, empty.sources, empty.source) == (0, 0, None)


@pytest.mark.parametrize("level", ["GRD", "L3A"])
def test_other_levels_have_a_line_of_their_own(level: str) -> None:
    step = Step(1, Level(level), NOW - DAY, NOW, "seen")
    assert [(found.level, found.there) for found in progress(acquisitions([step]), [look()])] == [(level, 1)]
