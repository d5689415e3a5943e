"""The resto kind on servers of 2.1 to 2.5: news where there are any to be had, everything where not, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import recordings
from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_resto_2x import APRIL, JULY, Held, Later, refused, season, tiles
from tests.catalogues.replay import collection
from tests.given import Clock, add_watch, announced, database, rows
from watcher import config, plugins
from watcher.catalogues.resto import Kind
from watcher.errors import CatalogueError, HttpError
from watcher.model import Finding, Level, Query
from watcher.net import Http
from watcher.tasks.poll import poll

HOUR = timedelta(hours=1)
NEWS = Query("SPOT5", code="Litchfield", learnt_since=JULY + HOUR)


@contextmanager
def serving(server: Any, **settings: Any) -> Iterator[tuple[Kind, Http, list[Asked]]]:
    with answering(server) as (url, asked), Http(origin=url, backoff_base=0.0) as http:
        yield Kind(**{"url": f"{url}/resto", "collections": ["SPOT4", "SPOT5"]} | settings), http, asked


def listed(server: Any, query: Query, **settings: Any) -> list[str]:
    with serving(server, **settings) as (kind, http, _):
        return [product.id for page in kind.search(query, http) for product in page]


def arrivals(server: Later, count: int = 2) -> set[str]:
    late = [Held(f"late{n}", APRIL + timedelta(days=5 * n)) for n in range(count)]
    server.publish(*late, at=JULY + 2 * HOUR)
    return {one.id for one in late}


# News


@pytest.mark.parametrize("since", ["updated", "publishedAfter", "publishedBegin"])
def test_a_server_that_can_be_asked_for_news_is(since: str) -> None:
    server = Later(season(40), news=(since,))
    new = arrivals(server)
    with serving(server, since=since) as (kind, http, asked):
        products = [product for page in kind.search(NEWS, http) for product in page]
    assert {product.id for product in products} == new
    assert {product.learnt for product in products} == {JULY + 2 * HOUR}
    assert asked[0].query[since] == "2015-07-01T09:00:00Z"
    assert asked[0].query["zone_geo"] == "Litchfield"


def test_its_capability_follows_from_its_settings() -> None:
    def can(**settings: Any) -> tuple[bool, bool, bool]:
        it = Kind(url="https://h/resto", collections=["S"], **settings).capability()
        return it.learns, it.codes, it.sweeps

    assert can() == (False, True, False)
    assert can(since="updated") == (True, True, True)
    assert can(site_filter="", since="publishedAfter") == (True, False, True)


def test_where_nothing_is_new_one_more_question_proves_it() -> None:
    server = Later(season(40))
    with serving(server, since="updated") as (kind, http, asked):
        assert [product for page in kind.search(NEWS, http) for product in page] == []
    assert [question.query["updated"] for question in asked] == ["2015-07-01T09:00:00Z", "1970-01-01T00:00:00Z"]
    assert asked[1].query["zone_geo"] == "Litchfield", "it is proven for this very place"


@pytest.mark.parametrize("hides", [(), ("updated",)], ids=["ignored", "hides everything"])
def test_a_filter_that_is_ignored_or_hides_everything_costs_time_and_loses_nothing(hides: tuple[str, ...]) -> None:
    server = Later(season(40), news=(), hides=hides)
    new = arrivals(server)
    found = set(listed(server, NEWS, since="updated"))
    assert found == {one.id for one in server.held}
    assert new <= found


def test_a_place_without_any_product_is_believed_to_have_none() -> None:
    assert listed(Later(season(4)), msgspec.structs.replace(NEWS, code="Nowhere"), since="updated") == []


def test_one_product_that_does_not_say_when_it_was_learnt_of_is_enough_to_read_all() -> None:
    server = Later(season(4))
    arrivals(server)
    silent = server.feature

    def feature(one: Held) -> dict[str, Any]:
        made = silent(one)
        if one.id == "late1":
            made["properties"]["updated"] = None
        return made

    server.feature = feature  # type: ignore[method-assign]
    assert set(listed(server, NEWS, since="updated")) == {one.id for one in server.held}


def test_news_of_a_server_that_has_none_is_a_failure() -> None:
    with pytest.raises(CatalogueError, match='since is "none"') as failed:
        listed(Later(season(4)), NEWS)
    assert failed.value.permanent


def test_a_refusal_of_the_filter_is_a_failure_in_the_servers_words() -> None:
    server = Later(season(4))

    def answer(asked: Asked) -> Reply:
        return refused('Invalid date for "updated"') if "updated" in asked.query else server(asked)

    with pytest.raises(HttpError, match="Invalid date") as failed:
        listed(answer, NEWS, since="updated")
    assert failed.value.permanent


# Whole answers


@pytest.mark.parametrize("flags", [True, False], ids=["estimates that say so", "estimates that do not"])
@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("cap", [20, 500])
def test_totals_that_are_estimates_hide_nothing(flags: bool, links: bool, cap: int) -> None:
    held = [*season(230), *season(11, code="Pornic")]
    for seed in range(3):
        server = Later(held, seed=seed, flags=flags, links=links, cap=cap)
        assert sorted(listed(server, Query("SPOT5"), counts=flags)) == sorted(one.id for one in held)


def test_an_estimate_that_does_not_say_so_is_a_loud_failure_where_it_is_believed() -> None:
    server = Later(season(34), flags=False)
    server.page = lambda found, number, size: (found[(number - 1) * size : number * size], 350, None, False)  # type: ignore[method-assign]
    with pytest.raises(CatalogueError, match="counts 350 products but lists 34"):
        listed(server, Query("SPOT5"))
    assert len(listed(server, Query("SPOT5"), counts=False)) == 34


def test_more_than_it_gives_in_a_page_is_refused_and_the_setting_named() -> None:
    with pytest.raises(HttpError, match="lower than 501") as failed:
        listed(Later(season(4)), Query("SPOT5"), page_size=501)
    assert "page_size" in (failed.value.hint or "")


def test_news_of_many_pages_are_read_whole() -> None:
    server = Later(season(40), cap=20)
    new = arrivals(server, 230)
    assert set(listed(server, NEWS, since="updated", page_size=50)) == new


# Words


def test_a_collection_may_have_words_of_its_own_for_levels_and_hold_only_some() -> None:
    settings: dict[str, Any] = {
        "collections": {"SPOT5": ["L2A"], "SPOT4": ["L1C", "L2A"], "SPOT3": []},
        "levels": {"L1": "LEVEL1", "SPOT5": {"L2A": "N2A"}},
    }
    with serving(lambda asked: collection([], total=None), **settings) as (kind, http, asked):
        for name, word in (("SPOT5", "L2A"), ("SPOT4", "L2A"), ("SPOT4", "L1")):
            list(kind.search(Query(name, level=Level(word)), http))
    assert [one.query["processingLevel"] for one in asked] == ["N2A", "LEVEL2A", "LEVEL1"]
    assert kind.collections_of("L2A") == ["SPOT5", "SPOT4", "SPOT3"]
    assert kind.collections_of("L1C") == ["SPOT4", "SPOT3"]
    assert kind.collections_of(None) == ["SPOT5", "SPOT4", "SPOT3"]


def test_the_cell_of_a_tile_is_read_from_the_products_name() -> None:
    feature = Held("a", APRIL).feature(title="SENTINEL2A_20190314-104911-877_L2A_T31TCH_D")
    with serving(lambda asked: collection([feature], total=1)) as (kind, http, _):
        ((product,),) = kind.search(Query("SPOT5"), http)
    assert product.grid == "MGRS-31TCH"


def test_the_property_of_a_site_may_have_another_name_than_its_filter() -> None:
    feature = Held("a", APRIL).feature(mgrs="55PDR")
    settings = {"site_filter": "tileid", "site_property": "mgrs"}
    with serving(lambda asked: collection([feature], total=1), **settings) as (kind, http, asked):
        ((product,),) = kind.search(Query("SPOT5", code="55PDR"), http)
    assert asked[0].query["tileid"] == "55PDR"
    assert product.code == "55PDR"


# Sites by name

THEIA = {"site_filter": "location", "name_filter": "name", "collections": ["SPOT5"]}


def located(name: str, server: Later, **settings: Any) -> tuple[list[str], list[str], list[Asked]]:
    with serving(server, **THEIA | settings) as (kind, http, asked):
        found, near = kind.locate(name, http, collections=["SPOT5"])
        return [site.code for site in found], list(near), asked


def theia(**more: Any) -> Later:
    towns = {"Toulouse": {"T31TCJ", "T31TCH"}}
    return Later(tiles("T31TCJ", "T31TCH", "T30TYN"), site="location", towns=towns, **more)


def test_a_tile_is_a_site_where_that_is_what_the_server_knows() -> None:
    found, near, asked = located("T31TCJ", theia())
    assert (found, near) == (["T31TCJ"], [])
    assert {question.query["location"] for question in asked} == {"T31TCJ%"}


def test_a_town_is_found_by_the_servers_gazetteer_with_all_its_tiles() -> None:
    found, near, _ = located("Toulouse", theia())
    assert (found, near) == (["T31TCH", "T31TCJ"], [])


def test_a_town_that_the_gazetteer_does_not_know_is_unknown() -> None:
    found, _, _ = located("Atlantis", theia())
    assert found == []


def test_a_gazetteer_that_the_server_does_not_have_names_no_site() -> None:
    server = theia()
    server.towns = {}
    found, near, _ = located("Toulouse", server)
    assert (found, near) == ([], [])


# watcher check and watcher catalogues


def findings(server: Later, **settings: Any) -> dict[str, Finding]:
    with serving(server, **{"collections": ["SPOT5"]} | settings) as (kind, http, _):
        return {finding.subject.removeprefix("SPOT5: "): finding for finding in kind.check(http)}


def test_check_says_by_which_parameter_news_can_be_asked_for() -> None:
    found = findings(Later(season(9), news=("publishedAfter",)))
    assert found["publishedAfter"].text == 'filters; with since = "publishedAfter" a poll asks for news only'
    assert "is ignored" in found["updated"].text
    assert all(finding.well for finding in found.values()), found


@pytest.mark.parametrize("hides", [(), ("updated",)])
def test_check_finds_a_filter_that_is_set_and_does_not_filter(hides: tuple[str, ...]) -> None:
    finding = findings(Later(season(9), news=(), hides=hides), since="updated")["updated"]
    assert not finding.well
    assert finding.hint == 'set since = "none"'


def test_check_finds_a_collection_that_the_server_has_no_more_and_lists_nothing_of() -> None:
    found = findings(Later(season(9)), collections=["SPOT5", "SENTINEL2"])
    gone = found["SENTINEL2"]
    assert (gone.well, gone.hint) == (False, "it has: SPOT4, SPOT5")
    assert "none of the collections that the server says it has" in gone.text
    assert found["SPOT5"].well


def test_check_finds_totals_that_lie() -> None:
    server = Later(season(9), flags=False)
    server.page = lambda found, number, size: (found[(number - 1) * size : number * size], 350, None, False)  # type: ignore[method-assign]
    lies = findings(server)["totalResults"]
    assert (lies.well, lies.hint) == (False, "set counts = false")
    assert "it says 350 where 1 are listed" in lies.text
    assert findings(server, counts=False)["totalResults"].well


def test_check_says_how_it_sorts_and_where_its_pages_end() -> None:
    found = findings(Later(season(9)))
    assert "either way" in found["sortParam"].text
    assert found["page"].text == "beyond the end is empty"

    class Capped(Later):
        def __call__(self, asked: Asked) -> Reply:
            return refused("too far") if int(asked.query.get("page", 1)) > 1000 else super().__call__(asked)

    assert "status 400" in findings(Capped(season(9)))["page"].text


def test_the_collections_are_described_with_what_the_server_says_and_shows() -> None:
    server = Later(season(9))
    about = {
        "name": "SPOT5",
        "osDescription": {"en": {"LongName": "SPOT5 (Take5)\nimages"}},
        "statistics": {"collection": {"SPOT5": 9}, "processingLevel": {"LEVEL2A": 5, "LEVEL1C": 4}},
    }

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/collections/SPOT5.json"):
            return Reply(200, msgspec.json.encode(about))
        return server(asked)

    with serving(answer) as (kind, http, _):
        empty, spot5 = kind.discover(http)
    assert (spot5.title, spot5.levels, spot5.count) == ("SPOT5 (Take5) images", ("L1C", "L2A"), 9)
    assert (spot5.first, spot5.last) == (APRIL, APRIL + timedelta(days=20))
    assert (empty.collection, empty.first, empty.last, empty.count) == ("SPOT4", None, None, None)


# Polls


def test_a_poll_for_news_hears_all_that_a_full_one_would_and_asks_less(path: Path) -> None:
    clock = Clock(JULY + HOUR)
    server = Later(season(120), cap=50)
    costs = []

    with database(path) as db, serving(server, since="updated", page_size=50) as (kind, http, asked):

        def polled() -> None:
            before = len(asked)
            assert poll(db, "take5", kind, http, now=clock).problem is None
            costs.append(len(asked) - before)

        add_watch(db, "Litchfield")
        polled()
        clock.forward(days=10)
        server.publish(Held("Litchfield-SPOT5-00007", APRIL), at=clock.time)
        polled()
        clock.forward(days=10)
        server.publish(Held("new", APRIL - timedelta(days=30)), at=clock.time)
        polled()
        assert sorted(announced(db)) == [
            ("Litchfield", "Litchfield-SPOT5-00007", "revised"),
            ("Litchfield", "new", "new"),
        ]
        assert rows(db, "SELECT count(*) FROM revisions") == [122]
        clock.forward(days=1)
        polled()
    assert costs[0] >= 4, "a season of three pages whose total is a guess"
    assert costs[3] <= 2, "the products that are new since the last look but one, and whether that was all"


# Presets and recordings


@pytest.mark.parametrize("name", ["theia-resto", "peps"])
def test_the_presets_of_retired_servers_say_so(name: str) -> None:
    table = config.preset(name)
    kind = plugins.build("catalogues", table.kind, table.settings, place=name)
    assert "retired" in table.title
    assert kind.capability().learns
    assert table.needs_account == ("download",)


def test_a_recorded_answer_of_peps_is_read() -> None:
    body = (recordings.folder("samples") / "peps_S2ST_search_20200815.json").read_bytes()
    page = msgspec.json.decode(body)
    count = len(page["features"])
    page["properties"] |= {"totalResults": count, "links": []}
    table = config.preset("peps")
    with answering(lambda asked: Reply(200, msgspec.json.encode(page))) as (url, _), Http(origin=url) as http:
        kind = Kind(**{**table.settings, "url": url})
        (products,) = kind.search(Query("S2ST", level=Level("L1C")), http)
    first = products[0]
    assert len(products) == count
    assert (first.level, first.grid, first.platform) == ("L1C", "MGRS-55PDR", "S2A")
    assert (first.learnt, first.cloud) == (first.published, 20.5218)
    assert first.assets[0].size == 781865648
    assert first.assets[0].checksum == "md5:64ffca4b9cd13d094ed05554e010db5a"
    assert sorted(bool(product.assets[0].online) for product in products) == [False, True]


def test_a_recorded_product_of_theia_is_read() -> None:
    body = (recordings.folder("samples") / "theia_SENTINEL2_search_RECONSTRUCTED.json").read_bytes()
    features = msgspec.json.decode(body)["features"]
    table = config.preset("theia-resto")
    page = collection(features, total=999_999)

    def answer(asked: Asked) -> Reply:
        return page if asked.query["page"] == "1" else collection([], total=999_999)

    with answering(answer) as (url, _), Http(origin=url) as http:
        kind = Kind(**{**table.settings, "url": url})
        (products,) = kind.search(Query("SENTINEL2", level=Level("L2A")), http)
    assert [product.id for product in products] == [feature["id"] for feature in features]
    assert products[0].title == "SENTINEL2A_20190314-104911-877_L2A_T31TCH_D"
    assert (products[0].level, products[0].grid) == ("L2A", "MGRS-31TCH")
