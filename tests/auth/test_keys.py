"""Keys that go into a header: any header, and that of GEODES."""

from __future__ import annotations

from typing import Any

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from watcher import plugins
from watcher.auth import geodes, header
from watcher.credentials import Secret
from watcher.errors import ConfigError, CredentialError
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
