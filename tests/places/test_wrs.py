"""Landsat scenes: where a path and row lie, and which ones a place is covered by."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.affinity import translate

from data import wrs2 as build
from data.packages import lying
from watcher.errors import UsageError
from watcher.places import wrs

DAY = [(path, row) for path in range(1, 234) for row in (*range(1, 123), 247, 248)]


@pytest.mark.parametrize(
    "text",
    [
        "198/30",
        "198/030",
        " 198 / 030 ",
        "198030",
        "p198r030",
        "P198R30",
        "path 198 row 30",
        "WRS2:198/030",
        "WRS2-198030",
        "wrs-2 198/30",
        "Landsat 198/30",
    ],
)
def test_a_path_and_row_are_read_however_they_are_written(text: str) -> None:
    place = wrs.read(text)
    assert place is not None
    assert (place.name, place.grid, place.kind, place.exact) == ("198/030", "WRS2-198030", "Landsat path/row", True)


@pytest.mark.parametrize("text", ["Toulouse", "", "31TCJ", "198", "19803", "1980300", "1/2/3", "2015", "p198", "1,2"])
def test_what_does_not_look_like_a_path_and_row_is_left_to_others(text: str) -> None:
    assert wrs.read(text) is None


@pytest.mark.parametrize(
    ("text", "wrong"), [("0/30", "path 0"), ("234/30", "path 234"), ("198/0", "row 0"), ("198249", "row 249")]
)
def test_a_path_or_row_that_is_not_there_is_named(text: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=f"WRS-2 has no {wrong}$") as refused:
        wrs.read(text)
    assert "paths are 1 to 233, rows 1 to 248" in str(refused.value.hint)


def test_the_night_side_is_not_mistaken_for_the_day() -> None:
    with pytest.raises(UsageError, match="path 198, row 210 is on the night side"):
        wrs.read("198/210")


def test_the_corners_of_a_scene_are_those_of_the_usgs() -> None:
    known = np.array([(0.38468, 42.5959), (2.58748, 42.2751), (3.1258, 43.7694), (0.87086, 44.0979)])
    ours = np.array(wrs.outline(198, 30).exterior.coords[:4])
    assert np.abs(known[:, None] - ours[None]).max(axis=2).min(axis=1).max() < 0.0011


@pytest.mark.parametrize(
    ("longitude", "latitude", "scenes"),
    [
        (130.8, -13.2, ["106/069"]),  # Litchfield
        (1.44367, 43.60426, ["198/030", "199/030"]),  # Toulouse
        (-2.10331, 47.11581, ["201/027", "202/027"]),  # Pornic
        (18.66031, -33.15388, ["175/083"]),  # Moorreesburg
    ],
)
def test_a_place_is_covered_by_the_scenes_that_it_is_known_to_lie_in(
    longitude: float, latitude: float, scenes: list[str]
) -> None:
    assert wrs.covering(shapely.to_geojson(shapely.Point(longitude, latitude)).encode()) == scenes


@lru_cache(maxsize=1)
def everywhere() -> Any:
    """The outlines of all scenes, looked for without the shortcut by path and row."""
    return shapely.STRtree([wrs.outline(path, row) for path, row in DAY])


def slowly(shape: Any) -> list[str]:
    found: set[int] = set()
    for turn in (-360, 0, 360):
        found.update(everywhere().query(translate(shape, turn), predicate="intersects"))
    return sorted(f"{DAY[index][0]:03}/{DAY[index][1]:03}" for index in found)


def test_what_covers_a_place_is_what_a_look_at_every_scene_finds() -> None:
    chance = random.Random(5)
    boxes = [shapely.box(-180, 60, -179.5, 72), shapely.box(179, -83, 180, -60), shapely.box(-180, 80, 180, 83)]
    for _ in range(150):
        west, south = chance.uniform(-180, 180), chance.uniform(-83, 83)
        size = chance.choice([0.001, 0.5, 4])
        boxes.append(shapely.box(west, south, min(west + size, 180), south + size))
    for box in boxes:
        assert wrs.covering(shapely.to_geojson(box).encode()) == slowly(box), box.wkt


def test_every_scene_of_the_day_side_is_a_quadrangle_on_earth() -> None:
    assert len(DAY) == 28_892
    outlines = everywhere().geometries
    assert shapely.is_valid(outlines).all()
    assert shapely.area(outlines).min() > 1.5
    west, south, east, north = shapely.bounds(outlines).T
    assert (west.min(), east.max()) > (-200, 180)
    assert (east - west).max() < 25
    assert (south.min(), north.max()) > (-83, 82)
    assert north.max() < 83


def test_every_scene_on_the_antimeridian_is_cut_there() -> None:
    west, _, east, _ = shapely.bounds(everywhere().geometries).T
    crossing = [scene for scene, beyond in zip(DAY, (west < -180) | (east > 180), strict=True) if beyond]
    assert len(crossing) == 353  # as many as the shapefile has in two parts
    for path, row in crossing:
        place = wrs.read(f"{path:03}{row:03}")
        assert place is not None
        shape = shapely.from_geojson(place.geometry)
        assert shape.is_valid
        assert shape.geom_type == "MultiPolygon"
        assert (shape.bounds[0], shape.bounds[2]) == (-180, 180)
        assert all(part.bounds[2] - part.bounds[0] < 25 for part in shape.geoms)


def polygons(rings: list[Any]) -> Any:
    numbers = np.repeat(np.arange(len(rings)), list(map(len, rings)))
    return shapely.polygons(shapely.linearrings(np.concatenate(rings), indices=numbers))


def usgs() -> dict[tuple[int, int], build.Rings]:
    sdist = lying(build.TILEMATCHER)
    if sdist is None:
        pytest.skip("the package with the USGS shapefile is not in build/packages: `make packages` says why")
    return build.outlines(sdist)


def test_the_table_is_made_from_the_usgs_shapefile_and_agrees_with_all_of_it() -> None:
    rings = usgs()
    assert sorted(rings) == sorted(DAY)
    assert build.table(rings) == build.TARGET.read_text("ascii")
    theirs = shapely.make_valid(polygons([parts[0] for parts in rings.values()]))
    cut = np.array([len(parts) == 2 for parts in rings.values()])
    halves = np.array([theirs[cut], shapely.make_valid(polygons([p[1] for p in rings.values() if len(p) == 2]))])
    west = shapely.get_x(shapely.centroid(halves)) < 0
    halves[west] = [translate(half, 360) for half in halves[west]]
    theirs[cut] = shapely.union_all(halves, axis=0)
    whole = dict(zip(DAY, everywhere().geometries, strict=True))
    ours = shapely.get_coordinates([whole[scene] for scene in rings]).reshape(-1, 5, 2)
    ours[:, :, 0] += (
        360 * np.round((shapely.get_x(shapely.centroid(theirs)) - ours[:, :4, 0].mean(axis=1)) / 360)[:, None]
    )
    outlines = shapely.polygons(ours)
    both = shapely.area(shapely.intersection(outlines, theirs))
    either = shapely.area(outlines) + shapely.area(theirs) - both
    assert (both / either).min() > 0.999
