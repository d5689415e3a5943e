"""NASA's Earthdata Login: by a token, and by the way to the login and back."""

from __future__ import annotations

import base64
import json
import socket
from contextlib import contextmanager
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.loopback import Request, reply, served
from watcher import plugins
from watcher.auth import earthdata, urs
from watcher.credentials import Secret
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.net import Http

PASSWORD = "pässwörd"
BASIC = "Basic " + base64.b64encode(f"jane:{PASSWORD}".encode()).decode()


def jwt(**claims):
    parts = ({"typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


TOKEN = jwt(uid="jane", exp=4_000_000_000)


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", PASSWORD)
    monkeypatch.setenv("WATCHER_TEST_TOKEN", TOKEN)


class Login:
    """urs.earthdata.nasa.gov: who has agreed to the application is sent back with a code."""

    def __init__(self):
        self.agreed, self.instead = True, None

    def __call__(self, request: Request, _: socket.socket) -> bytes:
        if self.instead is not None:
            return self.instead
        if request.headers.get("authorization") != BASIC:
            return reply(401, b'{"error":"invalid_credentials"}')
        if request.target == "/api/users/tokens":
            return reply(200, b"[]")
        query = parse_qs(urlsplit(request.target).query)
        if not self.agreed:
            return reply(302, Location=f"/approve_app?client_id={query['client_id'][0]}")
        return reply(302, Location=f"{query['redirect_uri'][0]}?code=c0de&state={query['state'][0]}")


class Files:
    """A host of files: without a session to the login; with one to a signed address, which wants no credentials."""

    def __init__(self, login, store):
        self.login, self.store, self.sessions, self.bearers = login, store, 0, set()

    def __call__(self, request: Request, _: socket.socket) -> bytes:
        here = f"http://{request.headers['host']}"
        cookie = request.headers.get("cookie", "")
        if request.target.startswith("/login?"):
            assert "state=5tate" in cookie  # what was set on the way out comes back
            assert parse_qs(urlsplit(request.target).query) == {"code": ["c0de"], "state": ["5tate"]}
            self.sessions += 1
            session = f"session=s{self.sessions}; Domain=.nasa.gov; Path=/; Secure; HttpOnly"
            return reply(301, Location=f"{here}/granule.tif", Set_Cookie=session)
        known = f"session=s{self.sessions}" in cookie and self.sessions > 0
        if known or request.headers.get("authorization", "").removeprefix("Bearer ") in self.bearers:
            return reply(303, Location=f"{self.store}/signed?X-Amz-Signature=abc")
        back = quote(f"{here}/login")
        to = f"{self.login}/oauth/authorize?client_id=app&response_type=code&redirect_uri={back}&state=5tate"
        return reply(302, Location=to, Set_Cookie="state=5tate; Path=/")


@contextmanager
def earth(kind):
    """The login, a host of files, the store that it leads to, and a client with an account made for them."""
    login = Login()
    with served(login) as identity, served(reply(200, b"granule")) as store:
        files = Files(identity.origin, store.origin)
        hosts = [f"127.0.0.1:{peer.port}" for peer in (identity, store)]
        with served(files) as home, Http(origin=home.origin, hosts=hosts, auth=kind(identity).auth()) as http:
            yield http, home, identity, store, login, files


def dancer(identity):
    return urs.Kind(login_url=identity.origin, username="jane", password=Secret(env="WATCHER_TEST_PASSWORD"))


def bearer(identity):
    token = Secret(env="WATCHER_TEST_TOKEN")
    return earthdata.Kind(token=token, login_url=identity.origin, cmr_url=f"{identity.origin}/search")


def fetch(http, home):
    with http.stream(home.url("/granule.tif"), headers={"Range": "bytes=0-9"}) as response:
        return response.read()


def test_the_way_to_the_login_and_back_is_gone_once():
    with earth(dancer) as (http, home, identity, store, _, files):
        assert [fetch(http, home) for _ in range(3)] == [b"granule"] * 3
        assert files.sessions == 1
        assert len(identity.requests) == 1
        # The password is seen by the login, the session by the host of the files, neither by the store.
        assert [request.headers.get("authorization") for request in home.requests] == [None] * 5
        assert all({"authorization", "cookie"}.isdisjoint(request.headers) for request in store.requests)
        assert all(b"session=" not in request.raw for request in (*identity.requests, *store.requests))
        assert [request.headers.get("range") for request in store.requests] == ["bytes=0-9"] * 3


def test_a_session_that_is_over_is_begun_anew():
    with earth(dancer) as (http, home, identity, _, _, files):
        fetch(http, home)
        files.sessions += 1  # and so the old one is nobody's
        assert fetch(http, home) == b"granule"
        assert len(identity.requests) == 2


def test_a_wrong_password_is_said_once():
    with earth(dancer) as (http, home, identity, _, login, _):
        login.instead = reply(401, b'{"error":"invalid_credentials"}')
        for _ in range(2):
            with pytest.raises(CredentialError, match="refused the login of jane") as refused:
                fetch(http, home)
        assert PASSWORD not in f"{refused.value} {refused.value.hint}"
        assert len(identity.requests) == 1


def test_an_application_that_is_not_agreed_to_is_explained_with_the_page_to_go_to():
    with earth(dancer) as (http, home, identity, _, login, _):
        login.agreed = False
        with pytest.raises(CredentialError, match="has to be approved") as refused:
            fetch(http, home)
        assert f"{identity.origin}/approve_app" in str(refused.value.hint)
        login.instead = reply(200, b"<html>please agree</html>", content_type="text/html")
        with pytest.raises(CredentialError, match="has to be approved") as refused:
            fetch(http, home)
        assert home.url("/granule.tif") in str(refused.value.hint)


@pytest.mark.parametrize(
    ("instead", "error", "said"),
    [
        (reply(302, Location="https://evil.example/login?code=c0de"), CatalogueError, "leads to evil.example"),
        (reply(302, Location="https://[::zz]/"), CatalogueError, "is no address"),
        (reply(503), HttpError, "answered 503 to a login"),
    ],
)
def test_a_login_that_leads_nowhere_is_a_failure(instead, error, said):
    with earth(dancer) as (http, home, _, _, login, _):
        login.instead = instead
        with pytest.raises(error, match=said):
            fetch(http, home)


def test_a_host_that_gives_no_session_is_a_failure():
    def files(request: Request, _: socket.socket) -> bytes:
        if request.target.startswith("/login"):
            return reply(200, b"welcome")
        return reply(
            302, Location=f"{identity.origin}/oauth/authorize?client_id=a&state=s&redirect_uri={home.url('/login')}"
        )

    with (
        served(Login()) as identity,
        served(files) as home,
        Http(origin=home.origin, hosts=[f"127.0.0.1:{identity.port}"], auth=dancer(identity).auth()) as http,
        pytest.raises(CatalogueError, match="gave no session"),
    ):
        fetch(http, home)


def test_a_host_that_asks_for_the_login_again_is_not_followed_for_ever():
    with earth(dancer) as (http, home, identity, _, _, files):
        files.sessions = -1  # none will be known
        with pytest.raises(CredentialError, match="asks for a login again"):
            fetch(http, home)
        assert len(identity.requests) == 1


def test_a_token_goes_to_the_host_of_the_files_and_not_on_to_the_store():
    with earth(bearer) as (http, home, identity, store, _, files):
        files.bearers.add(TOKEN)
        assert fetch(http, home) == b"granule"
        assert home.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert "authorization" not in store.requests[0].headers
        assert identity.requests == []


def test_a_host_that_does_not_accept_a_token_is_said_so():
    with earth(bearer) as (http, home, identity, _, _, _):
        with pytest.raises(CredentialError, match="does not accept the token") as refused:
            fetch(http, home)
        assert "make another" in str(refused.value.hint)
        assert identity.requests == []


def test_a_page_in_the_way_is_not_said_to_accept_a_login():
    with (
        served(reply(200, b"<html>Welcome to the hotel")) as page,
        Http(origin="https://cmr.example", hosts=[f"127.0.0.1:{page.port}"]) as http,
    ):
        finding = dancer(page).check(http)
    assert (finding.well, "something else" in finding.text) == (False, True), finding


FEED = b'{"feed":{"updated":"2026-11-29T00:00:00Z","id":"x","title":"ECHO dataset metadata","entry":[]}}'


def test_a_look_tries_the_password_and_makes_no_token(monkeypatch):
    with served(Login()) as identity, Http(origin="https://cmr.example", hosts=[f"127.0.0.1:{identity.port}"]) as http:
        assert dancer(identity).check(http).text == "127.0.0.1 accepts the login of jane"
        monkeypatch.setenv("WATCHER_TEST_PASSWORD", "wr0ng")
        assert not dancer(identity).check(http).well
        assert [request.method for request in identity.requests] == ["GET", "GET"]


@pytest.mark.parametrize(
    ("token", "answer", "well", "said"),
    [
        (TOKEN, reply(200, FEED), True, "accepts the token of jane, good until 2096-10-02"),
        ("opaque", reply(200, FEED), True, "accepts the token"),
        (TOKEN, reply(401), False, "refuses the token"),
        (jwt(uid="jane", exp=1_600_000_000), reply(200, FEED), False, "ended on"),
        (TOKEN, reply(500), False, "500"),
        (TOKEN, reply(200, b"<html>Welcome to the hotel"), False, "something else"),
    ],
)
def test_a_look_asks_the_cmr_with_the_token(token, answer, well, said, monkeypatch):
    monkeypatch.setenv("WATCHER_TEST_TOKEN", token)
    with (
        served(answer) as cmr,
        Http(origin="https://cmr.example", hosts=[f"127.0.0.1:{cmr.port}"], backoff_base=0.0) as http,
    ):
        finding = bearer(cmr).check(http)
    assert (finding.well, said in finding.text) == (well, True), finding
    assert all(request.target == "/search/collections.json?page_size=0" for request in cmr.requests)


def test_the_settings_are_those_of_the_configuration():
    kind = plugins.build("auth", "urs", {"password": {"netrc": "urs.earthdata.nasa.gov"}}, place="catalogues.cmr.auth")
    assert kind.login_url == "https://urs.earthdata.nasa.gov"
    assert plugins.build("auth", "earthdata", {"token": {"env": "T"}}, place="catalogues.cmr.auth").token.env == "T"
