"""What CMR answered, as recorded with its headers, replayed by a server that says the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import recordings
from tests.catalogues.loopback import Asked, Reply, answering
from watcher.catalogues.cmr import Kind
from watcher.errors import CatalogueError
from watcher.model import Product, Query
from watcher.net import Http

SAMPLES = ["cmr_granules_umm_2000", "cmr_granules_umm_page_size1"]


def recorded(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a recorded answer, and those of its headers that say something."""
    folder = recordings.folder("samples-modern")
    headers = msgspec.json.decode((folder / f"{name}.http.json").read_bytes())["headers"]
    document: dict[str, Any] = msgspec.json.decode((folder / f"{name}.json").read_bytes())
    return document, {name: value for name, value in headers.items() if name.startswith("CMR-") or name == "Date"}


def replayed(name: str, **changes: Any) -> tuple[list[Product], list[Asked]]:
    """Replay an answer as a first page, then one page that is empty; `hits` as given, else as many as there are."""
    document, headers = recorded(name)
    hits = changes.get("hits", len(document["items"]))
    headers = {**headers, "CMR-Hits": str(hits)}
    document = {**document, "hits": hits}
    concept = document["items"][0]["meta"]["collection-concept-id"]

    def answer(asked: Asked) -> Reply:
        if "cmr-search-after" in asked.headers:
            return Reply(200, b'{"hits":%d,"took":1,"items":[]}' % hits, headers={"CMR-Hits": str(hits)})
        return Reply(200, msgspec.json.encode(document), headers=headers)

    with answering(answer) as (url, asked), Http(origin=url) as http:
        kind = msgspec.convert({"url": url, "collections": {concept: "L3"}}, Kind)
        pages = kind.search(Query(collection=concept), http)
        return [product for page in pages for product in page], asked


@pytest.mark.parametrize("name", SAMPLES)
def test_every_recorded_granule_is_a_sane_product(name: str) -> None:
    document, _ = recorded(name)

    listed, asked = replayed(name)

    assert [product.id for product in listed] == [item["meta"]["concept-id"] for item in document["items"]]
    assert len(asked) == 1  # the count is reached: nobody is asked for an empty page
    for product in listed:
        assert product.level == "L3"
        assert product.acquired is not None
        assert product.published is not None
        assert product.learnt is not None
        assert product.acquired < product.published <= product.learnt == product.updated
        assert product.learnt.utcoffset() == timedelta(0)
        assert product.assets
        assert all(asset.href.startswith("https://") and (asset.size or 0) > 60 for asset in product.assets)
        assert all(re.fullmatch("md5:[0-9a-f]{32}", str(asset.checksum)) for asset in product.assets)
        assert msgspec.json.decode(product.geometry or b"")["type"] == "MultiPolygon"


def test_a_recorded_granule_of_several_files() -> None:
    product = replayed(SAMPLES[0])[0][0]

    assert (product.id, product.title) == ("G2658326635-POCLOUD", "GRD-3_2002094-2002120_GRAC_JPLEM_BA01_0600_LND_v04")
    assert product.acquired == datetime(2002, 4, 4, tzinfo=UTC)
    assert product.learnt == datetime(2023, 4, 17, 15, 28, 14, 157000, tzinfo=UTC)
    assert [(asset.key[-4:], asset.size) for asset in product.assets] == [
        ("4.nc", 1098347),
        (".tif", 525128),
        (".txt", 3958009),
    ]
    assert product.assets[0].checksum == "md5:cdb8ba3cff9617e88b3da89b5c84dc25"


def test_a_count_beyond_what_was_recorded_is_a_failure() -> None:
    with pytest.raises(CatalogueError, match="counts 163 granules in C2077042612-POCLOUD and listed 2, twice"):
        replayed(SAMPLES[0], hits=163)


def test_a_recorded_answer_without_granules_is_not_believed_of_a_collection_that_has_none_at_all() -> None:
    document, headers = recorded("cmr_granules_empty")

    with (
        answering(lambda _: Reply(200, msgspec.json.encode(document), headers=headers)) as (url, _),
        Http(origin=url) as http,
        pytest.raises(CatalogueError, match="no granules of C1-TEST"),
    ):
        list(msgspec.convert({"url": url, "collections": {"C1-TEST": ""}}, Kind).search(Query("C1-TEST"), http))
