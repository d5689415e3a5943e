"""HTTP Basic, from the first request on."""

from __future__ import annotations

import base64

import pytest

from tests.catalogues.loopback import Reply, answering
from watcher import plugins
from watcher.auth.basic import Kind
from watcher.credentials import Secret
from watcher.errors import ConfigError, CredentialError
from watcher.net import Http


@pytest.fixture
def password(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", "pässwörd:with colon")
    return Secret(env="WATCHER_TEST_PASSWORD")


def expected(name):
    return "Basic " + base64.b64encode(f"{name}:pässwörd:with colon".encode()).decode()


def test_a_request_is_signed_before_the_server_asks_for_it(password):
    auth = Kind(username="take5@example.org", password=password).auth()
    with answering(lambda asked: Reply(200, b"{}")) as (url, asked), Http(origin=url, auth=auth) as http:
        http.get(f"{url}/resto/collections.json", authenticated=True)
        http.get(f"{url}/resto/collections.json")
    assert [question.headers.get("authorization") for question in asked] == [expected("take5@example.org"), None]


def test_the_user_name_may_be_a_secret_too(password, tmp_path):
    file = tmp_path / "name"
    file.write_text("take5@example.org\n")
    file.chmod(0o600)
    auth = Kind(username=Secret(file=str(file)), password=password).auth()
    with answering(lambda asked: Reply(200, b"{}")) as (url, asked), Http(origin=url, auth=auth) as http:
        http.get(url, authenticated=True)
    assert asked[0].headers["authorization"] == expected("take5@example.org")


def test_a_new_password_is_read_without_a_restart(password, monkeypatch):
    auth = Kind(username="take5", password=password).auth()
    with answering(lambda asked: Reply(200, b"{}")) as (url, asked), Http(origin=url, auth=auth) as http:
        for now in ("old", "new"):
            monkeypatch.setenv("WATCHER_TEST_PASSWORD", now)
            http.get(url, authenticated=True)
    sent = [base64.b64decode(question.headers["authorization"].split()[1]) for question in asked]
    assert sent == [b"take5:old", b"take5:new"]


def test_a_password_that_cannot_be_read_is_an_error_that_names_its_place_and_stops_no_search():
    auth = Kind(username="take5", password=Secret(env="WATCHER_TEST_NO_SUCH_PASSWORD")).auth()
    with answering(lambda asked: Reply(200, b"{}")) as (url, asked), Http(origin=url, auth=auth) as http:
        assert http.get(url).body == b"{}"
        with pytest.raises(CredentialError, match="WATCHER_TEST_NO_SUCH_PASSWORD"):
            http.get(url, authenticated=True)
    assert len(asked) == 1


def test_the_user_name_is_that_of_netrc_if_none_is_given(tmp_path):
    file = tmp_path / "netrc"
    file.write_text("machine resto.example.org login jane password 5ecret\n")
    file.chmod(0o600)
    auth = Kind(password=Secret(netrc="resto.example.org", file=str(file))).auth()
    with answering(lambda asked: Reply(200, b"{}")) as (url, asked), Http(origin=url, auth=auth) as http:
        http.get(url, authenticated=True)
    assert base64.b64decode(asked[0].headers["authorization"].split()[1]) == b"jane:5ecret"


def test_the_settings_are_those_of_the_configuration():
    kind = plugins.build(
        "auth", "basic", {"username": "take5", "password": {"env": "TAKE5_PASSWORD"}}, place="accounts.take5"
    )
    assert (kind.username, kind.password) == ("take5", Secret(env="TAKE5_PASSWORD"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "in the clear"},
        {"password": {"env": "A", "file": "B"}},
        {"password": {"keyring": "A"}},
        {"user": "take5"},
        {"username": ""},
    ],
)
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"accounts\.take5"):
        plugins.build("auth", "basic", {"username": "take5", "password": {"env": "A"}, **wrong}, place="accounts.take5")


def test_nothing_shows_the_password(password):
    kind = Kind(username="take5", password=password)
    assert "pässwörd" not in f"{kind!r} {kind.auth()!r} {vars(kind.auth())!r}"


def test_a_look_says_whether_the_account_can_be_read(password):
    with answering(lambda asked: Reply(200, b"{}")) as (url, asked), Http(origin=url) as http:
        good = Kind(username="take5", password=password).check(http)
        bad = Kind(username="take5", password=Secret(file="/nowhere/password")).check(http)
    assert good.well
    assert "WATCHER_TEST_PASSWORD" in good.text
    assert not bad.well
    assert "/nowhere/password" in bad.text
    assert asked == []


def test_a_look_tries_the_address_that_is_given_for_that(password):
    def answer(asked):
        return Reply(200, b"{}") if asked.headers.get("authorization") == expected("take5") else Reply(401, b"{}")

    with answering(answer) as (url, _):
        for name, well in (("take5", True), ("jane", False)):
            kind = Kind(username=name, password=password, test_url=f"{url}/me")
            with Http(origin=url, auth=kind.auth()) as http:
                finding = kind.check(http)
            assert (finding.well, f"{url}/me" in finding.text) == (well, True)
