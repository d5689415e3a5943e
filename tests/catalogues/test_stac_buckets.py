"""Files in S3 buckets, which a STAC API names by bucket or beside another address."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests import recordings
from watcher.catalogues.stac import Kind
from watcher.catalogues.stac.features import Feature, Features, product
from watcher.model import Product

ENDPOINT = "https://s3.us-west-2.amazonaws.com"


def read(feature: Feature, *assets: str, s3: str = ENDPOINT) -> Product:
    return product(feature, cursor="none", levels={}, assets=assets, url="https://stac.example", s3=s3)


def item(**hrefs: object) -> Feature:
    assets = {key: {"href": href} if isinstance(href, str) else href for key, href in hrefs.items()}
    said = {"id": "P1", "collection": "things", "properties": {}, "assets": assets}
    return msgspec.json.decode(json.dumps(said), type=Feature)


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("s3://eodata/Sentinel-2/T31TCJ_B04_10m.jp2", f"{ENDPOINT}/eodata/Sentinel-2/T31TCJ_B04_10m.jp2"),
        ("s3://eodata/a b/ü?.tif", f"{ENDPOINT}/eodata/a%20b/%C3%BC%3F.tif"),
        ("https://files.example/B04.tif", "https://files.example/B04.tif"),
        ({"href": "https://files.example/x", "alternate": {"s3": {"href": "s3://b/x"}}}, f"{ENDPOINT}/b/x"),
        ({"href": "https://files.example/x", "alternate": {"s3": {"href": "odd"}}}, "https://files.example/x"),
        ({"href": "https://files.example/x", "alternate": ["odd"]}, "https://files.example/x"),
    ],
)
def test_a_file_in_a_bucket_has_an_address_at_the_endpoint(href: object, address: str) -> None:
    assert [asset.href for asset in read(item(B04=href), "B04").assets] == [address]


@pytest.mark.parametrize("href", ["s3://", "s3://bucket", "s3:///key", "gs://bucket/key"])
def test_what_is_no_file_of_a_bucket_is_left_out(href: str) -> None:
    assert read(item(B04=href), "B04").assets == ()


def test_without_an_endpoint_nothing_is_reached_by_one() -> None:
    files = item(a="s3://eodata/x", b={"href": "https://files.example/x", "alternate": {"s3": {"href": "s3://b/x"}}})
    assert [asset.href for asset in read(files, "a", "b", s3="").assets] == ["https://files.example/x"]


def test_an_archive_that_is_the_only_one_is_found_in_its_bucket() -> None:
    (asset,) = read(item(product={"href": "s3://eodata/P1.zip", "type": "application/zip"}, B04="s3://eodata/x")).assets
    assert asset.href == f"{ENDPOINT}/eodata/P1.zip"


def test_the_files_of_a_recorded_landsat_scene_are_those_of_its_bucket() -> None:
    said = (recordings.folder("samples-modern") / "landsatlook_search_1_2022.json").read_bytes()
    feature = msgspec.json.decode(said, type=Features[Feature]).features[0]
    (red,) = read(feature, "red").assets
    place = "collection02/level-2/standard/oli-tirs/2020/047/027/LC08_L2SP_047027_20201204_20210313_02_T1"
    assert red.href == f"{ENDPOINT}/usgs-landsat/{place}/LC08_L2SP_047027_20201204_20210313_02_T1_SR_B4.TIF"


@pytest.mark.parametrize("s3", ["eodata", "s3://eodata", "ftp://x"])
def test_an_endpoint_that_is_no_address_is_refused(s3: str) -> None:
    with pytest.raises(ValueError, match="s3 must be the https address"):
        Kind(url="https://stac.example", collections={"c": "L2A"}, s3=s3)
