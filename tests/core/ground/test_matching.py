"""Which of the listed products lie at which watched sites."""

from __future__ import annotations

import json
import weakref
from datetime import timedelta

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.given import ACQUIRED, L1C, NOW, box, changed, product, site, watch
from watcher.core.ground.footprints import footprints
from watcher.core.ground.matching import matches, watched
from watcher.model import Product, Watch

FIELD = box(0, 40, 1, 41)
GROUND = watch(1, site(1, "Field", FIELD), code=None)


def matched(listed: Product, *watches: Watch) -> list[int]:
    return [w.number for listing in matches([listed], watches) for w in listing.watches]


def test_a_watch_with_a_code_matches_by_it_alone() -> None:
    assert matched(product(code="Pornic"), watch()) == [1]
    assert matched(product(code="Nantes"), watch()) == []
    assert matched(product(code=None), watch()) == []
    assert matched(product(code="Nantes", geometry=FIELD), watch(at=site(1, "Pornic", FIELD))) == []


def test_a_watch_matches_its_level_or_every_level() -> None:
    assert matched(product(level=L1C), watch()) == []
    assert matched(product(level=None), watch()) == []
    assert matched(product(level=L1C), watch(level=None)) == [1]
    assert matched(product(level=None), watch(level=None)) == [1]


@pytest.mark.parametrize(
    ("footprint", "touches"),
    [
        (box(0.5, 40.5, 3, 43), True),
        (box(1, 41, 2, 42), True),
        (box(0.4, 40.4, 0.6, 40.6), True),
        (box(-10, 30, 10, 50), True),
        (box(1.01, 40, 2, 41), False),
        (box(40, 0, 41, 1), False),
    ],
    ids=["overlaps", "shares a corner", "within", "around", "beside", "coordinates the wrong way round"],
)
def test_a_watch_by_ground_matches_what_touches_it(footprint: bytes, touches: bool) -> None:
    assert bool(matched(product(geometry=footprint), GROUND)) is touches


@pytest.mark.parametrize(
    "footprint",
    [
        None,
        b"",
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"type":"Point","coordinates":[]}',
        b'{"type":"Polygon","coordinates":null}',
        b'{"type":"Polygon","coordinates":[[[5,5],[6,6]]]}',
        b'{"type":"Polygon","coordinates":[[["a",0],[1,1],[0,1],["a",0]]]}',
        b'{"type":"Polygon","coordinates":[[[NaN,0],[1,1],[0,1],[NaN,0]]]}',
        b'{"type":"GeometryCollection","geometries":[]}',
    ],
)
def test_a_product_whose_footprint_says_nothing_is_taken_at_the_servers_word(footprint: bytes | None) -> None:
    assert matched(product(geometry=footprint), GROUND) == [1]


def test_a_footprint_that_crosses_itself_still_matches() -> None:
    bow = b'{"type":"Polygon","coordinates":[[[0,40],[1,41],[0,41],[1,40],[0,40]]]}'
    assert matched(product(geometry=bow), GROUND) == [1]


def test_one_broken_footprint_does_not_hide_the_others() -> None:
    page = [product("P1", geometry=b"{"), product("P2", geometry=FIELD), product("P3", geometry=box(5, 5, 6, 6))]
    assert [listing.product.id for listing in matches(page, [GROUND])] == ["P1", "P2"]


def test_a_site_without_code_or_geometry_takes_what_was_listed_for_it() -> None:
    assert matched(product(geometry=FIELD), watch(code=None)) == [1]


def test_a_product_matches_every_site_it_covers() -> None:
    near = watch(2, site(2, "Near", box(0.9, 40.9, 2, 42)), code=None)
    coded = watch(3, site(3, "Pornic"))
    far = watch(4, site(4, "Far", box(50, 50, 51, 51)), code=None)
    assert sorted(matched(product(geometry=FIELD), GROUND, near, coded, far)) == [1, 2, 3]


def test_an_empty_page_matches_nothing() -> None:
    assert matches([], [GROUND, watch()]) == []


NUMBERS = st.floats(-179, 178, allow_nan=False)


@given(st.lists(st.tuples(NUMBERS, st.floats(-89, 88, allow_nan=False)), min_size=1, max_size=4), NUMBERS)
def test_squares_match_where_their_bounds_meet(corners: list[tuple[float, float]], west: float) -> None:
    ground = watch(1, site(1, "Field", box(west, 10, west + 1, 11)), code=None)
    page = [product(str(n), geometry=box(x, y, x + 1, y + 1)) for n, (x, y) in enumerate(corners)]
    found = {listing.product.id for listing in matches(page, [ground])}
    # Rounding may decide either way when two edges all but coincide.
    near = {str(n) for n, (x, y) in enumerate(corners) if min(abs(abs(x - west) - 1), abs(abs(y - 10) - 1)) < 1e-6}
    expected = {str(n) for n, (x, y) in enumerate(corners) if abs(x - west) <= 1 and abs(y - 10) <= 1}
    assert found ^ expected <= near


@given(
    st.recursive(
        st.none() | st.floats() | st.text(max_size=3),
        lambda s: (
            st.lists(s)
            | st.dictionaries(
                st.sampled_from(["type", "coordinates", "geometries"]),
                s | st.sampled_from(["Polygon", "Point", "GeometryCollection"]),
            )
        ),
        max_leaves=8,
    )
)
def test_no_footprint_stops_a_poll(footprint: object) -> None:
    page = [product("P1", geometry=json.dumps(footprint).encode()), product("P2", geometry=FIELD)]
    assert "P2" in [listing.product.id for listing in matches(page, [GROUND])]


# Many sites at once


def test_a_question_for_many_places_has_no_word_of_the_server_on_a_product_without_footprint() -> None:
    for blank in (None, b"null", b'{"type":"Point","coordinates":[]}'):
        assert matches([product(geometry=blank)], [GROUND], one_place=False) == []


def test_a_footprint_that_cannot_be_read_counts_as_the_box_around_its_coordinates() -> None:
    broken = b'{"type":"Polygon","coordinates":[[[0.2,40.2],[3,45]]]}'
    far = b'{"type":"Polygon","coordinates":[[[10.2,40.2],[3e0,45]]]}'
    page = [product("P1", geometry=broken), product("P2", geometry=far), product("P3", geometry=FIELD)]
    assert [listing.product.id for listing in matches(page, [GROUND], one_place=False)] == ["P1", "P3"]


def cell(number: int, name: str, geometry: bytes = FIELD) -> Watch:
    return watch(number, changed(site(number, name, geometry), grid=name), code=None)


TILE, NEIGHBOUR, SCENE = cell(1, "MGRS-31TCJ"), cell(2, "MGRS-31TDJ"), cell(3, "WRS2-198030")


def test_a_site_that_is_a_tile_matches_the_products_of_that_tile_not_of_the_neighbours_that_overlap_it() -> None:
    assert matched(product(geometry=FIELD, grid="MGRS-31TCJ"), TILE, NEIGHBOUR) == [1]
    assert matched(product(geometry=None, grid="MGRS-31TDJ"), TILE, NEIGHBOUR) == [2]
    assert matched(product(geometry=box(50, 50, 51, 51), grid="MGRS-31TCJ"), TILE) == [1]


def test_cells_of_different_grids_and_products_without_one_match_by_their_ground() -> None:
    assert sorted(matched(product(geometry=FIELD, grid="MGRS-31TCJ"), TILE, NEIGHBOUR, SCENE, another_field())) == [
        1,
        3,
        4,
    ]
    assert sorted(matched(product(geometry=FIELD), TILE, NEIGHBOUR, SCENE)) == [1, 2, 3]
    assert matched(product(geometry=box(50, 50, 51, 51), grid="MGRS-31TCJ"), SCENE) == []


def another_field() -> Watch:
    return watch(4, site(4, "Field", FIELD), code=None)


def test_what_was_acquired_before_a_watch_begins_is_none_of_its_business() -> None:
    late = changed(GROUND, since=ACQUIRED + timedelta(days=1))
    assert matched(product(geometry=FIELD), late) == []
    assert matched(product(geometry=FIELD, acquired=late.since), late) == [1]
    assert matched(product(geometry=FIELD, acquired=None), late) == [1]
    assert matched(product(geometry=FIELD), late, watch(2, site(1, "Field", FIELD), code=None)) == [2]


def test_sorted_watches_match_as_a_list_of_them_does() -> None:
    watches = [GROUND, TILE, watch(9), watch(8, code=None)]
    page = [product("P1", geometry=FIELD), product("P2", geometry=box(50, 50, 51, 51)), product("P3", code="Nantes")]
    assert matches(page, watched(watches)) == matches(page, watches)


def test_the_tree_of_many_sites_is_used_again_while_it_is_in_use_and_then_let_go() -> None:
    many = [watch(n, site(n, f"S{n}", box(n / 100, 0, n / 100 + 0.001, 1)), code=None) for n in range(2000)]
    first = watched(many)
    assert watched(many).ground is first.ground
    kept = weakref.ref(first.ground)
    del first
    assert kept() is None


def test_the_tree_of_the_same_sites_is_kept() -> None:
    assert watched([GROUND, TILE]).ground is watched([changed(GROUND, cursor=NOW), TILE]).ground
    assert watched([GROUND]).ground is not watched([changed(GROUND, site=site(1, "Field", box(0, 0, 1, 1)))]).ground


CORNERS = st.tuples(st.floats(-180, 179), st.floats(-85, 84), st.floats(0.001, 40), st.floats(0.001, 40))
SHAPES = CORNERS.map(lambda c: box(c[0], c[1], c[0] + c[2], c[1] + c[3])) | CORNERS.flatmap(
    lambda c: st.sampled_from(
        [
            shapely.to_geojson(shapely.Point(c[0], c[1]).buffer(c[2] / 4, quad_segs=3)).encode(),
            shapely.to_geojson(shapely.MultiPoint([(c[0], c[1]), (c[2], c[3])])).encode(),
            json.dumps({"type": "Point", "coordinates": [c[0], c[1], c[2]]}).encode(),
            shapely.to_geojson(
                shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)])
            ).encode(),
        ]
    )
)


@given(st.lists(SHAPES, min_size=1, max_size=12), st.lists(SHAPES, max_size=12))
def test_the_tree_finds_what_a_look_at_every_pair_finds(places: list[bytes], footprints: list[bytes]) -> None:
    watches = [watch(n, site(n, f"S{n}", place), code=None) for n, place in enumerate(places)]
    page = [product(str(n), geometry=footprint) for n, footprint in enumerate(footprints)]
    found = {(listing.product.id, w.number) for listing in matches(page, watches) for w in listing.watches}
    assert found == {
        (str(n), m)
        for n, footprint in enumerate(footprints)
        for m, place in enumerate(places)
        if shapely.intersects(shapely.from_geojson(footprint), shapely.from_geojson(place))
    }


@given(st.lists(SHAPES, max_size=8), st.booleans())
def test_footprints_are_read_at_once_as_they_are_read_one_by_one(shapes: list[bytes], blank: bool) -> None:
    geometries = [*shapes, *([None] if blank else [])]
    read = footprints(geometries)
    alone = [None if one is None else shapely.from_geojson(one) for one in geometries]
    assert [shapely.to_wkb(one) for one in read] == [shapely.to_wkb(one) for one in alone]
