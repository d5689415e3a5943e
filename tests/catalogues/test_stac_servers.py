"""Walks over real STAC servers, while their catalogue changes under the reader."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.servers.stac import Pgstac, Rustac, thing
from watcher.catalogues.stac import Kind
from watcher.core.identity import revisions
from watcher.errors import CatalogueError
from watcher.model import Page, Query
from watcher.net import Http

START = datetime(2026, 2, 1, tzinfo=UTC)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def series(count: int, *, prefix: str = "P") -> list[dict[str, Any]]:
    """Items that were learnt a minute apart, in no order of acquisition."""
    return [
        thing(f"{prefix}{n:03}", at(n), acquired=f"2026-01-{1 + n * 7 % 28:02}T10:{n % 60:02}:{n // 60:02}Z")
        for n in range(count)
    ]


def kind(server: Pgstac, **settings: Any) -> Kind:
    return msgspec.convert(
        {"url": server.url, "collections": {server.collection: "L2A"}, "limit": 10, **settings}, Kind
    )


def walk(catalogue: Kind, **query: Any) -> Iterator[Page]:
    with Http(origin=catalogue.url) as http:
        yield from catalogue.search(Query(collection=next(iter(catalogue.collections)), **query), http)


def listed(catalogue: Kind, **query: Any) -> list[str]:
    return [product.id for page in walk(catalogue, **query) for product in page]


def names(count: int, *, start: int = 0) -> list[str]:
    return [f"P{n:03}" for n in range(start, count)]


WAYS: list[dict[str, Any]] = [
    {},
    {"method": "GET"},
    {"filter": "cql2"},
    {"filter": "cql2", "method": "GET"},
    {"sort": False},
    {"sort": False, "method": "GET"},
    {"cursor": "published"},
    {"cursor": "none"},
    {"cursor": "none", "sort": False},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_everything_is_listed_once_whichever_way_it_is_asked_for(pgstac: Pgstac, way: dict[str, Any]) -> None:
    pgstac.add(*series(45))

    assert sorted(listed(kind(pgstac, **way))) == names(45)


@pytest.mark.parametrize("way", WAYS[:7], ids=str)
def test_only_what_was_learnt_since_is_listed(pgstac: Pgstac, way: dict[str, Any]) -> None:
    pgstac.add(*series(45))

    assert sorted(listed(kind(pgstac, **way), learnt_since=START + timedelta(minutes=20))) == names(45, start=20)


def test_an_interrupted_question_for_a_place_lists_only_what_lies_there(pgstac: Pgstac) -> None:
    far = {"geometry": {"type": "Point", "coordinates": [130.1, -13.1]}, "bbox": [130.1, -13.1, 130.1, -13.1]}
    pgstac.add(*series(12), *({**item, **far} for item in series(3, prefix="F")))
    box = b'{"type":"Polygon","coordinates":[[[130,-14],[131,-14],[131,-13],[130,-13],[130,-14]]]}'

    for way in WAYS:
        assert sorted(listed(kind(pgstac, **way), geometry=box)) == ["F000", "F001", "F002"], way


def square(west: float, south: float) -> list[list[list[float]]]:
    return [[[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]]


def test_one_question_finds_what_lies_at_any_of_its_places(pgstac: Pgstac) -> None:
    places = [(130.0, -14.0), (-3.0, 47.0), (18.0, -34.0)]
    for number, (west, south) in enumerate(places):
        here = {"geometry": {"type": "Point", "coordinates": [west + 0.5, south + 0.5]}}
        pgstac.add(*({**item, **here} for item in series(4, prefix=f"S{number}_")))
    pgstac.add(*series(12))
    ground = msgspec.json.encode({"type": "MultiPolygon", "coordinates": [square(*place) for place in places]})

    found = listed(kind(pgstac), geometry=ground)

    assert sorted(found) == [f"S{place}_{number:03}" for place in range(3) for number in range(4)]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_brief_question_tells_which_products_and_revisions_there_are(pgstac: Pgstac, way: dict[str, Any]) -> None:
    archive = {"href": "https://eo.example/P.zip", "type": "application/zip", "file:size": 5}
    produced = {"processing:datetime": "2026-01-30T00:00:00Z"}
    pgstac.add(*({**item, "assets": {"bulky": archive}} for item in series(20)))
    pgstac.add({**thing("LAST", at(90), **produced), "assets": {"bulky": archive}})
    catalogue = kind(pgstac, fields=True, **way)

    brief = {product.id: product for page in walk(catalogue, brief=True) for product in page}
    whole = {product.id: product for page in walk(catalogue) for product in page}

    assert brief.keys() == whole.keys()
    assert len(brief) == 21
    assert not any(product.assets for product in brief.values())
    for name, product in whole.items():
        assert revisions.recognised([product.revision], brief[name].revision) == product.revision
        assert (brief[name].acquired, brief[name].level, brief[name].geometry) == (
            product.acquired,
            product.level,
            product.geometry,
        )
    found = listed(catalogue, brief=True, acquired=(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)))
    assert sorted(found) == ["LAST", "P000", "P004", "P008", "P012", "P016"]


def test_the_collections_of_a_server_are_discovered(pgstac: Pgstac) -> None:
    with Http(origin=pgstac.url) as http:
        holdings = {holding.collection: holding for holding in kind(pgstac).discover(http)}

    assert holdings[pgstac.collection].levels == ("L2A",)
    assert holdings[pgstac.collection].first is None


def test_an_acquisition_window_lists_only_what_was_acquired_in_it(pgstac: Pgstac) -> None:
    pgstac.add(*series(45))
    window = (datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 20, tzinfo=UTC))
    inside = [item["id"] for item in series(45) if "2026-01-10" <= item["properties"]["datetime"] < "2026-01-20"]

    for way in WAYS:
        assert sorted(listed(kind(pgstac, **way), acquired=window)) == sorted(inside), way


def test_what_is_added_changed_and_removed_between_two_walks_is_seen_by_the_second(pgstac: Pgstac) -> None:
    archive = {"href": "https://eo.example/P001.zip", "type": "application/zip", "roles": ["data"]}
    pgstac.add(*series(12))
    before = {product.id: product for page in walk(kind(pgstac)) for product in page}

    pgstac.add(thing("P100", at(100)))
    digest = "1220" + "ab" * 32
    pgstac.change(
        {
            **thing("P001", at(101), version="2"),
            "assets": {"product": {**archive, "file:checksum": digest, "file:size": 5}},
        }
    )
    pgstac.remove("P005")
    after = {product.id: product for page in walk(kind(pgstac)) for product in page}

    assert set(after) - set(before) == {"P100"}
    assert set(before) - set(after) == {"P005"}
    assert {name for name in before if name in after and before[name].revision != after[name].revision} == {"P001"}
    assert after["P001"].updated == after["P001"].learnt == START + timedelta(minutes=101)
    assert [(asset.checksum, asset.size) for asset in after["P001"].assets] == [("sha256:" + "ab" * 32, 5)]
    since = max(product.learnt for product in before.values() if product.learnt)
    assert set(listed(kind(pgstac), learnt_since=since)) == {"P001", "P100", "P011"}


def test_what_is_published_late_is_found_by_the_cursor_however_old_it_is(pgstac: Pgstac) -> None:
    pgstac.add(*series(12))
    pgstac.add(thing("LATE", at(500), acquired="2015-06-01T10:00:00Z"))

    assert listed(kind(pgstac), learnt_since=START + timedelta(minutes=12)) == ["LATE"]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_nothing_is_lost_when_the_last_product_of_a_page_is_dated_anew(pgstac: Pgstac, way: dict[str, Any]) -> None:
    pgstac.add(*series(35))
    pages = walk(kind(pgstac, **way))
    first = next(pages)

    pgstac.change(thing(first[-1].id, at(900)))

    rest = [product.id for page in pages for product in page]
    assert {product.id for product in first} | set(rest) == set(names(35))


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_nothing_is_lost_when_the_last_product_of_a_page_is_deleted(pgstac: Pgstac, way: dict[str, Any]) -> None:
    pgstac.add(*series(35))
    pages = walk(kind(pgstac, **way))
    first = next(pages)

    pgstac.remove(first[-1].id)

    rest = [product.id for page in pages for product in page]
    assert {product.id for product in first} | set(rest) == set(names(35))


def test_nothing_is_lost_when_a_counting_server_ends_early(counting_pgstac: Pgstac) -> None:
    counting_pgstac.add(*series(35))
    pages = walk(kind(counting_pgstac, sort=False, cursor="none"))
    first = next(pages)

    # The default order is newest acquisition first, so an old date leaves nothing behind this one.
    counting_pgstac.change(thing(first[-1].id, at(900), acquired="2000-01-01T00:00:00Z"))

    rest = [product.id for page in pages for product in page]
    assert {product.id for product in first} | set(rest) == set(names(35))


def test_what_comes_while_the_catalogue_is_read_is_listed_too(pgstac: Pgstac) -> None:
    pgstac.add(*series(35))
    pages = walk(kind(pgstac))
    first = next(pages)

    pgstac.add(*series(50))

    rest = [product.id for page in pages for product in page]
    assert sorted([product.id for product in first] + rest) == names(50)


@pytest.mark.parametrize("way", [{}, {"method": "GET"}, {"sort": False}], ids=str)
def test_more_products_of_one_instant_than_fit_on_a_page_are_all_listed(pgstac: Pgstac, way: dict[str, Any]) -> None:
    pgstac.add(*series(5), *(thing(f"S{n:03}", at(10)) for n in range(110)), *series(15, prefix="T")[11:])
    catalogue = kind(pgstac, limit=25, **way)

    everything = listed(catalogue)
    assert len(everything) == len(set(everything)) == 5 + 110 + 4
    assert len(listed(catalogue, learnt_since=START + timedelta(minutes=10))) == 110 + 4


def test_times_of_every_precision_are_one_order(pgstac: Pgstac) -> None:
    """`published` is not registered as a date here, so this pgstac compares it as text."""
    stamps = [
        "2026-02-01T00:00:00Z",
        "2026-02-01T00:00:00.000Z",
        "2026-02-01T00:00:00.813921Z",
        "2026-02-01T00:00:01+00:00",
    ]
    pgstac.add(*(thing(f"M{n:02}", stamps[n % 4]) for n in range(40)), thing("OLD", "2026-01-31T00:00:00Z"))
    catalogue = kind(pgstac, cursor="published")

    assert sorted(listed(catalogue, learnt_since=START)) == [f"M{n:02}" for n in range(40)]
    assert len(listed(catalogue)) == 41
    learnt = {product.id: product.learnt for page in walk(catalogue) for product in page}
    assert learnt["M00"] == learnt["M01"] == START
    assert learnt["M02"] == START + timedelta(microseconds=813921)


@pytest.mark.parametrize("way", WAYS[:7], ids=str)
def test_a_product_without_the_cursors_property_is_listed_among_others(pgstac: Pgstac, way: dict[str, Any]) -> None:
    pgstac.add(*series(35), thing("BARE"))

    assert sorted(listed(kind(pgstac, **way))) == ["BARE", *names(35)]


def test_products_that_all_lack_the_cursors_property_are_a_failure(pgstac: Pgstac) -> None:
    pgstac.add(*(thing(f"B{n}") for n in range(3)))

    for since in (None, START):
        with pytest.raises(CatalogueError, match='gives no "updated"') as caught:
            listed(kind(pgstac), learnt_since=since)
        assert 'cursor = "none"' in str(caught.value.hint)
    assert sorted(listed(kind(pgstac, cursor="none"))) == ["B0", "B1", "B2"]


def test_an_unknown_collection_is_a_failure_that_names_the_nearest(pgstac: Pgstac) -> None:
    catalogue = msgspec.structs.replace(kind(pgstac), collections={pgstac.collection[:-1]: "L2A"})

    with pytest.raises(CatalogueError, match="no collection") as caught:
        listed(catalogue, learnt_since=START)

    assert caught.value.permanent
    assert pgstac.collection in str(caught.value.hint)


def test_an_empty_collection_is_empty(pgstac: Pgstac) -> None:
    assert listed(kind(pgstac)) == []
    assert listed(kind(pgstac), learnt_since=START) == []


def test_check_finds_a_good_server_well(pgstac: Pgstac) -> None:
    pgstac.add(*series(5))

    with Http(origin=pgstac.url) as http:
        findings = list(kind(pgstac).check(http))

    assert [finding.text for finding in findings if not finding.well] == []
    assert any("since a time" in finding.text for finding in findings)
    assert any("sorted" in finding.text for finding in findings)
    assert "a page leads to the next one" in [finding.text for finding in findings]


def test_check_tries_whether_a_server_can_leave_fields_out(pgstac: Pgstac, rustac: Rustac) -> None:
    files = {name: {"href": f"https://eo.example/{name}.tif"} for name in ("red", "green")}
    items = [{**item, "assets": files} for item in series(5)]
    pgstac.add(*items)

    with Http(origin=pgstac.url) as http:
        able = [finding for finding in kind(pgstac, fields=True).check(http) if "fewer fields" in finding.text]
    catalogue = things(rustac(items), fields=True, cursor="none", sort=False)
    with Http(origin=catalogue.url) as http:
        unable = [finding for finding in catalogue.check(http) if "fewer fields" in finding.text and not finding.well]

    assert [finding.well for finding in able] == [True, True]
    assert {finding.hint for finding in unable} == {"set fields = false"}


def test_check_names_what_is_wrong_and_the_way_out(pgstac: Pgstac) -> None:
    pgstac.add(*(thing(f"B{n}", None, created=at(n)) for n in range(3)))
    catalogue = msgspec.structs.replace(
        kind(pgstac, cursor="published", assets=["product"]),
        collections={pgstac.collection: "L2A", pgstac.collection + "x": "L2A"},
    )

    with Http(origin=pgstac.url) as http:
        wrong = {(finding.subject, finding.text): finding.hint for finding in catalogue.check(http) if not finding.well}

    assert wrong[pgstac.collection, 'its products have no "published"'] == 'set cursor = "created"'
    assert "B2 has no asset product" in [text for _, text in wrong]
    missing = wrong[pgstac.collection + "x", f"{pgstac.url} has no collection of this name"]
    assert pgstac.collection in str(missing)


def things(url: str, **settings: Any) -> Kind:
    return msgspec.convert({"url": url, "collections": {"things": "L2A"}, "limit": 10, **settings}, Kind)


@pytest.mark.parametrize("way", [{}, {"sort": False}, {"cursor": "none"}], ids=str)
def test_a_server_that_ignores_the_order_is_read_whole(rustac: Rustac, way: dict[str, Any]) -> None:
    items = series(35)
    for order in (items, items[::-1], items[20:] + items[:20]):
        assert sorted(listed(things(rustac(order), **way))) == names(35)


@pytest.mark.parametrize("way", [{"filter": "query"}, {"filter": "cql2"}], ids=str)
def test_a_server_that_cannot_filter_is_found_out(rustac: Rustac, way: dict[str, Any]) -> None:
    catalogue = things(rustac(series(35)), **way)

    with pytest.raises(CatalogueError) as caught:
        listed(catalogue, learnt_since=START + timedelta(minutes=20))

    assert 'cursor = "none"' in str(caught.value.hint)


def test_check_says_what_to_set_for_a_server_that_neither_filters_nor_sorts(rustac: Rustac) -> None:
    catalogue = things(rustac(series(35)))

    with Http(origin=catalogue.url) as http:
        wrong = {finding.hint for finding in catalogue.check(http) if not finding.well}

    assert 'set cursor = "none"' in wrong
    assert "set sort = false to spare it the question" in wrong


@pytest.mark.parametrize("way", [{}, {"cursor": "none"}, {"sort": False}, {"cursor": "none", "sort": False}], ids=str)
def test_a_count_that_a_server_remembers_from_yesterday_is_not_believed(
    counting_pgstac: Pgstac, way: dict[str, Any]
) -> None:
    """pgstac counts a question once and says the same for a day."""
    counting_pgstac.add(*series(35))
    catalogue = kind(counting_pgstac, **way)
    assert sorted(listed(catalogue)) == names(35)

    counting_pgstac.remove("P003")
    counting_pgstac.remove("P030")

    assert sorted(listed(catalogue)) == [name for name in names(35) if name not in ("P003", "P030")]
