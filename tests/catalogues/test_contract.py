"""What every kind of catalogue owes to those who ask it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
import pytest

from tests.catalogues import pretend_cmr, pretend_geodes, pretend_odata
from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.spoiling import LISTS, Spoil, broken, nameless, variants
from tests.servers.stac import thing
from watcher import config, plugins
from watcher.catalogues import cmr, geodes, odata, resto, stac
from watcher.core.unread import odd_of
from watcher.errors import CatalogueError, ConfigError
from watcher.model import Page, Query
from watcher.net import Http
from watcher.plugins import Catalogue

ACQUIRED = datetime(2015, 6, 1, 10, 0, 0, tzinfo=UTC)

SETTINGS: dict[str, dict[str, Any]] = {
    "resto": {"collections": ["things"]},
    "stac": {"collections": {"things": "L2A"}},
    "geodes": {"collections": {"things": "L2A"}},
    "odata": {"collections": {"things": "L2A"}},
    "cmr": {"collections": {"things": "L2A"}},
}


def resto_page() -> bytes:
    properties = {
        "productIdentifier": "P000",
        "title": "P000",
        "startDate": "2015-06-01T10:00:00Z",
        "published": "2015-06-20T08:00:00Z",
        "updated": "2015-06-20T08:00:00Z",
        "processingLevel": "LEVEL2A",
        "platform": "SPOT5",
        "collection": "things",
    }
    square = {"type": "Polygon", "coordinates": [[[1, 43], [2, 43], [2, 44], [1, 44], [1, 43]]]}
    feature = {
        "type": "Feature",
        "id": "4b0a4f0e-6a9b-5a3c-9f57-000000000001",
        "geometry": square,
        "properties": properties,
    }
    head = {"totalResults": 1, "startIndex": 1, "itemsPerPage": 1, "links": []}
    return msgspec.json.encode({"type": "FeatureCollection", "properties": head, "features": [feature]})


def stac_page() -> bytes:
    item = {**thing("P000", "2015-06-20T08:00:00Z", acquired="2015-06-01T10:00:00Z"), "collection": "things"}
    return msgspec.json.encode({"type": "FeatureCollection", "features": [item], "links": []})


def geodes_page() -> bytes:
    item = pretend_geodes.item(1, dataset="things", start_datetime="2015-06-01T10:00:00.000Z")
    page = {"type": "FeatureCollection", "features": [item], "context": {"matched": 1}, "links": []}
    return msgspec.json.encode(page)


def odata_page() -> bytes:
    begun = {"Start": "2015-06-01T10:00:00.000000Z", "End": "2015-06-01T10:00:03.000000Z"}
    return msgspec.json.encode({"value": [pretend_odata.thing(1, ContentDate=begun)]})


def cmr_page() -> bytes:
    begun = {"RangeDateTime": {"BeginningDateTime": "2015-06-01T10:00:00.000Z"}}
    return msgspec.json.encode({"hits": 1, "items": [pretend_cmr.granule(1, TemporalExtent=begun)]})


PAGES = {"resto": resto_page(), "stac": stac_page(), "geodes": geodes_page(), "odata": odata_page(), "cmr": cmr_page()}
EMPTY = {
    "resto": b'{"type":"FeatureCollection","properties":{"totalResults":0,"startIndex":1,"itemsPerPage":0,"links":[]},'
    b'"features":[]}',
    "stac": b'{"type":"FeatureCollection","features":[],"links":[]}',
    "geodes": b'{"type":"FeatureCollection","features":[],"context":{"returned":0,"limit":80,"matched":0},"links":[]}',
    "odata": b'{"value":[]}',
    "cmr": b'{"hits":0,"items":[]}',
}
SEARCHES = ("search", "Products", "granules")


@pytest.fixture(params=sorted(PAGES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made(kind: str, url: str) -> Catalogue:
    built: Catalogue = plugins.build("catalogues", kind, {"url": url, **SETTINGS[kind]}, place="catalogues.x")
    return built


def counting(kind: str, *items: object) -> bytes:
    """Return the page of a kind that lists these, and counts as many."""
    page: dict[str, Any] = msgspec.json.decode(PAGES[kind])
    (name,) = set(LISTS) & page.keys()
    page[name] = items
    match kind:
        case "resto":
            page["properties"]["totalResults"] = len(items)
        case "geodes":
            page["context"]["matched"] = len(items)
        case "cmr":
            page["hits"] = len(items)
        case "stac":
            page["numberMatched"] = len(items)
    return msgspec.json.encode(page)


def item(kind: str) -> dict[str, Any]:
    """Return the one product of the page of a kind."""
    page: dict[str, Any] = msgspec.json.decode(PAGES[kind])
    (name,) = set(LISTS) & page.keys()
    (found,) = page[name]
    return dict(found)


FULL: dict[str, dict[str, Any]] = {
    "stac": {"assets": {"a": {"href": "https://x/a.zip", "roles": ["data"]}}, "links": [{"rel": "self", "href": "x"}]},
    "geodes": {"collection": "things"},
    "odata": {"Assets": [{"Type": "QUICKLOOK", "DownloadLink": "https://x/q"}]},
    "cmr": {
        "umm": {
            **pretend_cmr.granule(1)["umm"],
            "CloudCover": 3,
            "RelatedUrls": [{"Type": "GET DATA", "URL": "https://x/a.tif"}],
            "Platforms": [{"ShortName": "S", "Instruments": [{"ShortName": "I"}]}],
        }
    },
}
"""What else an item may say."""


def called(kind: str, name: str, **more: object) -> dict[str, Any]:
    """Return that product under another id."""
    one = item(kind)
    if kind == "cmr":
        return {**one, "meta": {**one["meta"], "concept-id": name}, **more}
    return {**one, ("Id" if kind == "odata" else "id"): name, **more}


def listed(kind: str, body: bytes, *, status: int = 200, media: str = "application/json") -> list[Page]:
    """Ask for a collection of a server whose searches are all answered with this."""

    def answer(asked: Asked) -> Reply:
        if not any(word in asked.path for word in SEARCHES):
            named = [{"meta": {"concept-id": pretend_cmr.CONCEPT}}]
            described = {"id": "things", "collections": [{"id": "things"}], "items": named}
            return Reply(200, msgspec.json.encode(described))
        if "1" in (asked.query.get("$top"), asked.query.get("page_size")):
            return Reply(200, PAGES[kind])  # whether the collection has anything at all
        later = int(asked.query.get("page", 1)) > 1
        return Reply(200, EMPTY[kind]) if later else Reply(status, body, media)

    with answering(answer) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        pages = made(kind, url).search(Query(collection="things"), http)
        return list(pages)


def test_every_kind_is_looked_at_here() -> None:
    # eodag asks with a library of its own, and is looked at where that is installed: test_eodag.py.
    assert plugins.kinds("catalogues") == sorted([*PAGES, "eodag"])
    assert {
        "resto": resto.Kind,
        "stac": stac.Kind,
        "geodes": geodes.Kind,
        "odata": odata.Kind,
        "cmr": cmr.Kind,
    }.keys() == PAGES.keys()


def test_an_unknown_setting_is_refused_by_its_name(kind: str) -> None:
    with pytest.raises(ConfigError, match="colections"):
        plugins.build("catalogues", kind, {"url": "http://x", **SETTINGS[kind], "colections": []}, place="catalogues.x")
    with pytest.raises(msgspec.ValidationError, match="colections"):
        msgspec.convert({"url": "http://x", **SETTINGS[kind], "colections": []}, type(made(kind, "http://x")))


def test_a_missing_or_wrong_setting_is_refused_by_its_name(kind: str) -> None:
    with pytest.raises(ConfigError, match="url"):
        plugins.build("catalogues", kind, SETTINGS[kind], place="catalogues.x")
    with pytest.raises(ConfigError, match="max_pages"):
        plugins.build(
            "catalogues", kind, {"url": "http://x", **SETTINGS[kind], "max_pages": "many"}, place="catalogues.x"
        )


def test_what_is_listed_is_a_product_with_aware_times_in_utc(kind: str) -> None:
    (product,) = next(page for page in listed(kind, PAGES[kind]) if page)

    assert (product.collection, product.level, product.acquired) == ("things", "L2A", ACQUIRED)
    times = [product.acquired, product.published, product.updated]
    assert all(time is not None and time.utcoffset() == timedelta(0) for time in times)
    assert msgspec.json.decode(product.geometry or b"")["type"] in ("Point", "Polygon")


def test_an_empty_answer_is_no_product_and_no_error(kind: str) -> None:
    assert not any(listed(kind, EMPTY[kind]))


ODD: dict[str, tuple[Spoil, str]] = {
    "what no product can be without is null": (broken, "other"),
    "it has no id": (nameless, ""),
    "it is no object": (lambda _: None, ""),
    "it is a list": (lambda one: [one], ""),
    "it is a text": (lambda _: "other", ""),
    "it is empty": (lambda _: {}, ""),
}


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("first", [True, False])
def test_an_item_that_cannot_be_read_is_set_aside_and_hides_no_other(kind: str, how: str, first: bool) -> None:
    spoil, name = ODD[how]
    items = [item(kind), spoil(called(kind, "other"))]

    pages = listed(kind, counting(kind, *(items[::-1] if first else items)))

    assert [product.acquired for page in pages for product in page] == [ACQUIRED]
    (odd,) = (one for page in pages for one in odd_of(page))
    assert odd.id == name
    assert odd.problem
    assert msgspec.json.decode(odd.raw) == items[1]


@pytest.mark.parametrize("how", ODD)
def test_a_page_of_which_no_item_can_be_read_is_a_failure(kind: str, how: str) -> None:
    spoil, _ = ODD[how]

    with pytest.raises(CatalogueError, match="lists what cannot be read, 2 of 2 items") as caught:
        listed(kind, counting(kind, spoil(called(kind, "one")), {"another": 1}))

    assert caught.value.permanent


def test_whatever_an_item_has_it_hides_no_other(kind: str) -> None:
    full = FULL.get(kind, {})
    count = len([*variants(called(kind, "odd", **full))])
    assert count > 250
    odd = [next(islice(variants(called(kind, f"odd{n}", **full)), n, None)) for n in range(count)]
    for first in range(0, len(odd), 90):
        some = odd[first : first + 90]

        pages = listed(kind, counting(kind, *some, called(kind, "sound")))

        assert "sound" in {product.id for page in pages for product in page}
        assert sum(map(len, map(odd_of, pages))) < len(some) + 1


def test_a_lone_item_that_cannot_be_read_says_nothing_of_the_shape(kind: str) -> None:
    (page,) = listed(kind, counting(kind, broken(called(kind, "other"))))

    assert ([*page], [one.id for one in odd_of(page)]) == ([], ["other"])


def test_an_item_of_another_collection_is_not_odd_but_says_that_the_filter_is_ignored(kind: str) -> None:
    if kind == "odata":
        pytest.skip("its products do not say of which collection they are")
    text = (
        msgspec.json.encode(item(kind)).replace(b"things", b"others").replace(pretend_cmr.CONCEPT.encode(), b"C2-TEST")
    )

    with pytest.raises(CatalogueError, match="ignore"):
        listed(kind, counting(kind, item(kind), msgspec.Raw(text)))


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "text/html"),
        (b"<html>maintenance</html>", "application/json"),
        (b"", "application/json"),
        (b"{}", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'{"type":"FeatureCollection"}', "application/json"),
        (b'{"type":"FeatureCollection","features":null}', "application/json"),
        (b'{"ErrorMessage":"Not Found","ErrorCode":404}', "application/json"),
        (b'{"code":"InternalServerError","description":"boom"}', "application/json"),
        (b'{"type":"FeatureCollection","features":[{}]}', "application/json"),
        (b"\xff\xfe{", "application/json"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_what_is_no_page_is_a_failure_whatever_its_status_says(kind: str, body: bytes, media: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        listed(kind, body, media=media)

    assert str(caught.value)


def test_a_truncated_page_is_a_failure_wherever_it_ends(kind: str) -> None:
    whole = PAGES[kind]

    for end in range(1, len(whole), 17):
        with pytest.raises(CatalogueError):
            listed(kind, whole[:end])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502])
def test_a_status_that_is_no_answer_is_a_failure(kind: str, status: int) -> None:
    with pytest.raises(CatalogueError):
        listed(kind, PAGES[kind], status=status)


def test_a_server_that_is_not_there_is_a_failure(kind: str) -> None:
    with answering(lambda _: Reply(200, b"{}")) as (url, _):
        gone = url

    with Http(origin=gone, backoff_base=0.01) as http, pytest.raises(CatalogueError):
        list(made(kind, gone).search(Query(collection="things"), http))


def test_check_finds_fault_with_a_server_that_is_none(kind: str) -> None:
    page = Reply(200, b"<html>hello</html>", "text/html")

    with answering(lambda _: page) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        assert not all(finding.well for finding in made(kind, url).check(http))


def test_every_preset_is_a_catalogue_once_it_has_an_address() -> None:
    for name in config.presets():
        table = config.preset(name)
        if table.kind == "eodag":
            continue  # it needs no address but a library: test_eodag.py
        settings = {"url": "http://127.0.0.1/", **table.settings}
        catalogue: Catalogue = plugins.build("catalogues", table.kind, settings, place=f"catalogues.{name}")

        assert table.title
        assert table.account
        assert catalogue.collections_of(None)
        assert catalogue.url.startswith("https://" if name != "take5" else "http://127.0.0.1/")


def test_the_preset_of_a_retired_server_has_no_address() -> None:
    table = config.preset("take5")

    with pytest.raises(ConfigError, match="url"):
        plugins.build("catalogues", table.kind, table.settings, place="catalogues.take5")
