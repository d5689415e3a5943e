"""Outlines cover their places, in few parts and few points."""

from __future__ import annotations

import itertools

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.questions.outlines import boxes, rings


def written(shape: shapely.Geometry) -> bytes:
    return bytes(shapely.to_geojson(shape).encode())


def covers(found: list[tuple[tuple[float, float], ...]], shape: shapely.Geometry) -> bool:
    return bool(shapely.union_all([shapely.Polygon(ring) for ring in found]).buffer(1e-5).covers(shape))


positions = st.tuples(st.floats(-170, 170), st.floats(-80, 80))
places = st.lists(st.builds(lambda p, r: shapely.Point(p).buffer(r), positions, st.floats(0.01, 9)), min_size=1)


@given(places, st.integers(1, 20))
def test_whatever_the_places_boxes_and_rings_cover_them_and_are_no_more_than_asked(
    shapes: list[shapely.Geometry], most: int
) -> None:
    many = shapely.union_all(shapes)

    found, framed = rings(written(many), most=most, points=120), boxes(written(many), most=most)

    assert len(found) <= most
    assert len(framed) <= most
    assert covers(found, many)
    assert shapely.union_all([shapely.box(*box) for box in framed]).buffer(1e-5).covers(many)


def test_a_short_outline_is_kept_as_it_is_counter_clockwise() -> None:
    clockwise = shapely.Polygon([(1, 43), (1, 44), (2, 44), (2, 43)])

    (ring,) = rings(written(clockwise), most=1, points=120)

    assert ring[0] == ring[-1]
    assert shapely.LinearRing(ring).is_ccw
    assert shapely.Polygon(ring).equals(clockwise)


def test_a_long_outline_becomes_its_hull_or_its_box() -> None:
    circle = shapely.Point(1, 43).buffer(1, quad_segs=200)
    star = shapely.union_all([circle, shapely.box(1, 43, 3, 43.1)])

    assert len(rings(written(star), most=1, points=5000)[0]) == shapely.get_num_coordinates(star)
    (hull,), (box,) = (rings(written(star), most=1, points=points) for points in (700, 20))
    assert shapely.Polygon(hull).buffer(1e-5).covers(star.convex_hull)
    assert shapely.Polygon(hull).area == pytest.approx(star.convex_hull.area, abs=1e-4)
    assert shapely.Polygon(box).equals(shapely.box(0, 42, 3, 44))


def test_holes_are_filled_and_long_edges_are_divided() -> None:
    holed = shapely.box(0, 0, 30, 1).difference(shapely.box(10, 0.2, 20, 0.8))

    (ring,) = rings(written(holed), most=1, points=120)

    assert shapely.Polygon(ring).equals(shapely.box(0, 0, 30, 1))
    assert max(abs(a[0] - b[0]) for a, b in itertools.pairwise(ring)) <= 2


def test_a_point_and_a_line_have_an_area() -> None:
    for shape in (shapely.Point(1, 43), shapely.LineString([(1, 43), (2, 43)])):
        assert covers(rings(written(shape), most=5, points=120), shape)
        west, south, east, north = boxes(written(shape), most=5)[0]
        assert west < east
        assert south < north


def test_nothing_has_no_outline() -> None:
    assert boxes(written(shapely.Polygon()), most=5) == []
    assert rings(written(shapely.Polygon()), most=5, points=120) == []
