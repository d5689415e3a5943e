"""Searching the demo catalogue as one could search the real one."""

from __future__ import annotations

import json

import pytest

from tests.demo.asking import ask, listed, names
from watcher.demo.search import parameters

ALL = "maxRecords=500"


def walk(catalogue, query: str, size: int) -> list[str]:
    found: list[str] = []
    page = 1
    while fresh := names(catalogue, f"{query}&maxRecords={size}&page={page}"):
        found += fresh
        page += 1
    return found


def test_a_walk_over_both_levels_repeats_some_products_and_loses_others(complete):
    truth = names(complete, f"zone_geo=Litchfield&{ALL}")
    assert len(truth) == len(set(truth)) == 34
    walks = [walk(complete, "zone_geo=Litchfield", size) for size in (1, 3, 5, 7)]
    assert all(len(found) == 34 for found in walks)
    lost = [set(truth) - set(found) for found in walks]
    assert any(lost), "the server of 2015 loses rows that tie on the date of acquisition"
    for found, missing in zip(walks, lost, strict=True):
        repeated = {name for name in found if found.count(name) == 2}
        assert {scene(name) for name in repeated} == {scene(name) for name in missing}


def scene(name: str) -> str:
    return name.replace("N1_TUILE", "N2A")


def test_a_walk_over_one_level_of_one_site_is_whole(complete):
    query = "zone_geo=Litchfield&processingLevel=LEVEL2A"
    assert sorted(walk(complete, query, 3)) == sorted(names(complete, f"{query}&{ALL}"))


def test_one_search_always_gives_one_answer(complete):
    assert names(complete, "page=2") == names(complete, "page=2")


def test_products_are_listed_by_acquisition_newest_first(complete):
    dates = [f["properties"]["startDate"] for f in listed(complete, ALL)]
    assert dates == sorted(dates, reverse=True)


def test_sites_are_found_by_their_exact_code_or_by_a_prefix(complete):
    def sites(query: str, collection: str = "SPOT5") -> set[str]:
        return {f["properties"]["zone_geo"] for f in listed(complete, f"{query}&{ALL}", collection=collection)}

    assert sites("zone_geo=ToulouseFrance") == {"ToulouseFrance"}
    assert sites("zone_geo=Toul%25") == {"ToulouseFrance", "ToulaRussia"}
    assert sites("zone_geo=Toulouse") == set()
    assert sites("zone_geo=litchfield") == set()
    assert sites("zone_geo[]=Pornic&zone_geo[]=Litchfield") == {"Pornic", "Litchfield"}
    assert sites("zone_geo=Sudmipy%25", "SPOT4") == {"SudmipyE", "SudmipyO"}


def test_a_product_is_found_by_its_name_and_by_its_id(complete):
    product = listed(complete, "zone_geo=Pornic&maxRecords=1")[0]
    name = product["properties"]["productIdentifier"]
    assert names(complete, f"identifier={name}") == names(complete, f"identifier={product['id']}") == [name]


@pytest.mark.parametrize(
    ("query", "site"),
    [
        ("box=130,-14,132,-12", "Litchfield"),
        ("geometry=POINT(-2.1 47.1)", "Pornic"),
        ("geometry=POLYGON((18 -34,19 -34,19 -32,18 -32,18 -34))", "Mooreesburg"),
        ("lon=18.66&lat=-33.15", "Mooreesburg"),
        ("lon=131.2&lat=-13.2&radius=30000", "Litchfield"),
    ],
)
def test_sites_are_found_by_where_they_are(query, site, complete):
    found = listed(complete, f"{query.replace(' ', '+')}&{ALL}")
    assert {f["properties"]["zone_geo"] for f in found} == {site}
    assert len(found) == 34


def test_a_point_out_of_reach_finds_nothing(complete):
    assert names(complete, "lon=131.2&lat=-13.2&radius=1000") == []
    assert len(names(complete, f"lat=-13.2&{ALL}")) == len(names(complete, ALL)), "lat alone is ignored"


def test_both_dates_test_the_start_of_the_acquisition(complete):
    one = "zone_geo=Pornic&processingLevel=LEVEL2A&startDate=2015-04-10"
    assert names(complete, f"{one}&completionDate=2015-04-10") == [], "a date alone is midnight"
    assert len(names(complete, f"{one}&completionDate=2015-04-11")) == 1
    assert len(names(complete, f"{one}&completionDate=2015-04-10T23:59:59Z")) == 1
    assert len(names(complete, f"{one}&completionDate=2015-05")) == 5
    assert len(names(complete, f"{one}&completionDate=2016&{ALL}")) == 17


@pytest.mark.parametrize(
    ("interval", "low", "high"), [("[0,20]", 0, 20), ("]0,20]", 1, 20), ("[50", 50, 100), ("20[", 0, 19), ("{0}", 0, 0)]
)
def test_clouds_are_asked_for_by_interval(interval, low, high, complete):
    found = [f["properties"]["cloudCover"] for f in listed(complete, f"cloudCover={interval}&{ALL}")]
    everything = [f["properties"]["cloudCover"] for f in listed(complete, ALL)]
    unknown = 1 if low == 0 else 0
    assert len(found) == sum(low <= cloud <= high for cloud in everything) - unknown
    assert min(found) >= low
    assert max(found) <= high


def test_an_unknown_cloud_cover_reads_as_zero_and_matches_no_interval(complete):
    (feature,) = listed(
        complete, "zone_geo=Mooreesburg&processingLevel=LEVEL2A&startDate=2015-05-24&completionDate=2015-05-25"
    )
    assert feature["properties"]["cloudCover"] == 0
    name = feature["properties"]["productIdentifier"]
    assert names(complete, f"identifier={name}&cloudCover=[0,100]") == []


def test_land_use_is_asked_for_in_percent(complete):
    assert {f["properties"]["zone_geo"] for f in listed(complete, f"forestCover=]25&{ALL}")} == {"Litchfield"}
    assert names(complete, "orbitNumber=1") == [], "what the database does not know matches nothing"


def test_a_search_over_all_collections_knows_no_zone_geo(complete):
    both = listed(complete, f"zone_geo=Pornic&{ALL}", collection=None)
    assert {f["properties"]["collection"] for f in both} == {"SPOT4", "SPOT5"}
    assert "zone_geo" not in both[0]["properties"]


def test_the_two_collections_are_told_apart(complete):
    answer = json.loads(ask(complete, "/resto/collections.json").body)
    assert [c["name"] for c in answer["collections"]] == ["SPOT4", "SPOT5"]
    assert {f["properties"]["platform"] for f in listed(complete, "", collection="SPOT4")} == {"SPOT4"}
    assert answer["statistics"]["collection"] == {"SPOT4": 18, "SPOT5": 272}


def test_a_date_that_does_not_exist_is_the_databases_failure(complete):
    assert ask(complete, "/resto/api/collections/SPOT5/search.json?startDate=2015-02-30").status == 500


def test_a_query_is_read_as_php_reads_it():
    assert parameters("a=1&a=2&b[]=x&b%5B%5D=y&c=1+2&d") == {"a": "2", "b": ["x", "y"], "c": "1 2", "d": ""}


def test_json_can_be_had_as_a_script(complete):
    body = ask(complete, "/resto/api/collections/SPOT5/search.json?maxRecords=1&callback=cb").body
    assert json.loads(body.removeprefix(b"cb(").removesuffix(b")"))["type"] == "FeatureCollection"
