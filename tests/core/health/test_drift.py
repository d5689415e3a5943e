from typing import Any

import pytest

from tests.given import FILE, changed, product
from watcher.core.health.drift import FACTS, drift, facts, renamed

GEODES = [
    "THEIA_SPOT4_TAKE5_L1C",
    "THEIA_SPOT5_TAKE5_L1C",
    "THEIA_REFLECTANCE_SPOT4_TAKE5_L2A",
    "THEIA_REFLECTANCE_SPOT5_TAKE5_L2A",
    "THEIA_REFLECTANCE_SENTINEL2_L2A",
    "THEIA_REFLECTANCE_SENTINEL2_L3A",
    "THEIA_REFLECTANCE_LANDSAT8_L2A",
    "THEIA_SNOW_SENTINEL2_L2B",
    "PEPS_S2_L1C",
    "PEPS_S1_L1",
]
SIZED = changed(FILE, checksum="md5:77cab85d82181356c7ee81ee1aca8eeb")
FULL: dict[str, Any] = {"cloud": 12.0, "platform": "SPOT5", "assets": (SIZED,)}


@pytest.mark.parametrize(
    ("gone", "without"),
    [
        ("cloud", {"cloud": None}),
        ("acquired", {"acquired": None}),
        ("level", {"level": None}),
        ("checksum", {"assets": (FILE,)}),
        ("size", {"assets": (changed(SIZED, size=None),)}),
    ],
)
def test_a_fact_that_all_had_and_none_has_is_gone(gone: str, without: dict[str, Any]) -> None:
    recorded = [product("A", **FULL), product("B", **FULL)]
    found = drift(recorded, [product("A", **FULL | without), product("B", **FULL | without)])
    assert (found.compared, found.lost, found.gone) == (2, [], [gone])


def test_without_its_file_a_product_lacks_all_that_is_said_of_it() -> None:
    found = drift([product("A", **FULL)], [product("A", **FULL | {"assets": ()})])
    assert found.gone == ["file", "type", "size", "checksum"]


@pytest.mark.parametrize(
    "now",
    [
        [product("A", **FULL), product("B", cloud=None)],  # one still says it
        [product("B", cloud=None), product("C", **FULL), product("A", **FULL)],
        [
            product("A", **FULL | {"cloud": 99.0}),
            product("B", **FULL | {"revision": "new"}),
        ],  # another value is no shape
    ],
)
def test_what_one_still_says_or_says_otherwise_is_not_gone(now: list[Any]) -> None:
    assert drift([product("A", **FULL), product("B", **FULL)], now).gone == []


def test_a_fact_that_not_all_had_is_not_missed() -> None:
    recorded = [product("A", cloud=1.0), product("B")]
    assert drift(recorded, [product("A"), product("B")]).gone == []


def test_products_that_are_not_found_again_are_told_apart_from_a_change_of_shape() -> None:
    found = drift([product("A"), product("B")], [product("C")])
    assert (found.compared, found.lost, found.gone) == (0, ["SPOT5_A_L2A", "SPOT5_B_L2A"], [])


def test_every_fact_is_found_on_a_product_that_has_them_all() -> None:
    values = {fact: "x" for fact in FACTS if fact not in ("file", "type", "size", "checksum", "acquired", "level")}
    assert facts(product("A", **values | {"assets": (SIZED,)})) == set(FACTS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MUSCATE_SENTINEL2_SENTINEL2_L2A", "THEIA_REFLECTANCE_SENTINEL2_L2A"),
        ("MUSCATE_LANDSAT_LANDSAT8_L2A", "THEIA_REFLECTANCE_LANDSAT8_L2A"),
        ("peps_s2_l1c", "PEPS_S2_L1C"),
    ],
)
def test_a_collection_that_was_renamed_is_found_under_its_new_name(old: str, new: str) -> None:
    (near,) = renamed([old, *GEODES], GEODES).values()
    assert near[0] == new


def test_a_name_like_no_other_has_no_near_one_and_one_that_is_there_is_not_missed() -> None:
    assert renamed(["HLS.L30", "PEPS_S2_L1C"], GEODES) == {"HLS.L30": []}
    assert renamed(GEODES, GEODES) == {}
