"""How far a place reaches, also across the antimeridian."""

from __future__ import annotations

import pytest

from watcher.places import extent
from watcher.places.boxes import around, box
from watcher.places.geometry import from_text


@pytest.mark.parametrize(
    ("west", "south", "east", "north", "size", "middle"),
    [
        (1, 43, 2, 44, "81 x 111 km", (1.5, 43.5)),
        (179, -1, -178, 1, "334 x 222 km", (-179.5, 0)),
        (-180, -90, 180, 90, "40,030 x 20,015 km", (0, 0)),
        (1, 43, 1.01, 43.01, "0.81 x 1.1 km", (1.005, 43.005)),
    ],
)
def test_a_box_has_a_size_and_a_middle(
    west: float, south: float, east: float, north: float, size: str, middle: tuple[float, float]
) -> None:
    shape = box(west, south, east, north)
    assert extent.size(shape) == size
    assert extent.middle(shape) == pytest.approx(middle)
    assert extent.bounds(shape) == (west, south, east, north)
    assert extent.doubt(shape) is None


def test_what_crosses_the_antimeridian_reaches_to_its_parts_elsewhere_too() -> None:
    russia = "MULTIPOLYGON(((20 54, 23 54, 23 55, 20 54)), ((27 50, 190 60, 190 70, 27 70, 27 50)))"
    shape = from_text(russia)
    assert extent.bounds(shape) == (20, 50, -170, 70)
    assert extent.doubt(shape) is None


def test_a_part_without_extent_counts_for_nothing() -> None:
    assert extent.bounds(from_text("MULTIPOLYGON(EMPTY, ((1 1, 2 1, 2 2, 1 1)))")) == (1, 1, 2, 2)


def test_a_point_has_no_size() -> None:
    assert extent.size(b'{"type":"Point","coordinates":[1,43]}') == "a point"


def test_what_is_around_a_point_is_in_its_town() -> None:
    assert extent.near(around(2.3488, 48.8534, 5)) == "in Paris, Île-de-France, France"
