"""The files of one item, asked for again and chosen from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_stac import Item, Pretend
from tests.servers.stac import thing
from watcher.catalogues.stac import Kind
from watcher.errors import CatalogueError, UsageError
from watcher.model import Product, Query
from watcher.net import Http

BANDS = {
    "B02": {"href": "https://eo.example/B02.tif", "roles": ["data", "reflectance"], "file:size": 7},
    "B03": {"href": "https://eo.example/B03.tif", "roles": ["data", "reflectance"]},
    "SCL": {"href": "https://eo.example/SCL.tif", "roles": ["data"]},
    "meta": {"href": "s3://eo/meta.xml", "roles": ["metadata"]},
}


def scene(name: str = "S2 A/1", **assets: Any) -> Item:
    item = thing(name, "2026-02-01T00:00:00Z")
    return {**item, "collection": "things", "assets": assets or BANDS}


def again(
    answer: Callable[[Asked], Reply], *choices: Sequence[str], listed: Item | None = None, **said: Any
) -> Product:
    """List an item, and choose of it as the catalogue answers then."""
    with answering(Pretend([listed or scene()])) as (url, _), Http(origin=url) as http:
        ((known,),) = _kind(url, **said).search(Query(collection="things"), http)
    with answering(answer) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        return _kind(url, **said).choose(known, choices, http)


def _kind(url: str, **said: Any) -> Kind:
    return msgspec.convert({"url": url, "collections": {"things": "L2A"}, **said}, Kind)


def keys(product: Product) -> list[str]:
    return [asset.key for asset in product.assets]


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (["SCL", "B02"], ["SCL", "B02"]),
        (["b0?"], ["B02", "B03"]),
        (["role:reflectance", "B02"], ["B02", "B03"]),
        (["B0[3-9]"], ["B03"]),
    ],
)
def test_assets_are_named_by_key_pattern_or_role(words: list[str], taken: list[str]) -> None:
    chosen = again(Pretend([scene()]), words, assets=["B03"])
    assert keys(chosen) == taken
    assert chosen.id == "S2 A/1"


def test_several_choices_are_put_together_and_an_empty_one_is_what_comes_unasked() -> None:
    assert keys(again(Pretend([scene()]), ["B02", "SCL"], ["B02", "B03"], assets=["B03"])) == ["B02", "SCL", "B03"]
    assert keys(again(Pretend([scene()]), [], ["SCL"], assets=["B03"])) == ["B03", "SCL"]
    assert keys(again(Pretend([scene()]), [], ["SCL"])) == ["SCL"]


def test_what_is_said_of_the_files_is_what_the_catalogue_says_now() -> None:
    moved = scene(B02={"href": "https://eo.example/new/B02.tif", "file:size": 8, "file:checksum": "d50110" + "0a" * 16})
    (asset,) = again(Pretend([moved]), ["B02"]).assets
    assert (asset.href, asset.size, asset.checksum) == ("https://eo.example/new/B02.tif", 8, "md5:" + "0a" * 16)


def test_a_file_in_a_bucket_is_chosen_where_its_endpoint_is_known() -> None:
    (asset,) = again(Pretend([scene()]), ["meta"], s3="https://s3.example").assets
    assert asset.href == "https://s3.example/eo/meta.xml"
    with pytest.raises(UsageError, match="asset meta of S2 A/1 is at s3://eo/meta.xml, which is no http address"):
        again(Pretend([scene()]), ["B02", "role:metadata"])
    assert keys(again(Pretend([scene()]), ["*"])) == ["B02", "B03", "SCL"]


def test_a_name_of_nothing_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r'no asset of S2 A/1 is "B1\?"') as refusal:
        again(Pretend([scene()]), ["B02", "B1?"])
    assert refusal.value.hint == (
        "its assets are B02, B03, SCL, meta; their roles are role:data, role:metadata, role:reflectance"
    )
    bare = scene(odd={"href": "https://eo.example/x", "roles": ["", 7, {}]})
    with pytest.raises(UsageError) as refusal:
        again(Pretend([bare]), ["role:data"], listed=bare)
    assert refusal.value.hint == "its assets are odd"


def test_an_item_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(CatalogueError, match="has no S2 A/1 in things any more") as gone:
        again(Pretend([]), ["B02"])
    assert gone.value.permanent


@pytest.mark.parametrize(
    "answer",
    [
        scene("another"),
        {**scene(), "collection": "others"},
        {"type": "FeatureCollection", "features": []},
        [],
        {**scene(), "collection": None},
    ],
)
def test_another_item_or_none_is_not_taken_for_it(answer: object) -> None:
    reply = Reply(200, msgspec.json.encode(answer))
    with pytest.raises(CatalogueError, match="is another item|is no STAC item"):
        again(lambda asked: reply, ["B02"])
