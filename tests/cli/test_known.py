"""Places made known by name: from a file, and from what a catalogue's products outline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher

FIELDS = "name,country,lon,lat,radius_km\nTop End,Australia,130.8,-13.2,30\nLitchfield,Australia,131.0,-13.1,20\n"


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    path = tmp_path / "fields.csv"
    path.write_text(FIELDS)
    return path


def test_importing_says_what_is_new_and_the_second_time_that_nothing_is(watcher: Watcher, fields: Path) -> None:
    said = watcher("sites", "--import", str(fields))
    assert said.code == 0
    assert said.out.startswith("2 places read from fields.csv: 2 new.\n")
    assert "Top End, Australia: imported from fields.csv, a box 30 km around its point" in said.out
    assert "watcher add-site NAME" in said.out
    assert watcher("sites", "--import", str(fields)).out.startswith("2 places read from fields.csv: 2 as before.\n")
    fields.write_text(FIELDS.replace("130.8", "130.9") + "Third,Australia,1,2,\n")
    assert watcher("sites", "--import", str(fields)).out.startswith(
        "3 places read from fields.csv: 1 new, 1 changed, 1 as before.\n"
    )
    assert json.loads(watcher("sites", "--json").out) == []


def test_importing_can_be_read_by_programs(watcher: Watcher, fields: Path) -> None:
    first, second = json.loads(watcher("sites", "--import", str(fields), "--json").out)
    assert (first["place"], first["state"], first["exact"]) == ("Top End", "new", False)
    assert first["bbox"][1] == pytest.approx(-13.4698, abs=1e-4)
    assert second["place"] == "Litchfield"


def test_an_imported_place_comes_before_every_other_of_its_name(watcher: Watcher, fields: Path) -> None:
    assert "approximate" in watcher("where", "Litchfield").out
    watcher("sites", "--import", str(fields))
    said = watcher("where", "litchfield")
    assert said.code == 0
    assert "imported from fields.csv" in said.out
    assert "approximate" not in said.out.partition("It may also be")[0]
    assert "Take5 site" in said.out.partition("It may also be")[2]


def test_an_imported_place_is_watched_by_its_name(watcher: Watcher, fields: Path) -> None:
    watcher("sites", "--import", str(fields))
    said = watcher("add-site", "top end")
    assert said.code == 0
    assert "Top End, Australia: imported place, imported from fields.csv" in said.out
    assert "8 listed" in watcher("poll").out


def test_imported_places_can_be_watched_at_once(watcher: Watcher, fields: Path) -> None:
    said = watcher("sites", "--import", str(fields), "--catalogue", "take5", "--level", "L1C")
    assert said.code == 0
    assert "2 sites watched in take5, SPOT4 L1C and SPOT5 L1C: 2 newly." in said.out
    rows = json.loads(watcher("sites", "--json").out)
    assert {(row["site"], row["level"], row["code"]) for row in rows} == {
        ("Top End", "L1C", None),
        ("Litchfield", "L1C", None),
    }
    again = watcher("sites", "--import", str(fields), "--catalogue", "take5", "--level", "L1C")
    assert "SPOT5 L1C: 0 newly." in again.out
    assert len(json.loads(watcher("sites", "--json").out)) == len(rows)


def test_imported_places_can_be_watched_in_one_collection_of_several(watcher: Watcher, fields: Path) -> None:
    said = watcher("sites", "--import", str(fields), "--catalogue", "take5", "--collection", "SPOT5")
    assert "2 sites watched in take5, SPOT5 L2A: 2 newly." in said.out
    unknown = watcher("sites", "--import", str(fields), "--catalogue", "take5", "--collection", "SPOT6")
    assert unknown.code == 2
    assert 'take5 has no collection "SPOT6" in the configuration' in unknown.err
    nowhere = watcher("sites", "--import", str(fields), "--collection", "SPOT5")
    assert "--collection says what is watched, but --catalogue does not say where" in nowhere.err


def test_importing_leaves_a_site_that_is_watched_by_the_catalogue_s_code(watcher: Watcher, fields: Path) -> None:
    watcher("add-site", "Litchfield")
    before = json.loads(watcher("sites", "--json").out)
    said = watcher("sites", "--import", str(fields), "--catalogue", "take5")
    assert "1 site watched there already by the catalogue's own code: left as before." in said.out
    after = [row for row in json.loads(watcher("sites", "--json").out) if row["site"] == "Litchfield"]
    assert after == before


def test_a_level_that_the_file_s_catalogue_is_not_named_for_is_refused(watcher: Watcher, fields: Path) -> None:
    said = watcher("sites", "--import", str(fields), "--level", "L2A")
    assert said.code == 2
    assert "--catalogue does not say where" in said.err


def test_a_file_with_a_fault_makes_nothing_known(watcher: Watcher, fields: Path) -> None:
    fields.write_text(FIELDS + "Void,Australia,,,\n")
    said = watcher("sites", "--import", str(fields))
    assert said.code == 2
    assert "fields.csv, line 4 (Void)" in said.err
    assert watcher("where", "Top End of Nowhere").code == 2
    assert json.loads(watcher("where", "Litchfield", "--json").out)["place"]["kind"] == "Take5 site"


def test_refreshing_takes_the_ground_of_each_site_from_its_products(watcher: Watcher, scene: Scene) -> None:
    said = watcher("sites", "--refresh", "--catalogue", "take5")
    assert said.code == 0
    assert said.out.startswith("11 sites of take5, as its products outline them: 11 new.\n")
    assert "Litchfield, Australia: take5 catalogue, footprint of 20 products" in said.out
    scene.play()
    again = watcher("sites", "--refresh").out
    assert again.startswith("11 sites of take5, as its products outline them:")
    assert " new" not in again.partition("\n")[0]
    place = json.loads(watcher("where", "Litchfield", "--json").out)["place"]
    assert place["kind"] == "site of take5"
    assert place["exact"] is True
    assert place["tiles"] == ["52LFL", "52LGL"]
    assert json.loads(watcher("where", "Toulouse", "--json").out)["place"]["name"] == "ToulouseFrance"


def test_a_catalogue_that_names_no_sites_cannot_be_refreshed_from(watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text() + '[catalogues.plain]\npreset = "earth-search"\n')
    said = watcher("sites", "--refresh", "--catalogue", "plain")
    assert said.code == 2
    assert "plain cannot list its sites: a catalogue of kind stac has none" in said.err
    assert "--import FILE" in said.err


def test_a_refresh_that_fails_half_way_makes_nothing_known(watcher: Watcher, scene: Scene) -> None:
    scene.catalogue.close()
    assert watcher("sites", "--refresh").code != 0
    assert json.loads(watcher("where", "Litchfield", "--json").out)["place"]["kind"] == "Take5 site"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--refresh", "--import", "a.kml"), "--refresh and --import exclude each other"),
        (("--refresh", "--level", "L2A"), "--refresh and --level exclude each other"),
        (("--catalogue", "take5"), "--catalogue goes with --import or --refresh"),
        (("--level", "L2A"), "--level goes with --import or --refresh"),
        (("--collection", "SPOT5"), "--collection goes with --import or --refresh"),
        (("--refresh", "--collection", "SPOT5"), "--refresh and --collection exclude each other"),
        (("--import", "a.kml", "--catalogue", "nowhere"), 'no catalogue is called "nowhere"'),
        (("--import", "a.kml"), 'there is no file "a.kml"'),
    ],
)
def test_options_that_make_no_sense_together_are_refused(
    watcher: Watcher, options: tuple[str, ...], complaint: str
) -> None:
    said = watcher("sites", *options)
    assert said.code == 2
    assert complaint in said.err


def test_add_site_takes_a_file_of_any_format_as_its_ground(watcher: Watcher, fields: Path) -> None:
    assert watcher("add-site", "Both", "--geometry", str(fields)).code == 0
    assert "listed" in watcher("poll").out
