"""What a STAC API's answers mean, and that a walk over a server with vices is complete or a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_stac import Pretend
from tests.servers.stac import thing
from watcher.catalogues.stac import Kind
from watcher.errors import CatalogueError, HttpError
from watcher.model import Asset, Capability, Product, Query
from watcher.net import Http

START = datetime(2026, 2, 1, tzinfo=UTC)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def series(count: int, *, start: int = 0) -> list[dict[str, Any]]:
    """Items learnt a minute apart, and acquired an hour apart."""
    items = []
    for n in range(start, count):
        acquired = (START + timedelta(hours=n)).isoformat().replace("+00:00", "Z")
        items.append({**thing(f"P{n:03}", at(n), acquired=acquired), "collection": "things"})
    return items


def names(count: int) -> list[str]:
    return [f"P{n:03}" for n in range(count)]


def kind(url: str, **settings: Any) -> Kind:
    return msgspec.convert({"url": url, "collections": {"things": "L2A"}, "limit": 10, **settings}, Kind)


def products(answer: Callable[[Asked], Reply], settings: dict[str, Any] | None = None, **query: Any) -> list[Product]:
    with answering(answer) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        pages = kind(url, **(settings or {})).search(Query(collection="things", **query), http)
        return [product for page in pages for product in page]


def listed(answer: Callable[[Asked], Reply], settings: dict[str, Any] | None = None, **query: Any) -> list[str]:
    return [product.id for product in products(answer, settings, **query)]


def one(settings: dict[str, Any] | None = None, **changes: Any) -> Product:
    item = {**series(1)[0], **changes}
    (product,) = products(Pretend([item]), settings)
    return product


def properties(**said: Any) -> dict[str, Any]:
    return {"datetime": at(0), "updated": at(1), **said}


# What an item means


def test_a_product_is_what_its_item_says() -> None:
    archive = {
        "href": "https://eo.example/a",
        "type": "application/zip",
        "roles": ["data"],
        "file:size": 7,
        "file:checksum": "d50110" + "0a" * 16,
    }
    quicklook = {"href": "https://eo.example/q.jpg", "type": "image/jpeg", "roles": ["thumbnail"]}
    product = one(
        properties=properties(
            created="2026-02-01T00:00:30.5Z",
            published="2026-02-01T00:00:40+00:00",
            platform="sentinel-2a",
            instruments=["msi", "aux"],
            **{"eo:cloud_cover": 12, "processing:version": "05.12", "processing:datetime": at(0)},
        ),
        assets={"product": archive, "thumbnail": quicklook},
        links=[{"rel": "self", "href": "https://eo.example/P000"}],
    )

    assert msgspec.structs.replace(product, revision="", geometry=None) == Product(
        collection="things",
        id="P000",
        title="P000",
        level=product.level,
        acquired=START,
        revision="",
        published=START + timedelta(seconds=40),
        updated=START + timedelta(minutes=1),
        learnt=START + timedelta(minutes=1),
        cloud=12.0,
        platform="sentinel-2a",
        instrument="msi, aux",
        link="https://eo.example/P000",
        quicklook="https://eo.example/q.jpg",
        assets=(Asset("product", "https://eo.example/a", "application/zip", 7, "md5:" + "0a" * 16),),
    )
    assert product.level == "L2A"
    assert msgspec.json.decode(product.geometry or b"") == {"type": "Point", "coordinates": [1.4, 43.6]}


def test_an_item_without_links_is_linked_where_the_api_has_it() -> None:
    with answering(Pretend(series(1))) as (url, _), Http(origin=url) as http:
        ((product,),) = kind(url).search(Query(collection="things"), http)

    assert product.link == f"{url}/collections/things/items/P000"


def test_an_acquisition_over_a_time_begins_where_it_begins() -> None:
    said = properties(datetime=None, start_datetime="2026-01-31T23:00:00.25Z", end_datetime=at(5))

    assert one(properties=said).acquired == datetime(2026, 1, 31, 23, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({"product:type": "S2MSI2A", "processing:level": "L2"}, "L2A"),
        ({"s2:product_type": "S2MSI1C"}, "L1C"),
        ({"processing:level": "l2a"}, "L2A"),
        ({"product:type": "GRD", "processing:level": "L1"}, "L1"),
        ({"product:type": "GRD"}, "GRD"),
        ({}, None),
    ],
)
def test_a_level_that_is_not_configured_is_read_from_the_item(said: dict[str, str], level: str | None) -> None:
    assert one({"collections": {"things": ""}}, properties=properties(**said)).level == level


def test_products_of_another_level_are_not_listed_where_a_collection_has_several() -> None:
    items = series(3)
    items[0]["properties"]["processing:level"] = "L1C"
    items[1]["properties"]["processing:level"] = "L2A"
    catalogue = {"collections": {"things": ""}}

    assert listed(Pretend(items), catalogue, level="L2A") == ["P001", "P002"]
    assert kind("http://x", **catalogue).collections_of("L2A") == ["things"]


def test_collections_are_found_by_level() -> None:
    catalogue = kind("http://x", collections={"a": "L2A", "b": "LEVEL1C", "c": ""})

    assert list(catalogue.collections_of(None)) == ["a", "b", "c"]
    assert list(catalogue.collections_of("L1C")) == ["b", "c"]


def test_a_cursor_is_what_makes_a_catalogue_learn_and_sweep() -> None:
    assert kind("http://x").capability() == Capability(learns=True, codes=False, sweeps=True, places=50, page=10)
    assert kind("http://x", cursor="none").capability() == Capability(learns=False, codes=False, places=50, page=10)


def test_a_question_by_get_holds_one_place() -> None:
    assert kind("http://x", method="GET").capability().places == 1
    assert kind("http://x", filter="resto", cursor="created").capability().places == 1
    assert kind("http://x", places=8).capability().places == 8


ZIP = {"href": "https://eo.example/p/$value", "type": "application/zip"}
TAR = {"href": "https://eo.example/p.tar.gz?x=1"}
BAND = {"href": "https://eo.example/B04.tif", "type": "image/tiff", "roles": ["data"]}


@pytest.mark.parametrize(
    ("files", "asked", "chosen"),
    [
        ({"product": ZIP, "red": BAND}, [], ["product"]),
        ({"archive": TAR}, [], ["archive"]),
        ({"red": BAND, "green": BAND}, [], []),
        ({"one": ZIP, "two": TAR}, [], []),
        ({"one": ZIP, "two": {**ZIP, "href": "s3://bucket/p.zip"}}, [], ["one"]),
        ({"product": ZIP, "red": BAND}, ["red", "nir"], ["red"]),
        ({"red": {**BAND, "href": "s3://bucket/B04.tif"}}, ["red"], []),
        ({"B02": BAND, "B8A": BAND, "scl": BAND}, ["SCL", "B0*"], ["scl", "B02"]),
        ({"B02": BAND, "product": ZIP, "B03": BAND}, ["role:data"], ["B02", "B03"]),
        ({"B02": BAND, "B03": BAND, "role:data": ZIP}, ["B?[3A]", "role:data", "B*"], ["B03", "role:data", "B02"]),
        ({"B02": {**BAND, "roles": "data"}}, ["role:data", "role:", "*x*"], []),
    ],
)
def test_the_archive_or_what_is_asked_for_is_downloaded(
    files: dict[str, Any], asked: list[str], chosen: list[str]
) -> None:
    assert [asset.key for asset in one({"assets": asked}, assets=files).assets] == chosen


def test_one_odd_value_hides_neither_its_product_nor_the_others() -> None:
    items = series(2)
    items[0]["properties"] |= {
        "eo:cloud_cover": "hazy",
        "platform": 5,
        "instruments": "msi",
        "created": 12,
        "title": {},
    }
    items[0] |= {"geometry": None, "assets": {"product": {**ZIP, "file:size": "big", "roles": None}}}

    first, second = products(Pretend(items))

    assert (first.id, first.cloud, first.platform, first.geometry) == ("P000", None, None, None)
    assert first.assets[0].size is None
    assert second.id == "P001"


def test_a_revision_changes_with_what_is_said_of_the_processing() -> None:
    same = [one(properties=properties(updated=text)).revision for text in (at(1), "2026-02-01T00:01:00.000+00:00")]
    other = [
        one(properties=properties(updated=at(2))).revision,
        one(properties=properties(version="2")).revision,
        one(properties=properties(**{"s2:processing_baseline": "05.12"})).revision,
        one(properties=properties(**{"s2:generation_time": at(0)})).revision,
        one(properties=properties(), assets={"product": {**ZIP, "file:size": 5}}).revision,
        one(properties=properties(), assets={"product": {**ZIP, "file:checksum": "1220" + "ab" * 32}}).revision,
    ]

    assert same[0] == same[1]
    assert len({same[0], *other}) == 7


@pytest.mark.parametrize("url", ["https://me:secret@eo.example/", "https://eo.example/?token=secret", "https://x/#a"])
def test_an_address_that_carries_a_secret_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="landing page alone") as caught:
        kind(url)
    assert "secret" not in str(caught.value)


def test_a_catalogue_without_collections_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="at least one collection"):
        kind("http://x", collections={})


# How much is asked


def test_a_short_answer_takes_one_request() -> None:
    server = Pretend(series(9))

    assert listed(server, learnt_since=START, acquired=(START, None)) == names(9)
    assert server.searches == [
        {
            "collections": ["things"],
            "limit": 10,
            "datetime": "2026-02-01T00:00:00Z/..",
            "query": {"updated": {"gte": "2026-01-31T23:59:59Z"}},
            "sortby": [{"field": "properties.updated", "direction": "asc"}],
        }
    ]


def test_a_long_answer_of_a_server_that_sorts_takes_a_request_a_page_and_one() -> None:
    server = Pretend(series(45))

    assert listed(server) == names(45)
    assert len(server.searches) == 1 + 5  # the last product of a page is the first of the next


def test_links_are_followed_once_where_the_servers_count_proves_them() -> None:
    server = Pretend(series(45), counts=True)

    assert sorted(listed(server, {"sort": False})) == names(45)
    assert len(server.searches) == 5


def test_links_are_followed_twice_where_nothing_else_proves_them() -> None:
    server = Pretend(series(45))

    assert sorted(listed(server, {"sort": False})) == names(45)
    assert [body["limit"] for body in server.searches] == [10] * 5 + [16] * 3


def test_a_link_that_is_always_there_is_not_followed_once_all_is_read() -> None:
    searches = []

    def answer(asked: Asked) -> Reply:
        searches.append(asked)
        link = {"rel": "next", "method": "POST", "href": "/search", "merge": False, "body": {"next": "2026,x,y"}}
        page = {"type": "FeatureCollection", "features": series(2), "links": [link], "context": {"matched": 2}}
        return Reply(200, msgspec.json.encode(page))

    assert listed(answer) == names(2)
    assert len(searches) == 1


def test_a_link_that_asks_to_be_merged_is() -> None:
    bodies = []

    def answer(asked: Asked) -> Reply:
        body = msgspec.json.decode(asked.body)
        bodies.append(body)
        page: dict[str, Any] = {"type": "FeatureCollection", "features": series(2), "numberMatched": 3}
        if "token" in body:
            page["features"] = series(3, start=2)
        else:
            link = {"rel": "next", "method": "POST", "href": "search", "merge": True, "body": {"token": "t"}}
            page["links"] = [link]
        return Reply(200, msgspec.json.encode(page))

    assert listed(answer, {"sort": False, "limit": 2}) == names(3)
    assert bodies[1] == {**bodies[0], "token": "t"}


# Servers with vices


@pytest.mark.parametrize(
    "settings", [{}, {"sort": False}, {"cursor": "none"}, {"cursor": "none", "sort": False}], ids=str
)
@pytest.mark.parametrize("counts", [False, True])
def test_nothing_is_lost_when_a_deletion_moves_the_pages(settings: dict[str, Any], counts: bool) -> None:
    server = Pretend(series(45), counts=counts)

    def once(body: dict[str, Any]) -> None:
        if len(server.searches) == 2:
            del server.items[3]

    server.before = once

    assert set(listed(server, settings)) == set(names(45))


@pytest.mark.parametrize(
    "settings", [{}, {"sort": False}, {"cursor": "none"}, {"cursor": "none", "sort": False}], ids=str
)
@pytest.mark.parametrize("sorts", [True, False])
def test_nothing_is_lost_to_a_server_that_cuts_at_a_full_page(settings: dict[str, Any], sorts: bool) -> None:
    items = series(45)

    assert sorted(listed(Pretend(items[30:] + items[:30], links=False, sorts=sorts), settings)) == names(45)


def test_a_page_that_is_full_for_once_is_read_as_whole() -> None:
    for settings in ({}, {"sort": False}, {"cursor": "none"}):
        assert sorted(listed(Pretend(series(10), links=False), settings)) == names(10), settings


def test_a_cut_that_no_time_can_part_is_a_failure() -> None:
    items = [{**item, "properties": properties()} for item in series(45)]

    with pytest.raises(CatalogueError, match="too close in time") as caught:
        listed(Pretend(items, links=False))

    assert "limit above" in str(caught.value.hint)


def test_an_answer_that_stays_shorter_than_its_count_is_a_failure() -> None:
    for settings in ({}, {"sort": False}):
        with pytest.raises(CatalogueError, match=r"counts \d+ products in things and listed \d+, twice"):
            listed(Pretend(series(45), counts=True, hidden=3), settings)


def test_an_answer_that_was_shorter_than_its_count_is_asked_for_again() -> None:
    server = Pretend(series(5), counts=True, hidden=1)

    def later(body: dict[str, Any]) -> None:
        if len(server.searches) == 3:
            server.items, server.hidden = series(6), 0

    server.before = later

    assert sorted(listed(server)) == names(6)


def test_the_products_that_lack_the_property_are_read_too_where_the_count_shows_them() -> None:
    items = series(45)
    for item in items[40:]:
        del item["properties"]["updated"]

    assert sorted(listed(Pretend(items, counts=True))) == names(45)


def test_a_circle_of_links_is_a_failure() -> None:
    def answer(asked: Asked) -> Reply:
        link = {"rel": "next", "href": "/search?page=2"}
        return Reply(200, msgspec.json.encode({"type": "FeatureCollection", "features": series(2), "links": [link]}))

    with pytest.raises(CatalogueError, match="circle"):
        listed(answer)


def test_pages_without_end_are_given_up() -> None:
    asked_for = []

    def answer(asked: Asked) -> Reply:
        asked_for.append(asked)
        number = len(asked_for)
        link = {"rel": "next", "href": f"/search?page={number}"}
        features = series(number + 1, start=number)
        return Reply(200, msgspec.json.encode({"type": "FeatureCollection", "features": features, "links": [link]}))

    with pytest.raises(CatalogueError, match="more than 30 pages"):
        listed(answer, {"max_pages": 30})
    assert len(asked_for) <= 30


def test_a_link_to_another_server_is_refused() -> None:
    with answering(Pretend(series(9))) as (elsewhere, asked):

        def answer(_: Asked) -> Reply:
            link = {"rel": "next", "href": f"{elsewhere}/search"}
            return Reply(
                200, msgspec.json.encode({"type": "FeatureCollection", "features": series(2), "links": [link]})
            )

        with pytest.raises(CatalogueError, match="was not followed"):
            listed(answer)

    assert asked == []


@pytest.mark.parametrize("settings", [{}, {"sort": False}], ids=str)
def test_a_page_too_heavy_for_the_server_is_asked_for_at_half_its_size(settings: dict[str, Any]) -> None:
    server = Pretend(series(45), heavy=5)

    assert sorted(listed(server, settings)) == names(45)
    assert max(body["limit"] for body in server.searches[5:]) <= 5


@pytest.mark.parametrize("settings", [{}, {"sort": False}], ids=str)
def test_a_page_that_always_fails_is_a_failure(settings: dict[str, Any]) -> None:
    server = Pretend(series(45), heavy=0)

    with pytest.raises(HttpError) as caught:
        listed(server, settings)

    assert caught.value.status == 502


def test_a_server_that_asks_for_time_gets_it() -> None:
    sizes = []

    def answer(asked: Asked) -> Reply:
        sizes.append(msgspec.json.decode(asked.body)["limit"])
        return Reply(503, b"{}")

    with pytest.raises(HttpError):
        listed(answer)
    assert set(sizes) == {10}


# Filters that are ignored


def test_an_ignored_cursor_is_a_failure_that_names_it() -> None:
    with pytest.raises(CatalogueError, match=r"ignores the filter updated >= .* it lists P000") as caught:
        listed(Pretend(series(5), filters=False), learnt_since=START + timedelta(minutes=3))

    assert 'filter = "cql2"' in str(caught.value.hint)


def test_an_ignored_window_is_a_failure() -> None:
    with pytest.raises(CatalogueError, match="ignores the filter datetime"):
        listed(Pretend(series(5), filters=False), acquired=(START + timedelta(hours=3), None))


def test_an_ignored_collection_is_a_failure() -> None:
    with pytest.raises(CatalogueError, match='ignores the filter collections = "things"'):
        listed(Pretend([{**series(1)[0], "collection": "others"}]))


def test_a_filter_ignored_on_a_later_page_is_a_failure() -> None:
    server = Pretend(series(45))

    def forget(body: dict[str, Any]) -> None:
        server.filters = "query" not in body

    server.before = forget

    with pytest.raises(CatalogueError, match="ignores the filter updated"):
        listed(server)


def test_a_catalogue_without_cursor_cannot_be_asked_for_news() -> None:
    server = Pretend(series(5))

    with pytest.raises(CatalogueError, match='cursor is "none"'):
        listed(server, {"cursor": "none"}, learnt_since=START)
    assert server.searches == []


def test_a_catalogue_knows_no_site_by_name() -> None:
    with answering(Pretend([])) as (url, asked), Http(origin=url) as http:
        assert kind(url).locate("Toulouse", http, collections=["things"]) == ([], [])
    assert asked == []


def test_a_cell_is_taken_from_properties_or_else_from_the_name() -> None:
    name = "S2B_31TCJ_20260101_0_L2A"
    cells: dict[str, dict[str, Any]] = {
        "MGRS-05VNK": {"grid:code": "MGRS-5VNK"},
        "MGRS-60VUK": {"s2:mgrs_tile": "60VUK"},
        "MGRS-13TDE": {"mgrs:utm_zone": 13, "mgrs:latitude_band": "T", "mgrs:grid_square": "DE"},
        "WRS2-047027": {"landsat:wrs_type": "2", "landsat:wrs_path": "047", "landsat:wrs_row": "027"},
        "WRS1-210030": {"landsat:wrs_type": "1", "landsat:wrs_path": "210", "landsat:wrs_row": "030"},
        "MGRS-31TCJ": {"grid:code": "CARTO-41", "s2:mgrs_tile": 5},
    }

    for cell, said in cells.items():
        assert one(id=name, properties=properties(**said)).grid == cell
    assert one(id="P001", properties=properties()).grid is None
    assert one(id="P001", properties=properties(title=f"{name}.SAFE")).grid == "MGRS-31TCJ"


def test_an_asset_is_found_in_whichever_case_it_is_written() -> None:
    product = one({"assets": ["product"]}, assets={"Product": ZIP})

    assert [asset.key for asset in product.assets] == ["Product"]
