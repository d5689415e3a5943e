"""Recorded pages of real servers of which one item is spoilt: the others are read as they were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pytest

from tests import recordings
from tests.catalogues.loopback import Reply, answering
from tests.catalogues.spoiling import LISTS, Item, broken, ident, nameless, variants
from watcher import plugins
from watcher.core.unread import odd_of
from watcher.model import Page, Query
from watcher.net import Http

RECORDED: dict[str, tuple[str, str, dict[str, Any]]] = {
    # recorded answer: kind, collection, settings
    "samples-modern/earthsearch_v1_search_s2l2a_landsatc2l2": ("stac", "sentinel-2-l2a", {}),
    "samples-modern/landsatlook_search_2_2022": ("stac", "landsat-c2l2-sr", {}),
    "samples-modern/planetarycomputer_items_landsat-c2-l2": ("stac", "landsat-c2-l2", {"cursor": "created"}),
    "samples-modern/cdse_stac_v1_items_s2l2a_2026": ("stac", "sentinel-2-l2a", {"cursor": "published"}),
    "samples-modern/cdse_odata_page_1.cdsetool": ("odata", "SENTINEL-1", {}),
    "samples-modern/cdse_odata_products_s2_l1c_eodag": ("odata", "SENTINEL-2", {}),
    "samples-modern/cmr_granules_umm_2000": ("cmr", "", {}),
    "samples/geodes_PEPS_S2_L1C_search": ("geodes", "PEPS_S2_L1C", {}),
    "samples/resto2015_landsat_search": ("resto", "Landsat", {}),
    "samples/peps_S2ST_search_20200815": ("resto", "S2ST", {}),
    "resto-2.0.4/search_default": ("resto", "SpotTake5", {}),
}


class Recorded(NamedTuple):
    kind: str
    collection: str
    settings: dict[str, Any]
    items: list[Item]

    def read(self, *items: object) -> tuple[list[str], int]:
        """Serve these items as a page; return the ids of the products that are read, and how many are set aside."""
        pages = list(self._pages(list(items)))
        return [product.id for page in pages for product in page], sum(len(odd_of(page)) for page in pages)

    def _pages(self, items: list[object]) -> Iterator[Page]:
        count = len(items)
        page = {
            "stac": {"type": "FeatureCollection", "features": items, "numberMatched": count},
            "geodes": {"type": "FeatureCollection", "features": items, "context": {"matched": count}},
            "resto": {"type": "FeatureCollection", "features": items, "properties": {"totalResults": count}},
            "odata": {"value": items},
            "cmr": {"items": items, "hits": count},
        }[self.kind]
        body = msgspec.json.encode(page)
        levels = [self.collection] if self.kind == "resto" else {self.collection: "L1C"}
        with answering(lambda _: Reply(200, body)) as (url, _), Http(origin=url) as http:
            settings = {"url": url, "collections": levels, **self.settings}
            catalogue: Any = plugins.build("catalogues", self.kind, settings, place="catalogues.it")
            yield from catalogue.search(Query(self.collection), http)


@pytest.fixture(params=sorted(RECORDED))
def recorded(request: pytest.FixtureRequest) -> Recorded:
    where, _, name = request.param.partition("/")
    kind, collection, settings = RECORDED[request.param]
    document = msgspec.json.decode((recordings.folder(where) / f"{name}.json").read_bytes())
    (listed,) = set(LISTS) & document.keys()
    items: list[Item] = document[listed]
    if kind == "cmr":
        collection = items[0]["meta"]["collection-concept-id"]
    if kind == "stac":
        items = [one for one in items if one["collection"] == collection]
    while len(items) < 3:
        items.append(named(items[0], f"{ident(items[0])}{len(items)}"))
    if kind == "odata":
        items.sort(key=lambda one: str(one["PublicationDate"]))
    return Recorded(kind, collection, settings, items[:20])


def named(one: Item, name: str) -> Item:
    """Return an item under another id."""
    if "meta" in one:
        return {**one, "meta": {**one["meta"], "concept-id": name}}
    return {**one, ("Id" if "Id" in one else "id"): name}


def test_one_that_cannot_be_read_hides_none_of_a_recorded_page(recorded: Recorded) -> None:
    first, *others = recorded.items
    sound = recorded.read(*recorded.items)
    assert (len(sound[0]), sound[1]) == (len(recorded.items), 0)

    for spoilt in (broken(first), nameless(first), None, [first], {}):
        for items in ([spoilt, *others], [*others, spoilt]):
            read, odd = recorded.read(*items)
            assert (sorted(read), odd) == (sorted(sound[0][1:]), 1)


def test_whatever_a_recorded_item_has_the_others_are_read(recorded: Recorded, examples: random.Random) -> None:
    first, *others = recorded.items
    sound = recorded.read(*others)[0]
    every = [*variants(first)]
    some = [named(first, f"odd{number}") for number in range(60)]
    spoilt = [[*variants(one)][examples.randrange(len(every))] for one in some]

    read, _ = recorded.read(*spoilt, *others)

    assert set(sound) <= set(read)


@pytest.fixture(params=range(2))
def examples(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)
