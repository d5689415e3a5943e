"""resto 6 to 10, which are STAC with ideas of their own: a reversed sort, cursors, parameters for when it learnt."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import recordings
from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_resto10 import START, Pretend, at, item, series
from watcher.catalogues.stac import Kind
from watcher.errors import CatalogueError
from watcher.model import Product, Query
from watcher.net import Http

RESTO = {"filter": "resto", "cursor": "created"}
WINDOWS = {"filter": "resto", "cursor": "none"}
LINKS = {"filter": "resto", "cursor": "none", "sort": False}


def kind(url: str, **settings: Any) -> Kind:
    return msgspec.convert({"url": url, "collections": {"SpotTake5": ""}, "limit": 10, **settings}, Kind)


def products(server: Any, settings: dict[str, Any], **query: Any) -> list[Product]:
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        pages = kind(url, **settings).search(Query(collection="SpotTake5", **query), http)
        return [product for page in pages for product in page]


def listed(server: Any, settings: dict[str, Any], **query: Any) -> list[int]:
    return sorted(int(product.id[-12:]) for product in products(server, settings, **query))


@pytest.mark.parametrize("settings", [RESTO, WINDOWS, LINKS], ids=str)
def test_everything_is_listed_once(settings: dict[str, Any]) -> None:
    assert listed(Pretend(series(45)), settings) == list(range(45))


def test_only_what_it_learnt_since_is_asked_for_with_the_oldest_first() -> None:
    server = Pretend(series(45))

    assert listed(server, RESTO, learnt_since=START + timedelta(minutes=20)) == list(range(20, 45))
    assert server.searches[0]["created_start"] == "2015-06-01T00:19:59Z"
    assert server.searches[0]["sortby"] == "-created"
    assert not any("next" in search for search in server.searches)


def test_the_cursor_of_the_order_that_it_gets_wrong_is_not_followed() -> None:
    """Recorded: following `next` with `sortby=-created` lists the first page twice, and then ends."""
    server = Pretend(series(45))
    with answering(server) as (url, _), Http(origin=url) as http:
        first = http.get(f"{url}/search", params={"collections": "SpotTake5", "limit": "5", "sortby": "-created"})
        document = msgspec.json.decode(first.body)
        onward = next(link["href"] for link in document["links"] if link["rel"] == "next")
        again = msgspec.json.decode(http.get(url + onward).body)
    ids = {feature["id"] for feature in document["features"]}

    assert {feature["id"] for feature in again["features"]} < ids
    assert listed(server, RESTO) == list(range(45))


@pytest.mark.parametrize("settings", [RESTO, WINDOWS, LINKS], ids=str)
def test_what_arrives_between_pages_hides_nothing(settings: dict[str, Any]) -> None:
    items = series(45)

    def arrive(_: dict[str, str]) -> None:
        if 1 <= len(server.searches) <= 5:  # late products of old acquisitions, in the middle of its own order
            items.append(item(100 + len(server.searches), acquired=-12_000))

    server = Pretend(items, before=arrive)

    assert set(listed(server, settings)) >= set(range(45))


def test_what_was_learnt_at_one_moment_is_read_along_the_cursors_that_are_right() -> None:
    server = Pretend([item(number, created=7) for number in range(25)] + [item(30)])

    assert listed(server, RESTO) == [*range(25), 30]
    followed = {search["sortby"] for search in server.searches if "next" in search}
    assert followed == {"created"}


def test_what_is_taken_away_between_pages_is_no_reason_to_read_all_again() -> None:
    items = series(45)

    def remove(_: dict[str, str]) -> None:
        if len(server.searches) == 3:
            del items[40]

    server = Pretend(items, before=remove)

    assert listed(server, RESTO) == [number for number in range(45) if number != 40]
    assert not any("next" in search for search in server.searches)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("settings", [RESTO, WINDOWS, LINKS], ids=str)
def test_whatever_comes_and_goes_a_poll_fails_or_misses_nothing_that_stays(settings: dict[str, Any], seed: int) -> None:
    dice = random.Random(seed)
    items = series(60)
    stayed = set(range(60))

    def change(_: dict[str, str]) -> None:
        if len(server.searches) > 8:  # a server that never rests can only be read by value
            return
        for _number in range(dice.randrange(3)):
            if dice.random() < 0.4:
                gone = items.pop(dice.randrange(len(items)))
                stayed.discard(int(gone["id"][-12:]))
            else:
                number = 100 + dice.randrange(100_000)
                items.append(item(number, created=dice.uniform(0, 90), acquired=-dice.uniform(9_000, 16_000)))

    server = Pretend(items, before=change)

    try:
        found = listed(server, settings)
    except CatalogueError:
        found = listed(server, settings)  # the next poll asks again, and the server rests

    assert set(found) >= stayed


def test_an_estimate_is_not_taken_for_a_count() -> None:
    assert listed(Pretend(series(45), estimates=True), RESTO) == list(range(45))
    assert listed(Pretend(series(45), estimates=True), LINKS) == list(range(45))


def test_a_place_is_written_as_the_server_writes_it_to_itself() -> None:
    server = Pretend(series(1))

    listed(server, RESTO, geometry=b'{"type":"Polygon","coordinates":[[[1,43],[2,43],[2,44],[1,43]]]}')

    assert server.searches[0]["intersects"] == "POLYGON ((1 43, 2 43, 2 44, 1 43))"


def test_versions_6_to_9_are_asked_by_their_own_parameter() -> None:
    asked: list[dict[str, str]] = []

    def answer(question: Asked) -> Reply:
        asked.append(question.query)
        found = [one for one in series(5) if one["properties"]["created"] >= question.query.get("published", "")]
        return Reply(200, msgspec.json.encode({"type": "FeatureCollection", "features": found, "links": []}))

    settings = {**RESTO, "filter": "resto6"}
    assert listed(answer, settings, learnt_since=START + timedelta(minutes=3)) == [3, 4]
    assert asked[0]["published"] == "2015-06-01T00:02:59Z"
    assert "created_start" not in asked[0]


def test_a_cursor_that_it_cannot_filter_by_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match='can filter by cursor = "created" only'):
        kind("http://x", filter="resto", cursor="updated")


def test_the_usual_questions_fail_and_check_says_how_to_ask() -> None:
    server = Pretend(series(5))

    with pytest.raises(CatalogueError):
        listed(server, {"cursor": "created"}, learnt_since=START)
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        unset = [finding for finding in kind(url, cursor="created").check(http) if finding.subject == "filter"]
        found = list(kind(url, **RESTO).check(http))
    assert [(finding.well, finding.hint) for finding in unset] == [
        (False, 'set filter = "resto" and cursor = "created"')
    ]
    assert [finding.text for finding in found if not finding.well] == []
    assert "what it learnt since a time can be asked for, by created" in [finding.text for finding in found]
    assert "its answers can be sorted" in [finding.text for finding in found]


def recorded(name: str) -> bytes:
    return (recordings.folder("resto-10.1.5") / f"{name}.json").read_bytes()


def test_a_page_as_it_was_recorded() -> None:
    page = recorded("search_bbox")

    found = products(lambda _: Reply(200, page), {**RESTO, "limit": 100})

    assert len(found) == 34
    first = found[0]
    assert (first.id, first.title) == (
        "adbe491a-c58e-592c-8516-b63e8dd665ab",
        "SPOT5_HRG1_XS_20150629_N2A_LitchfieldD0000B0000",
    )
    assert (first.level, first.platform, first.instrument) == ("L2A", "SPOT5", "HRG1")
    assert first.acquired == datetime(2015, 6, 29, 1, 34, 46, 894000, tzinfo=UTC)
    assert first.learnt == first.published == datetime(2015, 7, 9, 9, 55, 48, tzinfo=UTC)
    (archive,) = first.assets
    assert archive.href.endswith("/static/SPOT5_HRG1_XS_20150629_N2A_LitchfieldD0000B0000.tgz")
    assert (archive.size, str(archive.checksum)[:7]) == (61440, "sha256:")
    assert {product.level for product in found} == {"L1C", "L2A"}


def test_pages_as_they_were_recorded_are_followed() -> None:
    pages = {None: recorded("page_cursor_1"), "188159319984570654": recorded("page_cursor_2")}

    def answer(asked: Asked) -> Reply:
        page = msgspec.json.decode(pages[asked.query.get("next")])
        for link in page["links"]:
            link["href"] = link["href"].replace("http://127.0.0.1:8016", base[0])
        page["numberMatched"] = page["context"]["matched"] = 10
        if "next" in asked.query:
            page["links"] = [link for link in page["links"] if link["rel"] != "next"]
        return Reply(200, msgspec.json.encode(page))

    base: list[str] = []
    with answering(answer) as (url, asked), Http(origin=url) as http:
        base.append(url)
        found = [
            p for page in kind(url, **LINKS, max_pages=2).search(Query(collection="SpotTake5"), http) for p in page
        ]

    assert len({product.id for product in found}) == 10
    assert [question.query.get("next") for question in asked] == [None, "188159319984570654"]


def test_answers_as_they_were_recorded_to_a_changed_sort() -> None:
    newest, oldest = (
        msgspec.json.decode(recorded(f"arrival_{name}")) for name in ("2_created_sort", "3_minus_created_sort")
    )

    times = [[one["properties"]["created"] for one in page["features"]] for page in (newest, oldest)]

    assert times[0] == sorted(times[0], reverse=True)
    assert times[1] == sorted(times[1])


def test_an_item_without_assets_is_written_with_an_array() -> None:
    page = msgspec.json.decode(recorded("search_fields"))
    page["links"], page["numberMatched"], page["context"]["matched"] = [], 1, 1
    (product,) = products(lambda _: Reply(200, msgspec.json.encode(page)), LINKS)

    assert product.assets == ()


def test_collections_are_discovered_with_levels_and_extent() -> None:
    with answering(lambda _: Reply(200, recorded("collections"))) as (url, _), Http(origin=url) as http:
        (holding,) = kind(url).discover(http)

    assert (holding.collection, holding.title, holding.levels) == ("SpotTake5", "SPOT5 (Take5)", ("L1C", "L2A"))
    assert holding.first == datetime(2015, 4, 1, tzinfo=UTC)
    assert holding.last == datetime(2015, 6, 29, 11, 12, 25, 284000, tzinfo=UTC)


def test_the_time_it_learnt_has_the_form_of_the_recorded_one() -> None:
    assert at(1.5) == "2015-06-01T00:01:30.000000Z"
