"""Which products are of one acquisition, and how far it is processed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.given import ACQUIRED, L1C, L2A
from watcher.core.identity.acquisitions import key
from watcher.core.production import Step, acquisitions
from watcher.model import Level, Product


def step(level: Level, at: datetime | None = ACQUIRED, collection: int = 1, **facts: Any) -> Step:
    return Step(collection=collection, level=level, acquired=at, **({"platform": "SPOT5"} | facts))


def named(name: str, level: Level, collection: int = 1, at: datetime = ACQUIRED, **facts: Any) -> Step:
    """A product whose name is in a convention, as the store describes it."""
    acquisition = key(Product("", name, name, level, at, ""))
    assert acquisition is not None
    return step(level, at, collection, acquisition=acquisition, title=name, **facts)


def levels(*steps: Step) -> list[list[str]]:
    """The levels of each acquisition."""
    return [sorted(str(step.level) for step in one.steps) for one in acquisitions(steps)]


TILE = "S2A_MSI{}_20260601T105031_N0511_R051_T31{}_20260601T14{}000"
SEEN = datetime.fromisoformat("2026-06-01T10:50:31Z")


def test_names_tell_that_an_l1c_and_an_l2a_are_of_one_acquisition_in_whatever_collection() -> None:
    l1c = named(TILE.format("L1C", "TCJ", 1), L1C, at=SEEN)
    l2a = named(TILE.format("L2A", "TCJ", 3), L2A, 2, at=SEEN)
    theia = named("SENTINEL2A_20260601-105628-456_L2A_T31TCJ_C_V4-0", L2A, 3, at=SEEN + timedelta(minutes=6))
    other = named(TILE.format("L1C", "TDJ", 1), L1C, at=SEEN)
    assert levels(l1c, other, l2a, theia) == [["L1C", "L2A", "L2A"], ["L1C"]]
    first = acquisitions([l1c, l2a])[0]
    assert (first.platform, first.place, first.acquired) == ("SENTINEL-2A", "31TCJ", SEEN)


def test_the_mode_of_an_instrument_does_not_part_a_level_from_the_next() -> None:
    l1c = named("LANDSAT8-OLITIRS-XSTHPAN_20150530-104512-000_L1C_D0005H0001_C_V1-0", L1C)
    l2a = named("LANDSAT8-OLI-XS_20150530-104512-000_L2A_D0005H0001_C_V1-0", L2A)
    assert levels(l1c, l2a) == [["L1C", "L2A"]]


def test_where_a_name_has_no_platform_the_catalogue_says_it() -> None:
    modis = named("MOD09GA.A2026001.h18v04.061.2026003012345", Level("L2G"), platform="Terra")
    hls = named("HLS.S30.T31TCJ.2026152T105031.v2.0", Level("L3"), at=SEEN, platform="Sentinel-2B")
    assert [one.platform for one in acquisitions([modis, hls])] == ["TERRA", "SENTINEL-2B"]


def test_without_a_name_it_is_the_platform_and_a_time_within_seconds() -> None:
    near, far = ACQUIRED + timedelta(seconds=2), ACQUIRED + timedelta(seconds=30)
    assert levels(step(L1C), step(L2A, near)) == [["L1C", "L2A"]]
    assert levels(step(L1C), step(L2A, far)) == [["L1C"], ["L2A"]]
    assert levels(step(L1C), step(L2A, near, platform="SPOT4")) == [["L1C"], ["L2A"]]
    assert levels(step(L1C), step(L2A, near, platform="spot-5")) == [["L1C", "L2A"]]


def test_a_name_and_none_are_one_where_time_and_place_leave_no_doubt() -> None:
    l1c = named(TILE.format("L1C", "TCJ", 1), L1C, at=SEEN)
    nameless = step(L2A, SEEN + timedelta(seconds=1), 2, platform="sentinel-2a")
    assert levels(l1c, nameless) == [["L1C", "L2A"]]
    other = named(TILE.format("L1C", "TDJ", 1), L1C, at=SEEN)
    assert sorted(levels(l1c, other, nameless)) == [["L1C"], ["L1C"], ["L2A"]]
    there = step(L2A, SEEN, 2, platform="sentinel-2a", grid="MGRS-31TDJ")
    assert sorted(levels(l1c, other, there)) == [["L1C"], ["L1C", "L2A"]]


def test_tiles_that_are_seen_at_once_are_told_apart_by_their_grid() -> None:
    tiles = [step(level, grid=f"MGRS-31T{square}") for square in ("CJ", "DJ") for level in (L1C, L2A)]
    assert levels(*tiles) == [["L1C", "L2A"], ["L1C", "L2A"]]


def test_what_has_no_time_is_no_acquisition() -> None:
    assert acquisitions([step(L1C, None)]) == []
