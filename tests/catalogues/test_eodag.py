"""The kind eodag, through the library itself, on real STAC servers on loopback and on one that misbehaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.spoiling import Spoil, Spoiling, having, nameless
from tests.given import Clock, add_watch, announced, box, database
from tests.servers.stac import Pgstac, thing
from watcher import plugins
from watcher.core.unread import odd_of
from watcher.errors import CatalogueError, ConfigError
from watcher.model import Level, Product, Query
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.tasks.poll import poll

pytest.importorskip("eodag", reason="eodag is not installed here; tests/servers/install puts it into .venv-eodag")

GROUND = box(1.0, 43.0, 2.0, 44.0)
JANUARY = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC))
ALL = Query("S2_MSI_L2A", geometry=GROUND, acquired=JANUARY)
FIRST = datetime(2026, 1, 2, 10, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """eodag writes a configuration into its user's home, and looks for plug-ins each time that it is set up."""
    import importlib_metadata

    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as session:
        session.setenv("EODAG_CFG_DIR", str(home / "eodag"))
        session.setenv("HOME", str(home))
        session.setattr(importlib_metadata, "entry_points", cache(importlib_metadata.entry_points))
        yield


def provider(url: str, collection: str) -> dict[str, Any]:
    """What makes a STAC API a provider of eodag."""
    return {
        "name": "local",
        "url": url,
        "search": {"type": "StacSearch", "api_endpoint": f"{url}/search", "need_auth": False, "retry_total": 0},
        "products": {"S2_MSI_L2A": {"_collection": collection}, "S2_MSI_L1C": {"_collection": "none"}},
        "download": {"type": "HTTPDownload"},
    }


def made(url: str, collection: str = "things", **settings: Any) -> Catalogue:
    name = settings.pop("provider", "local")
    given = {"provider": name, "settings": provider(url, collection), **settings}
    built: Catalogue = plugins.build("catalogues", "eodag", given, place="catalogues.eodag:local")
    return built


def listed(kind: Catalogue, query: Query = ALL) -> list[Product]:
    with Http(origin=kind.url) as http:
        return [product for page in kind.search(query, http) for product in page]


def things(count: int, **said: Any) -> list[dict[str, Any]]:
    """Items acquired an hour apart."""
    return [
        thing(
            f"S2B_{n:03}", "2026-01-05T00:00:00Z", acquired=f"{FIRST + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}", **said
        )
        for n in range(count)
    ]


# Real servers


@pytest.mark.parametrize("page_size", [7, 100])
def test_a_server_that_counts_is_read_whole(counting_pgstac: Pgstac, page_size: int) -> None:
    counting_pgstac.add(*things(15))
    kind = made(counting_pgstac.url, counting_pgstac.collection, page_size=page_size)
    assert sorted(product.id for product in listed(kind)) == [f"S2B_{n:03}" for n in range(15)]


@pytest.mark.parametrize("page_size", [7, 100])
def test_a_server_that_does_not_count_is_read_whole(pgstac: Pgstac, page_size: int) -> None:
    pgstac.add(*things(15))
    kind = made(pgstac.url, pgstac.collection, page_size=page_size)
    products = listed(kind)
    assert sorted(product.id for product in products) == [f"S2B_{n:03}" for n in range(15)]
    assert len({product.id for product in products}) == len(products)


def test_place_and_time_are_asked_for(counting_pgstac: Pgstac) -> None:
    counting_pgstac.add(*things(15))
    kind = made(counting_pgstac.url, counting_pgstac.collection)
    window = (FIRST + timedelta(hours=3), FIRST + timedelta(hours=5))
    hours = msgspec.structs.replace(ALL, acquired=window)
    assert sorted(product.id for product in listed(kind, hours)) == ["S2B_003", "S2B_004", "S2B_005"]
    assert listed(kind, msgspec.structs.replace(ALL, geometry=box(10, 10, 11, 11))) == []


def test_a_product_is_read_with_all_that_eodag_says_of_it(counting_pgstac: Pgstac) -> None:
    said = {"eo:cloud_cover": 12.5, "platform": "sentinel-2b", "instruments": ["msi"], "grid:code": "MGRS-31TCJ"}
    item = things(1, **said)[0]
    item["assets"] = {
        "product": {"href": "https://files.example/a.zip", "type": "application/zip", "file:size": 97},
        "B04": {"href": "https://files.example/x_B04.tif", "type": "image/tiff"},
        "B08": {"href": "s3://files/x_B08.tif", "type": "image/tiff"},
    }
    counting_pgstac.add(item)
    url, name = counting_pgstac.url, counting_pgstac.collection
    (product,) = listed(made(url, name))
    assert (product.collection, product.id, product.level) == ("S2_MSI_L2A", "S2B_000", "L2A")
    assert (product.acquired, product.updated) == (FIRST, datetime(2026, 1, 5, tzinfo=UTC))
    assert (product.cloud, product.platform, product.instrument) == (12.5, "sentinel-2b", "msi")
    assert product.grid == "MGRS-31TCJ"
    assert msgspec.json.decode(product.geometry or b"") == item["geometry"]
    (asset,) = product.assets
    assert (asset.href, asset.type, asset.size) == ("https://files.example/a.zip", "application/zip", 97)
    (bands,) = listed(made(url, name, assets=["*B0?*"]))
    assert [one.href for one in bands.assets] == ["https://files.example/x_B04.tif"], "s3 is no address for us"


def test_its_revision_changes_with_the_product_only(counting_pgstac: Pgstac) -> None:
    (item,) = things(1)
    counting_pgstac.add(item)
    kind = made(counting_pgstac.url, counting_pgstac.collection)
    (first,), (again,) = listed(kind), listed(kind)
    assert first == again
    item["properties"]["updated"] = "2026-02-01T00:00:00Z"
    counting_pgstac.change(item)
    (changed,) = listed(kind)
    assert changed.id == first.id
    assert changed.revision != first.revision


def test_a_level_that_the_collection_has_not_lists_nothing(counting_pgstac: Pgstac) -> None:
    counting_pgstac.add(*things(2))
    kind = made(counting_pgstac.url, counting_pgstac.collection)
    assert listed(kind, msgspec.structs.replace(ALL, level=Level("L1C"))) == []
    assert len(listed(kind, msgspec.structs.replace(ALL, level=Level("L2A")))) == 2


def test_polls_announce_what_came_between_them(counting_pgstac: Pgstac, path: Path) -> None:
    counting_pgstac.add(*things(5))
    clock = Clock(FIRST + timedelta(days=5))
    kind = made(counting_pgstac.url, counting_pgstac.collection)
    with database(path) as db, Http(origin=kind.url) as http:
        add_watch(db, "Toulouse", geometry=GROUND, catalogue="eodag:local", collection="S2_MSI_L2A")
        assert poll(db, "eodag:local", kind, http, now=clock).problem is None
        counting_pgstac.add(thing("late", acquired="2026-01-02T12:30:00Z"))
        assert poll(db, "eodag:local", kind, http, now=clock).problem is None
        assert announced(db) == [("Toulouse", "late", "new")]


def test_check_searches_each_collection(counting_pgstac: Pgstac) -> None:
    counting_pgstac.add(*things(3))
    kind = made(counting_pgstac.url, counting_pgstac.collection, collections={"S2_MSI_L2A": "L2A"})
    with Http(origin=kind.url) as http:
        findings = list(kind.check(http))
    assert all(finding.well for finding in findings), findings
    assert findings[-1].text == "can be searched, and counts 3 products"


# A server that misbehaves


class Stac:
    """A STAC API of numbered pages; `cap` is the most it gives in one, `counts` what it adds to its count, if any."""

    def __init__(self, count: int, *, cap: int = 1000, counts: int | None = None, ignores: str = "") -> None:
        self.items, self.cap, self.counts, self.ignores = things(count), cap, counts, ignores

    def __call__(self, asked: Asked) -> Reply:
        body = json.loads(asked.body or b"{}")
        start, _, end = body.get("datetime", "../..").partition("/")
        found = [
            item
            for item in self.items
            if self.ignores == "datetime"
            or (
                (start in ("..", "") or item["properties"]["datetime"] >= start[:19])
                and (end in ("..", "") or item["properties"]["datetime"] <= end[:19] + "Z")
            )
        ]
        number, size = int(body.get("page", body.get("token", 1))), min(int(body.get("limit", 10)), self.cap)
        page = found[(number - 1) * size : number * size]
        links = []
        if number * size < len(found):
            following = {**body, "page": number + 1}
            links = [{"rel": "next", "href": "http://x/search", "method": "POST", "body": following}]
        answer = {"type": "FeatureCollection", "features": page, "links": links}
        if self.counts is not None:
            answer["numberMatched"] = len(found) + self.counts
        return Reply(200, msgspec.json.encode(answer), "application/geo+json")


def of(server: Any, **settings: Any) -> list[Product]:
    with answering(server) as (url, _):
        return listed(made(url, **settings))


def test_no_more_is_asked_for_than_eodag_knows_the_provider_to_give() -> None:
    with answering(Stac(3, counts=0)) as (url, asked):
        settings = provider(url, "things")
        settings["search"]["pagination"] = {"max_limit": 20}
        kind: Any = plugins.build("catalogues", "eodag", {"provider": "local", "settings": settings}, place="x")
        assert len(listed(kind)) == 3
    assert json.loads(asked[0].body)["limit"] == 20


def test_a_server_that_gives_smaller_pages_and_counts_is_a_failure_that_names_the_setting() -> None:
    with pytest.raises(CatalogueError, match="counts 30 products, but eodag listed 10") as failed:
        of(Stac(30, cap=10, counts=0))
    assert "page_size" in (failed.value.hint or "")
    assert len(of(Stac(30, cap=10, counts=0), page_size=10)) == 30


def test_a_server_that_gives_smaller_pages_and_does_not_count_is_read_whole_by_halves() -> None:
    assert sorted(product.id for product in of(Stac(30, cap=10))) == [f"S2B_{n:03}" for n in range(30)]


def test_products_of_one_moment_that_do_not_fit_on_a_page_are_a_failure() -> None:
    server = Stac(30, cap=10)
    for item in server.items:
        item["properties"]["datetime"] = "2026-01-02T10:00:00Z"
    order = server.items
    server.items = order[:]

    def shuffled(asked: Asked) -> Reply:
        server.items = server.items[10:] + server.items[:10]
        return server(asked)

    with pytest.raises(CatalogueError, match="lists other products each time"):
        of(shuffled)


def test_a_time_that_is_ignored_is_a_failure() -> None:
    server = Stac(3, counts=0, ignores="datetime")
    server.items[0]["properties"]["datetime"] = "2020-01-01T00:00:00Z"
    with pytest.raises(CatalogueError, match="ignored the time") as failed:
        of(server)
    assert failed.value.permanent


def test_what_is_no_page_is_a_failure() -> None:
    reply = Reply(200, b"")
    with answering(lambda asked: reply) as (url, asked):
        kind = made(url)
        for status in (500, 404, 429):
            reply = Reply(status, b"{}")
            with pytest.raises(CatalogueError):
                listed(kind)
        for body in (b"<html>Log in</html>", b"[]", b"{}", b""):
            reply = Reply(200, body)
            with pytest.raises(CatalogueError):
                listed(kind)
        assert len(asked) >= 7


def test_a_server_that_is_not_there_is_a_failure() -> None:
    with answering(lambda asked: Reply(200, b"{}")) as (url, _):
        pass
    with pytest.raises(CatalogueError, match="eodag could not search local"):
        listed(made(url))


def test_a_key_in_a_question_is_in_no_message() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(500, b"{}")

    with answering(answer) as (url, _):
        settings = provider(url, "things")
        settings["search"]["api_endpoint"] = f"{url}/search?apikey=s3cret"
        kind: Any = plugins.build("catalogues", "eodag", {"provider": "local", "settings": settings}, place="x")
        with pytest.raises(CatalogueError) as failed:
            listed(kind)
    assert "s3cret" not in str(failed.value)
    assert "s3cret" not in kind.url


ODD: dict[str, Spoil] = {
    "no object": lambda _: None,
    "no id": nameless,
    "an id that is empty": having(id=""),
    "no assets, where eodag wants some": having(assets=None),
    "a shape that is none": having(geometry={"type": "Foo"}),
}


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize(("counts", "bad"), [(0, {10, 11}), (None, {9})])
def test_what_cannot_be_read_hides_no_other_and_counts(how: str, counts: int | None, bad: set[int]) -> None:
    server = Spoiling(Stac(25, counts=counts))
    server.spoilt = {f"S2B_{number:03}": ODD[how] for number in bad}
    with answering(server) as (url, _):
        kind = made(url, page_size=10)
        with Http(origin=kind.url) as http:
            pages = list(kind.search(ALL, http))
    read = sorted(product.id for page in pages for product in page)
    assert read == [f"S2B_{number:03}" for number in range(25) if number not in bad]
    odd = [one for page in pages for one in odd_of(page)]
    assert len(odd) == len(bad)
    assert {one.id for one in odd} == {""}
    assert all(one.problem for one in odd)


def test_a_page_of_which_nothing_can_be_read_is_a_failure_through_eodag_too() -> None:
    server = Spoiling(Stac(3, counts=0))
    server.spoilt = {f"S2B_{number:03}": having(assets=None) for number in range(3)}
    with pytest.raises(CatalogueError, match="local lists what cannot be read, 3 of 3 items: AttributeError"):
        of(server)


# Providers


def test_the_collections_of_a_provider_come_with_their_levels() -> None:
    kind: Any = plugins.build("catalogues", "eodag", {"provider": "creodias"}, place="x")
    assert kind.url == "https://datahub.creodias.eu"
    with Http(origin=kind.url) as http:
        known = {holding.collection: holding for holding in kind.discover(http)}
    assert known["S2_MSI_L2A"].levels == ("L2A",)
    assert known["S2_MSI_L2A"].title == "SENTINEL2 Level-2A"
    assert known["S2_MSI_L2A"].first == datetime(2018, 3, 26, tzinfo=UTC)
    assert "S2_MSI_L2A" in kind.collections_of("L2A")
    assert "S2_MSI_L2A" not in kind.collections_of("L1C")
    assert "S2_MSI_L1C" in kind.collections_of("L1C")


@pytest.mark.parametrize(("name", "said"), [("creodia", "did you mean creodias?"), ("nobody", "it knows: ")])
def test_an_unknown_provider_is_answered_with_those_that_are_known(name: str, said: str) -> None:
    kind: Any = plugins.build("catalogues", "eodag", {"provider": name}, place="x")
    with pytest.raises(ConfigError, match=f'no provider "{name}"') as refused:
        _ = kind.url
    assert said in str(refused.value.hint)


def test_a_provider_that_wants_credentials_for_searching_says_where_they_go() -> None:
    kind: Any = plugins.build("catalogues", "eodag", {"provider": "meteoblue"}, place="x")
    with pytest.raises(ConfigError, match="without credentials") as refused:
        _ = kind.url
    assert "eodag.yml" in str(refused.value.hint)
