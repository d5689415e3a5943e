"""Many downloads that wait for one login: it is made once."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.auth.pretend import ACCOUNTS, ISSUED, Scene, secrets, signed, staged
from tests.loopback import Request, reply
from watcher.errors import HttpError
from watcher.net import Http

__all__ = ["secrets"]

OVER = {"oauth": 401, "resto": 403, "theia": 403, "usgs": 403, "planetary": 403, "dataterra": 403, "urs": 403}


def client(scene: Scene, *, connections: int) -> Http:
    return Http(
        origin=scene.home.origin,
        hosts=scene.hosts,
        auth=scene.kind.auth(),
        allow_insecure=True,
        connections=connections,
        backoff_base=0.0,
    )


def fetch(http: Http, scene: Scene) -> bytes:
    with http.stream(scene.start) as response:
        if response.status_code != 200:
            raise HttpError(str(response.status_code), status=response.status_code)
        return response.read()


def test_every_kind_that_logs_in_is_looked_at() -> None:
    assert set(OVER) == {name for name, account in ACCOUNTS.items() if account.login}


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(("name", "threads"), [("oauth", 200), *((name, 24) for name in OVER if name != "oauth")])
def test_a_token_that_is_over_for_many_at_once_is_renewed_once(name: str, threads: int) -> None:
    together = threading.Barrier(threads)

    def inside(request: Request, connection: socket.socket) -> bytes:
        if scene.server.good(signed(request)):
            return reply(200, b"in")
        with suppress(threading.BrokenBarrierError):  # so that all are refused before one is renewed
            together.wait(timeout=20)
        return reply(OVER[name])

    with staged(name, inside) as scene, client(scene, connections=threads + 4) as http:
        assert fetch(http, scene) == b"in"
        assert scene.server.logins == 1
        scene.server.over.add(f"{ISSUED}-1")
        with ThreadPoolExecutor(threads) as pool:
            assert set(pool.map(lambda _: fetch(http, scene), range(threads))) == {b"in"}
        assert scene.server.logins == 2


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", OVER)
def test_many_that_come_without_a_token_share_one_login(name: str) -> None:
    def inside(request: Request, connection: socket.socket) -> bytes:
        return reply(200, b"in") if scene.server.good(signed(request)) else reply(OVER[name])

    with staged(name, inside) as scene, client(scene, connections=20) as http, ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: fetch(http, scene), range(40))) == {b"in"}
    assert scene.server.logins == 1
