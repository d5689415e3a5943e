"""The bundles of Landsat scenes, which a STAC API does not name."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests import recordings
from watcher import config
from watcher.catalogues.stac import Kind
from watcher.catalogues.stac.features import Feature, Features, product
from watcher.model import Asset, Product

BUNDLES = "https://landsatlook.usgs.gov/gen-bundle"
SCENE = "LC08_L2SP_047027_20201204_20210313_02_T1"


def read(feature: Feature, *assets: str, bundles: str = BUNDLES) -> Product:
    return product(feature, cursor="none", levels={}, assets=assets, url="https://stac.example", bundles=bundles)


def item(name: str, **hrefs: str) -> Feature:
    assets = {key: {"href": href} for key, href in hrefs.items()}
    return msgspec.json.decode(
        json.dumps({"id": name, "collection": "things", "properties": {}, "assets": assets}), type=Feature
    )


@pytest.mark.parametrize("name", [SCENE, f"{SCENE}_SR", f"{SCENE}_ST"])
def test_a_scene_has_its_bundle_by_the_name_of_the_product(name: str) -> None:
    bundle = Asset("bundle", f"{BUNDLES}?landsat_product_id={SCENE}", "application/x-tar")
    assert read(item(name, red="https://files.example/B4.TIF")).assets == (bundle,)


@pytest.mark.parametrize(
    "name",
    [
        "LC08_CU_003010_20201204_20210313_02_SR",
        "LC08_L2SP_047027_20201204_20210313_01_T1",
        f"{SCENE}_BA",
        "S2A_MSIL2A_20240601T105031_N0510_R051_T31TCJ_20240601T170000",
        f"{SCENE}&requestSignature=x",
    ],
)
def test_another_item_has_none(name: str) -> None:
    assert read(item(name)).assets == ()


def test_who_names_assets_gets_those() -> None:
    (asset,) = read(item(f"{SCENE}_SR", red="https://files.example/B4.TIF"), "red").assets
    assert asset.href == "https://files.example/B4.TIF"


def test_without_an_address_there_is_none() -> None:
    assert read(item(f"{SCENE}_SR"), bundles="").assets == ()


def test_the_bundle_says_nothing_of_the_revision() -> None:
    assert read(item(f"{SCENE}_SR")).revision == read(item(f"{SCENE}_SR"), bundles="").revision


def test_a_recorded_scene_has_its_bundle() -> None:
    said = (recordings.folder("samples-modern") / "landsatlook_search_1_2022.json").read_bytes()
    (asset,) = read(msgspec.json.decode(said, type=Features[Feature]).features[0]).assets
    assert asset.href == f"{BUNDLES}?landsat_product_id={SCENE}"


def test_the_preset_asks_for_bundles_where_its_account_signs_them() -> None:
    table = config.preset("landsatlook")
    assert table.logins[0]["kind"] == "usgs"
    assert table.settings["bundles"] == table.logins[0]["bundle_url"] == BUNDLES


@pytest.mark.parametrize("bundles", ["gen-bundle", "s3://usgs-landsat", f"{BUNDLES}?x=1"])
def test_an_address_of_bundles_that_is_none_is_refused(bundles: str) -> None:
    with pytest.raises(ValueError, match="bundles must be an https address"):
        Kind(url="https://stac.example", collections={"c": "L2A"}, bundles=bundles)
