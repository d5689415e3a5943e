"""No credential is seen by anybody but those whom it is for, wherever a catalogue leads."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from tests.auth.pretend import ACCOUNTS, API_KEY, Scene, leaked, secrets, staged
from tests.loopback import Peer, Request, reply, served
from watcher import plugins
from watcher.errors import CredentialError, WatcherError
from watcher.net import Http

__all__ = ["secrets"]

STATUSES = (301, 302, 303, 307, 308)
HOPS = ("search", "body", "download", "bounce", "asset", "login")


def test_every_kind_is_looked_at() -> None:
    assert sorted(ACCOUNTS) == plugins.kinds("auth")


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", ACCOUNTS)
def test_nothing_of_an_account_is_seen_by_another_server(name: str) -> None:
    """Twelve kinds, six hops and five statuses: none of 360 leads a byte of it astray."""
    now = {"status": 0, "hop": ""}

    def inside(request: Request, connection: socket.socket) -> bytes:
        if request.target.startswith("/container/back"):
            return reply(200, b"back")
        if now["hop"] == "login" and request.target == "/container/start":
            return reply(302, Location="/container/next")
        return reply(int(now["status"]), b"bomb", Location=f"{stranger.origin}/there", Set_Cookie="s=canary")

    def strange(request: Request, connection: socket.socket) -> bytes:
        if now["hop"] in ("bounce", "asset") and request.target.startswith("/there"):
            return reply(int(now["status"]), Location=f"{scene.home.origin}/container/back")
        return reply(200, b"public")

    tried = 0
    with served(strange) as stranger, staged(name, inside) as scene:
        for hop in HOPS:
            for status in STATUSES:
                now.update(status=status, hop=hop)
                for peer in (stranger, scene.home, scene.login):
                    peer.requests.clear()
                led_astray = reply(status, Location=f"{stranger.origin}/there")
                scene.server.broken = led_astray if hop == "login" and ACCOUNTS[name].login else None
                with suppress(WatcherError):
                    _ask(scene, stranger, hop)
                assert leaked(stranger) == [], (hop, status)
                assert not any(API_KEY.encode() in request.raw for request in scene.home.requests), (hop, status)
                _was_tried(scene, stranger, hop, name)
                tried += 1
    assert tried == 30


def _ask(scene: Scene, stranger: Peer, hop: str) -> None:
    hosts = [*scene.hosts, f"127.0.0.1:{stranger.port}"]
    with Http(
        origin=scene.home.origin, hosts=hosts, auth=scene.kind.auth(), allow_insecure=True, backoff_base=0.0
    ) as http:
        start = scene.start
        if hop == "search":
            http.get(start, headers={"X-Own": "canary"}, authenticated=True)
        elif hop == "body":
            http.post(start, json={"token": "canary"}, authenticated=True)
        else:
            with http.stream(stranger.url("/there") if hop == "asset" else start) as response:
                response.read()


def _was_tried(scene: Scene, stranger: Peer, hop: str, name: str) -> None:
    """Nothing would leak either if nothing were asked, or if nothing were signed."""
    if hop in ("search", "download", "bounce"):
        assert leaked(scene.home)
    if hop in ("search", "download", "bounce", "asset") or (hop == "login" and ACCOUNTS[name].login is None):
        assert stranger.requests
    if hop in ("bounce", "asset"):  # whoever sends us back home chose that address
        (back,) = (request for request in scene.home.requests if request.target.startswith("/container/back"))
        assert b"canary" not in back.raw
        assert b"authorization" not in back.raw.lower()
    if hop == "login" and ACCOUNTS[name].login is not None:
        assert scene.login.requests
        assert not stranger.requests


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_question_that_is_meant_for_another_server_is_not_asked_with_an_account(name: str) -> None:
    with (
        served(reply()) as stranger,
        staged(name, lambda request, connection: reply(200, b"in")) as scene,
        Http(
            origin=scene.home.origin,
            hosts=[*scene.hosts, f"127.0.0.1:{stranger.port}"],
            auth=scene.kind.auth(),
            allow_insecure=True,
        ) as http,
        pytest.raises(CredentialError, match="not where these credentials belong"),
    ):
        http.get(stranger.url(), authenticated=True)
    assert not stranger.requests
