"""An account that is given tokens for a password, and new ones for old."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from watcher import plugins
from watcher.auth.oauth import Kind
from watcher.credentials import Secret, redact
from watcher.errors import CatalogueError, CredentialError, HttpError, Unreachable

PASSWORD = "pässwörd & more"
TOKEN = "/auth/realms/CDSE/protocol/openid-connect/token"


class Server:
    """Gives tokens, each good until the next, and knows which refresh tokens were used."""

    def __init__(self, *, lasts=600, refreshes=3600):
        self.lasts, self.refreshes = lasts, refreshes
        self.grants: list[dict[str, str]] = []
        self.good: set[str] = set()
        self.fresh: set[str] = set()
        self.lock = threading.Lock()

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == TOKEN:
            with self.lock:
                return self.given({name: value for name, (value,) in parse_qs(asked.body.decode()).items()})
        if asked.headers.get("authorization", "").removeprefix("Bearer ") in self.good:
            return Reply(200, b'{"is":"yours"}')
        return Reply(401, b'{"detail":"Expired signature!"}')

    def given(self, form):
        self.grants.append(form)
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.fresh:
                return Reply(400, b'{"error":"invalid_grant","error_description":"Token is not active"}')
        elif form["password"] != PASSWORD:
            return Reply(401, b'{"error":"invalid_grant","error_description":"Invalid user credentials"}')
        number = len(self.grants)
        self.good, self.fresh = {f"access-{number}"}, {f"refresh-{number}"}
        token = {
            "access_token": f"access-{number}",
            "expires_in": self.lasts,
            "refresh_token": f"refresh-{number}",
            "refresh_expires_in": self.refreshes,
            "token_type": "Bearer",
        }
        return Reply(200, json.dumps(token).encode())

    @property
    def kinds(self):
        return [form["grant_type"] for form in self.grants]


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", PASSWORD)


def account(url):
    return Kind(
        url=f"{url}/odata/v1",
        token_url=f"{url}{TOKEN}",
        username="me@example.org",
        password=Secret(env="WATCHER_TEST_PASSWORD"),
    )


@contextmanager
def signing(answer):
    from watcher.net import Http

    with answering(answer) as (url, asked), Http(origin=url, auth=account(url).auth(), backoff_base=0.0) as http:
        yield http, url, asked


def get(http, url, path="/odata/v1/Subscriptions"):
    return bytes(http.get(f"{url}{path}", authenticated=True).body)


def test_a_token_is_fetched_once_with_the_password_and_used_for_every_request():
    server = Server()
    with signing(server) as (http, url, asked):
        assert {get(http, url) for _ in range(3)} == {b'{"is":"yours"}'}
    form = {"client_id": "cdse-public", "grant_type": "password", "username": "me@example.org", "password": PASSWORD}
    assert server.grants == [form]
    assert len(asked) == 4


def test_who_asks_is_told_to_the_catalogue_and_not_where_its_tokens_are_given():
    from watcher.net import Http

    server = Server()
    with answering(server) as (elsewhere, logins), answering(server) as (url, asked):
        auth = account(elsewhere).auth()
        with Http(origin=url, auth=auth, hosts=["127.0.0.1"], contact="gis@example.org") as http:
            get(http, url)
    assert "(gis@example.org; " in asked[0].headers["user-agent"]
    assert [login.headers["user-agent"].partition("/")[0] for login in logins] == ["eo-watcher"]
    assert "gis@" not in logins[0].headers["user-agent"]


def test_a_token_is_renewed_before_it_expires_without_the_password():
    server = Server(lasts=0.000001)
    with signing(server) as (http, url, asked):
        for _ in range(3):
            get(http, url)
    assert server.kinds == ["password", "refresh_token", "refresh_token"]
    assert "password" not in server.grants[1]
    assert len(asked) == 6  # no request was wasted on a token that was over


def test_a_token_that_is_over_for_the_server_is_renewed_once():
    server = Server()
    with signing(server) as (http, url, _):
        get(http, url)
        server.good.clear()
        get(http, url)
        assert server.kinds == ["password", "refresh_token"]
        server.good.clear()
        server.fresh.clear()
        get(http, url)
    assert server.kinds == ["password", "refresh_token", "refresh_token", "password"]


def test_a_fresh_token_that_is_refused_is_not_renewed():
    def answer(asked: Asked) -> Reply:
        return Server()(asked) if asked.path == TOKEN else Reply(401, b"{}")

    with signing(answer) as (http, url, asked), pytest.raises(HttpError):
        get(http, url)
    assert [question.path for question in asked] == [TOKEN, "/odata/v1/Subscriptions"]


def test_many_threads_share_one_login_and_one_renewal():
    server = Server()
    with signing(server) as (http, url, _), ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: get(http, url), range(50))) == {b'{"is":"yours"}'}
        assert server.kinds == ["password"]
        server.good.clear()
        assert set(threads.map(lambda _: get(http, url), range(50))) == {b'{"is":"yours"}'}
    assert server.kinds == ["password", "refresh_token"]


def test_a_refresh_token_stays_good_where_no_other_is_given():
    server = Server(lasts=0.000001)

    def answer(asked: Asked) -> Reply:
        reply = server(asked)
        if asked.path != TOKEN or len(server.grants) == 1:
            return reply
        given = json.loads(reply.body)
        server.fresh = {"refresh-1"}
        return Reply(200, json.dumps({name: given[name] for name in ("access_token", "expires_in")}).encode())

    with signing(answer) as (http, url, _):
        for _ in range(3):
            get(http, url)
    assert server.kinds == ["password", "refresh_token", "refresh_token"]
    assert [form.get("refresh_token") for form in server.grants] == [None, "refresh-1", "refresh-1"]


def test_the_password_is_needed_again_once_the_session_is_over():
    server = Server(lasts=0.000001, refreshes=0.000001)
    with signing(server) as (http, url, _):
        get(http, url)
        get(http, url)
    assert server.kinds == ["password", "password"]


@pytest.mark.parametrize(
    ("answer", "said", "hint"),
    [
        # What Keycloak, and so Copernicus, says to a right password without the code of an account that has TOTP.
        (
            {"error": "invalid_grant", "error_description": "Invalid user credentials"},
            "refused",
            "second factor (TOTP)",
        ),
        ({"error": "mfa_required"}, "wants a second factor", "S3 keys need none"),
        ({"error": "invalid_grant", "error_description": "Missing totp"}, "wants a second factor", "nobody is here"),
        ({"error": "invalid_request", "error_description": "One-time code needed"}, "wants a second factor", "S3 keys"),
        ({"error": "invalid_grant", "error_description": "Account is not fully set up"}, "refused", "log in once in"),
        ({"error": "invalid_grant", "error_description": "Account disabled"}, "Account disabled", "web page"),
        ({"error": "invalid_client"}, 'the application "cdse-public"', "set client_id"),
        ({"error": 42, "error_description": ["odd"]}, "odd", "web page"),
        ("no object", "refused", "web page"),
    ],
)
def test_a_refusal_is_explained_and_nobody_is_prompted(answer, said, hint, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked for something"))
    refusal = Reply(401, json.dumps(answer).encode())
    with signing(lambda asked: refusal) as (http, url, asked), pytest.raises(CredentialError) as refused:
        get(http, url)
    assert said in str(refused.value)
    assert hint in str(refused.value.hint)
    assert len(asked) == 1
    assert capsys.readouterr() == ("", "")


def test_what_a_server_repeats_of_a_password_is_not_told():
    repeated = Reply(401, json.dumps({"error": "invalid_grant", "error_description": f"{PASSWORD} is wrong"}).encode())
    with signing(lambda asked: repeated) as (http, url, _), pytest.raises(CredentialError) as refused:
        get(http, url)
    assert redact(str(refused.value)).endswith(": *** is wrong")


def test_a_login_that_cannot_be_reached_is_what_failed():
    from watcher.net import Http

    with answering(lambda asked: Reply(200, b"{}")) as (gone, _):
        pass
    with (
        answering(lambda asked: Reply(200, b"{}")) as (url, asked),
        Http(origin=url, hosts=[gone.partition("//")[2]], auth=account(gone).auth(), backoff_base=0.0) as http,
        pytest.raises(Unreachable) as failed,
    ):
        get(http, url)
    assert f"{gone}{TOKEN} could not be read" in str(failed.value)
    assert asked == []


def test_a_refused_login_names_the_account_and_why_but_no_secret(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", "wr0ng-0ne")
    server = Server()
    with signing(server) as (http, url, _):
        with pytest.raises(CredentialError) as refused:
            get(http, url)
        with pytest.raises(CredentialError):
            get(http, url)  # an account is not locked by asking again and again
    said = f"{refused.value} {refused.value.hint}"
    assert "me@example.org" in said
    assert "Invalid user credentials" in said
    assert "second factor" in said
    assert "wr0ng" not in said
    assert server.kinds == ["password"]


def test_nobody_else_is_given_the_token_or_the_password():
    from watcher.net import Http

    server = Server()
    with (
        answering(server) as (url, _),
        answering(lambda asked: Reply(200, b"{}")) as (stranger, asked_there),
        Http(origin=url, hosts=[stranger.partition("//")[2]], auth=account(url).auth()) as http,
    ):
        get(http, url)
        with pytest.raises(CredentialError, match="not where these credentials belong"):
            http.get(f"{stranger}/x", authenticated=True)
        http.get(f"{stranger}/x")
    assert [question.headers.get("authorization") for question in asked_there] == [None]
    assert [question.body for question in asked_there] == [b""]


def test_tokens_are_secrets_wherever_they_turn_up():
    with signing(Server()) as (http, url, _):
        get(http, url)
    assert redact("it said access-1 and refresh-1") == "it said *** and ***"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(200, b"<html>Log in</html>", "text/html"), "without a token"),
        (Reply(200, b"{}"), "without a token"),
        (Reply(200, b'{"access_token":"a\\r\\nX-Evil: 1"}'), "no request can carry"),
        (Reply(200, b'{"access_token":""}'), "no request can carry"),
        (Reply(200, b'{"access_token":null}'), "without a token"),
        (Reply(500, b""), "answered 500 to a login"),
        (Reply(429, b""), "answered 429 to a login"),
        (Reply(302, b""), "answered 302 to a login"),
    ],
)
def test_an_answer_that_is_no_token_is_a_failure(reply, said):
    with signing(lambda asked: reply) as (http, url, _), pytest.raises(CatalogueError, match=said):
        get(http, url)


def test_a_login_that_failed_stops_nobody_else():
    server = Server()
    broken = [Reply(502, b"")] * 3

    def answer(asked: Asked) -> Reply:
        return broken.pop() if broken and asked.path == TOKEN else server(asked)

    with signing(answer) as (http, url, _):
        with pytest.raises(HttpError):
            get(http, url)
        assert get(http, url) == b'{"is":"yours"}'


def test_a_look_logs_in(monkeypatch):
    from watcher.net import Http

    with answering(Server()) as (url, _), Http(origin=url, auth=account(url).auth()) as http:
        finding = account(url).check(http)
    assert finding.well
    assert "127.0.0.1 accepts the login of me@example.org" in finding.text
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", "wr0ng-0ne")
    with answering(Server()) as (url, _), Http(origin=url, auth=account(url).auth()) as http:
        finding = account(url).check(http)
    assert not finding.well
    assert "wr0ng" not in f"{finding}"


@pytest.mark.parametrize("status", [204, 302, 404, 405, 410, 500])
def test_a_place_that_gives_no_tokens_is_not_said_to_accept_a_login(status):
    from watcher.net import Http

    def nowhere(asked: Asked) -> Reply:
        return Reply(status, b"") if asked.path == TOKEN else Reply(200, b"{}")

    with answering(nowhere) as (url, _), Http(origin=url, auth=account(url).auth(), backoff_base=0.001) as http:
        finding = account(url).check(http)
    assert not finding.well
    assert f"127.0.0.1 answered {status} to a login" in finding.text


def test_the_settings_are_those_of_the_configuration():
    settings = {
        "url": "https://catalogue.example/odata/v1",
        "token_url": "https://identity.example/token",
        "username": {"env": "CDSE_NAME"},
        "password": {"credential": "cdse"},
    }
    kind = plugins.build("auth", "oauth", settings, place="catalogues.cdse-odata.auth")
    assert kind.client_id == "cdse-public"
    with pytest.raises(Exception, match="token_url"):
        plugins.build("auth", "oauth", {**settings, "token_url": "identity"}, place="catalogues.x.auth")
