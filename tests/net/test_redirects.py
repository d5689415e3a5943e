"""Where a server may send us on to, and what goes along."""

import json
import socket
from collections.abc import Generator

import httpx
import pytest

from tests.loopback import Peer, Request, reply, served
from watcher.errors import CredentialError, HttpError, Unreachable
from watcher.net import Http

CANARY = "canary-7f3a"


class Bearer(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {CANARY}"
        yield request


class Key(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["X-API-Key"] = CANARY
        yield request


class Query(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.url = request.url.copy_add_param("key", CANARY)
        yield request


class Cookie(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Cookie"] = f"session={CANARY}"
        yield request


AUTHS = {
    "basic": httpx.BasicAuth("me", CANARY),
    "bearer": Bearer(),
    "key": Key(),
    "query": Query(),
    "cookie": Cookie(),
    "digest": httpx.DigestAuth("me", CANARY),
}
BASIC_CANARY = "bWU6Y2FuYXJ5LTdmM2E="  # base64 of me:CANARY


def _seen(peer: Peer) -> str:
    return "".join(request.raw.decode("latin-1") for request in peer.requests)


def _leaked(peer: Peer) -> bool:
    return any(secret in _seen(peer) for secret in (CANARY, BASIC_CANARY))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("way", ["get", "stream", "header", "bounce"])
def test_no_credential_reaches_another_origin(status: int, auth: str, way: str) -> None:
    """The second server is even one that may be asked, and one that sends us back home."""

    def strange(request: Request, connection: socket.socket) -> bytes:
        if way == "bounce" and request.target == "/there":
            return reply(302, b"bomb", Location=f"{home.origin}/back?leak")
        return reply(200, b"public")

    def at_home(request: Request, connection: socket.socket) -> bytes:
        if request.target.startswith("/start"):
            return reply(status, b"bomb", Location=f"{stranger.origin}/there", Set_Cookie=f"s={CANARY}")
        return reply(200, b"private")

    with (
        served(strange) as stranger,
        served(at_home) as home,
        Http(origin=home.origin, hosts=[f"127.0.0.1:{stranger.port}"], auth=AUTHS[auth]) as http,
    ):
        if way == "stream":
            with http.stream(home.url("/start")) as response:
                assert response.read() == b"public"
        elif way == "header":
            headers = {"Authorization": f"Bearer {CANARY}", "X-API-Key": CANARY, "Cookie": CANARY, "X-Any": CANARY}
            assert http.get(home.url("/start"), headers=headers).body == b"public"
        else:
            http.get(home.url("/start"), authenticated=True)
        assert stranger.requests
        assert not _leaked(stranger)
        if auth != "digest":  # which says nothing before it is asked
            assert _leaked(home)
        if way == "bounce":
            assert CANARY not in home.requests[-1].raw.decode()
            assert BASIC_CANARY not in home.requests[-1].raw.decode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_hop_within_the_origin_keeps_the_credentials(status: int) -> None:
    def at_home(request: Request, connection: socket.socket) -> bytes:
        return reply(status, Location="/b?x=1") if request.target == "/a" else reply(200, b"in")

    with served(at_home) as home, Http(origin=home.origin, auth=Bearer()) as http:
        assert http.get(home.url("/a"), headers={"X-Mine": "1"}, authenticated=True).body == b"in"
    assert [r.headers["authorization"] for r in home.requests] == [f"Bearer {CANARY}"] * 2
    assert home.requests[1].headers["x-mine"] == "1"


def test_a_host_that_is_trusted_with_credentials_gets_them() -> None:
    with (
        served(reply(200, b"file")) as data,
        served(reply(302, Location=f"{data.origin}/file")) as home,
        Http(origin=home.origin, auth_hosts=[f"127.0.0.1:{data.port}"], auth=Bearer()) as http,
        http.stream(home.url("/a")) as response,
    ):
        assert response.read() == b"file"
    assert data.requests[0].headers["authorization"] == f"Bearer {CANARY}"


def test_credentials_are_only_sent_when_asked_for() -> None:
    with served(reply()) as home, Http(origin=home.origin, auth=Bearer()) as http:
        http.get(home.url())
        http.post(home.url(), json={})
        http.post(home.url(), json={}, authenticated=True)
    assert ["authorization" in request.headers for request in home.requests] == [False, False, True]


def test_everything_is_signed_where_searching_needs_an_account_but_not_for_others() -> None:
    with served(reply()) as other, served(reply()) as home:
        hosts = [f"127.0.0.1:{other.port}"]
        with Http(origin=home.origin, hosts=hosts, auth=Bearer(), signed=True) as http:
            http.get(home.url())
            http.post(home.url(), json={})
            http.get(other.url())  # the next page, which the catalogue says is there
    assert ["authorization" in request.headers for request in home.requests] == [True, True]
    assert "authorization" not in other.requests[0].headers


def test_credentials_are_not_sent_to_another_origin_when_asked_for() -> None:
    with served(reply()) as other, served(reply()) as home:
        hosts = [f"127.0.0.1:{other.port}"]
        with (
            Http(origin=home.origin, hosts=hosts, auth=Bearer()) as http,
            pytest.raises(CredentialError, match="not where these credentials belong"),
        ):
            http.get(other.url(), authenticated=True)
    assert other.connections == 0


def test_a_download_from_another_origin_is_asked_for_without_credentials() -> None:
    with (
        served(reply(200, b"file")) as other,
        served(reply()) as home,
        Http(origin=home.origin, hosts=[f"127.0.0.1:{other.port}"], auth=Bearer()) as http,
        http.stream(other.url()) as response,
    ):
        assert response.read() == b"file"
    assert not _leaked(other)


def test_the_body_of_a_redirect_is_never_read() -> None:
    def at_home(request: Request, connection: socket.socket) -> bytes | None:
        if request.target == "/b":
            return reply(200, b"in")
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 1000000000\r\n\r\nendless")
        return b""  # and the connection stays open

    with served(at_home) as home, Http(origin=home.origin, deadline=30) as http:
        assert http.get(home.url("/a")).body == b"in"


@pytest.mark.parametrize("count", [5, 6])
def test_five_redirects_are_followed_and_not_six(count: int) -> None:
    def at_home(request: Request, connection: socket.socket) -> bytes:
        at = int(request.target[1:])
        return reply(302, Location=f"/{at + 1}") if at < count else reply(200, b"in")

    with served(at_home) as home, Http(origin=home.origin) as http:
        if count == 5:
            assert http.get(home.url("/0")).body == b"in"
        else:
            with pytest.raises(Unreachable, match="more than 5 times"):
                http.get(home.url("/0"))
            assert len(home.requests) == 6


def test_a_redirect_to_itself_ends() -> None:
    with (
        served(reply(302, Location="/")) as home,
        Http(origin=home.origin) as http,
        pytest.raises(Unreachable, match="more than 5 times"),
    ):
        http.get(home.url("/"))
    assert len(home.requests) == 6


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_search_is_repeated_within_the_origin_only_and_only_where_that_is_meant(status: int) -> None:
    with served(reply(200, b"{}")) as other:

        def at_home(request: Request, connection: socket.socket) -> bytes:
            if request.target == "/away":
                return reply(status, Location=other.url())
            return reply(status, Location="/b") if request.target == "/a" else reply(200, b"{}")

        with (
            served(at_home) as home,
            Http(origin=home.origin, hosts=[f"127.0.0.1:{other.port}"], auth=Bearer()) as http,
        ):
            if status in (307, 308):
                assert http.post(home.url("/a"), json={"secret": CANARY}, authenticated=True).body == b"{}"
                assert json.loads(home.requests[1].body) == {"secret": CANARY}
            else:
                with pytest.raises(Unreachable, match="sends a search on"):
                    http.post(home.url("/a"), json={})
            with pytest.raises(Unreachable, match="sends a search on"):
                http.post(home.url("/away"), json={"secret": CANARY}, authenticated=True)
    assert other.connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "http://example.org/x",
        "https://example.org:8443/x",
        "ftp://example.org/x",
        "file:///etc/passwd",
        "https://[::zz]/",
        "//example.org:22/",
        "gopher://127.0.0.1/",
        "http://127.0.0.1:1/",
        "https:///etc",
        "javascript:alert(1)",
        "https://exa mple.org/",
    ],
)
def test_a_download_is_not_sent_to_where_nobody_should_be_asked(location: str) -> None:
    with (
        served(reply(302, Location=location)) as home,
        Http(origin=home.origin) as http,
        pytest.raises(Unreachable) as caught,
        http.stream(home.url()),
    ):
        pass
    assert caught.value.permanent
    assert len(home.requests) == 1


def test_a_search_is_not_sent_to_a_host_that_is_not_the_catalogues() -> None:
    with (
        served(reply(302, Location="https://example.org/")) as home,
        Http(origin=home.origin) as http,
        pytest.raises(Unreachable, match="not of this catalogue") as caught,
    ):
        http.get(home.url())
    assert "example.org" in (caught.value.hint or "")


def test_a_user_name_in_a_redirect_makes_no_credentials() -> None:
    def at_home(request: Request, connection: socket.socket) -> bytes:
        if request.target == "/a":
            return reply(302, Location=f"http://me:{CANARY}@127.0.0.1:{home.port}/b")
        return reply()

    with served(at_home) as home, Http(origin=home.origin) as http:
        http.get(home.url("/a"))
    assert not _leaked(home)


@pytest.mark.parametrize("status", [300, 304, 302])
def test_a_redirect_to_nowhere_is_an_error(status: int) -> None:
    with served(reply(status)) as home, Http(origin=home.origin) as http, pytest.raises(HttpError) as caught:
        http.get(home.url())
    assert caught.value.status == status


class Token(httpx.Auth):
    """Asks for a token first, and again after a 401."""

    def __init__(self, url: str) -> None:
        self.url = url

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for _ in range(2):
            answer = yield httpx.Request("POST", self.url, data={"password": CANARY})
            request.headers["Authorization"] = "Bearer " + answer.json()["token"]
            if (yield request).status_code != 401:
                return


def test_an_auth_asks_for_its_token_on_the_way() -> None:
    tokens = iter(["old", "new"])

    def identity(request: Request, connection: socket.socket) -> bytes:
        return reply(200, json.dumps({"token": next(tokens)}).encode())

    def at_home(request: Request, connection: socket.socket) -> bytes:
        fresh = request.headers["authorization"] == "Bearer new"
        return reply(200, b"in") if fresh else reply(401, b"old")

    with (
        served(identity) as keys,
        served(at_home) as home,
        Http(origin=home.origin, hosts=[f"127.0.0.1:{keys.port}"], auth=Token(keys.url("/token"))) as http,
    ):
        assert http.get(home.url(), authenticated=True).body == b"in"
    assert (len(keys.requests), len(home.requests)) == (2, 2)


def test_a_token_is_not_asked_for_at_a_private_address_that_is_not_configured() -> None:
    with (
        served(reply()) as keys,
        served(reply()) as home,
        Http(origin=home.origin, auth=Token(keys.url("/token"))) as http,
        pytest.raises(Unreachable),
    ):
        http.get(home.url(), authenticated=True)
    assert (keys.connections, home.connections) == (0, 0)


def test_a_redirect_of_a_login_is_the_accounts_to_judge_and_not_read() -> None:
    def identity(request: Request, connection: socket.socket) -> bytes | None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1000000000\r\n\r\nendless")
        return b""  # and the connection stays open

    class Led(httpx.Auth):
        def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            answer = yield httpx.Request("GET", keys.url("/login"))
            request.headers["X-Led"] = f"{answer.status_code} {answer.headers['location']} {len(answer.content)}"
            yield request

    with (
        served(identity) as keys,
        served(reply()) as home,
        Http(origin=home.origin, hosts=[f"127.0.0.1:{keys.port}"], auth=Led(), deadline=30) as http,
    ):
        http.get(home.url(), authenticated=True)
    assert home.requests[0].headers["x-led"] == "302 /x 0"
    assert len(keys.requests) == 1


def test_the_answer_with_a_token_is_limited_too() -> None:
    with (
        served(reply(200, b" " * 2**21)) as keys,
        served(reply()) as home,
        Http(origin=home.origin, hosts=["127.0.0.1"], auth=Token(keys.url("/token"))) as http,
        pytest.raises(Unreachable, match="more than 1 MiB"),
    ):
        http.get(home.url(), authenticated=True)
