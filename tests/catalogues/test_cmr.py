"""What CMR's answers mean, and that a walk over them is complete or a failure, whatever happens meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_cmr import CONCEPT, START, Pretend, at, granule
from tests.catalogues.spoiling import Spoil, Spoiling, broken, having, nameless
from watcher.catalogues.cmr import Kind
from watcher.catalogues.cmr.grounds import footprint
from watcher.core.identity.revisions import same
from watcher.core.unread import odd_of
from watcher.errors import CatalogueError, HttpError
from watcher.model import Asset, Capability, Product, Query
from watcher.net import Http


def made(url: str, **settings: Any) -> Kind:
    return msgspec.convert({"url": f"{url}/search", "collections": {CONCEPT: "L3"}, "page_size": 10, **settings}, Kind)


def products(answer: Callable[[Asked], Reply], settings: dict[str, Any] | None = None, **query: Any) -> list[Product]:
    with answering(answer) as (url, _), Http(origin=url, backoff_base=0.001) as http:
        pages = made(url, **(settings or {})).search(Query(**{"collection": CONCEPT, **query}), http)
        return [product for page in pages for product in page]


def numbers(listed: list[Product]) -> list[int]:
    return [int(product.id[1:].partition("-")[0]) for product in listed]


def news(answer: Callable[[Asked], Reply], since: float, **settings: Any) -> list[Product]:
    return products(answer, settings, learnt_since=START + timedelta(minutes=since))


# What a granule means


def test_a_product_is_what_its_granule_says() -> None:
    url = "https://data.example/HLS.B04.tif"
    one = granule(
        7,
        revised=9,
        CloudCover=12,
        Platforms=[{"ShortName": "Sentinel-2A", "Instruments": [{"ShortName": "Sentinel-2 MSI"}]}],
        AdditionalAttributes=[{"Name": "MGRS_TILE_ID", "Values": ["31TCJ"]}],
        DataGranule={
            "ProductionDateTime": at(-60),
            "ArchiveAndDistributionInformation": [
                {
                    "Name": "HLS.B04.tif",
                    "SizeInBytes": 77,
                    "Size": 0.1,
                    "SizeUnit": "KB",
                    "Checksum": {"Algorithm": "SHA-256", "Value": "AB" * 32},
                }
            ],
        },
        RelatedUrls=[
            {"URL": "s3://bucket/HLS.B04.tif", "Type": "GET DATA VIA DIRECT ACCESS"},
            {"URL": "http://data.example/HLS.B05.tif", "Type": "GET DATA"},
            {"URL": url, "Type": "GET DATA", "MimeType": "image/tiff"},
            {"URL": "https://data.example/q.jpg", "Type": "GET RELATED VISUALIZATION"},
            {"URL": "https://data.example/m.xml", "Type": "EXTENDED METADATA"},
        ],
    )

    (product,) = products(Pretend([one]))

    assert msgspec.structs.replace(product, geometry=None, link=None, revision="") == Product(
        collection=CONCEPT,
        id="G7-TEST",
        title="HLS.S30.T31TCJ.2026032T105321.00007",
        level=product.level,
        acquired=START - timedelta(hours=7),
        revision="",
        published=START + timedelta(minutes=7),
        updated=START + timedelta(minutes=9),
        learnt=START + timedelta(minutes=9),
        cloud=12.0,
        platform="sentinel-2a",
        instrument="sentinel-2 msi",
        quicklook="https://data.example/q.jpg",
        assets=(Asset("HLS.B04.tif", url, "image/tiff", 77, "sha256:" + "ab" * 32),),
        grid="MGRS-31TCJ",
    )
    assert product.level == "L3"
    assert str(product.link).endswith("/search/concepts/G7-TEST.html")
    assert msgspec.json.decode(product.geometry or b"")["type"] == "Polygon"


def test_the_files_are_all_of_a_granule_or_those_whose_names_end_as_asked() -> None:
    links = [{"URL": f"https://x.example/G.{band}.tif", "Type": "GET DATA"} for band in ("B04", "B05", "Fmask")]

    every = products(Pretend([granule(1, RelatedUrls=links)]))[0]
    some = products(Pretend([granule(1, RelatedUrls=links)]), {"assets": ["B04.tif", "Fmask.tif"]})[0]

    assert [asset.key for asset in every.assets] == ["G.B04.tif", "G.B05.tif", "G.Fmask.tif"]
    assert [asset.key for asset in some.assets] == ["G.B04.tif", "G.Fmask.tif"]


def test_cloud_cover_is_also_read_from_an_attribute_of_text() -> None:
    attribute = [{"Name": "CLOUD_COVERAGE", "Values": ["27"]}]

    assert products(Pretend([granule(1, AdditionalAttributes=attribute)]))[0].cloud == 27.0


def test_odd_values_hide_nothing_but_themselves() -> None:
    odd = granule(
        1,
        TemporalExtent=None,
        SpatialExtent={"HorizontalSpatialDomain": {"Geometry": {"GPolygons": [{"Boundary": {"Points": [{}]}}]}}},
        ProviderDates="x",
        DataGranule=[1],
        RelatedUrls={"URL": 3},
        CloudCover="much",
        AdditionalAttributes=[None, {"Name": "MGRS_TILE_ID", "Values": []}],
        Platforms=[7],
        PGEVersionClass=5,
    )

    product, other = products(Pretend([odd, granule(2)]))

    assert (product.acquired, product.geometry, product.assets, product.cloud) == (None, None, (), None)
    assert other.geometry is not None


def test_a_touched_record_is_the_same_processing_and_a_new_processing_is_not() -> None:
    def revision(**more: Any) -> str:
        data = {"ProductionDateTime": more.pop("made", at(-60))}
        return products(Pretend([granule(1, DataGranule=data, **more)]))[0].revision

    assert same(revision(), revision(revised=90))
    assert not same(revision(), revision(revised=90, made=at(-30)))


# What ground it covers


def ground(**geometry: Any) -> Any:
    extent = footprint({"HorizontalSpatialDomain": {"Geometry": geometry}})
    return None if extent is None else msgspec.json.decode(extent)


def boundary(*points: tuple[float, float]) -> dict[str, Any]:
    return {"Points": [{"Longitude": x, "Latitude": y} for x, y in points]}


def test_a_polygon_that_crosses_the_antimeridian_is_cut_there() -> None:
    import shapely

    around = boundary((179, 0), (-179, 0), (-179, 1), (179, 1), (179, 0))

    shape = shapely.from_geojson(msgspec.json.encode(ground(GPolygons=[{"Boundary": around}])))

    assert shape.area == pytest.approx(2)
    assert shape.geom_type == "MultiPolygon"
    assert shape.intersects(shapely.Point(-179.5, 0.5))
    assert not shape.intersects(shapely.Point(0, 0.5))


def test_a_box_whose_west_is_east_of_its_east_crosses_the_antimeridian() -> None:
    import shapely

    names = ("WestBoundingCoordinate", "SouthBoundingCoordinate", "EastBoundingCoordinate", "NorthBoundingCoordinate")
    box = dict(zip(names, (170, -10, -170, 10), strict=True))

    shape = shapely.from_geojson(msgspec.json.encode(ground(BoundingRectangles=[box])))

    assert shape.area == pytest.approx(400)


def test_holes_are_kept_and_points_are_points() -> None:
    import shapely

    outer = boundary((0, 0), (4, 0), (4, 4), (0, 4), (0, 0))
    hole = {"Boundaries": [boundary((1, 1), (2, 1), (2, 2), (1, 2), (1, 1))]}

    holed = ground(GPolygons=[{"Boundary": outer, "ExclusiveZone": hole}])

    assert shapely.from_geojson(msgspec.json.encode(holed)).area == pytest.approx(15)
    assert ground(Points=[{"Longitude": 3, "Latitude": 4}]) == {"type": "MultiPoint", "coordinates": [[3.0, 4.0]]}
    assert footprint({"Orbit": {}}) is None


# What is asked


def test_a_question_names_the_collection_the_place_the_window_and_the_order() -> None:
    square = b'{"type":"Polygon","coordinates":[[[1,43],[2,43],[2,44],[1,44],[1,43]]]}'
    server = Pretend([granule(1)])
    since = START + timedelta(seconds=1, milliseconds=5)

    products(
        server, {"deletions": False}, geometry=square, learnt_since=since, acquired=(START - timedelta(days=1), None)
    )

    assert server.searches[0] == {
        "collection_concept_id": CONCEPT,
        "revision_date[]": "2026-02-01T00:00:00Z,",
        "temporal[]": "2026-01-31T00:00:00Z,",
        "bounding_box[]": "1.000000,43.000000,2.000000,44.000000",
        "sort_key[]": "revision_date",
        "page_size": "10",
    }


def test_of_several_places_any_will_do_and_the_address_stays_short() -> None:
    import shapely

    many = shapely.MultiPolygon([shapely.box(x, 1.123456, x + 1, 2) for x in range(-120, 120, 2)])
    with answering(Pretend([granule(1)])) as (url, asked), Http(origin=url) as http:
        pages = made(url).search(Query(collection=CONCEPT, geometry=shapely.to_geojson(many).encode()), http)
        assert len(list(pages)) == 1

    assert asked[0].query["options[bounding_box][or]"] == "true"
    west, south, east, north = map(float, asked[0].query["bounding_box[]"].split(","))
    assert (south, north, east) == (1.123456, 2, 119)
    assert west <= 117


def test_a_window_ends_with_the_second_that_it_names() -> None:
    assert numbers(products(Pretend([granule(0), granule(1)]), acquired=(None, START - timedelta(hours=1)))) == [1]
    assert numbers(products(Pretend([granule(0)]), acquired=(START, START))) == [0]


def test_news_are_what_was_revised_and_what_was_deleted() -> None:
    server = Pretend([granule(1), granule(2, revised=70), granule(63)], gone=[(8, 60), (9, -60)])

    listed = news(server, 59)

    assert numbers(listed) == [63, 2, 8]
    assert [one.learnt for one in listed] == [START + timedelta(minutes=m) for m in (63, 70, 60)]
    assert [one.withdrawn for one in listed] == [None, None, "deleted"]
    assert listed[2].title == "GONE-8"
    assert numbers(news(server, 59, deletions=False)) == [63, 2]


def test_what_was_ingested_again_after_it_was_deleted_is_not_gone() -> None:
    server = Pretend([granule(8, revised=70)], gone=[(8, 60)])

    assert [one.withdrawn for one in news(server, 59)] == [None]


def test_of_deletions_a_year_is_asked_for_however_long_ago_the_cursor_is() -> None:
    server = Pretend([granule(1)], gone=[(5, 60)], now=START + timedelta(days=3))

    listed = products(server, learnt_since=START - timedelta(days=900))

    assert numbers(listed) == [1, 5]
    assert server.searches[-1]["revision_date"] == "2025-02-05T00:00:00Z"


def test_deletions_that_are_not_all_listed_are_a_failure() -> None:
    with pytest.raises(CatalogueError, match="counts 3 deleted granules of C1-TEST and lists 1") as caught:
        news(Pretend([granule(63)], gone=[(8, 60)], untold=2), 59)
    assert "deletions = false" in str(caught.value.hint)


def test_a_level_that_a_collection_has_not_is_not_asked_for() -> None:
    server = Pretend([granule(1)])

    assert products(server, level="L2A") == []
    assert server.searches == []


def test_a_collection_is_found_by_its_short_name_and_version_once() -> None:
    server = Pretend([granule(1)])
    settings = {"collections": {"HLSS30:2.0": "L3"}}
    with answering(server) as (url, asked), Http(origin=url) as http:
        kind = made(url, **settings)
        for _ in range(3):
            ((product,),) = kind.search(Query(collection="HLSS30:2.0"), http)

    assert product.collection == "HLSS30:2.0"
    found = [one.query for one in asked if one.path.endswith("/collections.umm_json")]
    assert found == [{"short_name": "HLSS30", "version": "2.0", "page_size": "50"}]


@pytest.mark.parametrize(("found", "said"), [([], "no collection X:1"), (["C1-A", "C2-B"], "C1-A, C2-B")])
def test_a_name_of_no_collection_or_of_several_is_an_error(found: list[str], said: str) -> None:
    with pytest.raises(CatalogueError, match=said) as caught:
        products(Pretend([], collections=found), {"collections": {"X:1": ""}}, collection="X:1")
    assert caught.value.permanent


def test_it_learns_everywhere_joins_places_and_says_what_it_took_away() -> None:
    capability = made("http://x").capability()

    assert capability == Capability(learns=True, codes=False, sweeps=True, places=50, page=10)


# Complete, or a failure


def test_a_walk_follows_the_search_after_header_to_the_end() -> None:
    server = Pretend([granule(n) for n in range(95)])

    assert numbers(products(server)) == list(range(95))
    assert len(server.searches) == 10


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_between_two_pages_nothing_that_stays_is_missed(seed: int) -> None:
    chance = random.Random(seed)
    server = Pretend([granule(n) for n in range(60)])
    stay = set(range(0, 60, 2))
    clock = [100.0]

    def meanwhile(asked: dict[str, str]) -> None:
        clock[0] += 1
        deed = chance.choice(["ingest", "revise", "delete", "nothing"])
        if deed == "ingest" and len(server.granules) < 80:
            server.granules.append(granule(1000 + int(clock[0]), revised=clock[0]))
        elif deed == "revise":
            chance.choice(server.granules)["meta"]["revision-date"] = at(clock[0])
        elif deed == "delete":
            fleeting = [one for one in server.granules if int(one["meta"]["concept-id"][1:-5]) not in stay]
            if fleeting:
                server.granules.remove(chance.choice(fleeting))

    server.before = meanwhile

    assert stay <= set(numbers(products(server)))
    assert stay <= set(numbers(news(server, -1)))


def test_a_granule_that_comes_up_late_behind_the_walk_is_read_by_another() -> None:
    server = Pretend([granule(n) for n in range(10, 40)])

    def late(asked: dict[str, str]) -> None:
        if len(server.searches) == 2:
            server.granules.append(granule(1))

    server.before = late

    assert sorted(numbers(products(server))) == [1, *range(10, 40)]


def test_a_part_of_an_answer_is_a_failure_though_its_status_is_200() -> None:
    for slow in (1, 2):
        with pytest.raises(CatalogueError, match="gave up on the search and answered a part") as caught:
            products(Pretend([granule(n) for n in range(30)], slow=slow))
        assert not caught.value.permanent


def test_a_count_that_is_not_reached_is_a_failure() -> None:
    with pytest.raises(CatalogueError, match="counts 31 granules in C1-TEST and listed 30, twice"):
        products(Pretend([granule(n) for n in range(30)], hidden=1))
    with pytest.raises(CatalogueError, match="listed 10, twice"):
        products(Pretend([granule(n) for n in range(30)], pages=False))


def test_a_page_that_leads_back_to_itself_is_a_failure() -> None:
    def circling(asked: Asked) -> Reply:
        body = msgspec.json.encode({"hits": 99, "items": [granule(1)]})
        return Reply(200, body, headers={"CMR-Hits": "99", "CMR-Search-After": "[1]"})

    with pytest.raises(CatalogueError, match="in a circle"):
        products(circling)


def test_a_page_too_heavy_for_the_server_is_asked_for_at_half_its_size() -> None:
    assert numbers(products(Pretend([granule(n) for n in range(30)], heavy=5))) == list(range(30))


def test_a_server_that_asks_to_wait_is_left_alone_until_then() -> None:
    with pytest.raises(HttpError) as told:
        products(lambda _: Reply(429, b"{}", headers={"Retry-After": "120"}))
    assert told.value.retry_after == 120


def test_a_server_that_does_not_filter_is_found_out() -> None:
    with pytest.raises(CatalogueError, match="ignores revision_date"):
        news(Pretend([granule(1)], filters=False), 59)
    with pytest.raises(CatalogueError, match="ignores collection_concept_id=C2-TEST"):
        products(Pretend([granule(1)], filters=False), {"collections": {"C2-TEST": ""}}, collection="C2-TEST")
    with pytest.raises(CatalogueError, match="ignores temporal"):
        products(Pretend([granule(1)], filters=False), acquired=(START, None))


def test_a_refusal_is_told_in_the_servers_own_words() -> None:
    with pytest.raises(HttpError) as refused:
        products(lambda _: Reply(400, b'{"errors":["Parameter [sort_kee] was not recognized."]}'))
    assert refused.value.hint == "the server says: Parameter [sort_kee] was not recognized."


def test_silence_is_believed_only_of_a_collection_that_has_something() -> None:
    assert news(Pretend([granule(1)]), 59) == []
    with pytest.raises(CatalogueError, match="no granules of C2-TEST"):
        products(Pretend([granule(1)]), {"collections": {"C2-TEST": ""}}, collection="C2-TEST")


def test_a_walk_that_does_not_end_is_given_up() -> None:
    with pytest.raises(CatalogueError, match="more than 3 pages"):
        products(Pretend([granule(n) for n in range(100)]), {"max_pages": 3})


# Looking at a server


def looked(server: Pretend, **settings: Any) -> list[bool]:
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.001) as http:
        return [finding.well for finding in made(url, **settings).check(http)]


def test_a_look_finds_a_server_well_by_asking_it() -> None:
    assert looked(Pretend([granule(n) for n in range(30)])) == [True] * 6


@pytest.mark.parametrize("vice", [{"filters": False}, {"sorts": False}, {"pages": False}, {"hidden": 2}])
def test_a_look_finds_each_vice(vice: dict[str, Any]) -> None:
    things = [granule(n) for n in range(30, 0, -1)]

    found = looked(Pretend(things, **vice))
    assert False in found
    assert len(found) == 6  # one thing that is wrong hides no other


def test_a_look_finds_a_collection_that_is_not_there() -> None:
    assert looked(Pretend([granule(1)]), collections={"C2-TEST": ""}) == [False]


def test_a_collection_is_held_as_cmr_describes_it() -> None:
    with answering(Pretend([])) as (url, _), Http(origin=url) as http:
        (holding,) = made(url).discover(http)

    assert (holding.collection, holding.title, holding.levels) == (CONCEPT, "Things of a test", ("L3",))
    assert (holding.first, holding.last, holding.count) == (datetime(2015, 11, 28, tzinfo=UTC), None, 12)


# What cannot be read


def spoiling(server: Pretend, how: Spoil, *numbers: int) -> Spoiling:
    found = Spoiling(server)
    found.spoilt = {f"G{number}-TEST": how for number in numbers}
    return found


def odd(answer: Callable[[Asked], Reply], settings: dict[str, Any] | None = None, **query: Any) -> list[str]:
    with answering(answer) as (url, _), Http(origin=url, backoff_base=0.001) as http:
        pages = made(url, **(settings or {})).search(Query(**{"collection": CONCEPT, **query}), http)
        return [one.id for page in pages for one in odd_of(page)]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_cannot_be_read_all_else_is_listed(seed: int) -> None:
    chance = random.Random(seed)
    bad = chance.sample(range(45), 6)
    spoilt = spoiling(Pretend([granule(n) for n in range(45)]), chance.choice([broken, nameless]), *bad)

    assert sorted(numbers(products(spoilt))) == sorted(set(range(45)) - set(bad))
    assert len(odd(spoilt)) == 6


def test_what_is_counted_and_not_listed_is_a_failure_beside_what_cannot_be_read() -> None:
    with pytest.raises(CatalogueError, match="counts 6 granules in C1-TEST and listed 5, twice"):
        products(spoiling(Pretend([granule(n) for n in range(5)], hidden=1), broken, 2))


def test_what_was_ingested_again_and_cannot_be_read_is_not_gone() -> None:
    server = Pretend([granule(1), granule(2, revised=9), granule(3)], gone=[(2, 5), (4, 6)])

    gone = {product.id: product.withdrawn for product in news(spoiling(server, broken, 2), -9)}

    assert gone == {"G1-TEST": None, "G3-TEST": None, "G4-TEST": "deleted"}


def test_a_deletion_that_cannot_be_read_hides_none() -> None:
    server = Pretend([granule(1)], gone=[(n, n) for n in range(2, 6)])

    def answer(asked: Asked) -> Reply:
        reply = server(asked)
        if not asked.path.endswith("deleted-granules.json"):
            return reply
        gone = msgspec.json.decode(reply.body)
        return reply._replace(
            body=msgspec.json.encode(
                [having(**{"granule-ur": None})(one) if one["concept-id"] in bad else one for one in gone]
            )
        )

    bad = {"G3-TEST"}
    assert numbers(news(answer, -9)) == [1, 2, 4, 5]
    assert odd(answer, learnt_since=START) == ["G3-TEST"]
    bad = {f"G{n}-TEST" for n in range(2, 6)}
    with pytest.raises(CatalogueError, match="deleted-granules.json lists what cannot be read, 4 of 4 items"):
        news(answer, -9)


def test_a_look_goes_on_though_the_ends_cannot_be_read() -> None:
    spoilt = spoiling(Pretend([granule(n) for n in range(30)]), broken, 0, 29)
    with answering(spoilt) as (url, _), Http(origin=url) as http:
        wrong = [finding.text for finding in made(url).check(http) if not finding.well]

    (text,) = wrong
    assert text.startswith("1 of the 20 listed cannot be read: G29-TEST: Expected `object`, got `null`")
