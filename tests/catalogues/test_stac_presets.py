"""The presets of STAC catalogues, on servers with the vices of those that they are for (no recordings: models)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.catalogues.loopback import answering
from tests.catalogues.pretend_stac import Pretend
from tests.servers.stac import thing
from watcher import config
from watcher.catalogues.stac import Kind
from watcher.errors import CatalogueError, HttpError
from watcher.model import Query
from watcher.net import Http


def series(count: int) -> list[dict[str, Any]]:
    return [
        {
            **thing(
                f"P{n:03}",
                f"2026-02-01T00:{n % 60:02}:00Z",
                acquired=f"2026-01-{1 + n % 28:02}T10:{n % 60:02}:{n // 60:02}Z",
            ),
            "collection": "things",
        }
        for n in range(count)
    ]


def listed(server: Pretend, preset: str, **settings: Any) -> list[str]:
    table = config.preset(preset)
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        changed = {**table.settings, "url": url, "collections": {"things": "L2A"}, "limit": 10, **settings}
        catalogue = msgspec.convert(changed, Kind)
        return sorted(p.id for page in catalogue.search(Query(collection="things"), http) for p in page)


def names(count: int) -> list[str]:
    return [f"P{number:03}" for number in range(count)]


def test_landsatlook_is_read_whole_because_it_is_not_asked_to_sort() -> None:
    server = Pretend(series(45), muddles=True, counts=True)

    assert listed(server, "landsatlook") == names(45)
    assert not any("sortby" in search for search in server.searches)


def test_links_that_skip_are_found_out_by_the_count() -> None:
    server = Pretend(series(45), muddles=True, counts=True, sorts=False)

    with pytest.raises(CatalogueError, match="counts 45 products in things and listed 43, twice"):
        listed(server, "landsatlook", sort=True)


def test_what_landsatlook_hides_by_replacing_a_scene_in_real_time_is_in_the_next_reading() -> None:
    """A product that goes while another comes leaves the count as it was, and moves one past the edge of a page."""
    items = series(45)

    def replace(_: dict[str, Any]) -> None:
        if len(server.searches) == 2:
            items.append({**items.pop(3), "id": "P003_T1"})

    server = Pretend(items, counts=True, before=replace)

    first = set(listed(server, "landsatlook"))
    assert len(first & set(names(45))) == 44
    assert first | set(listed(server, "landsatlook")) == {*names(45), "P003_T1"}


def test_the_planetary_computer_is_read_whole_though_the_product_that_its_link_names_is_deleted() -> None:
    def delete(body: dict[str, Any]) -> None:
        if len(server.searches) == 1:
            server.items = [item for item in server.items if item["id"] not in ends]

    everything = series(45)
    ends = {
        max(
            sorted(everything, key=lambda item: item["properties"]["datetime"])[:10],
            key=lambda item: item["properties"]["datetime"],
        )["id"]
    }
    server = Pretend(list(everything), anchored=True, before=delete)

    assert set(listed(server, "planetary-computer")) >= set(names(45)) - ends
    assert not any("token" in search for search in server.searches)
    assert all(
        search["sortby"] == [{"field": "properties.datetime", "direction": search["sortby"][0]["direction"]}]
        for search in server.searches
    )


def test_a_link_that_names_a_deleted_product_is_a_failure_where_there_is_no_order() -> None:
    def delete(body: dict[str, Any]) -> None:
        if "token" in body:
            server.items = [item for item in server.items if not body["token"].endswith(item["id"])]

    server = Pretend(series(45), anchored=True, before=delete)

    with pytest.raises(HttpError, match="500"):
        listed(server, "planetary-computer", sort=False)


@pytest.mark.parametrize("preset", ["cdse", "earth-search", "theia"])
def test_a_cursor_is_read_with_the_oldest_first(preset: str) -> None:
    items = series(45)
    for item in items:
        item["properties"]["published"] = item["properties"]["updated"]
    server = Pretend(items)

    assert listed(server, preset) == names(45)
    cursor = config.preset(preset).settings["cursor"]
    assert server.searches[0]["sortby"] == [{"field": f"properties.{cursor}", "direction": "asc"}]


@pytest.mark.parametrize("preset", ["cdse", "earth-search", "planetary-computer"])
def test_a_brief_question_asks_for_less_of_each_product(preset: str) -> None:
    items = series(3)
    for item in items:
        item["properties"]["published"] = item["properties"]["updated"]
    server = Pretend(items)
    table = config.preset(preset)

    with answering(server) as (url, _), Http(origin=url) as http:
        catalogue = msgspec.convert({**table.settings, "url": url, "collections": {"things": "L2A"}}, Kind)
        (page,) = catalogue.search(Query(collection="things", brief=True), http)

    assert len(page) == 3
    wanted = server.searches[0]["fields"]["include"]
    assert {"id", "collection", "geometry", "properties.datetime", "properties.updated"} <= set(wanted)
    assert not any(name.startswith("links") for name in wanted)
