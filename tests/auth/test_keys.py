"""Keys that go into a header: any header, that of GEODES, and the one for which USGS changes a token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from watcher import plugins
from watcher.auth import geodes, header, usgs
from watcher.credentials import Secret
from watcher.errors import CatalogueError, ConfigError, CredentialError, HttpError
from watcher.net import Http

KEY = Secret(env="WATCHER_TEST_KEY")


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_KEY", "k3y")


def test_a_key_goes_into_the_header_that_is_named_and_a_new_one_needs_no_restart(monkeypatch):
    auth = header.Kind(header="X-Access", prefix="Token ", key=KEY).auth()
    with answering(lambda asked: Reply(200, b"{}")) as (url, asked), Http(origin=url, auth=auth) as http:
        http.get(url, authenticated=True)
        monkeypatch.setenv("WATCHER_TEST_KEY", "n3w")
        http.get(url, authenticated=True)
        http.get(url)
    assert [question.headers.get("x-access") for question in asked] == ["Token k3y", "Token n3w", None]


@pytest.mark.parametrize(
    "wrong",
    [{"header": "X Y"}, {"header": ""}, {"header": "Host"}, {"header": "Range"}, {"prefix": "é"}, {"name": "X"}],
)
def test_a_header_that_cannot_hold_a_key_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"catalogues\.x\.auth"):
        plugins.build("auth", "header", {"key": {"env": "A"}, **wrong}, place="catalogues.x.auth")


@pytest.mark.parametrize("made", [header.Kind(key=KEY), geodes.Kind(url="https://g.example/api/stac", key=KEY)])
def test_a_key_that_no_header_can_carry_is_not_sent(made: Any, monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_KEY", "k\r\nX-Evil: 1")
    with answering(lambda asked: Reply(200, b"{}")) as (url, asked), Http(origin=url, auth=made.auth()) as http:
        with pytest.raises(CredentialError, match="no header can carry") as refused:
            http.get(url, authenticated=True)
        assert "Evil" not in str(refused.value)
    assert asked == []


def test_a_look_at_a_header_asks_the_address_for_that_or_reads_the_key(monkeypatch):
    def answer(asked: Asked) -> Reply:
        return Reply(200 if asked.headers.get("x-api-key") == "k3y" else 403, b"{}")

    with answering(answer) as (url, asked):
        kind = header.Kind(key=KEY, test_url=f"{url}/me")
        with Http(origin=url, auth=kind.auth()) as http:
            assert kind.check(http).well
            monkeypatch.setenv("WATCHER_TEST_KEY", "wr0ng")
            assert not kind.check(http).well
            assert len(asked) == 2
            assert header.Kind(key=KEY).check(http).well
            assert not header.Kind(key=Secret(env="WATCHER_TEST_NONE")).check(http).well
        assert len(asked) == 2


def portal(asked: Asked) -> Reply:
    """GEODES: says what is left of a quota to who has a key, which goes with downloads only."""
    known = asked.headers.get("x-api-key") == "k3y"
    if asked.path == "/processing/download/get":
        return Reply(200, b'{"maxQuota":1000,"remainingQuota":12}') if known else Reply(403, b"{}")
    return Reply(200, b"{}" if "x-api-key" not in asked.headers else b"zip")


def test_geodes_is_shown_the_key_by_downloads_and_not_by_searches():
    auth = geodes.Kind(url="https://geodes.example/api/stac", key=KEY).auth()
    with answering(portal) as (url, asked), Http(origin=f"{url}/api/stac", auth=auth) as http:
        http.post(f"{url}/api/stac/search", json={})
        with http.stream(f"{url}/api/download/x/files/y") as response:
            assert response.read() == b"zip"
    assert [question.headers.get("x-api-key") for question in asked] == [None, "k3y"]


@pytest.mark.parametrize(
    ("reply", "well", "said"),
    [
        (None, True, "accepts the key of the environment variable WATCHER_TEST_KEY; 12 of 1000 are left of its quota"),
        (Reply(200, b"{}"), True, "accepts the key"),
        (Reply(403, b"{}"), False, "refuses the key"),
        (Reply(401, b"{}"), False, "refuses the key"),
        (Reply(429, b"{}"), False, "used up"),
        (Reply(404, b"{}"), False, "404"),
        (Reply(200, b"<html>Log in</html>", "text/html"), False, "JSON was expected"),
        (Reply(200, b"[1]"), False, "did not say"),
    ],
)
def test_a_look_asks_what_is_left_of_the_quota(reply, well, said):
    with answering(lambda asked: reply or portal(asked)) as (url, _):
        kind = geodes.Kind(url=f"{url}/api/stac", key=KEY)
        with Http(origin=f"{url}/api/stac", auth=kind.auth(), backoff_base=0.0) as http:
            finding = kind.check(http)
    assert (finding.well, said in finding.text) == (well, True), finding
    assert "k3y" not in f"{finding}"


class M2m:
    """USGS' M2M: changes an application token for a key; refuses a key that is over."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.good = ""

    def __call__(self, asked: Asked) -> Reply:
        if asked.path != "/api/api/json/stable/login-token":
            return Reply(200, b"{}") if asked.headers.get("x-auth-token") == self.good else Reply(403, b"{}")
        self.asked.append(json.loads(asked.body))
        if self.asked[-1] != {"username": "jane", "token": "k3y"}:
            return said("AUTH_INVALID", "User credential verification failed")
        self.good = f"key-{len(self.asked)}"
        return Reply(200, json.dumps({"data": self.good, "errorCode": None, "errorMessage": None}).encode())


def said(code: str, message: str, status: int = 200) -> Reply:
    return Reply(status, json.dumps({"data": None, "errorCode": code, "errorMessage": message}).encode())


def m2m(url: str) -> usgs.Kind:
    return usgs.Kind(api_url=f"{url}/api/api/json/stable", username="jane", token=KEY)


def test_an_application_token_is_changed_for_a_key_and_again_when_that_is_over():
    server = M2m()
    with answering(server) as (url, _), Http(origin=url, auth=m2m(url).auth()) as http:
        for _ in range(3):
            http.post(f"{url}/api/api/json/stable/scene-search", json={}, authenticated=True)
        assert len(server.asked) == 1
        server.good = "another's"
        http.post(f"{url}/api/api/json/stable/scene-search", json={}, authenticated=True)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("reply", "error", "told"),
    [
        (said("AUTH_INVALID", "User credential verification failed"), CredentialError, "verification failed"),
        (said("AUTH_UNAUTHORIZED", "No access to M2M", 403), CredentialError, "No access to M2M"),
        (Reply(401, b"<html>"), CredentialError, "refused the application token"),
        (said("RATE_LIMIT", "Too many"), HttpError, "cannot log in now: Too many"),
        (Reply(200, b"<html>Maintenance</html>", "text/html"), CatalogueError, "without a key"),
        (Reply(502, b""), HttpError, "answered 502"),
    ],
)
def test_what_is_no_key_is_a_failure_that_says_so(reply, error, told):
    with (
        answering(lambda asked: reply) as (url, _),
        Http(origin=url, auth=m2m(url).auth(), backoff_base=0.0) as http,
        pytest.raises(error, match=told),
    ):
        http.get(f"{url}/x", authenticated=True)


def test_a_look_changes_the_token(monkeypatch):
    with answering(M2m()) as (url, _), Http(origin=url) as http:
        assert m2m(url).check(http).text == "127.0.0.1 accepts the application token of jane"
        monkeypatch.setenv("WATCHER_TEST_KEY", "wr0ng")
        finding = m2m(url).check(http)
    assert (finding.well, "ers.cr.usgs.gov" in str(finding.hint)) == (False, True)
