"""What is sent, what comes back, and what is not kept."""

import gzip
import json
import logging

import httpx
import msgspec
import pytest

from tests.loopback import reply, served
from watcher.errors import CatalogueError, ConfigError, HttpError, Unreachable
from watcher.net import Answer, Http, json_body


def test_parameters_are_added_to_those_of_the_url() -> None:
    with served(reply()) as peer, Http(origin=peer.origin) as http:
        http.get(peer.url("/search?lang=en"), params=[("a", "[0,20]"), ("b[]", "x"), ("b[]", "y")])
        http.get(peer.url("/search?lang=en"), params={"page": 2})
        http.get(peer.url("/search?lang=en"), params={})
    assert peer.targets == [
        "/search?lang=en&a=%5B0%2C20%5D&b%5B%5D=x&b%5B%5D=y",
        "/search?lang=en&page=2",
        "/search?lang=en",
    ]


def test_a_request_says_who_we_are_and_asks_for_gzip() -> None:
    with served(reply()) as peer, Http(origin=peer.origin) as http:
        http.get(peer.url(), headers={"Accept": "application/geo+json"})
    (request,) = peer.requests
    assert request.headers["user-agent"].startswith("eo-watcher/")
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["accept"] == "application/geo+json"


def test_who_asks_is_told_to_the_catalogue_and_not_to_whom_it_sends_us() -> None:
    with (
        served(reply(), name="localhost") as stranger,
        served(reply(302, Location=stranger.url("/file"))) as peer,
        Http(origin=peer.origin, hosts=["localhost"], contact="gis@example.org") as http,
    ):
        http.get(peer.url())
    assert "(gis@example.org; " in peer.requests[0].headers["user-agent"]
    (request,) = stranger.requests
    assert "gis@" not in request.headers["user-agent"]
    assert request.headers["user-agent"].startswith("eo-watcher/")


def test_a_search_is_posted_as_json() -> None:
    with served(reply(200, b"{}")) as peer, Http(origin=peer.origin) as http:
        answer = http.post(peer.url("/search"), json={"limit": 5, "ids": ("é",)})
    (request,) = peer.requests
    assert (request.method, json.loads(request.body)) == ("POST", {"limit": 5, "ids": ["é"]})
    assert request.headers["content-type"] == "application/json"
    assert answer.body == b"{}"


def test_an_answer_is_inflated_and_its_headers_are_lower_case() -> None:
    said = reply(200, gzip.compress(b'{"a":1}'), Content_Encoding="gzip", X_Count="7")
    with served(said) as peer, Http(origin=peer.origin) as http:
        answer = http.get(peer.url("/x"))
    assert (answer.status, answer.body, answer.headers["x-count"]) == (200, b'{"a":1}', "7")
    assert answer.url == peer.url("/x")


def test_one_connection_serves_many_requests() -> None:
    with served(reply(200, b"x" * 200_000)) as peer, Http(origin=peer.origin) as http:
        for _ in range(5):
            assert len(http.get(peer.url()).body) == 200_000
    assert peer.connections == 1


def test_an_error_leaves_the_connection_usable() -> None:
    with served(reply(404, b'{"detail":"no"}')) as peer, Http(origin=peer.origin) as http:
        for _ in range(3):
            with pytest.raises(HttpError):
                http.get(peer.url())
    assert peer.connections == 1


def test_no_cookie_is_kept() -> None:
    with served(reply(Set_Cookie="session=1; Path=/")) as peer, Http(origin=peer.origin) as http:
        http.get(peer.url())
        http.get(peer.url())
    assert [request.headers.get("cookie") for request in peer.requests] == [None, None]


def test_the_environment_sends_us_to_no_proxy_and_no_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with served(reply()) as proxy, served(reply()) as peer:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        with Http(origin=peer.origin) as http:
            http.get(peer.url())
    assert (len(proxy.requests), len(peer.requests)) == (0, 1)
    assert "authorization" not in peer.requests[0].headers


def test_a_configured_proxy_is_used_for_the_catalogue() -> None:
    with (
        served(reply(200, b"by proxy")) as proxy,
        Http(origin="http://catalogue.test", allow_insecure=True, proxy=proxy.origin) as http,
    ):
        assert http.get("http://catalogue.test/search").body == b"by proxy"
    assert proxy.targets == ["http://catalogue.test/search"]


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "169.254.169.254", "10.0.0.1"])
def test_a_proxy_is_not_asked_for_a_private_address(host: str) -> None:
    with (
        served(reply(200, b"secret")) as proxy,
        Http(origin="http://catalogue.test", allow_insecure=True, proxy=proxy.origin) as http,
        pytest.raises(Unreachable, match="private"),
        http.stream(f"http://{host}/"),
    ):
        pass
    assert proxy.requests == []


def test_a_proxy_of_a_kind_we_do_not_speak_is_named() -> None:
    with pytest.raises(ConfigError, match="socks5"):
        Http(origin="https://catalogue.test", proxy="socks5://127.0.0.1:9")


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("http://catalogue.test/", "not encrypted"),
        ("ftp://catalogue.test/", "no http address"),
        ("catalogue.test", "no http address"),
        ("https://[::zz]/", "no address"),
    ],
)
def test_an_origin_that_is_none_is_refused(origin: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Http(origin=origin)


@pytest.mark.parametrize("name", ["https://x.test/", "x.test/path", "", "a b[", "me@x.test"])
def test_a_host_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="host name"):
        Http(origin="https://catalogue.test", hosts=[name])


def test_an_insecure_origin_can_be_allowed() -> None:
    Http(origin="http://catalogue.test/", allow_insecure=True).close()


def test_the_libraries_below_do_not_log_urls(caplog: pytest.LogCaptureFixture) -> None:
    with served(reply()) as peer, Http(origin=peer.origin) as http, caplog.at_level(logging.NOTSET):
        http.get(peer.url("/?token=canary"))
    assert "canary" not in caplog.text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_error_names_the_place_without_what_may_be_secret(status: int) -> None:
    said = reply(status, b'{"detail":"why"}')
    with (
        served(said) as peer,
        Http(origin=peer.origin, backoff_base=0.001) as http,
        pytest.raises(HttpError, match=f"/a/b answered {status}") as caught,
    ):
        http.get(f"http://me:canary1@127.0.0.1:{peer.port}/a/b?token=canary2#canary3")
    assert "canary" not in f"{caught.value} {caught.value.hint}"
    assert (caught.value.status, caught.value.body) == (status, b'{"detail":"why"}')
    assert "authorization" not in peer.requests[0].headers


def test_the_beginning_of_an_error_is_kept_also_when_compressed() -> None:
    said = reply(400, gzip.compress(b"y" * 100_000), Content_Encoding="gzip")
    with served(said) as peer, Http(origin=peer.origin) as http, pytest.raises(HttpError) as caught:
        http.get(peer.url())
    assert caught.value.body == b"y" * 2048


def test_a_status_counts_also_when_its_explanation_breaks_off() -> None:
    said = b"HTTP/1.1 404 No\r\nContent-Length: 99\r\nConnection: close\r\n\r\nshort"
    with served(said) as peer, Http(origin=peer.origin) as http, pytest.raises(HttpError) as caught:
        http.get(peer.url())
    assert caught.value.status == 404


def test_an_auth_that_would_read_every_answer_is_a_mistake() -> None:
    class Greedy(httpx.Auth):
        requires_response_body = True

    with pytest.raises(TypeError, match="Greedy"):
        Http(origin="https://catalogue.test", auth=Greedy())


def test_a_header_that_cannot_be_sent_is_not_shown() -> None:
    with (
        served(reply()) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(Unreachable, match="header") as caught,
    ):
        http.get(peer.url(), headers={"X-API-Key": "canary\nX: y"})
    assert caught.value.__cause__ is None
    assert "canary" not in str(caught.value)
    assert peer.requests == []


def _answer(body: bytes, kind: str = "application/json") -> Answer:
    return Answer(200, {"content-type": kind}, body, "https://catalogue.test/search?token=canary")


@pytest.mark.parametrize(
    ("body", "json_text"),
    [
        (b'{"a":1}', b'{"a":1}'),
        (b'\xef\xbb\xbf \r\n[{"a":1}]', b'[{"a":1}]'),
        (b"<br />\n<b>Warning</b>: count(): in /x.php on line 3<br />\n{}", b"{}"),
        (b"Warning: count() [function.count] in x.php on line 12\n\n[{}]", b"[{}]"),
    ],
)
def test_json_is_found_at_its_first_bracket(body: bytes, json_text: bytes) -> None:
    found = json_body(_answer(body))
    assert found == json_text
    msgspec.json.decode(found)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><script>var a={}</script>", "text/html; charset=utf-8"),
        (b"", "application/json"),
        (b"OK", "text/plain"),
        (b"<x>" * 2000 + b"{}", "application/json"),
    ],
)
def test_a_page_in_place_of_json_is_a_failure_of_the_catalogue(body: bytes, kind: str) -> None:
    with pytest.raises(CatalogueError, match=r"https://catalogue\.test/search answered 200") as caught:
        json_body(_answer(body, kind))
    assert "canary" not in str(caught.value)
