"""Which of the listed products lie at which watched sites."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.given import L1C, box, product, site, watch
from watcher.core.matching import matches
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


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, st.floats(-89, 88, allow_nan=False)), min_size=1, max_size=4), NUMBERS)
def test_squares_match_where_their_bounds_meet(corners: list[tuple[float, float]], west: float) -> None:
    ground = watch(1, site(1, "Field", box(west, 10, west + 1, 11)), code=None)
    page = [product(str(n), geometry=box(x, y, x + 1, y + 1)) for n, (x, y) in enumerate(corners)]
    found = {listing.product.id for listing in matches(page, [ground])}
    # Rounding may decide either way when two edges all but coincide.
    near = {str(n) for n, (x, y) in enumerate(corners) if min(abs(abs(x - west) - 1), abs(abs(y - 10) - 1)) < 1e-6}
    expected = {str(n) for n, (x, y) in enumerate(corners) if abs(x - west) <= 1 and abs(y - 10) <= 1}
    assert found ^ expected <= near


@settings(deadline=None)
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
