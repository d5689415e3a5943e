"""`watcher find` as a person uses it: on the demo's catalogue, and on a STAC API that filters little."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_stac import Pretend
from tests.conftest import Scene, Watcher
from tests.servers.stac import thing

DAY = timedelta(days=1)


def item(name: str, acquired: datetime | str, **said: Any) -> dict[str, Any]:
    """A STAC item at Toulouse."""
    when = acquired if isinstance(acquired, str) else acquired.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**thing(name, when, acquired=when, **said), "collection": "things"}


SCENES = [
    item("clear", "2014-03-01T10:00:00Z", platform="landsat-8", **{"eo:cloud_cover": 3}),
    item("hazy", "2014-06-01T10:00:00Z", platform="LANDSAT_8", **{"eo:cloud_cover": 60}),
    item("unsaid", "2014-07-01T10:00:00Z"),
    item("other", "2014-08-01T10:00:00Z", platform="landsat-7", **{"eo:cloud_cover": 0}),
    item("later", "2015-01-01T00:00:00Z", platform="landsat-8", **{"eo:cloud_cover": 1}),
]


class Api(NamedTuple):
    """A STAC API that the configuration calls `pretend`, and what it was asked."""

    pretend: Pretend
    asked: list[Asked]


@pytest.fixture
def api(home: Path) -> Iterator[Api]:
    pretend = Pretend(list(SCENES))
    with answering(pretend) as (url, asked):
        with (home / "config.toml").open("a", encoding="utf-8") as config:
            config.write(
                f'[catalogues.pretend]\nkind = "stac"\nurl = "{url}"\ngap = 0\n'
                '[catalogues.pretend.collections]\nthings = "L2A"\n'
            )
        yield Api(pretend, asked)


@pytest.fixture
def played(scene: Scene) -> Scene:
    """The demo's catalogue with all that its story has."""
    scene.play()
    return scene


def titles(out: str) -> list[str]:
    return [row["title"] for row in json.loads(out)]


# How it was read


def test_a_sentence_is_said_back_and_its_products_listed_newest_first(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "Pornic SPOT5 L2A may 2015 less than 20 % cloud")
    assert said.code == 0
    assert said.err == (
        "place: Pornic, France (site of take5, 68 x 60 km) · platform: SPOT-5 · level: L2A"
        " · acquired 2015-05-01…2015-05-31 · cloud ≤ 20 % · read as English\n"
    )
    heading, *rows = said.out.splitlines()
    assert heading.split() == ["ACQUIRED", "LEVEL", "PLATFORM", "CLOUD", "%", "PRODUCT", "LINK"]
    assert [row[:10] for row in rows] == ["2015-05-30", "2015-05-20", "2015-05-15", "2015-05-10", "2015-05-05"]
    assert all("SPOT5_HRG" in row and "http://127.0.0.1" in row for row in rows)


def test_a_french_sentence_is_said_back_in_french(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "images", "de", "Pornic", "niveau", "2A", "en", "avril", "2015", "sans", "nuage")
    assert said.err == (
        "lieu : Pornic, France (site of take5, 68 x 60 km) · niveau : L2A · acquis 2015-04-01…2015-04-30"
        " · nuages ≤ 0 % · lu en français\n"
    )
    assert len(said.out.splitlines()) == 1 + 3


def test_a_word_that_is_not_understood_is_named_and_the_rest_is_searched(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "ToulouseFrance LANDAST8 L2A 2015", "--json")
    assert 'not understood: "LANDAST8" (did you mean LANDSAT-8?)' in said.err
    assert len(json.loads(said.out)) == 8


@pytest.mark.parametrize("sentence", ["31000", "cloud:LANDSAT8", "?!", "images of"])
def test_a_sentence_that_is_not_understood_at_all_is_refused_with_examples(watcher: Watcher, sentence: str) -> None:
    said = watcher("find", sentence)
    assert (said.code, said.out) == (2, "")
    assert 'watcher find "Toulouse LANDSAT8 2014"' in said.err


def test_a_place_that_nobody_knows_is_refused_and_nothing_searched(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Qwxzzy LANDSAT8 2014", "--catalogue", "pretend")
    assert said.code == 2
    assert 'place: "Qwxzzy" · platform: LANDSAT-8 · acquired 2014-01-01…2014-12-31' in said.err
    assert '"Qwxzzy" is no place that watcher knows' in said.err
    assert api.asked == []


def test_terms_that_exclude_each_other_are_refused(watcher: Watcher) -> None:
    said = watcher("find", "Pornic after 2015 before 2014")
    assert said.code == 2
    assert "nothing can be all of: after 2015, before 2014" in said.err


# Where


def test_an_ambiguous_site_is_listed_with_numbers_and_one_can_be_picked(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "Sudmipy L2A")
    assert said.code == 2
    assert "  1. SudmipyE\n  2. SudmipyO\n" in said.err
    assert "--pick 1" in said.err
    picked = watcher("find", "Sudmipy L2A", "--pick", "2", "--json")
    assert [title.removesuffix("D0000B0000")[-8:] for title in titles(picked.out)] == ["SudmipyO"] * 3
    assert watcher("find", "Sudmipy L2A", "--pick", "3").code == 2


def test_an_ambiguous_town_is_listed_with_numbers_and_one_can_be_picked(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Springfield LANDSAT8 2014", "--catalogue", "pretend")
    assert said.code == 2
    assert "  1. Springfield, Missouri, United States" in said.err
    assert api.asked == []
    picked = watcher("find", "Springfield LANDSAT8 2014", "--catalogue", "pretend", "--pick", "1")
    assert picked.code == 0
    assert "place: Springfield, Missouri, United States (town" in picked.err


def test_a_slip_for_a_site_of_the_catalogue_is_not_taken_for_a_town(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "Mooresburg L2A")
    assert said.code == 2
    assert "did you mean Mooreesburg?" in said.err


@pytest.mark.parametrize(
    ("sentence", "place"),
    [
        ("La Rochelle 2014", "La Rochelle, New Aquitaine, France (town"),
        ("New York 2014", "New York City, New York, United States (town"),
        ("images in the Camargue 2014", "Camargue, France (region"),
        ("Paris in Texas 2014", "Paris, Texas, United States (town"),
        ("Paris 2014 Texas", "Paris, Texas, United States (town"),
        ("31TCJ 2014", "31TCJ (Sentinel-2 tile"),
        ("path 198 row 30, 2014", "198/030 (Landsat path/row"),
        ("within 30 km of Nantes 2014", "Nantes, Pays de la Loire, France (town, 60 x 60 km), 30 km around its centre"),
    ],
)
def test_a_place_is_understood(watcher: Watcher, api: Api, sentence: str, place: str) -> None:
    said = watcher("find", sentence, "--catalogue", "pretend")
    assert said.code == 0, said.err
    assert f"place: {place}" in said.err
    assert "not understood" not in said.err


def test_two_places_are_searched_one_after_the_other(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "Pornic L2A april 2015 in Litchfield", "--json")
    assert "not understood" in said.err  # of two places, the one that stands behind "in" is meant
    both = watcher("find", "Pornic and Litchfield L2A april 2015", "--json")
    assert {title.split("_")[5][:6] for title in titles(both.out)} == {"Pornic", "Litchf"}
    assert watcher("find", "Pornic L2A", "31TCJ", "--pick", "1").code == 2


# What fits


def test_a_platform_that_the_server_was_not_asked_for_is_held_against_each_product(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Toulouse LANDSAT8 2014", "--catalogue", "pretend", "--json")
    assert titles(said.out) == ["unsaid", "hazy", "clear"]
    assert "1 product of these says no platform" in said.err
    assert api.pretend.searches[0]["datetime"] == "2014-01-01T00:00:00Z/2015-01-01T00:00:00Z"


def test_clouds_are_judged_here(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Toulouse 2014 cloud < 20", "--catalogue", "pretend", "--json")
    assert titles(said.out) == ["other", "unsaid", "clear"]
    assert "1 product of these says no cloud" in said.err


def test_several_dates_are_several_questions(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Toulouse March and August 2014", "--catalogue", "pretend", "--json")
    assert titles(said.out) == ["other", "clear"]


def test_without_a_date_the_last_90_days_are_searched_and_that_is_said(watcher: Watcher, api: Api) -> None:
    now = datetime.now(UTC)
    api.pretend.items += [item("fresh", now - 5 * DAY), item("stale", now - 100 * DAY)]
    said = watcher("find", "Toulouse", "--catalogue", "pretend", "--json")
    assert titles(said.out) == ["fresh"]
    assert f"acquired {now - 90 * DAY:%Y-%m-%d}… (no date was given: the last 90 days)" in said.err


def test_without_a_date_all_of_a_site_is_listed_and_that_is_said(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "Pornic L2A", "--json")
    assert len(json.loads(said.out)) == 12
    assert "acquired at any time (no date was given)" in said.err


def test_a_catalogue_without_such_products_is_not_asked(watcher: Watcher, api: Api, played: Scene) -> None:
    said = watcher("find", "Toulouse LANDSAT8 2014")
    assert said.code == 2
    assert "no collection of take5 is said to hold LANDSAT-8" in said.err
    assert "it has: SPOT4, SPOT5; look elsewhere: --catalogue" in said.err
    assert "earth-search" in said.err
    assert "cdse" not in said.err
    both = watcher("find", "Toulouse LANDSAT8 2014", "--catalogue", "take5", "--catalogue", "pretend", "--json")
    assert titles(both.out) == ["unsaid", "hazy", "clear"]
    assert "no collection of take5 is said to hold LANDSAT-8" in both.err


def test_a_place_may_be_left_out_where_a_catalogue_can_be_asked_for_everywhere(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "LANDSAT8 2014", "--catalogue", "pretend", "--json")
    assert titles(said.out) == ["unsaid", "hazy", "clear"]
    assert "intersects" not in api.pretend.searches[0]


def test_a_catalogue_that_learns_nothing_is_not_searched_without_a_place(
    watcher: Watcher, api: Api, home: Path
) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace('kind = "stac"', 'kind = "stac"\ncursor = "none"'))
    said = watcher("find", "LANDSAT8 2014", "--catalogue", "pretend")
    assert said.code == 2
    assert "pretend cannot be searched without a place" in said.err
    assert api.asked == []


def test_what_does_not_fit_the_limit_is_counted(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "Pornic L2A", "--limit", "5", "--json")
    assert len(json.loads(said.out)) == 5
    assert "… and 7 more: --limit" in said.err


def test_a_search_that_reads_too_much_is_cut_off_and_says_so(
    watcher: Watcher, played: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.cli.watched.find.search.MOST", 5)
    said = watcher("find", "Pornic L2A")
    assert "take5 SPOT5: cut off after 5 products" in said.err


def test_one_catalogue_that_fails_does_not_hide_what_the_other_has(watcher: Watcher, home: Path, played: Scene) -> None:
    def down(asked: Asked) -> Reply:
        return Reply(404, b"{}")

    with answering(down) as (url, _):
        with (home / "config.toml").open("a", encoding="utf-8") as config:
            config.write(
                f'[catalogues.broken]\nkind = "stac"\nurl = "{url}"\n[catalogues.broken.collections]\nx = ""\n'
            )
        said = watcher("find", "Pornic L2A may 2015", "--catalogue", "broken", "--catalogue", "take5", "--json")
        alone = watcher("find", "Pornic L2A may 2015", "--catalogue", "broken", "--json")
    assert len(json.loads(said.out)) == 6
    assert (said.code, alone.code, alone.out) == (69, 69, "")
    assert "404" in said.err
    assert "404" in alone.err


def test_collections_that_a_server_refuses_do_not_hide_what_its_others_have(watcher: Watcher, home: Path) -> None:
    pretend = Pretend(list(SCENES))

    def renamed(asked: Asked) -> Reply:
        return Reply(400, b"{}") if b'"old' in asked.body else pretend(asked)

    with answering(renamed) as (url, _):
        with (home / "config.toml").open("a", encoding="utf-8") as config:
            names = ", ".join(f"old{number} = 'L2A'" for number in range(6))
            settings = f"collections = {{ {names}, things = 'L2A' }}"
            config.write(f'[catalogues.pretend]\nkind = "stac"\nurl = "{url}"\ngap = 0\n{settings}\n')
        said = watcher("find", "Toulouse 2014", "--catalogue", "pretend", "--json")
    assert [one["id"] for one in json.loads(said.out)] == ["other", "unsaid", "hazy", "clear"]
    assert said.code == 69
    assert said.err.count("answered 400") == 4
    assert "… and 2 more questions failed: `watcher check` says of each collection" in said.err


# How it is printed


def test_products_are_printed_as_csv(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Toulouse LANDSAT8 2014", "--catalogue", "pretend", "--csv")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    nothing = watcher("find", "Toulouse LANDSAT8 2012", "--catalogue", "pretend", "--csv")
    assert nothing.out == said.out[: said.out.index("\n") + 1]
    assert [(row["title"], row["acquired"], row["cloud"]) for row in rows] == [
        ("unsaid", "2014-07-01T10:00:00Z", ""),
        ("hazy", "2014-06-01T10:00:00Z", "60.0"),
        ("clear", "2014-03-01T10:00:00Z", "3.0"),
    ]


def test_products_are_printed_as_geojson(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Toulouse LANDSAT8 2014 max 10 % clouds", "--catalogue", "pretend", "--geojson")
    document = json.loads(said.out)
    assert document["type"] == "FeatureCollection"
    assert [feature["id"] for feature in document["features"]] == ["unsaid", "clear"]
    feature = document["features"][1]
    assert feature["geometry"] == {"type": "Point", "coordinates": [1.4, 43.6]}
    assert feature["properties"]["acquired"] == "2014-03-01T10:00:00Z"
    assert feature["properties"]["platform"] == "landsat-8"


def test_nothing_found_is_no_error(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Toulouse LANDSAT8 2012", "--catalogue", "pretend")
    assert (said.code, said.out) == (0, "Nothing was found.\n")
    assert json.loads(watcher("find", "Toulouse LANDSAT8 2012", "--catalogue", "pretend", "--geojson").out) == {
        "type": "FeatureCollection",
        "features": [],
    }


@pytest.mark.parametrize(
    "options",
    [("--json", "--csv"), ("--geojson", "--json"), ("--watch", "--seen"), ("--watch", "--json"), ("--as", "x")],
)
def test_options_that_make_no_sense_together_are_refused(watcher: Watcher, options: tuple[str, ...]) -> None:
    assert watcher("find", "Pornic", *options).code == 2


# What was seen


def test_what_was_seen_is_searched_without_asking_anyone(watcher: Watcher, api: Api) -> None:
    watcher("add-site", "Home", "--catalogue", "pretend", "--point", "1.4,43.6", "--since", "2014-01-01")
    assert "5 listed" in watcher("poll", "--catalogue", "pretend").out
    asked = len(api.asked)
    by_site = watcher("find", "home LANDSAT8 2014", "--seen", "--json")
    by_ground = watcher("find", "Toulouse LANDSAT8 2014", "--seen", "--json")
    elsewhere = watcher("find", "Kakadu LANDSAT8 2014", "--seen", "--json")
    everywhere = watcher("find", "LANDSAT8 before 2014-05-01", "--seen", "--json")
    assert titles(by_site.out) == titles(by_ground.out) == ["unsaid", "hazy", "clear"]
    assert "place: Home (watched site, 20 x 20 km)" in by_site.err
    assert "place: Toulouse, France (Take5 site, 60 x 60 km)" in by_ground.err
    assert (titles(elsewhere.out), titles(everywhere.out)) == ([], ["clear"])
    assert json.loads(by_site.out)[0]["site"] == "Home"
    assert titles(watcher("find", "LANDSAT8", "--seen", "--catalogue", "take5", "--json").out) == []
    assert len(api.asked) == asked


# A watch


def test_a_sentence_becomes_the_watch_that_add_site_makes(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "Litchfield L2A since 2015-05-01 less than 20 % cloud", "--watch", "--as", "At home")
    assert said.code == 0, said.err
    command = (
        "watcher add-site Litchfield --as 'At home' --catalogue take5 --level L2A --max-cloud 20 --since 2015-05-01"
    )
    assert command in said.err
    assert "At home is now watched: take5 SPOT5 L2A, cloud up to 20 %, acquired since 2015-05-01" in said.out
    (watch,) = json.loads(watcher("sites", "--json").out)
    assert (watch["site"], watch["code"], watch["max_cloud"]) == ("At home", "Litchfield", 20.0)
    assert watch["since"] == "2015-05-01T00:00:00Z"


def test_what_a_watch_has_no_term_for_is_named(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "Toulouse LANDSAT8 L2A summer 2014 more than 5 % cloud", "--watch", "--catalogue", "pretend")
    assert said.code == 0, said.err
    left_out = "left out, for a watch has no such term: LANDSAT-8, acquired 2014-06-21…2014-09-20, cloud ≥ 5 %"
    assert left_out in said.err
    (watch,) = json.loads(watcher("sites", "--json").out)
    assert (watch["site"], watch["catalogue"], watch["since"]) == ("Toulouse", "pretend", None)


def test_a_platform_chooses_the_collections_of_a_watch(watcher: Watcher, played: Scene) -> None:
    said = watcher("find", "Pornic SPOT5 L2A", "--watch")
    assert "watcher add-site Pornic --catalogue take5 --level L2A --collection SPOT5" in said.err
    assert "left out" not in said.err


@pytest.mark.parametrize(
    ("sentence", "catalogue", "watched"),
    [
        ("Toulouse HLS", "cmr", ["HLSL30:2.0 every level", "HLSS30:2.0 every level"]),
        ("Toulouse Sentinel-2", "geodes", ["THEIA_REFLECTANCE_SENTINEL2_L2A L2A"]),
        ("Toulouse Sentinel-2 L1C", "cdse", ["sentinel-2-l1c L1C"]),
        ("Toulouse", "cdse", ["sentinel-2-l2a L2A"]),
    ],
)
def test_a_watch_looks_only_where_its_products_can_come(
    watcher: Watcher, sentence: str, catalogue: str, watched: list[str]
) -> None:
    said = watcher("find", sentence, "--watch", "--catalogue", catalogue)
    assert said.code == 0, said.err
    assert re.findall(r"is now watched: \w+ (.+)", said.out) == watched


def test_a_radius_becomes_a_point(watcher: Watcher, api: Api) -> None:
    said = watcher("find", "within 30 km of Nantes L2A", "--watch", "--catalogue", "pretend")
    assert "watcher add-site Nantes --point -1.55336,47.21725,30 --catalogue pretend --level L2A" in said.err
    assert said.code == 0, said.err


@pytest.mark.parametrize(
    ("sentence", "complaint"),
    [
        ("Pornic bogus L2A", 'not understood: "bogus"'),
        ("L2A since 2015", "names none"),
        ("Pornic and Litchfield L2A", "names 2"),
    ],
)
def test_a_watch_needs_one_place_and_no_word_that_is_not_understood(
    watcher: Watcher, played: Scene, sentence: str, complaint: str
) -> None:
    said = watcher("find", sentence, "--watch")
    assert said.code == 2
    assert complaint in said.err
    assert json.loads(watcher("sites", "--json").out) == []
