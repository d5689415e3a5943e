"""`watcher where`: how a text is understood, before anything is watched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Watcher


def test_a_take5_site_is_explained_with_the_others_of_its_name(watcher: Watcher) -> None:
    said = watcher("where", "Litchfield")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "Litchfield, Australia"
    assert "  kind      Take5 site" in lines
    assert "  position  13.2000° S 130.8000° E" in lines
    assert "  box       130.523,-13.4698,131.077,-12.9302 (W,S,E,N)" in lines
    assert "  tiles     52LFL 52LGL" in lines
    assert "  path/row  105/069 106/069" in lines
    assert "approximate: a box of 60 km" in said.out
    assert "  5 towns in the United States share this name." in lines
    assert lines[-7].startswith("    2. Litchfield National Park, Australia (park, ")


def test_a_town_says_what_it_is_and_where_that_is_known_from(watcher: Watcher) -> None:
    said = watcher("where", "Paris, Texas")
    assert said.out.splitlines()[:2] == ["Paris, Texas, United States", "  kind      town"]
    assert "  about     24,782 people" in said.out
    assert "  origin    GeoNames, a box that reaches 20 km around its centre" in said.out


@pytest.mark.parametrize(
    ("text", "kind", "grid", "tile"),
    [
        ("T52LFL", "Sentinel-2 tile", "MGRS-52LFL", "52LFL"),
        ("106/069", "Landsat path/row", "WRS2-106069", "52LFL"),
        ("1.44,43.6,5", "point", None, "31TCJ"),
        ("1.2,43.4,1.6,43.8", "box", None, "31TCJ"),
        ("POINT (1.44 43.6)", "geometry", None, "31TCJ"),
    ],
)
def test_other_ways_to_say_where_are_explained_too(
    watcher: Watcher, text: str, kind: str, grid: str | None, tile: str
) -> None:
    place = json.loads(watcher("where", text, "--json").out)["place"]
    assert (place["kind"], place["grid"]) == (kind, grid)
    assert tile in place["tiles"]
    assert place["scenes"]


def test_a_file_is_explained(watcher: Watcher, tmp_path: Path) -> None:
    ring = [[1, 43], [2, 43], [2, 44], [1, 43]]
    file = tmp_path / "field.geojson"
    file.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert json.loads(watcher("where", str(file), "--json").out)["place"]["bbox"] == [1, 43, 2, 44]


def test_what_may_be_several_places_is_listed_and_one_can_be_picked(watcher: Watcher) -> None:
    said = watcher("where", "Batchelor")
    assert (said.code, said.out) == (2, "")
    assert "  2. Batchelor, Northern Territory, Australia" in said.err
    assert '→ --pick 1, or "Batchelor, US"' in said.err
    assert watcher("where", "Batchelor", "--pick", "2").out.startswith("Batchelor, Northern Territory, Australia\n")
    assert watcher("where", "Batchelor", "--pick", "3").code == 2
    assert watcher("where", "Batchelor", "--pick", "0").code == 2


def test_a_slip_is_proposed_with_exit_code_2(watcher: Watcher) -> None:
    said = watcher("where", "Moorresburg")
    assert said.code == 2
    assert '"Moorresburg" is not a known place. Did you mean\n  1. Moorreesburg, Western Cape, South Africa' in said.err
    assert '--pick 1, or "Moorreesburg, ZA"' in said.err


def test_json_has_every_candidate_also_when_none_is_sure(watcher: Watcher) -> None:
    said = watcher("where", "Springfield", "--json")
    document = json.loads(said.out)
    assert said.code == 2
    assert document["place"] is None
    assert document["places"][0]["number"] == 1
    assert document["places"][0]["region"] == "Missouri"
    assert len(document["places"]) == 25
    sure = json.loads(watcher("where", "Moorreesburg", "--json").out)
    assert (sure["place"]["longitude"], sure["place"]["latitude"]) == (18.66031, -33.15388)
    assert sure["place"]["geometry"]["type"] == "Polygon"


def test_geojson_is_a_feature(watcher: Watcher) -> None:
    feature = json.loads(watcher("where", "T31TCJ", "--geojson").out)
    assert feature["type"] == "Feature"
    assert feature["properties"]["grid"] == "MGRS-31TCJ"
    assert feature["bbox"] == pytest.approx([0.49593, 43.23826, 1.88868, 44.24783], abs=1e-4)
    assert watcher("where", "T31TCJ", "--geojson", "--json").code == 2


def test_a_box_across_the_antimeridian_is_written_from_west_to_east(watcher: Watcher) -> None:
    place = json.loads(watcher("where", "179.9,-17,50", "--json").out)["place"]
    west, _, east, _ = place["bbox"]
    assert west == pytest.approx(179.43, abs=0.01)
    assert east == pytest.approx(-179.63, abs=0.01)


def test_a_site_without_coordinates_says_so(watcher: Watcher) -> None:
    said = watcher("where", "Burkina")
    assert said.code == 0
    assert "coordinates not known" in said.out
    assert json.loads(watcher("where", "Burkina", "--geojson").out)["geometry"] is None


def test_it_needs_no_configuration_and_leaves_nothing_behind(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WATCHER_CONFIG")
    monkeypatch.setattr("watcher.config.find", lambda: None)
    assert watcher("where", "Pornic").code == 0
    assert not (tmp_path / "state").exists()


def test_its_help_credits_geonames(watcher: Watcher) -> None:
    said = " ".join(watcher("where", "--help").out.split())
    assert "contains GeoNames data (geonames.org), CC BY 4.0" in said


def test_control_characters_never_reach_the_terminal(watcher: Watcher) -> None:
    said = watcher("where", "Toul\x1b[31mouse, \x07Nowhere")
    assert said.code == 2
    assert "\x1b" not in said.err + said.out
    assert "\x07" not in said.err + said.out


def test_an_unknown_name_is_told_a_way_that_this_command_has(watcher: Watcher) -> None:
    said = watcher("where", "Qwxzzy")
    assert (said.code, said.err.splitlines()[1]) == (
        2,
        "  → say where it is: LON,LAT[,KM] or W,S,E,N in degrees, WKT, or a file",
    )


def test_where_numbers_lie_is_said_by_the_town_that_is_near(watcher: Watcher) -> None:
    right, swapped = watcher("where", "1.44,43.60,15").out, watcher("where", "43.60,1.44,15").out
    assert "  size      30 x 30 km\n  near      1 km from Toulouse, Occitanie, France\n" in right
    assert "  near      110 km from Qoryooley, Lower Shabeelle, Somalia\n" in swapped


def test_a_box_whose_east_and_west_are_swapped_is_doubted(watcher: Watcher) -> None:
    doubt = "  It goes east from 10° to 5°, 355° across the antimeridian; what is between them is 5,50,10,55.\n"
    assert doubt in watcher("where", "10,50,5,55").out
    assert "antimeridian" not in watcher("where", "170,-10,-170,10").out


def test_a_comma_for_the_point_of_a_decimal_is_refused(watcher: Watcher) -> None:
    said = watcher("where", "1,44 43,6")
    assert (said.code, said.out) == (2, "")
    assert '"1,44 43,6" is neither a point nor a box' in said.err
