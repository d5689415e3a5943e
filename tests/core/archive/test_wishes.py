"""Which files of a product its sites ask for, together."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.given import L1C, L2A, NOW, product, watch
from watcher.core.archive.wishes import wishes
from watcher.model import Product, Site, Watch

HERE = b'{"type":"Polygon","coordinates":[[[1,43],[2,43],[2,44],[1,44],[1,43]]]}'
NEAR = b'{"type":"Polygon","coordinates":[[[1.9,43],[3,43],[3,44],[1.9,44],[1.9,43]]]}'
FAR = b'{"type":"Point","coordinates":[100,10]}'


def at(number: int, ground: bytes, *assets: str, paused: bool = False, **terms: Any) -> Watch:
    place = Site(number, f"Site {number}", ground, None, "a test", paused=paused)
    return watch(number, place, code=None, assets=assets, **{"download": True, **terms})


def scene(**facts: Any) -> Product:
    return product("P1", geometry=HERE, code=None, **facts)


def asked(*watches: Watch, of: Product | None = None, site: str = "Site 1") -> list[tuple[str, ...]]:
    return list(wishes(of or scene(), site, watches, {L2A}))


def test_what_any_site_under_it_wants_is_wanted_once() -> None:
    sites = at(1, HERE, "B02", "SCL"), at(2, NEAR, "role:data"), at(3, NEAR, "B02", "SCL"), at(4, FAR, "B12")
    assert asked(*sites) == [("B02", "SCL"), ("role:data",)]


def test_a_site_without_a_choice_wants_what_the_catalogue_chooses() -> None:
    assert asked(at(1, HERE, "B02"), at(2, NEAR)) == [("B02",), ()]
    assert asked(at(1, HERE), at(2, NEAR)) == []
    assert asked(at(1, HERE, "B02"), at(2, NEAR), of=scene(assets=())) == [("B02",)]


def test_a_site_that_is_paused_finds_its_files_when_it_is_looked_at_again() -> None:
    assert asked(at(1, HERE, "B02"), at(2, NEAR, "SCL", paused=True)) == [("B02",), ("SCL",)]


@pytest.mark.parametrize(
    "terms",
    [{"download": False}, {"level": L1C}, {"max_cloud": 10.0}, {"baselined": None}, {"since": NOW}],
)
def test_who_does_not_want_the_product_has_no_say(terms: dict[str, Any]) -> None:
    other = at(2, NEAR, "B12", **terms)
    assert asked(at(1, HERE, "B02"), other, of=scene(cloud=20.0)) == [("B02",)]


def test_a_site_that_leaves_it_to_the_level_wants_it_by_the_level() -> None:
    other = at(2, NEAR, "B12", download=None)
    assert asked(at(1, HERE, "B02"), other) == [("B02",), ("B12",)]
    assert asked(at(1, HERE, "B02", level=None), replace(other, level=None), of=scene(level=L1C)) == [("B02",)]


def test_of_one_that_nobody_wants_the_choices_of_all_count() -> None:
    assert asked(at(1, HERE, "B02", download=False), at(2, NEAR, "SCL", download=False)) == [("B02",), ("SCL",)]


def test_the_site_that_it_is_for_counts_wherever_the_product_is_said_to_lie() -> None:
    assert asked(at(1, FAR, "B02"), at(2, FAR, "SCL")) == [("B02",)]
    assert asked(at(1, FAR, "B02"), at(2, HERE, "SCL"), of=replace(scene(), geometry=None)) == [("B02",)]
    assert asked(at(1, FAR, "B02", level=L1C), of=scene()) == []
    assert asked(at(1, FAR, "B02"), site="one that was removed") == []
