"""How fast transfers may be together."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.loopback import served, until
from tests.transfer.depot import Depot, asset, noise
from watcher.errors import TransferError
from watcher.net import Http
from watcher.transfer import Rate, Terms, fetch, rate

GO_ON = threading.Event()


class Seconds:
    """A clock that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    seconds = Seconds()
    monkeypatch.setattr(rate, "time", seconds)

    def wait(self: threading.Condition, timeout: float | None = None) -> bool:
        assert timeout is not None
        seconds.now += timeout
        return True

    monkeypatch.setattr(threading.Condition, "wait", wait)
    return seconds


def test_without_a_limit_nobody_waits() -> None:
    assert Rate().take(10**12, GO_ON) == 0


@pytest.mark.parametrize("piece", [100, 10_000, 500_000])
def test_what_comes_too_soon_is_waited_for(piece: int, clock: Seconds) -> None:
    limit = Rate(100_000)
    for _ in range(1_000_000 // piece):
        limit.take(piece, GO_ON)
    assert 9.5 <= clock.now <= 10.1


def test_after_a_pause_only_a_short_burst_is_let_through(clock: Seconds) -> None:
    limit = Rate(100_000)
    clock.now += 3600
    waited = sum(limit.take(10_000, GO_ON) for _ in range(20))
    assert waited == pytest.approx(200_000 / 100_000 - 0.25, abs=0.01)


def test_threads_share_the_limit(clock: Seconds) -> None:
    limit = Rate(100_000)
    for _ in range(5):
        limit.take(50_000, GO_ON)  # as one of two would
        limit.take(50_000, GO_ON)
    assert clock.now == pytest.approx(5.0, abs=0.3)


def test_each_direction_has_the_limit_for_itself(clock: Seconds) -> None:
    limit = Rate(100_000)
    limit.take(100_000, GO_ON)
    assert clock.now == pytest.approx(1.0, abs=0.3)
    clock.now = 0.0
    limit = Rate(100_000)
    limit.give(100_000, GO_ON)
    limit.give(100_000, GO_ON)
    assert clock.now == pytest.approx(2.0, abs=0.3)
    limit.take(10_000, GO_ON)
    assert clock.now == pytest.approx(2.0, abs=0.3)
    limit.limit = None
    assert limit.give(10**9, GO_ON) == 0


def test_a_limit_that_changes_holds_at_once() -> None:
    limit, done = Rate(1.0), threading.Event()

    def take() -> None:
        limit.take(1_000_000, GO_ON)
        done.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not done.wait(0.05)
    limit.limit = None
    thread.join(30)
    assert done.is_set()
    assert limit.limit is None
    assert limit.take(10**9, GO_ON) == 0


def test_nothing_at_all_is_a_pause_until_there_is_another_limit() -> None:
    limit, done = Rate(0), threading.Event()
    thread = threading.Thread(target=lambda: (limit.take(10, GO_ON), done.set()))
    thread.start()
    assert not done.wait(0.05)
    limit.limit = 1e9
    thread.join(30)
    assert done.is_set()


def test_a_transfer_keeps_to_it_and_is_not_called_stalled(tmp_path: Path) -> None:
    content = noise(1000)
    limit = Rate(500)  # of a server, it would be too slow
    start = time.monotonic()
    with served(Depot(content, kind=None)) as peer, Http(origin=peer.origin) as http:
        fetch(http, asset(peer.url(), content, kind=None), tmp_path / "p", terms=Terms(rate=limit, patience=1.5))
    assert time.monotonic() - start >= 1.9, "it had to wait"
    assert (tmp_path / "p").read_bytes() == content


def test_stop_ends_the_wait(tmp_path: Path) -> None:
    content, stop = noise(400_000), threading.Event()
    with served(Depot(content, kind=None)) as peer, Http(origin=peer.origin) as http:
        part = tmp_path / "p.part"

        def stop_once_begun() -> None:
            until(lambda: part.exists() and part.stat().st_size > 0)
            stop.set()

        watcher = threading.Thread(target=stop_once_begun)
        watcher.start()
        with pytest.raises(TransferError, match="stopped"):
            fetch(http, asset(peer.url(), content, kind=None), tmp_path / "p", terms=Terms(rate=Rate(10)), stop=stop)
        watcher.join()
