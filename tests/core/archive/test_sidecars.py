"""What is said of a product beside its files."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pystac
from pystac.validation import validate_dict

from tests.given import NOW, box, product
from watcher.core.archive.sidecars import File, stac_item
from watcher.model import Asset

SUM = "sha256:" + "ab" * 32
BANDS = (
    Asset("B02", "https://h.example/b02.tif?token=secret", "image/tiff", 3),
    Asset("B03", "https://h.example/b03.tif", "image/tiff", 4),
)


def test_it_is_a_valid_stac_item_that_refers_to_the_files_where_they_lie() -> None:
    described = product(
        geometry=box(-2.2, 47, -2, 47.2),
        cloud=12.5,
        platform="SPOT5",
        instrument="HRG2",
        link="https://h.example/p",
        published=NOW,
        grid="MGRS-30TWT",
        assets=BANDS,
    )
    files = [File("B02.tif", 3, SUM, "md5"), File("B03.tif", 4, SUM, "size")]
    item = stac_item(
        described,
        files,
        catalogue="take5",
        site="Pornic",
        place="P1",
        stored=datetime(2026, 1, 2, tzinfo=UTC),
        citation="SPOT data {year}",
    )
    written = json.loads(json.dumps(item))
    validate_dict({**written, "stac_extensions": []})  # their schemas are on the network
    read = pystac.Item.from_dict(written)
    assert read.bbox == [-2.2, 47, -2, 47.2]
    assert read.assets["B02"].href == "./P1/B02.tif"
    assert read.assets["B02"].extra_fields["file:checksum"] == "1220" + "ab" * 32
    assert read.assets["B02"].extra_fields["watcher:source"] == "https://h.example/b02.tif"
    assert read.assets["B03"].extra_fields["watcher:verified"] == "size"
    assert read.properties["processing:level"] == "L2A"
    assert read.properties["sci:citation"] == "SPOT data 2015"
    assert "secret" not in json.dumps(item)


def test_what_is_not_known_is_not_said() -> None:
    bare = product(acquired=None, level=None)
    item = stac_item(bare, [File("", 7, SUM, "zip")], catalogue="c", site="s", place="/a/P.zip", stored=NOW)
    assert set(item["properties"]) == {
        "title",
        "datetime",
        *(f"watcher:{word}" for word in ("catalogue", "collection", "revision", "site", "stored")),
    }
    assert item["stac_extensions"] == ["https://stac-extensions.github.io/file/v2.1.0/schema.json"]
    assert item["geometry"] is None
    assert "bbox" not in item
    assert item["assets"]["product"]["href"] == "/a/P.zip"
