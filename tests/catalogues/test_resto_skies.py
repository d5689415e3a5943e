"""A cloud cover of 0 on a resto server: a clear sky, or one that it knows nothing of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_resto import APRIL, Held, Pretend
from tests.catalogues.spoiling import Spoiling, nameless
from watcher.catalogues.resto import Kind
from watcher.errors import CatalogueError, HttpError, Unreachable
from watcher.model import Product, Query
from watcher.net import Http

COVERS = {"clear": 0, "unknown": None, "cloudy": 52, "clear too": 0}


class Skies(Pretend):
    """It prints 0 for a cover that it does not know, as 2.0 does, but finds by cover only what has one."""

    refuses: Reply | None = None
    times = 1000
    down = False
    answered = 0
    """So many questions about the sky it answers before."""

    def __call__(self, asked: Asked) -> Reply:
        if (
            self.refuses is not None
            and self.times
            and ("cloudCover" in asked.query or (self.down and self.times < 1000))
            and not self._answers()
        ):
            self.times -= 1
            return self.refuses
        return super().__call__(asked)

    def _answers(self) -> bool:
        self.answered -= 1
        return self.answered >= 0

    def found(self, asked: dict[str, str], collection: str) -> list[Held]:
        found = super().found(asked, collection)
        if "cloudCover" in self.ignores or asked.get("cloudCover") is None:
            return found
        assert asked["cloudCover"] == "[0,0]"
        return [held for held in found if COVERS[held.id] == 0]

    def feature(self, one: Held) -> dict[str, Any]:
        return one.feature(cloudCover=COVERS[one.id] or 0)


def skies(**vices: Any) -> Skies:
    return Skies([Held(name, APRIL + timedelta(days=day, seconds=0.7)) for day, name in enumerate(COVERS)], **vices)


def covers(server: Callable[[Asked], Reply], **terms: Any) -> tuple[dict[str, float | None], list[dict[str, str]]]:
    """What cover each product is read with, and what was asked."""
    with answering(server) as (url, asked), Http(origin=url, allow_insecure=True, backoff_base=0.0) as http:
        kind = Kind(url=url, collections=["SPOT5"])
        listed = [one for page in kind.search(Query("SPOT5", code="Litchfield", **terms), http) for one in page]
    return {one.id: one.cloud for one in listed}, [one.query for one in asked]


def test_a_clear_sky_is_told_from_one_that_nothing_is_known_of_by_one_question_more() -> None:
    found, asked = covers(skies())
    assert found == {"clear": 0.0, "unknown": None, "cloudy": 52.0, "clear too": 0.0}
    assert ["cloudCover" in one for one in asked] == [False, True]
    assert asked[1].items() >= {"zone_geo": "Litchfield", "startDate": "2015-04-10T01:30:00Z"}.items()


def test_each_page_is_asked_about_what_it_shows() -> None:
    found, asked = covers(skies(cap=2))
    assert found == {"clear": 0.0, "unknown": None, "cloudy": 52.0, "clear too": 0.0}
    assert sum("cloudCover" in one for one in asked) == 2


def test_where_nothing_shows_a_0_or_it_is_known_already_nothing_more_is_asked() -> None:
    server = skies()
    server.held = [held for held in server.held if held.id == "cloudy"]
    assert len(covers(server)[1]) == 1
    tokens = {one.id: one.revision for one in listed(skies())}
    assert len(covers(skies(), known=tokens)[1]) == 1
    assert len(covers(skies(), brief=True)[1]) == 1


def listed(server: Skies) -> list[Product]:
    with answering(server) as (url, _), Http(origin=url, allow_insecure=True) as http:
        return [one for page in Kind(url=url, collections=["SPOT5"]).search(Query("SPOT5"), http) for one in page]


SHOWN = {"clear": 0.0, "unknown": 0.0, "cloudy": 52.0, "clear too": 0.0}


@pytest.mark.parametrize("cap", [500, 2])
def test_a_server_that_ignores_the_question_is_believed(cap: int) -> None:
    assert covers(skies(ignores=("cloudCover",), cap=cap))[0] == SHOWN


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+00:00", "9998-12-31T23:59:59+00:00"])
def test_a_time_that_stands_for_none_is_asked_about_nothing(time: str) -> None:
    server = skies()
    server.held[1] = server.held[1]._replace(acquired=datetime.fromisoformat(time))
    found, asked = covers(server)
    assert found == SHOWN
    assert asked[1]["startDate"] == "2015-04-10T01:30:00Z"
    assert asked[1]["completionDate"] == "2015-04-13T01:30:01Z"


def test_a_server_that_refuses_the_question_is_believed_and_asked_once() -> None:
    server = skies(cap=2)
    server.refuses = Reply(400, b'{"ErrorMessage":"Invalid cloudCover","ErrorCode":400}')
    found, asked = covers(server)
    assert found == SHOWN
    assert sum("cloudCover" in one for one in asked) == 1


FAILURES = [
    Reply(500, b""),
    Reply(500, b'{"ErrorMessage":"Invalid cloudCover","ErrorCode":500}'),
    Reply(502, b"<html>Bad Gateway</html>", "text/html"),
    Reply(504, b""),
    Reply(200, b"<html>Under maintenance</html>", "text/html"),
    Reply(200, b'{"type":"FeatureCollection","features":[{"id"'),
]


@pytest.mark.parametrize("reply", FAILURES)
def test_a_server_that_fails_at_the_question_each_time_is_believed(reply: Reply) -> None:
    server = skies(cap=2)
    server.refuses = reply
    assert covers(server)[0] == SHOWN


@pytest.mark.parametrize("reply", [one for one in FAILURES if b"Invalid" not in one.body])
def test_a_failure_that_passes_changes_nothing_of_what_is_read(reply: Reply) -> None:
    server = skies()
    server.refuses = reply
    server.times = {500: 2, 200: 1}.get(reply.status, 3)
    found, _ = covers(server)
    assert found == {"clear": 0.0, "unknown": None, "cloudy": 52.0, "clear too": 0.0}


@pytest.mark.parametrize("reply", FAILURES)
def test_a_server_that_fails_at_anything_by_then_is_a_failure(reply: Reply) -> None:
    server = skies()
    server.refuses, server.down = reply, True
    with pytest.raises(CatalogueError):
        covers(server)


@pytest.mark.parametrize("reply", [one for one in FAILURES if b"Invalid" not in one.body])
def test_a_server_that_has_answered_the_question_is_not_believed_where_it_fails(reply: Reply) -> None:
    server = skies(cap=2)
    server.refuses, server.answered = reply, 1
    with pytest.raises(CatalogueError):
        covers(server)


def test_what_cannot_be_read_among_clear_skies_makes_no_other_clear() -> None:
    server = skies()
    clear, unknown = server.held[:2]
    server.held = [clear._replace(acquired=unknown.acquired), unknown]
    spoiling = Spoiling(server)
    spoiling.spoilt = {server.held[0].feature()["id"]: nameless}
    found, asked = covers(spoiling)
    assert found == {"unknown": None}
    assert len(asked) == 2


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"x" * 100, headers={"Content-Encoding": "gzip"}), Reply(429, b"", headers={"Retry-After": "0"})],
)
def test_a_server_that_no_longer_answers_is_a_failure(reply: Reply) -> None:
    server = skies()
    server.refuses = reply
    with pytest.raises((Unreachable, HttpError)):
        covers(server)
