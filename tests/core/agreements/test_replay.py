"""What a subscription would have told."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from tests.given import NOW, product, subscription
from watcher.core.agreements.replay import Came, replay
from watcher.model import Event, Rhythm

QUIET = Rhythm(quiet=(time(22), time(7)))


def came(number: int, at: datetime = NOW, **facts: Any) -> Came:
    """An arrival at site 1, of a product that has a cloud cover of 10 % unless it says otherwise."""
    said = {
        "site": 1,
        "event": Event.NEW,
        "catalogue": "cdse",
        "collection": 1,
        "acquisition": None,
        "coverage": None,
        "passed": None,
    }
    product_facts = {name: facts.pop(name) for name in list(facts) if name not in said}
    listed = product(f"P{number}", **({"cloud": 10.0} | product_facts))
    return Came(number=number, product=listed, arrived=at, **(said | facts))


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def told(arrivals: list[Came], **terms: Any) -> list[list[int]]:
    return [telling.arrivals for telling in replay(subscription(**terms), arrivals, {}).tellings]


def test_what_a_pass_finds_is_one_notice_as_it_ends() -> None:
    first = [came(1, passed=NOW + minutes(2)), came(2, NOW + minutes(1), passed=NOW + minutes(2))]
    later = came(3, NOW + minutes(15), passed=NOW + minutes(16))
    found = replay(subscription(), [*first, later], {})
    assert [(telling.at, telling.arrivals) for telling in found.tellings] == [
        (NOW + minutes(2), [1, 2]),
        (NOW + minutes(16), [3]),
    ]


def test_passes_that_are_forgotten_are_told_apart_by_their_pauses_in_each_catalogue() -> None:
    arrivals = [
        came(1),
        came(2, NOW + minutes(0.5), catalogue="geodes"),
        came(3, NOW + minutes(1)),
        came(4, NOW + minutes(2.5)),
        came(5, NOW + minutes(5)),
        came(6, NOW + minutes(9)),
    ]
    assert told(arrivals) == [[2], [1, 3, 4], [5], [6]]


def test_a_digest_tells_what_came_before_it() -> None:
    arrivals = [came(1), came(2, NOW + timedelta(hours=1)), came(3, NOW + timedelta(hours=3))]
    found = replay(subscription(rhythm=Rhythm("day", time(8))), arrivals, {})
    assert [(telling.at, telling.arrivals) for telling in found.tellings] == [
        (NOW.replace(hour=8), [1, 2]),
        (NOW.replace(hour=8) + timedelta(days=1), [3]),
    ]


def test_a_pass_that_ends_in_quiet_hours_is_told_as_they_end() -> None:
    at = NOW.replace(hour=21, minute=59)
    (telling,) = replay(subscription(rhythm=QUIET), [came(1, at, passed=at + minutes(3))], {}).tellings
    assert telling.at == NOW.replace(hour=7) + timedelta(days=1)


def test_what_is_refused_is_counted_and_what_is_elsewhere_is_not() -> None:
    arrivals = [came(1), came(2, cloud=88.0), came(3, level=None), came(4, coverage=3.0), came(5, site=2)]
    terms = {"max_cloud": 20.0, "levels": ("L2A",), "min_coverage": 60.0, "sites": (1,)}
    found = replay(subscription(**terms), arrivals, {})
    assert [telling.arrivals for telling in found.tellings] == [[1]]
    assert found.came == 4
    assert found.refused == Counter(cloud=1, level=1, coverage=1)


def test_sites_may_be_meant_by_their_tags() -> None:
    found = replay(subscription(tags=("dry",)), [came(1), came(2, site=2)], {2: {"dry"}})
    assert [telling.arrivals for telling in found.tellings] == [[2]]


@pytest.mark.parametrize(
    ("arrivals", "numbers"),
    [
        ([came(1, acquisition="A"), came(2, acquisition="A", collection=2)], [1]),
        ([came(1, acquisition="A"), came(2, acquisition="B", collection=2)], [1, 2]),
        ([came(1), came(2, collection=2)], [1, 2]),
        # What the first told did not pass the filter: the second is told.
        ([came(1, acquisition="A", cloud=60.0), came(2, acquisition="A", collection=2)], [2]),
        # The second has more parts of it than the first.
        ([came(1, acquisition="A"), *(came(n, acquisition="A", collection=2) for n in (2, 3))], [1, 3]),
        # A revision is news wherever it is from.
        ([came(1, acquisition="A"), came(2, acquisition="A", collection=2, event=Event.REVISED)], [1, 2]),
        ([came(1, acquisition="A"), came(2, acquisition="A", collection=2, site=2)], [1, 2]),
    ],
)
def test_an_acquisition_of_several_catalogues_is_told_once(arrivals: list[Came], numbers: list[int]) -> None:
    assert sorted(n for telling in told(arrivals, max_cloud=20.0) for n in telling) == numbers
    without = replay(subscription(max_cloud=20.0), arrivals, {}, once=False).tellings
    passing = [one.number for one in arrivals if one.product.cloud == 10.0]
    assert sorted(n for telling in without for n in telling.arrivals) == passing
