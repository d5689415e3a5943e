"""A pull subscription: read, acknowledged once it was written, and never believed alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.catalogues.loopback import Asked, answering
from tests.catalogues.pretend_odata import START, Pretend, deleted, event, thing
from watcher.auth.oauth import Kind as Account
from watcher.catalogues.odata import Kind, queue
from watcher.core.unread import odd_of
from watcher.credentials import Secret
from watcher.errors import CatalogueError
from watcher.model import Query
from watcher.net import Http

NAME = "SENTINEL-2:S2MSI2A"
SQUARE = b'{"type":"Polygon","coordinates":[[[1,43],[2,43],[2,44],[1,44],[1,43]]]}'


@contextmanager
def serving(server: Pretend) -> Iterator[tuple[Kind, Http, list[Asked]]]:
    with answering(server) as (url, asked), Http(origin=url, backoff_base=0.001) as http:
        settings = {"url": f"{url}/odata/v1", "collections": {NAME: "L2A"}, "subscriptions": {NAME: "x"}, "limit": 10}
        yield msgspec.convert(settings, Kind), http, asked


def news(kind: Kind, http: Http, since: datetime = START, **more: Any) -> list[int]:
    pages = kind.search(Query(collection=NAME, learnt_since=since, **more), http)
    return [int(product.id[-12:]) for page in pages for product in page]


def searched(server: Pretend) -> int:
    """Count the searches of products by when they changed, and forget them."""
    found = [asked for asked in server.searches if "ModificationDate ge" in asked["$filter"]]
    server.searches.clear()
    return len(found)


def test_what_the_queue_tells_is_listed_and_acknowledged_once_it_was_written() -> None:
    server = Pretend([], queue=[event("created", thing(n)) for n in range(45)])
    with serving(server) as (kind, http, _):
        pages = kind.search(Query(collection=NAME, learnt_since=START), http)
        first = next(pages)
        assert len(first) == 20
        assert len(server.queue) == 45
        second = next(pages)
        assert len(server.queue) == 25
        pages.close()  # type: ignore[attr-defined]
        assert len(server.queue) == 25

        again = next(kind.search(Query(collection=NAME, learnt_since=START), http))

    assert [one.id for one in again] == [one.id for one in second]


def test_changes_and_deletions_are_told_as_what_they_are() -> None:
    server = Pretend([thing(1)])
    server.queue = [
        event("modified", thing(1, modified=9)),
        event("deleted", deleted(2, when=5, cause="Duplicated product")),
    ]
    with serving(server) as (kind, http, _):
        page = next(kind.search(Query(collection=NAME, learnt_since=START), http))

    assert [one.withdrawn for one in page] == [None, "Duplicated product"]
    assert [one.learnt for one in page] == [START + timedelta(minutes=9), START + timedelta(minutes=5)]


def test_the_first_question_is_searched_as_well_and_the_next_is_not() -> None:
    server = Pretend([thing(1), thing(2)], queue=[event("created", thing(2))])
    with serving(server) as (kind, http, _):
        assert news(kind, http) == [2, 1, 2]
        assert searched(server) == 1
        server.queue = [event("created", thing(3))]
        assert news(kind, http, START + timedelta(minutes=1)) == [3]
        assert searched(server) == 0
        assert server.queue == []


def test_a_silent_queue_is_not_believed() -> None:
    server = Pretend([thing(1)])
    with serving(server) as (kind, http, _):
        for _ in range(2):
            assert news(kind, http) == [1]
            assert searched(server) == 1


def test_a_queue_is_believed_for_less_than_any_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    from watcher.core.questions.reach import LEAST

    assert timedelta(seconds=queue.BELIEVED) < LEAST
    server = Pretend([thing(1)])
    with serving(server) as (kind, http, _):
        news(kind, http)
        searched(server)
        monkeypatch.setattr(queue, "BELIEVED", 0.0)
        server.queue = [event("created", thing(3))]
        assert news(kind, http) == [3, 1]
        assert searched(server) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"since": START - timedelta(minutes=1)},
        {"level": "L2A"},
        {"acquired": (START - timedelta(days=9), None)},
    ],
)
def test_another_question_is_searched_however_much_the_queue_tells(other: dict[str, Any]) -> None:
    server = Pretend([thing(1)])
    with serving(server) as (kind, http, _):
        news(kind, http)
        searched(server)
        server.queue = [event("created", thing(3))]
        assert set(news(kind, http, **other)) == {3, 1}
        assert searched(server) == 1


def test_an_event_that_lost_its_product_is_searched_for() -> None:
    server = Pretend([thing(1), thing(4)])
    with serving(server) as (kind, http, _):
        news(kind, http)
        searched(server)
        server.queue = [event("created", thing(3)), event("created", thing(4), old=True)]
        assert news(kind, http) == [3, 1, 4]
        assert (searched(server), server.queue) == (1, [])


def test_a_queue_that_is_nearly_full_is_not_believed() -> None:
    server = Pretend([thing(1)])
    with serving(server) as (kind, http, _):
        news(kind, http)
        searched(server)
        server.most = 30
        server.queue = [event("created", thing(n)) for n in range(2, 52)]
        assert len(news(kind, http)) == 51
        assert searched(server) == 1


def test_questions_about_a_place_and_brief_ones_leave_the_queue_alone() -> None:
    server = Pretend([thing(1)], queue=[event("created", thing(3))])
    with serving(server) as (kind, http, _):
        assert news(kind, http, geometry=SQUARE) == [1]
        assert news(kind, http, brief=True) == [1]
        list(kind.search(Query(collection=NAME), http))

    assert len(server.queue) == 1


def test_what_the_queue_tells_of_other_products_is_not_listed() -> None:
    other = thing(3, Attributes=[{"Name": "productType", "Value": "S2MSI1C"}])
    early = thing(900)
    server = Pretend([thing(1)], queue=[event("created", other), event("created", early), event("created", thing(2))])
    with serving(server) as (kind, http, _):
        assert news(kind, http, acquired=(START - timedelta(days=9), None)) == [2, 1]

    assert server.queue == []


def test_a_subscription_that_is_gone_is_an_error_after_everything_was_searched() -> None:
    server = Pretend([thing(1)], subscription={})
    with serving(server) as (kind, http, _):
        pages = kind.search(Query(collection=NAME, learnt_since=START), http)
        assert len(next(pages)) == 1
        with pytest.raises(CatalogueError, match="subscription x cannot be read, so all was searched") as caught:
            next(pages)
    assert "not found" in str(caught.value.hint)


def test_a_queue_that_forgets_what_was_acknowledged_is_a_failure() -> None:
    class Forgetful(list[Any]):
        def __delitem__(self, key: Any) -> None:
            pass

    server = Pretend([thing(1)], queue=Forgetful([event("created", thing(3))]))
    with serving(server) as (kind, http, _), pytest.raises(CatalogueError, match="lists events again"):
        news(kind, http)


def test_the_queue_wants_an_account_and_the_search_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", "secret-enough")
    server = Pretend([thing(1)], bearer="t0ken", queue=[event("created", thing(3))])

    def answer(asked: Asked) -> Any:
        from tests.catalogues.loopback import Reply

        return Reply(200, b'{"access_token":"t0ken","expires_in":600}') if asked.path == "/token" else server(asked)

    with answering(answer) as (url, asked):
        password = Secret(env="WATCHER_TEST_PASSWORD")
        account = Account(url=url, token_url=f"{url}/token", username="me", password=password)
        settings = {"url": f"{url}/odata/v1", "collections": {NAME: ""}, "subscriptions": {NAME: "x"}}
        with Http(origin=url, auth=account.auth()) as http:
            assert news(msgspec.convert(settings, Kind), http) == [3, 1]

    signed = {"/Subscriptions" in one.path: one.headers.get("authorization") for one in asked if one.path != "/token"}
    assert signed == {True: "Bearer t0ken", False: None}


def test_a_look_says_what_is_wrong_with_a_subscription() -> None:
    server = Pretend([thing(n) for n in range(4)])
    with serving(server) as (kind, http, _):
        findings = [one for one in kind.check(http) if one.subject.startswith("subscription")]
        assert [one.well for one in findings] == [True, False, False]
        hint = str(findings[1].hint)
        server.subscription = {
            "Status": "paused",
            "FilterParam": hint.partition("FilterParam ")[2],
            "SubscriptionEvent": ["created", "modified", "deleted"],
        }
        findings = [one for one in kind.check(http) if one.subject.startswith("subscription")]
    assert [one.well for one in findings] == [False, True, True]


def test_an_event_that_cannot_be_read_hides_no_other_and_the_queue_is_not_believed() -> None:
    server = Pretend([thing(1)], queue=[event("created", thing(1))])
    with serving(server) as (kind, http, _):
        assert news(kind, http) == [1, 1]
        searched(server)
        for odd in ({**event("created", thing(2)), "AckId": None}, None, {"SubscriptionEvent": "created"}):
            server.queue = [event("created", thing(2)), odd, event("modified", thing(3))]  # type: ignore[list-item]
            assert news(kind, http) == [2, 3, 1]
            assert server.queue == []
            assert searched(server) == 1


def test_a_lone_event_that_cannot_be_acknowledged_stays_and_is_told_of() -> None:
    odd = {**event("created", thing(2)), "AckId": None}
    server = Pretend([thing(1)], queue=[odd])
    with serving(server) as (kind, http, _):
        for _ in range(2):
            pages = list(kind.search(Query(collection=NAME, learnt_since=START), http))
            assert [one.id[-1] for page in pages for one in odd_of(page)] == ["2"]
            assert [one.id[-1] for page in pages for one in page] == ["1"]
            assert searched(server) == 1


def test_a_queue_of_which_nothing_can_be_read_is_a_failure_after_the_search() -> None:
    server = Pretend([thing(1)], queue=[{"another": "shape"}, {"another": "one"}])
    found: list[int] = []
    with serving(server) as (kind, http, _), pytest.raises(CatalogueError, match="lists what cannot be read") as failed:
        for page in kind.search(Query(collection=NAME, learnt_since=START), http):
            found += [int(product.id[-12:]) for product in page]

    assert found == [1]
    assert "all was searched instead" in str(failed.value)
