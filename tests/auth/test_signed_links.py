"""Links that are signed: by Microsoft's tokens for containers, and by Data Terra's service, one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.auth.pretend import BLOBS, ISSUED, NAME, Scene, secrets, staged
from tests.loopback import Request, reply, served
from watcher.auth import dataterra, planetary
from watcher.credentials import Secret, redact
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.net import Http

__all__ = ["secrets"]

pytestmark = pytest.mark.usefixtures("secrets")


@contextmanager
def signing(name: str, scene: Scene) -> Iterator[Http]:
    with Http(
        origin=scene.home.origin,
        hosts=scene.hosts,
        auth=scene.kind.auth(),
        allow_insecure=True,
        backoff_base=0.0,
    ) as http:
        yield http


def fetch(http: Http, url: str) -> int:
    with http.stream(url) as response:
        response.read()
        return response.status_code


def sas(seconds: float, *, token: str = "se=2027&sig=ab%2Bc%3D", ahead: float = 0.0) -> bytes:
    """A token that is good for so long, by a server's clock that is ahead of ours."""
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    body = json.dumps({"msft:expiry": (now + timedelta(seconds=seconds)).isoformat(), "token": token}).encode()
    return reply(200, body, content_type="application/json", Date=format_datetime(now, usegmt=True))


def test_the_token_of_a_container_is_added_to_the_address_of_each_of_its_files() -> None:
    with staged("planetary", lambda request, _: reply(200, b"tif")) as scene, signing("planetary", scene) as http:
        scene.server.broken = sas(2700)
        for path in ("/container/a.tif", "/container/b%20b.tif?x=1"):
            assert fetch(http, scene.home.url(path)) == 200
    assert [request.target for request in scene.login.requests] == ["/token/account/container"]
    assert scene.home.targets == [
        "/container/a.tif?se=2027&sig=ab%2Bc%3D",
        "/container/b%20b.tif?x=1&se=2027&sig=ab%2Bc%3D",
    ]


def test_each_container_has_a_token_of_its_own() -> None:
    with staged("planetary", lambda request, _: reply(200, b"tif")) as scene, signing("planetary", scene) as http:
        scene.server.broken = sas(2700)
        for path in ("/container/a", "/other/b", "/container/c"):
            fetch(http, scene.home.url(path))
    assert [request.target for request in scene.login.requests] == ["/token/account/container", "/token/account/other"]


@pytest.mark.parametrize("ahead", [0.0, 86400.0, -86400.0])
def test_the_end_of_a_token_is_told_by_the_clock_of_who_gives_it(ahead: float) -> None:
    with staged("planetary", lambda request, _: reply(200, b"tif")) as scene, signing("planetary", scene) as http:
        scene.server.broken = sas(2700, ahead=ahead)
        for _ in range(3):
            fetch(http, scene.home.url("/container/a"))
        assert len(scene.login.requests) == 1
        scene.server.broken = sas(-1, ahead=ahead)
        fetch(http, scene.home.url("/new/a"))
        fetch(http, scene.home.url("/new/a"))
        assert len(scene.login.requests) == 3


def test_what_is_no_blob_is_asked_for_as_it_is() -> None:
    auth = planetary.Kind(token_url="https://sas.example/token").auth()
    with served(reply(200, b"{}")) as home, Http(origin=home.origin, auth=auth) as http:
        assert fetch(http, home.url("/api/stac/v1?x=1")) == 200
    assert home.targets == ["/api/stac/v1?x=1"]


def test_a_subscription_key_is_shown_to_the_token_service_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged("planetary", lambda request, _: reply(200, b"tif")) as scene:
        kind = planetary.Kind(key=Secret(env="WATCHER_TEST_KEY"), token_url=scene.login.url("/token"))
        hosts = scene.hosts
        with Http(origin=scene.home.origin, hosts=hosts, auth=kind.auth(), allow_insecure=True) as http:
            fetch(http, scene.home.url("/container/a"))
            scene.server.broken = reply(401, b"{}")
            with pytest.raises(CredentialError, match="refuses the key"):
                fetch(http, scene.home.url("/other/a"))
    assert scene.login.requests[0].headers["ocp-apim-subscription-key"] == "canary-key-7f3a"
    assert b"canary-key" not in b"".join(request.raw for request in scene.home.requests)


@pytest.mark.parametrize(
    ("broken", "error", "said"),
    [
        (reply(404, b"{}"), HttpError, "answered 404"),
        (reply(200, b"{}"), CatalogueError, "gave no token for account/container"),
        (reply(200, b'{"token":"a\\r\\nb"}'), CatalogueError, "no request can carry"),
        (reply(429, b"{}"), HttpError, "answered 429"),
    ],
)
def test_what_is_no_token_is_a_failure(broken: bytes, error: type[Exception], said: str) -> None:
    with staged("planetary", lambda request, _: reply(200, b"tif")) as scene, signing("planetary", scene) as http:
        scene.server.broken = broken
        with pytest.raises(error, match=said):
            fetch(http, scene.home.url("/container/a"))


def test_a_signed_address_is_told_without_what_signs_it() -> None:
    with staged("planetary", lambda request, _: reply(500, b"")) as scene, signing("planetary", scene) as http:
        scene.server.broken = sas(2700)
        with http.stream(scene.home.url("/container/a")) as response:
            assert "sig=" in str(response.request.url)
            assert redact(f"it was {response.request.url}") == f"it was {scene.home.url('/container/a')}?***"


def test_a_link_is_signed_once_for_the_ranges_of_a_file() -> None:
    with staged("dataterra", lambda request, _: reply(200, b"tif")) as scene, signing("dataterra", scene) as http:
        for _ in range(3):
            assert fetch(http, scene.home.url("/bucket/a%20b.tif")) == 200
        assert fetch(http, scene.home.url("/bucket/c.tif?v=1")) == 200
    asked = [parse_qs(urlsplit(request.target).query)["url"] for request in scene.login.requests]
    assert asked == [[scene.home.url("/bucket/a%20b.tif")], [scene.home.url("/bucket/c.tif?v=1")]]
    assert scene.home.targets[2:] == [
        f"/bucket/a%20b.tif?X-Amz-Signature={ISSUED}-1",
        f"/bucket/c.tif?v=1&X-Amz-Signature={ISSUED}-2",
    ]
    assert scene.login.requests[0].headers["access-key"] == NAME
    assert all("access-key" not in request.headers for request in scene.home.requests)


def test_a_link_that_is_over_is_signed_anew() -> None:
    def inside(request: Request, _: Any) -> bytes:
        return reply(200, b"tif") if scene.server.good(request.target) else reply(403, b"<Error/>")

    with staged("dataterra", inside) as scene, signing("dataterra", scene) as http:
        fetch(http, scene.home.url("/a"))
        scene.server.over.add(f"{ISSUED}-1")
        assert fetch(http, scene.home.url("/a")) == 200
    assert scene.server.logins == 2


@pytest.mark.parametrize(
    "href",
    ["https://evil.example/bucket/a", "{home}/bucket/another", "{home}:1/bucket/a", "no address", "https://[::zz]/"],
)
def test_a_link_to_something_else_is_not_followed(href: str) -> None:
    with staged("dataterra", lambda request, _: reply(200, b"tif")) as scene, signing("dataterra", scene) as http:
        said = json.dumps({"href": href.format(home=scene.home.origin)}).encode()
        scene.server.broken = reply(200, said, content_type="application/json")
        with pytest.raises(CatalogueError):
            fetch(http, scene.home.url("/bucket/a"))
    assert scene.home.requests == []


def test_only_the_store_that_it_signs_for_is_signed_for() -> None:
    with staged("dataterra", lambda request, _: reply(200, b"tif")) as scene:
        kind = dataterra.Kind(access_key="a", secret_key=Secret(env="WATCHER_TEST_KEY"), sign_url=scene.login.url("/s"))
        with Http(origin=scene.home.origin, hosts=scene.hosts, auth=kind.auth()) as http:
            fetch(http, scene.home.url("/catalogue"))
    assert scene.login.requests == []


def test_looks_have_something_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged("dataterra", lambda request, _: reply(200, b"tif")) as scene, signing("dataterra", scene) as http:
        assert scene.kind.check(http).well
        monkeypatch.setenv("WATCHER_TEST_KEY", "wr0ng")
        finding = scene.kind.check(http)
        assert (finding.well, "refuses the access key" in finding.text) == (False, True)
    with staged("planetary", lambda request, _: reply(200, b"tif")) as scene, signing("planetary", scene) as http:
        scene.server.broken = sas(2700)
        assert scene.kind.check(http).well
        scene.server.broken = reply(503)
        assert not scene.kind.check(http).well
    assert scene.login.requests[0].target.startswith("/token/sentinel2l2a01/")
    assert scene.home.name == BLOBS
