"""What an account lends, to a process that does not have it."""

from __future__ import annotations

import hashlib
import hmac
import pickle
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote

import httpx
import pytest
from rich.pretty import pretty_repr

from tests.auth.pretend import ACCOUNTS, CANARIES, ISSUED, PASSWORD, Scene, leaked, secrets, signed, staged
from tests.auth.test_s3 import KEY, PATHS, SECRET, account
from tests.auth.test_storms import OVER
from tests.loopback import Request, reply, served
from watcher.auth.s3 import _presigned
from watcher.credentials import Secret, redact
from watcher.errors import CredentialError, WatcherError
from watcher.net import Http, Lent, Loan

__all__ = ["secrets"]


def owner(scene: Scene, **more) -> Http:
    return _client(scene, scene.kind.auth(), **more)


def borrower(scene: Scene, loan: Loan, **more) -> Http:
    """A client as a worker has it: of the account it has the loan alone."""
    return _client(scene, Lent(pickle.loads(pickle.dumps(loan))), **more)


def _client(scene: Scene, auth: httpx.Auth, hosts: Sequence[str] = ()) -> Http:
    own = {"origin": scene.home.origin, "hosts": [*scene.hosts, *hosts]}
    return Http(**own, auth=auth, allow_insecure=True, backoff_base=0.0)


def fetch(http: Http, url: str, **headers: str) -> int:
    with http.stream(url, headers=headers) as response:
        response.read()
        return response.status_code


def knows(scene: Scene, request: Request) -> bool:
    """Say whether a request shows what this kind of account shows."""
    return (
        scene.server.good(signed(request))
        or any(canary in signed(request) for canary in CANARIES)
        or ("X-Amz-Signature=" in request.target)
    )


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_loan_of_any_kind_lets_in_who_has_no_account(name: str) -> None:
    with staged(name, lambda request, _: reply(200, b"in") if knows(scene, request) else reply(401)) as scene:
        url = scene.start
        with owner(scene) as http:
            loan = http.lend([url])
        before = len(scene.login.requests)
        with borrower(scene, loan) as http:
            assert [fetch(http, url), fetch(http, url, Range="bytes=5-")] == [200, 200]
        assert len(scene.login.requests) == before, "the borrower logged in"
        with borrower(scene, Loan()) as http:
            assert fetch(http, url) != 200 or name == "urs"  # sent to the login, which says something of its own


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", ACCOUNTS)
def test_nothing_lent_is_shown_to_another_server_or_to_who_looks_at_it(name: str) -> None:
    def inside(request: Request, _: socket.socket) -> bytes:
        return reply(302, Location=f"{stranger.origin}/there") if knows(scene, request) else reply(401)

    with served(reply(200, b"public")) as stranger, staged(name, inside) as scene:
        url, hosts = scene.start, [f"127.0.0.1:{stranger.port}"]
        with owner(scene, hosts=hosts) as http:
            loan = http.lend([url, stranger.url("/there")])
        with borrower(scene, loan, hosts=hosts) as http:
            assert fetch(http, url) == 200
            assert fetch(http, stranger.url("/there")) == 200
        assert leaked(stranger) == []
        assert leaked(scene.home)
        assert len(stranger.requests) == 2 + (name == "urs")  # whose owner has to ask, and is led there, too
    shown = f"{loan!r} {loan} {[loan]} {pretty_repr(loan)}"
    assert not any(canary in shown for canary in (*CANARIES, "Signature"))
    assert "***" in shown


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", OVER)
def test_a_loan_that_is_over_is_made_anew_once_the_account_has_seen_it(name: str) -> None:
    def inside(request: Request, _: socket.socket) -> bytes:
        return reply(200, b"in") if scene.server.good(signed(request)) else reply(OVER[name])

    with staged(name, inside) as scene, owner(scene) as http:
        url = scene.start
        first = http.lend([url])
        assert http.lend([url]) == first, "a token that is good is lent to many"
        scene.server.over.add(f"{ISSUED}-1")
        with borrower(scene, first) as other, suppress(WatcherError):
            assert fetch(other, url) != 200 or name == "urs"
        second = http.lend([url], refused=first)
        with borrower(scene, second) as other:
            assert fetch(other, url) == 200
    assert scene.server.logins == 2


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", OVER)
def test_a_file_is_asked_for_by_the_lender_only_to_learn_what_it_takes(name: str) -> None:
    """A file on tape is ordered by whoever asks for it."""

    def inside(request: Request, _: socket.socket) -> bytes:
        return reply(200, b"in") if scene.server.good(signed(request)) else reply(OVER[name])

    with staged(name, inside) as scene, owner(scene) as http:
        urls = [scene.home.url(f"/container/{n}") for n in range(9)]
        if name == "usgs":
            urls = [scene.start.replace("198030", f"19803{n}") for n in range(9)]
        first = http.lend(urls)
        logins = scene.server.logins
        scene.server.over.update(f"{ISSUED}-{n + 1}" for n in range(logins))
        before = len(scene.home.requests)
        second = http.lend(urls, refused=first)
        asked = [request.target for request in scene.home.requests[before:] if request.target.startswith("/container")]
        assert asked == (["/container/0"] * 2 if name == "urs" else [])
        assert scene.server.logins == 2 * logins
        assert http.lend(urls, refused=first) == second, "what others made anew meanwhile is good"
        assert scene.server.logins == 2 * logins
        with borrower(scene, second) as other:
            assert [fetch(other, url) for url in urls] == [200] * 9


@pytest.mark.usefixtures("secrets")
def test_of_a_password_for_tokens_the_token_alone_is_lent() -> None:
    for name in ("oauth", "resto", "theia", "urs"):
        with staged(name, lambda request, _: reply(200, b"in")) as scene, owner(scene) as http:
            written = pickle.dumps(http.lend([scene.start]))
            assert ISSUED.encode() in written
            assert PASSWORD.encode() not in written
            assert quote(PASSWORD).encode() not in written


@pytest.mark.usefixtures("secrets")
def test_what_was_borrowed_is_kept_out_of_what_is_told() -> None:
    with staged("oauth", lambda request, _: reply(200, b"in")) as scene, owner(scene) as http:
        loan = http.lend([scene.start])
        Lent(loan)
        assert redact(f"the server says: {ISSUED}-1 is over") == "the server says: *** is over"
    Lent(
        Loan(
            addresses=(("https://h/x", "https://h/x?X-Amz-Date=20260101&X-Amz-Signature=a1b2%2Fc3d4e5f6a7b8c9d0e1f2"),)
        )
    )
    said = "<SignatureProvided>a1b2/c3d4e5f6a7b8c9d0e1f2</SignatureProvided> a1b2%2Fc3d4e5f6a7b8c9d0e1f2"
    assert redact(said) == "<SignatureProvided>***</SignatureProvided> ***"


@pytest.mark.usefixtures("secrets")
def test_a_login_that_is_refused_is_said_by_who_lends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TEST_PASSWORD", "wrong")
    with (
        staged("oauth", lambda request, _: reply(200, b"in")) as scene,
        owner(scene) as http,
        pytest.raises(CredentialError, match="refused the login"),
    ):
        http.lend([scene.start])


# Addresses signed for S3


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TEST_SECRET", SECRET)


@pytest.mark.usefixtures("secret")
def test_the_example_of_the_reference_is_signed_as_it_says() -> None:
    # "Authenticating Requests: Using Query Parameters" of the S3 API reference: key, time and answer stand there.
    url = httpx.URL("https://examplebucket.s3.amazonaws.com/test.txt")
    made = _presigned(
        account(str(url), region="us-east-1"), "GET", url, datetime(2013, 5, 24, tzinfo=UTC), seconds=86400
    )
    assert str(made) == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def checks(request: Request, _: object) -> bytes:
    """A store that checks signed addresses, written from the server's side: from what came over the wire."""
    path, _, query = request.target.partition("?")
    query, _, signature = query.rpartition("&X-Amz-Signature=")
    given = dict(parse_qsl(query, keep_blank_values=True))
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in given.items())
    encoded = quote(unquote(path), safe="/-_.~")
    lines = [request.method, encoded, "&".join(f"{k}={v}" for k, v in pairs), f"host:{request.headers['host']}"]
    lines += ["", "host", "UNSIGNED-PAYLOAD"]
    key, day, *rest = given["X-Amz-Credential"].split("/")
    scope = "/".join((day, *rest))
    text = (
        f"AWS4-HMAC-SHA256\n{given['X-Amz-Date']}\n{scope}\n{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
    )
    signing = b"AWS4" + SECRET.encode()
    for part in scope.split("/"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    right = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
    well = key == KEY and path == encoded and right == signature and given["X-Amz-Expires"] == "3600"
    return reply(206 if "range" in request.headers else 200, b"band") if well else reply(403)


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("path", PATHS)
def test_a_signed_address_is_good_for_any_range(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TEST_SESSION", "se55ion/+=")
    with served(checks) as store:
        kind = account(store.origin, session_token=Secret(env="WATCHER_TEST_SESSION"), requester_pays=True)
        with Http(origin=store.origin, auth=kind.auth()) as http:
            loan = http.lend([store.url(path)])
        with Http(origin=store.origin, auth=Lent(loan)) as http:
            assert fetch(http, store.url(path)) == 200
            assert fetch(http, store.url(path), Range="bytes=5-") == 206
    assert SECRET.encode() not in b"".join(request.raw for request in store.requests)
