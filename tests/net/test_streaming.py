"""A download's bytes, as they arrive."""

import os
import select
import socket
import ssl
import threading

import httpcore
import pytest
import trustme

from tests.loopback import Request, reply, served
from watcher.errors import TransferError, Unreachable
from watcher.net import Http, pieces
from watcher.net.connections import Connection

BIG = os.urandom(3_000_000)


def test_a_download_arrives_whole_and_is_not_compressed() -> None:
    with (
        served(reply(200, BIG)) as peer,
        Http(origin=peer.origin) as http,
        http.stream(peer.url(), headers={"Range": "bytes=5-"}) as response,
    ):
        assert b"".join(bytes(piece) for piece in pieces(response)) == BIG
    (request,) = peer.requests
    assert (request.headers["accept-encoding"], request.headers["range"]) == ("identity", "bytes=5-")


@pytest.mark.parametrize("size", [0, 1, 4, 65536, 65537, 400_000])
def test_a_download_of_any_size_arrives_whole(size: int) -> None:
    with served(reply(200, BIG[:size])) as peer, Http(origin=peer.origin) as http:
        for _ in range(2):
            with http.stream(peer.url()) as response:
                assert b"".join(bytes(piece) for piece in pieces(response)) == BIG[:size]


def test_a_download_in_chunks_arrives_whole() -> None:
    def chunked(request: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(BIG), 100_000):
            connection.sendall(b"%x\r\n" % len(BIG[at : at + 100_000]) + BIG[at : at + 100_000] + b"\r\n")
        connection.sendall(b"0\r\n\r\n")

    with served(chunked) as peer, Http(origin=peer.origin) as http, http.stream(peer.url()) as response:
        assert b"".join(bytes(piece) for piece in pieces(response)) == BIG


def test_a_body_longer_than_announced_ends_where_it_was_announced() -> None:
    def more(request: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 206 Partial\r\nContent-Length: 1000000\r\n\r\n" + BIG)

    with served(more) as peer, Http(origin=peer.origin) as http:
        for _ in range(2):  # the connection with the rest on it is not used again
            with http.stream(peer.url()) as response:
                assert b"".join(bytes(piece) for piece in pieces(response)) == BIG[:1_000_000]
    assert peer.connections == 2


@pytest.mark.parametrize("sent", [0, 10, 1_000_000])
def test_a_download_that_breaks_off_is_a_failure(sent: int) -> None:
    said = reply(200, BIG, Connection="close")[: -len(BIG)] + BIG[:sent]
    sizes: list[int] = []
    with (
        served(said) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(Unreachable, match="could not be read"),
        http.stream(peer.url()) as response,
    ):
        sizes.extend(len(piece) for piece in pieces(response))
    assert sum(sizes) == sent


@pytest.mark.parametrize("status", [200, 202, 206, 401, 403, 404, 416, 429, 500, 503])
def test_the_caller_judges_the_status_of_a_download(status: int) -> None:
    with (
        served(reply(status, b"why")) as peer,
        Http(origin=peer.origin) as http,
        http.stream(peer.url()) as response,
    ):
        assert (response.status_code, response.read()) == (status, b"why")
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_is_not_waited_for(status: int) -> None:
    """Whatever length it says: a 304 may say that of the file."""
    answer = reply(status, sized=False, Content_Length="100000")
    with served(answer) as peer, Http(origin=peer.origin) as http, http.stream(peer.url()) as response:
        assert b"".join(pieces(response)) == b""


@pytest.mark.parametrize("beyond", [True, False])
@pytest.mark.parametrize("after", [b"", b"more"])
def test_a_byte_beyond_the_length_is_there_for_who_asks(after: bytes, beyond: bool) -> None:
    body, sent = bytes(300_000), threading.Event()

    def says(request: Request, connection: socket.socket) -> None:
        connection.sendall(reply(200, body) + after)
        sent.set()
        connection.recv(1)

    with served(says) as peer, Http(origin=peer.origin) as http, http.stream(peer.url()) as response:
        assert sent.wait(30)
        found = [bytes(piece) for piece in pieces(response, beyond=beyond)]
    assert b"".join(found) == body + (after[:1] if beyond else b"")


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_a_connection_is_used_again(size: int) -> None:
    body = BIG[:size]
    with served(reply(200, body)) as peer, Http(origin=peer.origin) as http:
        for _ in range(3):
            with http.stream(peer.url()) as response:
                assert b"".join(map(bytes, pieces(response))) == body
        assert peer.connections == 1


def test_a_connection_is_made_anew_after_a_long_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.net.answers._REUSED", 100_000)
    with served(reply(200, BIG)) as peer, Http(origin=peer.origin) as http:
        for _ in range(2):
            with http.stream(peer.url()) as response:
                assert b"".join(map(bytes, pieces(response))) == BIG
        assert peer.connections == 2


def test_a_connection_with_bytes_too_many_is_not_used_again() -> None:
    with served(lambda request, connection: reply(200, BIG) + b"more") as peer, Http(origin=peer.origin) as http:
        for _ in range(2):
            with http.stream(peer.url()) as response:
                assert b"".join(map(bytes, pieces(response))) == BIG
        assert peer.connections == 2


def test_an_error_of_the_caller_passes_through() -> None:
    with served(reply(200, BIG)) as peer, Http(origin=peer.origin) as http:
        with pytest.raises(TransferError, match="mine"), http.stream(peer.url()):
            raise TransferError("mine")
        with http.stream(peer.url()) as response:
            assert sum(len(piece) for piece in pieces(response)) == len(BIG)


def test_a_download_left_in_the_middle_leaves_no_connection_busy() -> None:
    with served(reply(200, BIG)) as peer, Http(origin=peer.origin, connections=2, deadline=30) as http:
        for _ in range(10):
            with http.stream(peer.url()) as response:
                next(pieces(response))
        assert len(http.get(peer.url()).body) == len(BIG)


def test_a_client_with_every_connection_busy_says_so() -> None:
    with (
        served(reply(200, BIG)) as peer,
        Http(origin=peer.origin, connections=1, deadline=1.5) as http,
        http.stream(peer.url()),
        pytest.raises(Unreachable, match="busy"),
    ):
        http.get(peer.url())


def test_threads_share_a_client() -> None:
    got: list[int] = []
    with served(reply(200, BIG)) as peer, Http(origin=peer.origin, connections=4) as http:

        def download() -> None:
            for _ in range(5):
                with http.stream(peer.url()) as response:
                    got.append(sum(len(piece) for piece in pieces(response)))

        threads = [threading.Thread(target=download) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == [len(BIG)] * 40


@pytest.mark.parametrize("what", ["something that nobody asked for", "its end"])
def test_an_answer_that_comes_is_no_sign_that_a_connection_has_ended(what: str) -> None:
    """Else httpcore closes it under the thread that has just asked: it looks, and then asks whether to look."""
    near, far = socket.socketpair()
    connection = Connection(near)
    with far:
        connection.write(b"a question")
        far.sendall(b"an answer")
        assert select.select([near], [], [], 10)[0]
        assert not connection.get_extra_info("is_readable")
        connection.read(100)
        connection.answered()
        assert not connection.get_extra_info("is_readable")
        if what == "its end":
            far.close()
        else:
            far.sendall(what.encode())
        assert select.select([near], [], [], 10)[0]
        assert connection.get_extra_info("is_readable")
    connection.close()


def test_the_wire_speaks_no_unix_sockets() -> None:
    from watcher.net.connections import Network
    from watcher.net.reach import reach

    with pytest.raises(httpcore.ConnectError):
        Network(reach("https://catalogue.test"), None).connect_unix_socket("/run/x.sock")


# Over TLS, where one read is one record of 16 KiB


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """What a server on loopback proves its name by, and the file of the authority that says so."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    bundle = str(tmp_path_factory.mktemp("tls") / "ca.pem")
    authority.cert_pem.write_to_path(bundle)
    return tls, bundle


def test_records_that_are_there_come_as_one_piece(secure: tuple[ssl.SSLContext, str]) -> None:
    sent, body = threading.Event(), BIG[:150_000]

    def answer(request: Request, connection: socket.socket) -> bytes:
        connection.sendall(reply(200, sized=False, Content_Length=str(len(body))) + body[:10])
        connection.sendall(body[10:])
        sent.set()
        return b""

    tls, bundle = secure
    with (
        served(answer, tls=tls) as peer,
        Http(origin=peer.origin, ca_bundle=bundle) as http,
        http.stream(peer.url()) as response,
    ):
        assert sent.wait(30)
        came = [bytes(piece) for piece in pieces(response)]
    assert b"".join(came) == body
    assert max(map(len, came)) > 2**16


def test_a_piece_is_not_waited_for_until_it_is_full(secure: tuple[ssl.SSLContext, str]) -> None:
    body, seen = BIG[:150_000], threading.Event()

    def answer(request: Request, connection: socket.socket) -> bytes:
        connection.sendall(reply(200, sized=False, Content_Length=str(len(body))) + body[:40_000])
        assert seen.wait(30), "what was sent does not come before the rest"
        return body[40_000:]

    tls, bundle = secure
    came = b""
    with (
        served(answer, tls=tls) as peer,
        Http(origin=peer.origin, ca_bundle=bundle) as http,
        http.stream(peer.url()) as response,
    ):
        for piece in pieces(response):
            came += piece
            if len(came) >= 40_000:
                seen.set()
    assert came == body


@pytest.mark.parametrize("cut", [20_000, 100_000, 149_999])
def test_what_came_before_a_break_is_yielded(cut: int, secure: tuple[ssl.SSLContext, str]) -> None:
    body, came = BIG[:150_000], b""

    def answer(request: Request, connection: socket.socket) -> None:
        connection.sendall(reply(200, sized=False, Content_Length=str(len(body))) + body[:cut])

    def read(http: Http, url: str) -> None:
        nonlocal came
        with http.stream(url) as response:
            for piece in pieces(response):
                came += piece

    tls, bundle = secure
    with (
        served(answer, tls=tls) as peer,
        Http(origin=peer.origin, ca_bundle=bundle) as http,
        pytest.raises(Unreachable, match=f"closed {len(body) - cut} bytes early"),
    ):
        read(http, peer.url())
    assert came == body[:cut]
