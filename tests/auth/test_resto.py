"""A resto account: one login for all, renewed in time, given to nobody else."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.replay import recording
from watcher import plugins
from watcher.auth.resto import Kind
from watcher.credentials import Secret
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.net import Http
from watcher.net.logins import lifetime

REFUSED = Reply(403, b'{"ErrorMessage":"Forbidden","ErrorCode":403}')
NOT_FOUND = Reply(404, b'{"ErrorMessage":"Not Found","ErrorCode":404}')
PASSWORD = "5ecret:pässword"


def jwt(number=1, **claims):
    parts = ({"typ": "JWT", "alg": "HS256"}, {"jti": number, **claims})
    head, payload = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{payload}.c2lnbmF0dXJl"


class Server:
    """A resto that logs in, and knows which of its tokens are still good."""

    def __init__(self, *, lasts=3600, noun="users"):
        self.lasts, self.noun = lasts, noun
        self.good: set[str] = set()
        self.logins = 0
        self.lock = threading.Lock()

    def __call__(self, asked: Asked) -> Reply:
        signed = asked.headers.get("authorization", "")
        if asked.path.endswith("/connect"):
            if asked.path != f"/resto/api/{self.noun}/connect":
                return NOT_FOUND
            with self.lock:
                self.logins += 1
                if signed != "Basic " + base64.b64encode(f"take5@example.org:{PASSWORD}".encode()).decode():
                    return REFUSED
                # The server's clock is years off: only the difference counts.
                token = jwt(self.logins, iat=1_000_000_000, exp=1_000_000_000 + self.lasts)
                self.good = {token}
                return Reply(200, json.dumps({"token": token}).encode())
        if signed.removeprefix("Bearer ") in self.good and "/norights/" not in asked.path:
            return Reply(200, b'{"is":"yours"}')
        return REFUSED


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", PASSWORD)
    return Secret(env="WATCHER_TEST_PASSWORD")


def account(url, **more):
    return Kind(
        **{
            "url": f"{url}/resto",
            "username": "take5@example.org",
            "password": Secret(env="WATCHER_TEST_PASSWORD"),
            **more,
        }
    )


@contextmanager
def signing(answer, **more):
    """Serve, and yield a client that signs by an account of that server, its address and what was asked."""
    with (
        answering(answer) as (url, asked),
        Http(origin=url, auth=account(url).auth(), backoff_base=0.0, **more) as http,
    ):
        yield http, url, asked


def get(http, url, path="/resto/x/download"):
    return bytes(http.get(f"{url}{path}", authenticated=True).body)


def test_a_token_is_fetched_once_and_used_for_every_request():
    server = Server()
    with signing(server) as (http, url, asked):
        for _ in range(3):
            assert get(http, url) == b'{"is":"yours"}'
    assert [question.path for question in asked] == ["/resto/api/users/connect"] + ["/resto/x/download"] * 3
    assert {question.headers["authorization"] for question in asked[1:]} == {f"Bearer {server.good.pop()}"}


def test_a_later_version_is_asked_where_it_logs_in():
    server = Server(noun="user")
    with signing(server) as (http, url, asked):
        get(http, url)
    assert [question.path for question in asked][:2] == ["/resto/api/users/connect", "/resto/api/user/connect"]
    assert server.logins == 1


def test_a_token_that_expired_for_the_server_is_renewed_once():
    server = Server()
    with signing(server) as (http, url, _):
        get(http, url)
        server.good.clear()
        assert get(http, url) == b'{"is":"yours"}'
    assert server.logins == 2


def test_a_token_is_renewed_before_it_expires():
    server = Server(lasts=0)
    with signing(server) as (http, url, asked):
        get(http, url)
        get(http, url)
    assert server.logins == 2
    assert len(asked) == 4  # no request was wasted on a token that was over


def test_who_has_no_rights_is_told_so_after_one_new_login():
    server = Server()
    with signing(server) as (http, url, _):
        get(http, url)
        with pytest.raises(HttpError) as refused:
            get(http, url, "/resto/norights/download")
    assert refused.value.status == 403
    assert server.logins == 2


def test_a_fresh_token_that_is_refused_is_not_renewed():
    server = Server()
    with signing(server) as (http, url, asked), pytest.raises(HttpError):
        get(http, url, "/resto/norights/download")
    assert (server.logins, len(asked)) == (1, 2)


def test_many_threads_share_one_login_and_one_renewal():
    server = Server()
    with signing(server, connections=16) as (http, url, _), ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: get(http, url), range(100))) == {b'{"is":"yours"}'}
        assert server.logins == 1
        server.good.clear()
        assert set(threads.map(lambda _: get(http, url), range(100))) == {b'{"is":"yours"}'}
    assert server.logins == 2


def test_a_refused_login_names_the_account_and_its_place_but_no_secret(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", "wr0ng")
    server = Server()
    with signing(server) as (http, url, asked):
        with pytest.raises(CredentialError) as refused:
            get(http, url)
        with pytest.raises(CredentialError):
            get(http, url)  # an account is not locked by asking again and again
    said = f"{refused.value} {refused.value.hint}"
    assert "take5@example.org" in said
    assert "WATCHER_TEST_PASSWORD" in said
    assert "wr0ng" not in said
    assert [question.path for question in asked] == ["/resto/api/users/connect"]


def test_a_password_that_cannot_be_read_stops_nobody_else():
    server = Server()
    with answering(server) as (url, _):
        auth = account(url, password=Secret(env="WATCHER_TEST_LATER")).auth()
        with Http(origin=url, auth=auth) as http:
            with pytest.raises(CredentialError, match="WATCHER_TEST_LATER"):
                get(http, url)
            with pytest.raises(CredentialError, match="WATCHER_TEST_LATER"):
                get(http, url)
    assert server.logins == 0


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(200, b"<html>Log in</html>", "text/html"), "without a token"),
        (Reply(200, b'{"ErrorMessage":"x","ErrorCode":3000}'), "without a token"),
        (Reply(200, b'{"token":null}'), "without a token"),
        (Reply(200, b'{"token":""}'), "no request can carry"),
        (Reply(500, b""), "answered 500 to a login"),
        (NOT_FOUND, "answered 404 to a login"),
        (Reply(302, b""), "answered 302 to a login"),
    ],
)
def test_an_answer_that_is_no_token_is_a_failure(reply, said):
    with signing(lambda asked: reply) as (http, url, _), pytest.raises(CatalogueError, match=said):
        get(http, url)


def test_a_login_that_failed_stops_nobody_else():
    server = Server()
    broken = [Reply(500, b"")] * 2  # asked twice

    def answer(asked: Asked) -> Reply:
        return broken.pop() if broken and asked.path.endswith("/connect") else server(asked)

    with signing(answer) as (http, url, _):
        with pytest.raises(HttpError) as kept:  # with all that its traceback holds
            get(http, url)
        assert get(http, url) == b'{"is":"yours"}'
    assert not kept.value.permanent


def test_a_token_is_taken_to_the_hosts_that_are_trusted_with_it_and_to_no_other():
    server = Server()
    with (
        answering(server) as (url, _),
        answering(server) as (files, asked_there),
        answering(lambda asked: Reply(200, b"{}")) as (stranger, asked_elsewhere),
        Http(
            origin=url,
            hosts=[stranger.partition("//")[2]],
            auth_hosts=[files.partition("//")[2]],
            auth=account(url).auth(),
        ) as http,
    ):
        assert get(http, files) == b'{"is":"yours"}'
        with http.stream(f"{stranger}/resto/x") as response:
            response.read()
    assert asked_there[0].headers["authorization"].startswith("Bearer ")
    assert [question.headers.get("authorization") for question in asked_elsewhere] == [None]


def test_a_recorded_token_is_good_for_nearly_an_hour():
    login = recording("connect")
    with signing(lambda asked: login) as (http, url, asked):
        get(http, url)
        get(http, url)
    assert [question.path.rpartition("/")[2] for question in asked] == ["connect", "download", "download"]
    assert lifetime(json.loads(login.body)["token"], otherwise=1.0) == 3600


@pytest.mark.parametrize("name", ["connect_bad", "connect_anonymous"])
def test_a_recorded_refusal_is_one(name):
    refusal = recording(name)
    with signing(lambda asked: refusal) as (http, url, _), pytest.raises(CredentialError):
        get(http, url)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (jwt(iat=100, exp=3700), 3600),
        (jwt(iat=400, exp=100), 0),
        (jwt(), 42),
        (jwt(exp="soon"), 42),
    ],
)
def test_a_token_says_how_long_it_lasts(token, expected):
    assert lifetime(token, otherwise=42) == expected


def test_a_resto_of_today_logs_in_at_another_address():
    server, good, bad = (
        Server(noun="nothing"),
        recording("auth_token", "resto-10.1.5"),
        recording("auth_bad", "resto-10.1.5"),
    )
    token = json.loads(good.body)["token"]

    def answer(asked: Asked) -> Reply:
        if asked.path != "/resto/auth":
            return Reply(200, b"in") if asked.headers["authorization"] == f"Bearer {token}" else server(asked)
        right = asked.headers["authorization"].startswith("Basic ") and answers["right"]
        return good if right else bad

    answers = {"right": True}
    with signing(answer) as (http, url, asked):
        assert get(http, url) == b"in"
    assert [question.path.removeprefix("/resto/") for question in asked] == [
        "api/users/connect",
        "api/user/connect",
        "auth",
        "x/download",
    ]
    answers["right"] = False
    with signing(answer) as (http, url, _), pytest.raises(CredentialError, match="refused the login"):
        get(http, url)


def test_a_look_logs_in(monkeypatch):
    for noun in ("users", "user"):
        with answering(Server(noun=noun)) as (url, _), Http(origin=url) as http:
            assert account(url).check(http).well
    with answering(Server()) as (url, _), Http(origin=url) as http:
        monkeypatch.setenv("WATCHER_TEST_PASSWORD", "wr0ng")
        finding = account(url).check(http)
    assert not finding.well
    assert "take5@example.org" in finding.text
    assert "wr0ng" not in f"{finding}"


def test_a_look_at_something_else_is_not_well():
    with answering(lambda asked: Reply(200, b"{}")) as (url, _), Http(origin=url) as http:
        assert not account(url).check(http).well
    with answering(lambda asked: NOT_FOUND) as (url, _), Http(origin=url) as http:
        assert not account(url).check(http).well


def test_the_settings_are_those_of_the_configuration():
    settings = {
        "url": "https://spot-take5.org/resto",
        "username": {"env": "TAKE5_NAME"},
        "password": {"credential": "take5"},
    }
    kind = plugins.build("auth", "resto", settings, place="accounts.take5")
    assert kind.username == Secret(env="TAKE5_NAME")
    assert PASSWORD not in repr(kind)
