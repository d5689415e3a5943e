"""Pauses between requests, second tries, and Retry-After."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.loopback import Request, reply, served
from watcher.errors import HttpError, Unreachable
from watcher.net import Http
from watcher.net.manners import LONGEST_PAUSE, backoff, retry_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_requests_to_the_origin_keep_their_distance() -> None:
    times: list[float] = []

    def at(request: Request, connection: socket.socket) -> bytes:
        times.append(time.monotonic())
        return reply(302, Location="/b") if request.target == "/a" else reply()

    with served(at) as peer, Http(origin=peer.origin, gap=0.2) as http:
        threads = [threading.Thread(target=http.get, args=(peer.url(path),)) for path in ("/a", "/b", "/c")]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(times) == 4
    # Counted from the start, for one that is late shortens the distance to the next.
    assert all(came - start >= 0.2 * turn for turn, came in enumerate(sorted(times)))


def test_the_first_request_does_not_wait() -> None:
    with served(reply()) as peer, Http(origin=peer.origin, gap=30) as http:
        start = time.monotonic()
        http.get(peer.url())
        assert time.monotonic() - start < 25


@pytest.mark.parametrize(
    ("status", "count"), [(429, 3), (502, 3), (503, 3), (504, 3), (500, 2), (501, 1), (404, 1), (403, 1), (400, 1)]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_error_is_tried_again_as_often_as_it_can_help(status: int, count: int, method: str) -> None:
    with (
        served(reply(status)) as peer,
        Http(origin=peer.origin, backoff_base=0.001) as http,
        pytest.raises(HttpError) as caught,
    ):
        http.get(peer.url()) if method == "get" else http.post(peer.url(), json={})
    assert len(peer.requests) == count
    assert caught.value.status == status
    assert caught.value.permanent == (status in (400, 403, 404))


def test_a_second_try_that_succeeds_is_a_success() -> None:
    answers = iter([reply(503), reply(502), reply(200, b"in")])
    with (
        served(lambda request, connection: next(answers)) as peer,
        Http(origin=peer.origin, backoff_base=0.001) as http,
    ):
        assert http.get(peer.url()).body == b"in"


def test_a_connection_that_breaks_is_tried_again() -> None:
    answers = iter([b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf", reply(200, b"in")])

    def breaks(request: Request, connection: socket.socket) -> bytes | None:
        said = next(answers)
        if said:
            return said
        connection.close()
        return None

    with served(breaks) as peer, Http(origin=peer.origin, backoff_base=0.001) as http:
        assert http.get(peer.url()).body == b"in"
    assert len(peer.requests) == 3


def test_a_server_that_is_not_there_is_tried_three_times() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        Http(origin=f"http://127.0.0.1:{port}", backoff_base=0.001) as http,
        pytest.raises(Unreachable, match=f"http://127.0.0.1:{port}/ could not be read"),
    ):
        http.get(f"http://127.0.0.1:{port}/?token=canary")


def test_a_short_retry_after_is_waited_for() -> None:
    answers = iter([reply(429, Retry_After="1"), reply(200, b"in")])
    with served(lambda request, connection: next(answers)) as peer, Http(origin=peer.origin) as http:
        start = time.monotonic()
        assert http.get(peer.url()).body == b"in"
        assert 1 <= time.monotonic() - start < 30


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_is_left_to_the_caller_at_once(status: int) -> None:
    with served(reply(status, Retry_After="120")) as peer, Http(origin=peer.origin) as http:
        start = time.monotonic()
        with pytest.raises(HttpError, match="120 s") as caught:
            http.get(peer.url())
        assert time.monotonic() - start < 60
    assert (caught.value.retry_after, caught.value.permanent, len(peer.requests)) == (120, False, 1)


def test_a_retry_after_that_says_nothing_is_as_none() -> None:
    with (
        served(reply(503, Retry_After="soon")) as peer,
        Http(origin=peer.origin, backoff_base=0.001) as http,
        pytest.raises(HttpError) as caught,
    ):
        http.get(peer.url())
    assert (caught.value.retry_after, len(peer.requests)) == (None, 3)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("0", 0),
        (" 17 ", 17),
        ("21600", 21600),
        ("1000000000", LONGEST_PAUSE),
        ("9" * 5000, LONGEST_PAUSE),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), LONGEST_PAUSE),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60),
        ("Sun Mar  1 12:01:00 2026", 60),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("Sun, 01 Mar 2026 13:01:00 +0100", 60),
    ],
)
def test_retry_after_is_read_in_all_its_forms(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, now=NOW) == seconds


def test_backoff_is_chance_with_a_limit() -> None:
    drawn = [[backoff(tried, 1.0) for _ in range(2000)] for tried in (1, 2, 3, 9)]
    assert [max(values) <= limit for values, limit in zip(drawn, (2, 4, 8, 8), strict=True)] == [True] * 4
    assert all(min(values) < 0.2 < 1.5 < max(values) for values in drawn)
