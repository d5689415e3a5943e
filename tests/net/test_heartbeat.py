"""An address that is called while all is well: not too often, and its failure is told once."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.loopback import Request, reply, served
from watcher.errors import ConfigError
from watcher.net import heartbeat
from watcher.net.heartbeat import Beat, Heartbeat


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    time = [0.0]
    monkeypatch.setattr(heartbeat, "time", SimpleNamespace(monotonic=lambda: time[0]))

    def forward(seconds: float) -> None:
        time[0] += seconds

    return forward


def test_it_is_called_once_a_minute_at_most(clock: Callable[[float], None]) -> None:
    with served(reply(200)) as peer:
        heart = Heartbeat(peer.url("/ping/1234?a=b"))
        assert heart.beat() == Beat(None, False)
        clock(59)
        assert heart.beat() is None
        clock(1)
        assert heart.beat() == Beat(None, False)
        heart.close()
    assert peer.targets == ["/ping/1234?a=b"] * 2


def test_its_failure_is_news_once_and_so_is_its_recovery(clock: Callable[[float], None]) -> None:
    answers = [404, 404, 200, 200]

    def answer(request: Request, connection: socket.socket) -> bytes:
        return reply(answers[len(said)])

    said: list[tuple[bool, bool]] = []
    with served(answer) as peer:
        heart = Heartbeat(peer.url("/ping"))
        for _ in answers:
            beat = heart.beat()
            assert beat is not None
            said.append((beat.problem is None, beat.changed))
            clock(60)
        heart.close()
    assert said == [(False, True), (False, False), (True, True), (True, False)]


def test_one_that_cannot_be_reached_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.net.client.backoff", lambda *_: 0.0)
    heart = Heartbeat("http://127.0.0.1:1/ping")
    beat = heart.beat()
    assert beat is not None
    assert beat.problem is not None
    assert "127.0.0.1:1" in beat.problem
    heart.close()


@pytest.mark.parametrize("url", ["nothing", "ftp://h/x", "http://example.org/unencrypted"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        Heartbeat(url)
