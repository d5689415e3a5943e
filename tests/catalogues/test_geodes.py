"""GEODES: its numbered pages, its counts, and what its products say."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import recordings
from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_geodes import COLLECTION, START, Item, Pretend, at, item, series
from tests.catalogues.spoiling import Spoil, Spoiling, broken, nameless
from watcher.catalogues.geodes import Kind
from watcher.core.unread import odd_of
from watcher.errors import CatalogueError, HttpError
from watcher.model import Asset, Capability, Finding, Holding, Product, Query, level
from watcher.net import Http
from watcher.plugins import Taped


def kind(url: str, **settings: Any) -> Kind:
    return msgspec.convert({"url": url, "collections": {COLLECTION: "L2A"}, "limit": 10, **settings}, Kind)


def products(server: Any, settings: dict[str, Any] | None = None, **query: Any) -> list[Product]:
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        asked = Query(**{"collection": COLLECTION, **query})
        return [product for page in kind(url, **(settings or {})).search(asked, http) for product in page]


def listed(server: Any, settings: dict[str, Any] | None = None, **query: Any) -> list[str]:
    return [product.id[-3:] for product in products(server, settings, **query)]


def names(count: int, *, start: int = 0) -> list[str]:
    return [f"{number:03}" for number in range(start, count)]


def looked(server: Any, **settings: Any) -> list[Finding]:
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        return list(kind(url, **settings).check(http))


def test_all_pages_are_read_by_their_numbers_whatever_next_says() -> None:
    server = Pretend(series(45))

    assert listed(server) == names(45)
    assert [search["page"] for search in server.searches] == [1, 2, 3, 4, 5]


def test_one_page_that_lists_all_it_counts_is_one_request() -> None:
    server = Pretend(series(10))

    assert listed(server) == names(10)
    assert len(server.searches) == 1


def test_a_collection_is_asked_for_as_a_dataset() -> None:
    server = Pretend([*series(3), item(7, dataset="PEPS_S2_L1C")])

    assert listed(server) == names(3)
    assert server.searches[0]["query"] == {"dataset": {"in": [COLLECTION]}}
    assert "collections" not in server.searches[0]


def test_only_what_was_published_since_is_listed() -> None:
    server = Pretend(series(45))

    assert listed(server, learnt_since=START + timedelta(minutes=20)) == names(45, start=20)
    assert server.searches[0]["query"]["datetime"] == {"gte": "2026-03-01T00:19:59Z"}


def test_a_window_is_one_of_acquisition_not_of_publication() -> None:
    start, end = START - timedelta(days=3), START - timedelta(days=1)
    server = Pretend(series(45))

    found = products(server, acquired=(start, end))

    assert found
    assert all(start <= product.acquired <= end for product in found if product.acquired)
    assert len(found) == sum(1 for number in range(45) if 1 <= 1 + number * 7 % 28 <= 3)


def test_a_place_is_asked_for_by_its_ground() -> None:
    server = Pretend(series(1))
    ground = b'{"type":"MultiPolygon","coordinates":[[[[1,43],[2,43],[2,44],[1,43]]]]}'

    listed(server, geometry=ground)

    assert server.searches[0]["intersects"]["type"] == "MultiPolygon"


def test_nothing_is_lost_where_pages_list_products_twice() -> None:
    assert sorted(listed(Pretend(series(45), doubles=True))) == names(45)


def test_nothing_is_lost_where_pages_are_short() -> None:
    assert sorted(listed(Pretend(series(45), short=True))) == names(45)


def test_nothing_is_lost_where_a_server_gives_smaller_pages_than_it_is_asked_for() -> None:
    assert sorted(listed(Pretend(series(45), cap=4))) == names(45)


@pytest.mark.parametrize("sorts", [True, False])
def test_what_is_published_between_pages_is_listed_and_hides_nothing(sorts: bool) -> None:
    items = series(45)

    def arrive(_: dict[str, Any]) -> None:
        if 2 <= len(server.searches) <= 4:
            items.insert(0, item(100 + len(server.searches), published=500 + len(server.searches)))

    server = Pretend(items, sorts=sorts, before=arrive)

    assert set(listed(server)) >= set(names(45))


def test_what_is_taken_away_between_pages_hides_nothing_behind_it() -> None:
    items = series(45)

    def remove(_: dict[str, Any]) -> None:
        if len(server.searches) in (1, 2, 3):
            del items[0]

    server = Pretend(items, before=remove)

    assert set(listed(server)) >= set(names(45, start=3))


def test_a_server_that_always_hides_the_same_product_is_a_failure() -> None:
    def hide(asked: Any) -> Reply:
        reply = server(asked)
        page = msgspec.json.decode(reply.body)
        page["features"] = [one for one in page.get("features", []) if not one["id"].endswith("7:V1")]
        return Reply(200, msgspec.json.encode(page))

    server = Pretend(series(25))

    with pytest.raises(CatalogueError, match="does not list them all, twice") as caught:
        listed(hide)
    assert not caught.value.permanent


def test_more_products_than_numbers_can_be_trusted_for_are_read_in_windows_of_time() -> None:
    server = Pretend(series(1030))

    assert sorted(listed(server)) == sorted(f"{number % 1000:03}" for number in range(1030))
    assert all(search["page"] * search["limit"] <= 1000 for search in server.searches)


def test_a_walk_has_an_end() -> None:
    with pytest.raises(CatalogueError, match="more than 3 pages") as caught:
        listed(Pretend(series(45)), {"max_pages": 3})
    assert "max_pages" in str(caught.value.hint)


def test_a_filter_that_is_ignored_is_found_out() -> None:
    server = Pretend(series(10), filters=False)

    with pytest.raises(CatalogueError, match=r"ignores the filter datetime = 2026-03-01T00:04:59Z/\.\."):
        listed(server, learnt_since=START + timedelta(minutes=5))
    with pytest.raises(CatalogueError, match="ignores the filter start_datetime"):
        listed(server, acquired=(START, None))
    with pytest.raises(CatalogueError, match="ignores the filter dataset"):
        listed(Pretend([item(1, dataset="PEPS_S2_L1C")], filters=False))


def test_silence_is_believed_where_older_products_show_that_the_filter_works() -> None:
    server = Pretend(series(5))

    assert listed(server, learnt_since=START + timedelta(days=9)) == []
    assert len(server.searches) == 2


def test_silence_is_not_believed_of_a_filter_that_hides_everything() -> None:
    def deaf(asked: Any) -> Reply:
        if b'"datetime":{' in asked.body:
            return server(asked._replace(body=asked.body.replace(b"1970", b"2400").replace(b"2026", b"2400")))
        return server(asked)

    server = Pretend(series(5))

    with pytest.raises(CatalogueError, match="lists nothing at all where datetime is filtered by"):
        listed(deaf, learnt_since=START)


def test_a_collection_that_was_renamed_is_named_with_its_neighbours() -> None:
    old = "MUSCATE_SENTINEL2_SENTINEL2_L2A"

    with pytest.raises(HttpError) as caught:
        listed(Pretend(series(1)), collection=old)
    assert old in str(caught.value.hint)
    (finding,) = looked(Pretend(series(1)), collections={old: "L2A"})
    assert (finding.well, finding.hint) == (False, f"the nearest are: {COLLECTION}")


def test_a_reprocessed_product_keeps_its_id_and_changes_its_revision() -> None:
    (before,) = products(Pretend([item(1)]))
    (after,) = products(Pretend([item(1, latest=False), item(1, version=2, published=900)]))

    assert before.id == after.id == "00000000-0000-3000-8000-000000000001"
    assert before.revision != after.revision
    assert after.learnt == START + timedelta(minutes=900)


def said(number: int, level: str) -> Item:
    one = item(number)
    one["properties"]["processing:level"] = level
    return one


def test_a_level_is_that_of_the_collection_or_what_the_product_says() -> None:
    server = Pretend([item(1), said(2, "l1c"), said(3, "L2B-SNOW")])

    assert listed(server, level="L1C") == []
    by_product = {"collections": {COLLECTION: ""}}
    assert listed(server, by_product, level="L1C") == ["002"]
    assert [product.level for product in products(server, by_product)] == ["L2A", "L1C", "L2B-SNOW"]


def test_what_it_can_be_asked() -> None:
    assert kind("http://x").capability() == Capability(learns=True, codes=False, sweeps=True, places=1, page=10)
    assert kind("http://x", places=5).capability().places == 5
    assert list(kind("http://x").collections_of("LEVEL2A")) == [COLLECTION]
    assert list(kind("http://x").collections_of("L1C")) == []


def test_its_collections_are_discovered_page_by_page() -> None:
    def answer(asked: Any) -> Reply:
        extent = {"temporal": {"interval": [["2015-04-08T00:00:00Z", None]]}}
        every = [{"id": f"C{number}", "title": f"Title\n {number}", "extent": extent} for number in range(5)]
        start = (int(asked.query.get("page", 1)) - 1) * 2
        found = {"collections": every[start : start + 2], "context": {"matched": 5}}
        return Reply(200, msgspec.json.encode(found))

    with answering(answer) as (url, _), Http(origin=url) as http:
        found = list(kind(url, collections={"C1": "LEVEL2A"}).discover(http))

    first = datetime(2015, 4, 8, tzinfo=UTC)
    assert [holding.collection for holding in found] == ["C0", "C1", "C2", "C3", "C4"]
    assert found[1] == Holding("C1", "Title 1", (level("L2A"),), first, None)


def test_collections_that_are_counted_and_not_listed_are_a_failure() -> None:
    found = Reply(200, msgspec.json.encode({"collections": [{"id": "C1"}], "context": {"matched": 2}}))

    with (
        answering(lambda _: found) as (url, _),
        Http(origin=url) as http,
        pytest.raises(CatalogueError, match="counts"),
    ):
        list(kind(url).discover(http))


def test_check_finds_a_server_well_that_does_as_it_should() -> None:
    findings = looked(Pretend(series(30)))

    assert all(finding.well for finding in findings)
    assert [finding.text for finding in findings][2:] == [
        "what it published since a time can be asked for",
        "its answers can be sorted",
        "its pages fit together",
        "paging: the page behind the last is empty",
        "its count is that of what it lists (10)",
    ]


def test_check_finds_out_what_a_server_does_not_do() -> None:
    unfiltered = looked(Pretend(series(30), filters=False))
    assert "ignores the filter" in unfiltered[2].text
    assert unfiltered[3].text == "its answers can be sorted"  # one thing that is wrong hides no other
    assert "ignores the filter" in unfiltered[-1].text
    unsorted = looked(Pretend(series(30), sorts=False))
    assert "does not sort" in unsorted[3].text
    bare = [item(number) for number in range(3)]
    for one in bare:
        one["assets"] = {}
        del one["properties"]["start_datetime"]
    assert "has no start_datetime, no a file of role data" in looked(Pretend(bare))[1].text


@pytest.mark.parametrize(
    ("vice", "told"),
    [
        ({"doubles": True}, f"its second page repeats {item(1)['id']} and leaves out {item(2)['id']}"),
        ({"short": True}, f"its second page leaves out {item(1)['id']}"),
    ],
)
def test_check_finds_pages_that_do_not_fit_together(vice: dict[str, Any], told: str) -> None:
    assert looked(Pretend(series(30), **vice))[4].text.startswith(told)


def test_check_finds_a_count_that_lies() -> None:
    def more(asked: Asked) -> Reply:
        reply = server(asked)
        return reply._replace(body=reply.body.replace(b'"matched":10}', b'"matched":11}'))

    server = Pretend(series(30))
    finding = looked(more, limit=20)[-1]
    assert (finding.well, finding.text) == (False, "it counts 11 products and lists 10")


def test_check_says_where_the_pages_of_a_large_collection_end() -> None:
    def many(asked: Asked) -> Reply:
        if asked.path == "/search" and msgspec.json.decode(asked.body)["page"] > 1000:
            return Reply(400, b'{"message": "page too deep"}')
        reply = server(asked)
        return reply._replace(body=reply.body.replace(b'"matched":30}', b'"matched":123456}'))

    server = Pretend(series(30))
    (told,) = (finding.text for finding in looked(many) if "page 1,002" in finding.text)
    assert "cannot be asked for" in told
    assert "the time of publication is cut" in told


def test_check_turns_the_pages_of_one_collection_only() -> None:
    server = Pretend([*series(9), *(item(number, dataset="PEPS_S2_L1C") for number in range(20, 29))])
    found = looked(server, collections={COLLECTION: "L2A", "PEPS_S2_L1C": "L1C"})
    assert [one.subject for one in found if "fit together" in one.text] == [COLLECTION]
    assert [one.subject for one in found if "can be sorted" in one.text] == [COLLECTION, "PEPS_S2_L1C"]


def test_check_tries_several_places_before_they_are_asked_for() -> None:
    def moved(number: int, east: float) -> Item:
        one = item(number)
        one["geometry"]["coordinates"] = [[[x + east, y] for x, y in one["geometry"]["coordinates"][0]]]
        return one

    def answer(asked: Any, *, several: bool) -> Reply:
        if asked.path != "/search" or b'"intersects"' not in asked.body:
            return server(asked)
        import shapely

        ground = shapely.from_geojson(msgspec.json.encode(msgspec.json.decode(asked.body)["intersects"]))
        if not several and ground.geom_type == "MultiPolygon":
            ground = ground.geoms[0]
        near = [one for one in items if shapely.from_geojson(msgspec.json.encode(one["geometry"])).intersects(ground)]
        return Pretend(near)(asked)

    items = [moved(0, 0.0), moved(1, 40.0), moved(2, 40.0)]
    server = Pretend(items)

    able = looked(lambda asked: answer(asked, several=True), places=20)
    assert (able[4].well, able[4].text) == (True, "several places can be asked for at once")
    unable = looked(lambda asked: answer(asked, several=False), places=20)
    assert (unable[4].well, unable[4].hint) == (False, "set places = 1")
    assert "finds 1 and 2 products at two places, and 1 when asked for both" in unable[4].text


def test_a_product_as_it_was_recorded() -> None:
    name = "geodes_PEPS_S2_L1C_search.json"
    recorded = msgspec.json.decode((recordings.folder("samples") / name).read_bytes())
    recorded["context"]["matched"] = 1  # it was one of 37 million

    with answering(lambda _: Reply(200, msgspec.json.encode(recorded))) as (url, _), Http(origin=url) as http:
        catalogue = kind(url, collections={"PEPS_S2_L1C": ""})
        ((product,),) = catalogue.search(Query(collection="PEPS_S2_L1C"), http)

    assert (product.collection, product.id) == ("PEPS_S2_L1C", "25416e3f-1a7f-379a-9b65-a6539b1fd95b")
    assert product.title == "S2A_MSIL1C_20250402T175741_N0511_R141_T14ULD_20250403T022035"
    assert (product.level, product.platform, product.instrument, product.grid) == ("L1C", "S2A", "MSI", "MGRS-14ULD")
    assert product.acquired == datetime(2025, 4, 2, 17, 57, 41, 24000, tzinfo=UTC)
    assert product.learnt == product.published == datetime(2025, 4, 3, 9, 0, 26, 809000, tzinfo=UTC)
    assert product.cloud == pytest.approx(67.5496, abs=1e-4)
    assert product.link is not None
    assert product.link.endswith(
        "/collections/PEPS_S2_L1C/items/URN:FEATURE:DATA:gdh:25416e3f-1a7f-379a-9b65-a6539b1fd95b:V1"
    )
    assert product.quicklook is not None
    assert product.quicklook.endswith("/files/1003ae6b1edf05adf7c46cb759ffeaec?scope=gdh")
    assert product.assets == (
        Asset(
            key=f"{product.title}.zip",
            href="https://geodes-portal.cnes.fr/api/download/URN:FEATURE:DATA:gdh:25416e3f-1a7f-379a-9b65-a6539b1fd95b:V1"
            "/files/86f828c4c7e921615d1cd0476604f780",
            type="application/zip",
            size=764210185,
            checksum="md5:86f828c4c7e921615d1cd0476604f780",
            online=False,
        ),
    )


def test_the_recorded_answer_alone_is_no_whole_one() -> None:
    name = "geodes_PEPS_S2_L1C_search.json"
    recorded = (recordings.folder("samples") / name).read_bytes()

    with answering(lambda _: Reply(200, recorded)) as (url, _), Http(origin=url) as http:
        catalogue = kind(url, collections={"PEPS_S2_L1C": ""})
        with pytest.raises(CatalogueError, match="counts 37273723 products"):
            list(catalogue.search(Query(collection="PEPS_S2_L1C"), http))


def test_the_time_of_publication_has_the_form_of_the_recorded_one() -> None:
    assert at(1.5) == "2026-03-01T00:01:30.000Z"


MD5 = f"{10 + 1:032x}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Reply(200, b'{"files": [{"checksum": "%s", "available": true}]}' % MD5.upper().encode()), True),
        (Reply(200, b'{"files": [{"checksum": "77", "available": true}, {"checksum": "%s", "available": false}]}'
               % MD5.encode()), False),
        (Reply(200, b'{"files": [{"checksum": "%s", "available": "soon"}]}' % MD5.encode()), None),
        (Reply(200, b'{"files": [{"checksum": "77", "available": false}]}'), None),
        (Reply(200, b'{"files": null}'), None),
        (Reply(200, b"<html>"), None),
        (Reply(404, b"{}"), None),
    ],
)  # fmt: skip
def test_it_says_of_a_file_on_tape_whether_it_is_back(answer: Reply, said: bool | None) -> None:
    server = Pretend(series(2))
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        portal = kind(f"{url}/api/stac")
        listed = Product(
            COLLECTION, "1", "SENTINEL2A_1", None, None, "", assets=(Asset("a", f"{url}/x", checksum=f"md5:{MD5}"),)
        )
        server.available["/availability/SENTINEL2A_1"] = answer
        assert portal.at_hand(listed, http) is said
    assert isinstance(portal, Taped)


# What cannot be read


def spoiling(server: Pretend, how: Spoil, *items: Item) -> Spoiling:
    found = Spoiling(server)
    found.spoilt = {str(one["id"]): how for one in items}
    return found


def odd(server: Any, settings: dict[str, Any] | None = None, **query: Any) -> list[str]:
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        asked = Query(**{"collection": COLLECTION, **query})
        return [one.id[-3:] for page in kind(url, **(settings or {})).search(asked, http) for one in odd_of(page)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("vices", [{}, {"doubles": True}, {"short": True}, {"sorts": False}])
def test_whatever_cannot_be_read_all_else_is_listed(seed: int, vices: dict[str, Any]) -> None:
    chance = random.Random(seed)
    server = Pretend(series(45), **vices)
    bad = sorted(chance.sample(range(45), 6))
    spoilt = spoiling(server, chance.choice([broken, nameless]), *(item(number) for number in bad))

    assert sorted(listed(spoilt)) == sorted(set(names(45)) - {f"{number:03}" for number in bad})
    assert len(odd(spoilt)) == 6


def test_two_versions_that_cannot_be_read_are_two_and_the_same_product() -> None:
    server = Pretend([item(1), item(1, version=2), item(2)])

    spoilt = spoiling(server, broken, item(1), item(1, version=2))

    assert odd(spoilt) == ["001", "001"]
    assert listed(spoilt) == ["002"]
    assert len(server.searches) == 2, "the one answer was whole"


def test_of_very_many_products_the_last_of_which_cannot_be_read_all_others_are_listed() -> None:
    server = Pretend(series(1200))

    assert len(listed(spoiling(server, broken, item(1199), item(700)))) == 1198


def test_what_is_counted_and_not_listed_is_a_failure_beside_what_cannot_be_read() -> None:
    server = Pretend(series(3))

    def answer(asked: Asked) -> Reply:
        reply = spoiling(server, broken, item(1))(asked)
        return reply._replace(body=reply.body.replace(b'"matched":3', b'"matched":4'))

    with pytest.raises(CatalogueError, match="counts 4 products"):
        listed(answer)


def test_silence_is_believed_though_the_first_of_all_cannot_be_read() -> None:
    server = Pretend(series(3))

    assert listed(spoiling(server, nameless, item(0)), learnt_since=START + timedelta(days=9)) == []


def test_a_look_goes_on_though_the_first_cannot_be_read() -> None:
    wrong = [
        finding.text for finding in looked(spoiling(Pretend(series(30)), broken, item(0)), places=2) if not finding.well
    ]

    (text,) = wrong
    assert text.startswith("1 of the 2 listed cannot be read: URN:FEATURE:DATA:gdh:")
