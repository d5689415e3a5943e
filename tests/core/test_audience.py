"""Who hears of a product: the quick index, held against asking each subscription by itself."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.given import ACQUIRED, L1C, L2A, NOW, product, subscription
from watcher.core.audience import Audience, Owed, owing
from watcher.core.filters import means, refused
from watcher.model import ARRIVALS, FOR_GOOD, Event, Product, Rhythm, Subscription

TAGS = {1: {"north", "dry"}, 2: {"north"}, 3: set[str]()}

subsets = st.lists(st.sampled_from(["north", "dry", "wet"]), max_size=2, unique=True).map(tuple)
terms = st.fixed_dictionaries(
    {
        "sites": st.none() | st.lists(st.integers(1, 3), max_size=2, unique=True).map(tuple),
        "tags": st.just(()) | subsets,
        "levels": st.sampled_from([(), (L2A,), (L1C, L2A)]),
        "collections": st.sampled_from([(), ("SPOT5",), ("spot*",)]),
        "platforms": st.sampled_from([(), ("sentinel-2?",), ("SENTINEL-2A", "SPOT5")]),
        "events": st.sampled_from([ARRIVALS, (Event.NEW,), (Event.WITHDRAWN, Event.HEALTH)]),
        "max_cloud": st.sampled_from([None, 0.0, 20.0, 50.0]),
        "unknown_cloud": st.booleans(),
        "min_coverage": st.sampled_from([None, 60.0, 100.0]),
        "acquired_since": st.sampled_from([None, ACQUIRED, ACQUIRED + timedelta(days=1)]),
        "rhythm": st.sampled_from([Rhythm(), Rhythm("day"), Rhythm("hour", quiet=(time(5), time(7)))]),
        "muted": st.sampled_from([None, None, NOW, NOW + timedelta(days=1), FOR_GOOD]),
    }
)
addresses = st.sampled_from(["mail:a@example.org", "mail:b@example.org", "mail:c@example.org"])
products = st.builds(
    product,
    level=st.sampled_from([L1C, L2A, None]),
    collection=st.sampled_from(["SPOT5", "LANDSAT"]),
    platform=st.sampled_from([None, "Sentinel-2A", "SPOT5"]),
    cloud=st.sampled_from([None, 0.0, 10.0, 20.0, 20.1, 99.0]),
    acquired=st.sampled_from([None, ACQUIRED - timedelta(days=1), ACQUIRED, ACQUIRED + timedelta(days=2)]),
)


@settings(max_examples=100)
@given(
    given=st.lists(st.tuples(addresses, terms), max_size=8),
    listed=st.lists(
        st.tuples(
            st.integers(1, 3),
            products,
            st.sampled_from(ARRIVALS),
            st.sampled_from([None, 10.0, 60.0, 100.0]),
        ),
        max_size=12,
    ),
)
def test_the_index_tells_those_whom_asking_each_would(
    given: list[tuple[str, dict[str, object]]], listed: list[tuple[int, Product, Event, float | None]]
) -> None:
    subscribed = [subscription(n, address, **said) for n, (address, said) in enumerate(given, 1)]
    audience = Audience(subscribed, now=NOW, tags=TAGS)
    for site, one, event, coverage in listed:
        found = audience.owed(site, one, event=event, coverage=coverage)
        assert sorted(found, key=lambda owed: owed.address) == asked(subscribed, site, one, event, coverage)


def asked(subscribed: list[Subscription], site: int, one: Product, event: Event, coverage: float | None) -> list[Owed]:
    """What each address is owed, by asking every subscription of it."""
    best: dict[str, Owed] = {}
    for each in subscribed:
        if not means(each, site, TAGS[site]) or refused(each, event, one, coverage=coverage, now=NOW) is not None:
            continue
        owed = owing(each, NOW)
        assert owed.due is not None
        before = best.get(each.address)
        if before is None or before.due is None or owed.due < before.due:
            best[each.address] = owed
    return [best[address] for address in sorted(best)]


@pytest.mark.parametrize(
    ("terms", "facts", "coverage", "by"),
    [
        ({"max_cloud": 20.0}, {"cloud": 88.0}, None, "cloud"),
        ({"max_cloud": 20.0}, {"cloud": 20.0}, None, None),
        ({"max_cloud": 20.0}, {"cloud": None}, None, None),
        ({"max_cloud": 20.0, "unknown_cloud": False}, {"cloud": None}, None, "cloud"),
        ({"min_coverage": 60.0}, {}, 12.0, "coverage"),
        ({"min_coverage": 60.0}, {}, 60.0, None),
        ({"min_coverage": 60.0}, {}, None, None),
        ({"platforms": ("sentinel-2*",)}, {"platform": "SENTINEL-2B"}, None, None),
        ({"platforms": ("sentinel-2*",)}, {"platform": None}, None, "platform"),
        ({"platforms": ("S2A",)}, {"platform": "sentinel-2a"}, None, None),
        ({"platforms": ("S2A",)}, {"platform": "sentinel-2b"}, None, "platform"),
        ({"platforms": ("Sentinel 2",)}, {"platform": "SENTINEL-2B"}, None, None),
        ({"platforms": ("S2*",)}, {"platform": "sentinel-2b"}, None, None),
        ({"platforms": ("sentinel-2[!a]",)}, {"platform": "sentinel-2a"}, None, "platform"),
        ({"platforms": ("sentinel-2[!a]",)}, {"platform": "sentinel-2b"}, None, None),
        ({"platforms": ("s*1*",)}, {"platform": "landsat-1"}, None, "platform"),
        ({"platforms": ("s?1",)}, {"platform": "SPOT-1"}, None, "platform"),
        ({"platforms": ("sentinel-2A",)}, {"platform": "Sentinel-2"}, None, "platform"),
        ({"platforms": ("LANDSAT_9",)}, {"platform": "landsat-9"}, None, None),
        ({"platforms": ("Landsat 9", "L8")}, {"platform": "LANDSAT8"}, None, None),
        ({"platforms": ("spot-5",)}, {"platform": "SPOT5"}, None, None),
        ({"platforms": ("a drone",)}, {"platform": "A DRONE"}, None, None),
        ({"platforms": ("a drone",)}, {"platform": "adrone"}, None, "platform"),
        ({"collections": ("sentinel-*",)}, {}, None, "collection"),
        ({"levels": (L1C,)}, {}, None, "level"),
        ({"events": (Event.REVISED,)}, {}, None, "event"),
        ({"acquired_since": ACQUIRED + timedelta(seconds=1)}, {}, None, "acquired"),
        ({"muted": FOR_GOOD}, {}, None, "muted"),
        ({"muted": NOW}, {}, None, None),
    ],
)
def test_a_filter_that_refuses_says_so(
    terms: dict[str, object], facts: dict[str, object], coverage: float | None, by: str | None
) -> None:
    refusal = refused(subscription(**terms), Event.NEW, product(**facts), coverage=coverage, now=NOW)
    assert (refusal and refusal.by) == by


def test_what_is_owed_to_one_who_is_muted_waits_until_they_hear_again() -> None:
    daily = Rhythm("day", time(8))
    until = datetime(2015, 6, 20, tzinfo=UTC)
    assert owing(subscription(rhythm=daily, muted=until), NOW).due == until.replace(hour=8)
    assert owing(subscription(rhythm=daily, muted=FOR_GOOD), NOW) == Owed("mail:jane@example.org", 1, FOR_GOOD, "quiet")
    assert owing(subscription(rhythm=daily, muted=NOW), NOW).due == NOW.replace(hour=8)
