"""What real STAC APIs answered (Earth Search, CDSE, LandsatLook, Planetary Computer), replayed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests import recordings
from tests.catalogues.loopback import Asked, Reply, answering
from watcher.catalogues.stac import Kind
from watcher.errors import CatalogueError
from watcher.model import Product, Query
from watcher.net import Http


def recorded(name: str) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode((recordings.folder("samples-modern") / f"{name}.json").read_bytes())
    return document


def read(document: dict[str, Any], collection: str, settings: dict[str, Any], **query: Any) -> list[Product]:
    """Ask for a collection of a server that answers every search with this document."""

    listed = recorded("earthsearch_v1_collections")  # here, for a server's thread cannot skip a test

    def answer(asked: Asked) -> Reply:
        if asked.path == f"/collections/{collection}":
            return Reply(404, b'{"code":"NotFound","description":"Not Found"}')
        if asked.path == "/collections":
            return Reply(200, msgspec.json.encode(listed))
        return Reply(200, msgspec.json.encode(document))

    with answering(answer) as (url, _), Http(origin=url) as http:
        kind = msgspec.convert({"url": url, "collections": {collection: ""}, **settings}, Kind)
        return [product for page in kind.search(Query(collection=collection, **query), http) for product in page]


def page(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), "links": []}


def test_an_item_of_earth_search() -> None:
    (product,) = read(
        page(recorded("earthsearch_v1_item_c1_l2a")), "sentinel-2-c1-l2a", {"assets": ["red", "scl", "nosuch"]}
    )

    assert (product.id, product.level, product.platform) == ("S2B_T20EPT_20250731T131905_L2A", "L2A", "sentinel-2b")
    assert product.acquired == datetime(2025, 7, 31, 13, 19, 22, 930000, tzinfo=UTC)
    assert product.learnt == product.updated == datetime(2025, 7, 31, 15, 0, 24, 817000, tzinfo=UTC)
    assert product.link is not None
    assert product.link.startswith("https://earth-search.aws.element84.com/v1/collections/sentinel-2-c1-l2a/items/")
    assert product.quicklook is not None
    assert product.quicklook.endswith("/L2A_PVI.jpg")
    assert [(asset.key, asset.size) for asset in product.assets] == [("red", 4702862), ("scl", 123198)]
    assert product.assets[0].checksum == "sha256:788b8545c5fd72b4ee34271d43182b74aa423a4e3880bbe9ed7a4ec141e9a5ec"
    assert product.cloud == pytest.approx(26.02542)


SAMPLES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    # recorded answer: collection, settings, level, the cells of its products
    "earthsearch_v1_item_c1_l2a": ("sentinel-2-c1-l2a", {}, "L2A", "MGRS-20EPT"),
    "earthsearch_v1_search_l1c_eodag": ("sentinel-2-l1c", {}, "L1C", "MGRS-27VWK"),
    "earthsearch_v1_search_s2l2a_landsatc2l2": ("sentinel-2-l2a", {}, "L2A", "MGRS-13TDE"),
    "earthsearch_v1_search_s2l2a_landsatc2l2 ": ("landsat-c2-l2", {}, "L2A", "WRS2-033032"),
    "landsatlook_search_1_2022": ("landsat-c2l2-sr", {"cursor": "none"}, "L2A", "WRS2-047027"),
    "landsatlook_search_2_2022": ("landsat-c2l2-sr", {}, "L2A", "WRS2-047027"),
    "planetarycomputer_items_landsat-c2-l2": (
        "landsat-c2-l2",
        {"cursor": "created"},
        "L2A",
        "WRS2-084082 WRS2-084074",
    ),
    "planetarycomputer_search_s2l2a": ("sentinel-2-l2a", {"cursor": "none"}, "L2A", "MGRS-60VUK MGRS-60VUJ"),
    "cdse_stac_v1_items_s2l2a_2026": ("sentinel-2-l2a", {"cursor": "published"}, "L2A", "MGRS-29UNU MGRS-29UNT"),
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_recorded_product_is_understood(name: str) -> None:
    collection, settings, level, cells = SAMPLES[name]
    document = recorded(name.strip())
    items = [item for item in document.get("features", [document]) if item["collection"] == collection]

    products = read(page(*items), collection, settings)

    assert [product.id for product in products] == [item["id"] for item in items]
    for product in products:
        assert product.level == level
        assert product.acquired is not None
        assert (product.learnt is None) == (settings.get("cursor") == "none")
        assert product.cloud is not None
        assert product.platform
        assert product.instrument
        assert product.geometry is not None
        assert product.revision.strip("|")
    assert {str(product.grid) for product in products} == set(cells.split())


def test_the_collections_of_earth_search_are_discovered() -> None:
    listed = msgspec.json.encode(recorded("earthsearch_v1_collections"))

    with answering(lambda _: Reply(200, listed)) as (url, _), Http(origin=url) as http:
        kind = msgspec.convert({"url": url, "collections": {"sentinel-2-l2a": "LEVEL2A"}}, Kind)
        holdings = {holding.collection: holding for holding in kind.discover(http)}

    assert len(holdings) == 9
    assert holdings["sentinel-2-l2a"].levels == ("L2A",)
    assert holdings["landsat-c2-l2"].first == datetime(1982, 8, 22, tzinfo=UTC)
    assert holdings["landsat-c2-l2"].last is None
    assert all(holding.title for holding in holdings.values())


def test_nothing_of_an_item_of_bands_is_downloaded_unasked() -> None:
    (product,) = read(page(recorded("earthsearch_v1_item_c1_l2a")), "sentinel-2-c1-l2a", {})

    assert product.assets == ()


def test_what_earth_search_keeps_in_buckets_is_not_an_asset() -> None:
    document = recorded("earthsearch_v1_search_l1c_eodag")
    (product,) = read(page(*document["features"]), "sentinel-2-l1c", {"assets": ["blue"]})

    assert (product.level, product.assets) == ("L1C", ())


def test_an_item_of_cdse() -> None:
    products = read(recorded("cdse_stac_v1_items_s2l2a_2026"), "sentinel-2-l2a", {"cursor": "published"})

    assert len(products) > 1
    first = products[0]
    assert (first.id, first.level) == ("S2A_MSIL2A_20260628T115421_N0512_R023_T29UNU_20260628T194416", "L2A")
    assert first.learnt == first.published == datetime(2026, 6, 28, 20, 39, 38, 813921, tzinfo=UTC)
    assert len({product.revision for product in products}) == len(products)


def test_an_item_of_landsatlook() -> None:
    (product,) = read(recorded("landsatlook_search_2_2022"), "landsat-c2l2-sr", {"assets": ["red", "MTL.json"]})

    assert product.learnt == datetime(2021, 7, 26, 0, 31, 22, 870000, tzinfo=UTC)
    assert [str(asset.checksum)[:15] for asset in product.assets] == ["sha512:69477b8f", "sha512:db305aa7"]


def test_the_planetary_computers_sentinel_2_can_only_be_read_by_windows() -> None:
    document = page(*recorded("planetarycomputer_search_s2l2a")["features"])

    with pytest.raises(CatalogueError, match='gives no "updated"') as caught:
        read(document, "sentinel-2-l2a", {})
    assert 'cursor = "none"' in str(caught.value.hint)
    products = read(document, "sentinel-2-l2a", {"cursor": "none"})
    assert len(products) == 2
    assert all(product.level == "L2A" and product.learnt is None and product.acquired for product in products)


def test_a_filter_that_earth_search_ignored_is_found_out() -> None:
    with pytest.raises(CatalogueError, match="ignores the filter collections"):
        read(recorded("earthsearch_v1_search_filter_page1"), "sentinel-2-c1-l2a", {})


def test_an_empty_page_that_counts_two_is_a_failure() -> None:
    with pytest.raises(CatalogueError, match="counts 2 products"):
        read(recorded("earthsearch_v1_search_empty"), "sentinel-2-c1-l2a", {})


def test_a_link_back_to_the_public_server_is_not_followed_from_another() -> None:
    with pytest.raises(CatalogueError, match=r"earth-search\.aws\.element84\.com: it was not followed"):
        read(recorded("earthsearch_v1_search_l1c_eodag"), "sentinel-2-l1c", {"limit": 1})


def test_a_collection_that_earth_search_does_not_have_is_named_with_its_neighbours() -> None:
    with pytest.raises(CatalogueError, match='no collection "sentinel-2-l2b"') as caught:
        read(page(), "sentinel-2-l2b", {})

    assert caught.value.permanent
    assert "sentinel-2-l2a" in str(caught.value.hint)


def test_the_preset_of_earth_search_asks_for_what_it_offers() -> None:
    landing = recorded("earthsearch_v1_landing")
    answers = {"": landing, "/search": page(recorded("earthsearch_v1_item_c1_l2a"))}

    def answer(asked: Asked) -> Reply:
        return Reply(200, msgspec.json.encode(answers.get(asked.path.rstrip("/"), {})))

    with answering(answer) as (url, _), Http(origin=url) as http:
        kind = msgspec.convert({"url": url, "collections": {"sentinel-2-c1-l2a": ""}}, Kind)
        found = {finding.subject: finding.well for finding in kind.check(http)}

    assert (found["landing page"], found["search"], found["filter"], found["sort"]) == (True, True, True, True)
    with answering(answer) as (url, _), Http(origin=url) as http:
        cql2 = msgspec.structs.replace(kind, url=url, filter="cql2")
        hints = {finding.hint for finding in cql2.check(http) if finding.subject == "filter"}
    assert hints == {'set filter = "query"'}
