"""However slowly a server drips, and whenever we are told to stop."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.loopback import CRLF, Request, drip, reply, served, until
from watcher.errors import Unreachable
from watcher.net import Http, pieces

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


def _silence(request: Request, connection: socket.socket) -> None:
    connection.recv(1)


def _header_drip(request: Request, connection: socket.socket) -> None:
    drip(connection, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 1000, every=0.05)


def _endless_headers(request: Request, connection: socket.socket) -> None:
    drip(connection, b"HTTP/1.1 100 Continue\r\n\r\n" * 500, every=0.01)


def _body_drip(request: Request, connection: socket.socket) -> None:
    connection.sendall(HEAD)
    drip(connection, b"y" * 1000, every=0.05)


def _gzip_drip(request: Request, connection: socket.socket) -> None:
    said = reply(200, gzip.compress(bytes(10_000)), Content_Encoding="gzip")
    head, _, body = said.partition(CRLF * 2)
    connection.sendall(head + CRLF * 2)
    drip(connection, body, every=0.2)


@pytest.mark.parametrize("slow", [_silence, _header_drip, _endless_headers, _body_drip, _gzip_drip])
def test_a_server_that_drips_is_cut_at_the_deadline(slow: Callable[[Request, socket.socket], None]) -> None:
    with served(slow) as peer, Http(origin=peer.origin, deadline=1.0) as http:
        start = time.monotonic()
        with pytest.raises(Unreachable, match="in time"):
            http.get(peer.url())
        assert 0.9 < time.monotonic() - start < 9
    assert len(peer.requests) == 1, "what took all its time is not asked again"


def test_a_server_that_never_finishes_tls_is_cut_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        start = time.monotonic()
        with Http(origin=url, deadline=1.0) as http, pytest.raises(Unreachable, match="in time"):
            http.get(url)
        assert 0.9 < time.monotonic() - start < 9


def test_the_deadline_is_for_the_headers_of_a_download_not_for_its_body() -> None:
    def steady(request: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")
        drip(connection, b"z" * 40, every=0.05)

    with (
        served(steady) as peer,
        Http(origin=peer.origin, deadline=1.5) as http,
        http.stream(peer.url()) as response,
    ):
        assert sum(len(piece) for piece in pieces(response)) == 40
    with (
        served(_header_drip) as peer,
        Http(origin=peer.origin, deadline=0.5) as http,
        pytest.raises(Unreachable, match="in time"),
        http.stream(peer.url()),
    ):
        pass


def test_a_download_that_falls_silent_is_given_up() -> None:
    def stalls(request: Request, connection: socket.socket) -> None:
        connection.sendall(HEAD + b"some")
        connection.recv(1)

    with served(stalls) as peer, Http(origin=peer.origin) as http:
        start = time.monotonic()
        with pytest.raises(Unreachable, match="in time"), http.stream(peer.url(), patience=0.6) as response:
            for _ in pieces(response):
                pass
        assert time.monotonic() - start < 30


@pytest.mark.parametrize("slow", [_silence, _header_drip, _body_drip])
def test_stop_ends_a_request(slow: Callable[[Request, socket.socket], None]) -> None:
    stop = threading.Event()
    with served(slow) as peer, Http(origin=peer.origin, stop=stop) as http:
        timer = threading.Timer(0.2, stop.set)
        timer.start()
        start = time.monotonic()
        with pytest.raises(Unreachable, match="stopped"):
            http.get(peer.url())
        assert time.monotonic() - start < 10
        timer.join()


@pytest.mark.parametrize("secure", [False, True])
def test_stop_ends_a_download(secure: bool, tmp_path: Path) -> None:
    stop, tls, bundle = threading.Event(), None, None
    if secure:
        authority = trustme.CA()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        bundle = str(tmp_path / "ca.pem")
        authority.cert_pem.write_to_path(bundle)

    def stalls(request: Request, connection: socket.socket) -> None:
        connection.sendall(HEAD + b"some")
        connection.recv(1)

    got = b""
    with served(stalls, tls=tls) as peer, Http(origin=peer.origin, ca_bundle=bundle) as http:

        def download() -> None:
            nonlocal got
            with http.stream(peer.url(), stop=stop) as response:
                for piece in pieces(response):
                    got += piece
                    stop.set()

        start = time.monotonic()
        with pytest.raises(Unreachable, match="stopped"):
            download()
        assert time.monotonic() - start < 30
    assert got == b"some"


@pytest.mark.parametrize(("settings", "said"), [({"gap": 30.0}, reply()), ({"backoff_base": 30.0}, reply(503))])
def test_stop_ends_the_wait_for_a_turn_and_for_a_second_try(settings: dict[str, float], said: bytes) -> None:
    stop = threading.Event()
    with served(said) as peer, Http(origin=peer.origin, stop=stop, **settings) as http:

        def ask_twice() -> None:
            http.get(peer.url())
            http.get(peer.url())

        def stop_after_the_first() -> None:
            until(lambda: bool(peer.requests))
            stop.set()

        thread = threading.Thread(target=stop_after_the_first)
        thread.start()
        start = time.monotonic()
        with pytest.raises(Unreachable, match="stopped"):
            ask_twice()
        thread.join()
        assert time.monotonic() - start < 10


def test_a_stopped_client_asks_nothing() -> None:
    stop = threading.Event()
    stop.set()
    with (
        served(reply()) as peer,
        Http(origin=peer.origin, stop=stop) as http,
        pytest.raises(Unreachable, match="stopped"),
    ):
        http.get(peer.url())
    assert peer.requests == []


def test_a_deadline_is_of_one_thread_only() -> None:
    """One client, two threads: one meets a server that drips, the other goes on."""

    def mixed(request: Request, connection: socket.socket) -> bytes | None:
        if request.target == "/slow":
            return _body_drip(request, connection)  # type: ignore[func-returns-value]
        return reply(200, b"in")

    failures: list[Unreachable] = []
    with served(mixed) as peer, Http(origin=peer.origin, deadline=2.0) as http:

        def slow() -> None:
            try:
                http.get(peer.url("/slow"))
            except Unreachable as error:
                failures.append(error)

        thread = threading.Thread(target=slow)
        thread.start()
        until(lambda: "/slow" in peer.targets)
        while thread.is_alive():
            assert http.get(peer.url("/fast")).body == b"in"
        thread.join()
        assert http.get(peer.url("/fast")).body == b"in"
    assert len(failures) == 1
