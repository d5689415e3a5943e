"""What `watcher check` finds out of a STAC API's pages and counts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_stac import Pretend
from tests.catalogues.test_stac_presets import series
from watcher.catalogues.stac import Kind
from watcher.catalogues.stac.paging import pages
from watcher.errors import CatalogueError
from watcher.model import Finding
from watcher.net import Http


def kind(url: str, **settings: Any) -> Kind:
    return msgspec.convert({"url": url, "collections": {"things": "L2A"}, "limit": 10, **settings}, Kind)


def found(server: Any, **settings: Any) -> list[Finding]:
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.01) as http:
        return list(pages(kind(url, **settings), http, "things"))


def texts(server: Any, **settings: Any) -> list[str]:
    return [finding.text for finding in found(server, **settings)]


def test_a_server_whose_pages_lead_on_and_whose_counts_are_right_is_well() -> None:
    assert texts(Pretend(series(25), counts=True)) == ["a page leads to the next one", "its counts are right"]


def test_a_server_without_links_or_counts_is_described() -> None:
    without = texts(Pretend(series(25), links=False))

    assert without[0].startswith("a full page has no link to the next one")
    assert without[1] == "it does not say how many products there are"


@pytest.mark.parametrize("way", [{}, {"cursor": "none"}, {"sort": False}], ids=str)
def test_a_count_that_lies_is_found_out(way: dict[str, Any]) -> None:
    finding = found(Pretend(series(9), counts=True, hidden=2), **way)[-1]

    assert not finding.well
    assert finding.text.startswith("it counts ")


def test_a_next_page_that_is_the_same_again_is_found_out() -> None:
    server = Pretend(series(25), counts=True)

    def again(asked: Asked) -> Reply:
        return server(asked._replace(body=asked.body.replace(b'"skip":2', b'"skip":0')))

    finding = found(again, sort=False)[0]

    assert not finding.well
    assert finding.text.startswith("the next page lists P000, P001 again")


def test_a_next_page_that_skips_products_is_found_out() -> None:
    well = found(Pretend(series(25), counts=True, muddles=True))[0]
    assert well.well
    assert well.text == "the next page leaves out P002: what is behind it is asked for afresh, by its order"
    assert not found(Pretend(series(25), muddles=True, sorts=True), cursor="none")[0].text.startswith("a page leads")


def test_a_link_that_fails_is_told() -> None:
    server = Pretend(series(25), anchored=True, before=lambda body: server.items.clear() if "token" in body else None)

    finding = found(server, sort=False)[0]
    assert not finding.well
    assert finding.text.startswith("the link to its next page fails")


def test_nothing_can_be_said_of_a_server_with_one_product() -> None:
    assert texts(Pretend(series(1))) == []


def test_collections_are_listed_page_by_page_until_no_link_leads_on() -> None:
    def answer(asked: Asked) -> Reply:
        at = int(asked.query.get("at", 0))
        here = [{"id": f"C{at}", "title": "A title", "summaries": {"processing:level": ["L1", "L2A"]}}]
        links = [{"rel": "next", "href": f"/collections?at={at + 1}"}] if at < 3 else []
        return Reply(200, msgspec.json.encode({"collections": here, "links": links}))

    with answering(answer) as (url, _), Http(origin=url) as http:
        holdings = list(kind(url, collections={"C1": "LEVEL1C"}).discover(http))

    assert [(one.collection, one.levels) for one in holdings] == [
        ("C0", ("L1", "L2A")),
        ("C1", ("L1C",)),
        ("C2", ("L1", "L2A")),
        ("C3", ("L1", "L2A")),
    ]


def test_collections_that_lead_round_in_a_circle_end() -> None:
    page = {"collections": [{"id": "C0"}], "links": [{"rel": "next", "href": "/collections"}]}

    with answering(lambda _: Reply(200, msgspec.json.encode(page))) as (url, asked), Http(origin=url) as http:
        assert [one.collection for one in kind(url).discover(http)] == ["C0"]

    assert len(asked) == 1


def test_collections_on_another_server_are_not_asked_for() -> None:
    page = {"collections": [{"id": "C0"}], "links": [{"rel": "next", "href": "http://elsewhere.example/collections"}]}

    with (
        answering(lambda _: Reply(200, msgspec.json.encode(page))) as (url, _),
        Http(origin=url) as http,
        pytest.raises(CatalogueError, match=r"elsewhere\.example: it was not followed"),
    ):
        list(kind(url).discover(http))
