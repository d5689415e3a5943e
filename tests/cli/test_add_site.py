"""Names of the ground in `watcher add-site`: on a catalogue that knows no names, and on one that knows others."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import shapely

from tests.conftest import Said, Watcher

Stored = Callable[[], list[dict[str, Any]]]
CMR = ("--catalogue", "cmr", "--collection", "HLSS30:2.0")


@pytest.fixture
def on_stac(watcher: Watcher, tmp_path: Path) -> Watcher:
    """The command line with a catalogue that cannot be asked for a site by name."""
    (tmp_path / "stac.toml").write_text('[catalogues.cdse]\npreset = "cdse"\n')

    def run(*arguments: str, traceback: bool = False) -> Said:
        return watcher("--config", str(tmp_path / "stac.toml"), *arguments, traceback=traceback)

    return run


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    path = tmp_path / "field.wkt"
    path.write_text("POLYGON((1 43, 2 43, 2 44, 1 44, 1 43))")
    return path


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    def read() -> list[dict[str, Any]]:
        with closing(sqlite3.connect(tmp_path / "state" / "watcher.db")) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute("SELECT name, geometry, country, origin, grid FROM sites")]

    return read


def test_a_town_is_watched_by_the_ground_around_it(on_stac: Watcher, stored: Stored) -> None:
    said = on_stac("add-site", "Moorreesburg")
    assert said.code == 0
    assert said.out.startswith("Moorreesburg, Western Cape, South Africa: town, GeoNames, a box that reaches 20 km")
    (site,) = stored()
    assert (site["name"], site["country"]) == ("Moorreesburg", "South Africa")
    assert "GeoNames" in site["origin"]


def test_a_tile_is_watched_as_the_cell_that_it_is(on_stac: Watcher, stored: Stored) -> None:
    assert on_stac("add-site", "T52LFL", "--as", "Litchfield tile").code == 0
    assert on_stac("add-site", "106/069").code == 0
    cells = {site["name"]: site["grid"] for site in stored()}
    assert cells == {"Litchfield tile": "MGRS-52LFL", "106/069": "WRS2-106069"}


def test_a_park_says_that_its_box_is_approximate(on_stac: Watcher) -> None:
    said = on_stac("add-site", "Kruger")
    assert said.out.startswith("Kruger National Park, South Africa: park, watcher's table of parks and regions, approx")
    assert "Kruger National Park is now watched" in said.out


def test_who_else_bears_the_name_is_said(on_stac: Watcher) -> None:
    said = on_stac("add-site", "Litchfield")
    assert said.code == 0
    assert "5 towns in the United States share this name." in said.out
    assert "--pick N" in said.out


@pytest.mark.parametrize("name", ["Springfield", "Tolouse", "Qwghlm", "France", "Toulouse, Haute-Garonne", "Burkina"])
def test_what_is_not_certain_is_not_stored(on_stac: Watcher, name: str) -> None:
    assert on_stac("add-site", name).code == 2
    assert json.loads(on_stac("sites", "--json").out) == []


def test_a_named_collection_without_l2a_is_watched_whole(on_stac: Watcher, fields: Path) -> None:
    assert "cmr HLSS30:2.0 every level" in on_stac("add-site", "31TCJ", *CMR).out
    assert on_stac("sites", "--import", str(fields), *CMR).out.count("HLSS30:2.0 every level") == 1
    assert [watch["level"] for watch in json.loads(on_stac("sites", "--json").out)] == [None, None]
    assert on_stac("add-site", "31TCJ", *CMR, "--level", "L3").out.startswith("31TCJ is watched already")
    assert "cdse sentinel-2-l2a L2A\n" in on_stac("add-site", "31TDJ", "--collection", "sentinel-2-l2a").out


def test_a_level_that_a_collection_cannot_hold_is_refused_with_the_way_out(on_stac: Watcher, fields: Path) -> None:
    for said in (
        on_stac("add-site", "31TCJ", *CMR, "--level", "L2A"),
        on_stac("sites", "--import", str(fields), *CMR, "--level", "L2A"),
    ):
        assert said.code == 2
        assert "HLSS30:2.0 of cmr holds no L2A" in said.err
        assert "--level any" in said.err
    assert json.loads(on_stac("sites", "--json").out) == []


def test_catalogues_and_collections_are_known_in_any_case_and_slips_for_them_proposed(watcher: Watcher) -> None:
    said = watcher("add-site", "Litchfield", "--catalogue", "TAKE5", "--collection", "spot5")
    assert "Litchfield is now watched: take5 SPOT5 L2A\n" in said.out
    assert watcher("poll", "--catalogue", "Take5").out.startswith("take5: 1 asked")
    slip = watcher("add-site", "Litchfield", "--collection", "SPOT55")
    assert slip.code == 2
    assert "→ did you mean SPOT5 or SPOT4? it has: SPOT4, SPOT5;" in slip.err
    slip = watcher("add-site", "Litchfield", "--catalogue", "takee5")
    assert slip.code == 2
    assert "→ did you mean take5? the catalogues are: take5, cdse" in slip.err


def test_a_level_that_no_collection_has_is_refused_with_where_to_look(on_stac: Watcher) -> None:
    said = on_stac("add-site", "31TCJ", "--level", "L9Z")
    assert said.code == 2
    assert "no collection of cdse holds L9Z\n  → `watcher catalogues` lists the levels of each;" in said.err
    assert '"L2A,L1C" is no level; give the option once' in on_stac("add-site", "31TCJ", "--level", "L2A,L1C").err
    assert on_stac("sites", "--json").out == "[]\n"


def test_a_percentage_may_have_its_sign(watcher: Watcher) -> None:
    assert "cloud up to 20.5 %" in watcher("add-site", "Litchfield", "--max-cloud", "20.5 %").out
    for odd in ("-1", "101", "nan", "inf", "%", "", "much"):
        said = watcher("add-site", "Litchfield", "--max-cloud", odd)
        assert said.code == 2
        assert f'"{odd}" is no percentage; write a number from 0 to 100' in said.err


def test_every_level_is_watched_where_it_is_asked_for(on_stac: Watcher) -> None:
    said = on_stac("add-site", "31TCJ", "--catalogue", "theia", "--collection", "sufosat", "--level", "ANY")
    assert "theia sufosat every level" in said.out
    assert "--level any" not in said.out
    said = on_stac("add-site", "31TCJ", "--catalogue", "theia", "--collection", "geogedi")
    assert "theia geogedi L2A" in said.out
    assert "What level its products have they say when they come: geogedi." in said.out


def test_what_a_site_is_watched_for_besides_is_said_for_it_may_undo_a_filter(watcher: Watcher) -> None:
    assert "too:" not in watcher("add-site", "Litchfield", "--level", "any").out
    said = watcher("add-site", "Litchfield", "--max-cloud", "10")
    assert (
        "Litchfield is now watched: take5 SPOT5 L2A, cloud up to 10 %\n"
        "Litchfield stays watched, too: take5 SPOT5 every level\n"
    ) in said.out


def test_one_of_several_is_picked_and_called_otherwise(on_stac: Watcher, stored: Stored) -> None:
    assert on_stac("add-site", "Batchelor", "--pick", "2", "--as", "Batchelor NT").code == 0
    (site,) = stored()
    assert (site["name"], site["country"]) == ("Batchelor NT", "Australia")


def test_a_name_never_moves_a_site_to_another_place_of_that_name(on_stac: Watcher, stored: Stored) -> None:
    on_stac("add-site", "Litchfield")
    before = stored()
    said = on_stac("add-site", "Litchfield", "--pick", "3")
    assert said.code == 2
    assert "Litchfield is watched already, at another place: table of SPOT5 (Take5) sites" in said.err
    assert "--as" in said.err
    assert stored() == before


def test_ground_that_is_given_moves_a_site(on_stac: Watcher, stored: Stored) -> None:
    on_stac("add-site", "Litchfield")
    said = on_stac("add-site", "Litchfield", "--bbox", "130.4,-13.5,131.2,-12.9")
    assert "Its place is another one now" in said.out
    assert stored()[0]["origin"] == "box 130.4,-13.5,131.2,-12.9"


def test_ground_that_is_given_is_said_back_with_what_is_near(on_stac: Watcher, fields: Path) -> None:
    box = on_stac("add-site", "Home", "--bbox", "43.5,1.3,43.7,1.6")
    assert box.out.startswith("Home: box 43.5,1.3,43.7,1.6\n  22 x 33 km, the middle of it 110 km from Qoryooley, ")
    point = on_stac("add-site", "Home", "--point", "1.44,43.6")
    assert point.out.startswith("Home: point 1.44,43.6\n  20 x 20 km, the middle of it 1 km from Toulouse, Occitanie")
    file = on_stac("add-site", "Field", "--geometry", str(fields))
    assert file.out.startswith("Field: given geometry\n  81 x 111 km, the middle of it ")
    world = on_stac("add-site", "World", "--bbox", "10,50,5,55")
    assert "what is between them is 5,50,10,55.\nWorld is now watched" in world.out


def test_an_outline_may_run_on_beyond_the_antimeridian_as_in_a_file(on_stac: Watcher) -> None:
    said = on_stac("add-site", "Fiji", "--geometry", "POLYGON((179 -18, 181 -18, 181 -16, 179 -16, 179 -18))")
    assert "  213 x 222 km, the middle of it 75 km from Savusavu, Northern, Fiji\n" in said.out
    assert json.loads(on_stac("sites", "--json").out)[0]["bbox"] == [179, -18, -179, -16]
    for beyond in ("POLYGON((179 -18, 361 -18, 181 -16, 179 -18))", "POINT(181 1)", "POLYGON((1 1, nan 2, 2 2, 1 1))"):
        assert "beyond the degrees of WGS84" in on_stac("add-site", "Odd", "--geometry", beyond).err


def test_a_comma_for_the_point_of_a_decimal_is_no_ground(on_stac: Watcher) -> None:
    said = on_stac("add-site", "Home", "--point", "1,44 43,6")
    assert said.code == 2
    assert '"1,44 43,6" cannot be read\n  → --point takes LON,LAT' in said.err


def test_a_site_that_is_watched_already_keeps_its_ground_on_another_catalogue(
    watcher: Watcher, on_stac: Watcher, stored: Stored
) -> None:
    watcher("add-site", "Pornic")
    ((before,), (code,)) = stored(), json.loads(watcher("sites", "--json").out)
    assert code["code"]
    said = on_stac("add-site", before["name"])
    assert said.code == 0
    assert f"{before['name']} is watched already: its ground is taken, {before['origin']}." in said.out
    assert stored() == [before]


def test_a_site_is_given_new_terms_by_its_own_name(on_stac: Watcher) -> None:
    on_stac("add-site", "Paris, Texas", "--as", "Lamar County")
    said = on_stac("add-site", "lamar county", "--max-cloud", "20")
    assert "watched on these terms now: cdse" in said.out
    assert "cloud up to 20 %" in said.out


def test_a_file_with_several_places_is_a_list_by_name_and_a_union_by_option(
    on_stac: Watcher, stored: Stored, tmp_path: Path
) -> None:
    def square(west: float) -> list[list[list[float]]]:
        return [[[west, 43], [west + 1, 43], [west + 1, 44], [west, 44], [west, 43]]]

    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": square(west)}}
        for name, west in (("North field", 1), ("South field", 5))
    ]
    file = tmp_path / "fields.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert on_stac("add-site", str(file)).code == 2
    assert on_stac("add-site", str(file), "--pick", "2").code == 0
    assert on_stac("add-site", "Both", "--geometry", str(file)).code == 0
    kinds = {site["name"]: json.loads(site["geometry"])["type"] for site in stored()}
    assert kinds == {"South field": "Polygon", "Both": "MultiPolygon"}


def test_a_file_by_option_is_read_in_its_own_reference_system(on_stac: Watcher, stored: Stored, tmp_path: Path) -> None:
    square = [[[574_000, 6_279_000], [575_000, 6_279_000], [575_000, 6_280_000], [574_000, 6_279_000]]]
    file = tmp_path / "lambert.geojson"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
    file.write_text(json.dumps({"type": "Polygon", "coordinates": square, "crs": crs}))
    assert on_stac("add-site", "Toulouse east", "--geometry", str(file)).code == 0
    west, south, east, north = shapely.from_geojson(stored()[0]["geometry"]).bounds
    assert (1.4 < west < east < 1.5, 43.5 < south < north < 43.7) == (True, True)


def test_a_place_that_the_catalogue_has_no_site_for_is_watched_by_its_ground(watcher: Watcher, stored: Stored) -> None:
    said = watcher("add-site", "Kakadu")
    assert said.code == 0
    assert 'take5 knows no site called "Kakadu" in SPOT4, SPOT5: it is watched by its ground.' in said.out
    assert "Kakadu National Park, Australia: park" in said.out
    assert json.loads(watcher("sites", "--json").out)[0]["code"] is None
    assert stored()[0]["name"] == "Kakadu National Park"


def test_a_slip_for_a_site_of_the_catalogue_is_not_taken_for_a_town_elsewhere(watcher: Watcher, stored: Stored) -> None:
    said = watcher("add-site", "Mooresburg")
    assert said.code == 2
    assert "did you mean Mooreesburg?" in said.err
    assert "1. Mooresburg, Tennessee, United States" in said.err
    assert watcher("add-site", "Mooresburg", "--pick", "1").code == 0
    assert stored()[0]["country"] == "United States"


def test_ground_is_not_asked_of_the_catalogue_as_a_name(watcher: Watcher, stored: Stored) -> None:
    assert watcher("add-site", "130.4,-13.5,131.2,-12.9", "--as", "Top End").code == 0
    assert "8 listed" in watcher("poll").out
    assert stored()[0]["name"] == "Top End"


def test_a_site_of_the_catalogue_can_be_called_otherwise(watcher: Watcher) -> None:
    assert watcher("add-site", "ToulouseFrance", "--as", "Home").code == 0
    (watch,) = json.loads(watcher("sites", "--json").out)
    assert (watch["site"], watch["code"]) == ("Home", "ToulouseFrance")


def test_a_pick_and_ground_exclude_each_other(on_stac: Watcher) -> None:
    said = on_stac("add-site", "Paris", "--pick", "1", "--bbox", "1,2,3,4")
    assert said.code == 2
    assert "exclude each other" in said.err


def test_where_a_product_has_no_files_to_choose_from_none_can_be_asked_for(watcher: Watcher) -> None:
    said = watcher("add-site", "Pornic", "--download", "--assets", "B02")
    assert said.code == 2
    assert "take5 (of kind resto) has no assets of a product to choose from: each comes as it is" in said.err
    assert json.loads(watcher("sites", "--json").out) == []
    said = watcher("add-site", "Toulouse", "--catalogue", "cmr", "--collection", "HLSS30:2.0", "--assets", "*.B04.tif")
    assert said.code == 2
    assert "`assets` in [catalogues.cmr] says which files come of its products" in said.err
