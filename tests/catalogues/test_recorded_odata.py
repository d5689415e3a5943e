"""What CDSE's OData answered, as recorded and as printed in its documentation, replayed by a model of the server."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import recordings
from tests.catalogues.loopback import answering
from tests.catalogues.pretend_odata import Pretend
from watcher.catalogues.odata import Kind
from watcher.catalogues.odata.queue import Event
from watcher.core.identity.revisions import same
from watcher.model import Product, Query
from watcher.net import Http

SAMPLES = [
    "cdse_odata_page_1.cdsetool",
    "cdse_odata_page_2.cdsetool",
    "cdse_odata_page_5.cdsetool",
    "cdse_odata_products_s2_l1c_eodag",
]


def recorded(name: str) -> list[dict[str, Any]]:
    document = msgspec.json.decode((recordings.folder("samples-modern") / f"{name}.json").read_bytes())
    listed: list[dict[str, Any]] = document["value"]
    return listed


def replayed(
    entities: list[dict[str, Any]], collection: str, settings: dict[str, Any] | None = None, **query: Any
) -> list[Product]:
    server = Pretend(entities, collection=collection.partition(":")[0])
    with answering(server) as (url, _), Http(origin=url) as http:
        asked = {"url": url, "collections": {collection: ""}, "limit": 4, **(settings or {})}
        pages = msgspec.convert(asked, Kind).search(Query(collection=collection, **query), http)
        return [product for page in pages for product in page]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_recorded_product_is_a_sane_one(name: str) -> None:
    entities = recorded(name)
    collection = "SENTINEL-2" if "s2" in name else "SENTINEL-1"

    listed = replayed(entities, collection)

    assert {product.id for product in listed} == {entity["Id"] for entity in entities}
    for product in listed:
        assert product.title in {entity["Name"].removesuffix(".SAFE") for entity in entities}
        assert product.platform in ("sentinel-1", "sentinel-1a", "sentinel-2a")  # some files are of both satellites
        assert product.acquired is not None
        assert product.published is not None
        assert product.updated is not None
        assert product.acquired < product.published <= product.updated == product.learnt
        assert product.learnt.utcoffset() == timedelta(0)
        (file,) = product.assets
        assert (file.size or 0) > 600
        assert re.fullmatch("md5:[0-9a-f]{32}", str(file.checksum))
        assert msgspec.json.decode(product.geometry or b"null") in (None, *(e["GeoFootprint"] for e in entities))
        assert product.withdrawn is None


def test_three_recorded_pages_are_read_whole_by_date_though_the_offsets_of_the_server_end() -> None:
    entities = [entity for name in SAMPLES[:3] for entity in recorded(name)]

    listed = replayed(entities, "SENTINEL-1")

    assert len(listed) == len({entity["Id"] for entity in entities}) == 27
    since = datetime(2025, 10, 10, tzinfo=UTC)
    news = replayed(entities, "SENTINEL-1", learnt_since=since)
    changed = {one["Id"] for one in entities if max(one["ModificationDate"], one["PublicationDate"]) >= "2025-10-10"}
    assert {product.id for product in news} == changed


def test_a_recorded_tile_of_sentinel_2() -> None:
    (product,) = replayed(recorded(SAMPLES[3])[:1], "SENTINEL-2")

    assert product.title == "S2A_MSIL1C_20200808T010311_N0500_R045_T54PXA_20230413T212505"
    assert (product.level, product.grid, product.instrument) == ("L1C", "MGRS-54PXA", "msi")
    assert product.acquired == datetime(2020, 8, 8, 1, 3, 11, 24000, tzinfo=UTC)
    assert product.learnt == datetime(2024, 5, 8, 14, 55, 49, 434177, tzinfo=UTC)
    assert product.cloud == pytest.approx(95.136736)
    assert product.assets[0].checksum == "md5:923ac4992d90b57d41e7ace4d9d90757"
    assert str(product.quicklook).endswith("/odata/v1/Assets(385d0a62-ec57-413b-a8b8-12c0e79848f6)/$value")


def test_a_recorded_product_whose_record_is_touched_is_the_same_processing() -> None:
    (entity, *_) = recorded(SAMPLES[3])
    touched = {**entity, "ModificationDate": "2026-01-01T00:00:00.000000Z", "Online": False}

    (before,), (after,) = (replayed([one], "SENTINEL-2") for one in (entity, touched))

    assert same(before.revision, after.revision)
    assert (len(before.assets), len(after.assets)) == (1, 0)


def test_the_events_of_the_documentation_are_read() -> None:
    text = (recordings.folder("samples-modern") / "cdse_subscriptions_doc_examples.txt").read_text()
    example = text.partition("### Response example (created)\n200 OK\n")[2].partition("\n### ")[0]
    old = text.partition("### Response example after 3 days (created)\n200 OK\n")[2].partition("\n### ")[0]

    events = msgspec.json.decode(re.sub(r"\[\.\.\.\s*\]", "[]", example), type=list[Event])

    assert [event.subscription_event for event in events] == ["created", "created"]
    assert events[0].ack_id == "MTcxMDc1NjcwNjUzMi0wOjk5MWM0NzMwLWNmNmYtNDMyYS05ZjZjLTQ3YmUwMjMwZmY0NQ=="
    told = [{**msgspec.json.decode(event.value), "Attributes": [], "GeoFootprint": None} for event in events]
    products = replayed(told, "SENTINEL-1")
    assert [product.title.partition("_")[0] for product in products] == ["S1A", "S1A"]
    assert products[0].learnt == datetime(2024, 3, 13, 10, 47, 57, 429000, tzinfo=UTC)
    assert products[0].assets[0].size == 8217756705
    assert {bytes(event.value) for event in msgspec.json.decode(old, type=list[Event])} == {b"null"}
