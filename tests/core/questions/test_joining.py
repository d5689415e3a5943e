"""Many places as one geometry."""

from __future__ import annotations

import json

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.given import box
from watcher.core.questions.joining import PLAIN, VERTICES, joined

POINT = b'{"type":"Point","coordinates":[5,50]}'


def circle(x: float, y: float, vertices: int = 200) -> bytes:
    return shapely.to_geojson(shapely.Point(x, y).buffer(0.5, quad_segs=vertices // 4)).encode()


def test_places_are_joined_up_to_what_the_server_takes() -> None:
    places = [box(x, 40, x + 0.5, 40.5) for x in range(7)]
    groups = joined(places, most=3)
    assert sorted(len(indices) for indices, _ in groups) == [1, 3, 3]
    assert sorted(index for indices, _ in groups for index in indices) == list(range(7))


def test_near_places_are_joined_with_each_other() -> None:
    places = [box(x, y, x + 0.1, y + 0.1) for x, y in [(1, 1), (140, -30), (1.2, 1.1), (140.3, -30.2)]]
    assert sorted(indices for indices, _ in joined(places, most=2)) == [[0, 2], [1, 3]]


def test_what_is_no_area_stays_alone_as_it_was_given() -> None:
    groups = joined([POINT, box(0, 0, 1, 1), box(2, 0, 3, 1)], most=50)
    assert groups[0] == ([0], POINT)
    assert groups[1][0] == [1, 2]


def test_a_place_that_is_left_over_is_asked_for_as_it_was_given() -> None:
    assert joined([circle(5, 5)], most=50) == [([0], circle(5, 5))]


def test_overlapping_places_make_a_valid_geometry() -> None:
    ((_, geometry),) = joined([box(0, 0, 2, 2), box(1, 1, 3, 3), box(10, 10, 11, 11)], most=50)
    shape = shapely.from_geojson(geometry)
    assert shape.is_valid
    assert json.loads(geometry)["type"] == "MultiPolygon"
    assert shape.area == pytest.approx(8)


def test_shapes_of_many_vertices_are_made_plainer_and_never_smaller() -> None:
    places = [circle(x, 20) for x in range(0, 100, 2)]
    groups = joined(places, most=50)
    for indices, geometry in groups:
        shape = shapely.from_geojson(geometry)
        assert shapely.get_num_coordinates(shape) <= len(indices) * PLAIN
        for index in indices:
            assert shape.covers(shapely.from_geojson(places[index]))


def test_a_place_across_the_antimeridian_is_not_stretched_around_the_earth() -> None:
    parts = [shapely.from_geojson(circle(179, 0, 400)), shapely.from_geojson(circle(-179, 0, 400))]
    fiji = shapely.to_geojson(shapely.union_all(parts)).encode()
    ((_, geometry),) = joined([fiji, box(0, 0, 1, 1)], most=50)
    assert not shapely.from_geojson(geometry).intersects(shapely.Point(90, 0))


def test_a_question_stays_within_its_vertices() -> None:
    octagons = [circle(x % 300 / 2 - 75, x // 300 * 2, 28) for x in range(600)]
    for _, geometry in joined(octagons, most=1000):
        assert shapely.get_num_coordinates(shapely.from_geojson(geometry)) <= VERTICES + PLAIN


COORDINATES = st.tuples(st.floats(-179, 170), st.floats(-80, 80), st.floats(0.01, 9), st.floats(0.01, 9))


@given(st.lists(COORDINATES, min_size=1, max_size=20), st.integers(1, 8))
def test_every_place_is_in_one_question_that_covers_it(corners: list[tuple[float, ...]], most: int) -> None:
    places = [box(x, y, x + w, y + h) for x, y, w, h in corners]
    groups = joined(places, most=most)
    assert sorted(index for indices, _ in groups for index in indices) == list(range(len(places)))
    for indices, geometry in groups:
        assert len(indices) <= most
        union = shapely.from_geojson(geometry).buffer(1e-9)
        assert all(union.covers(shapely.from_geojson(places[index])) for index in indices)
