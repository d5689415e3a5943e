"""An answer is whole, or it is a failure."""

import gzip
import os
import resource
import socket
import time
import zlib
from contextlib import nullcontext

import pytest

from tests.loopback import Request, reply, served
from watcher.errors import HttpError, Unreachable
from watcher.net import Answer, Http

PAGE = b'{"features": [' + b'{"id":"product"},' * 5000 + b"{}]}"


def _asked(said: bytes, **limits: int) -> Answer:
    with served(said) as peer, Http(origin=peer.origin, backoff_base=0.001, **limits) as http:
        return http.get(peer.url("/page"))


def _refused(said: bytes, why: str, **limits: int) -> Unreachable:
    with pytest.raises(Unreachable, match=why) as caught:
        _asked(said, **limits)
    return caught.value


def test_a_page_cut_short_of_its_length_is_a_failure() -> None:
    whole = reply(200, PAGE, Connection="close")
    _refused(whole[:-1], "could not be read")


def test_a_page_cut_between_two_chunks_is_a_failure() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    _refused(head + b"5\r\nhello\r\n", "could not be read")


def test_a_page_in_chunks_is_read_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert _asked(head + b"5\r\nhello\r\n3\r\n or\r\n0\r\n\r\n").body == b"hello or"


def test_a_page_in_chunks_that_says_another_length_is_read_by_its_chunks() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert _asked(head + b"5\r\nhello\r\n0\r\n\r\n").body == b"hello"


def test_a_page_that_ends_with_the_connection_is_a_failure() -> None:
    _refused(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + PAGE, "how long its answer is")


def test_an_answer_of_204_needs_no_length() -> None:
    assert _asked(b"HTTP/1.1 204 No Content\r\n\r\n").body == b""


@pytest.mark.parametrize("cut", [1, 8, 9, 5000])
def test_half_a_gzip_stream_is_a_failure(cut: int) -> None:
    packed = gzip.compress(os.urandom(20_000))
    _refused(reply(200, packed[:-cut], Content_Encoding="gzip"), "only the beginning")


def test_a_gzip_stream_with_a_wrong_checksum_is_a_failure() -> None:
    packed = bytearray(gzip.compress(PAGE))
    packed[-6] ^= 1
    _refused(reply(200, bytes(packed), Content_Encoding="gzip"), "broken compression")


def test_gzip_that_is_none_is_a_failure() -> None:
    _refused(reply(200, PAGE, Content_Encoding="gzip"), "broken compression")


def test_gzip_members_follow_one_another() -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two")
    assert _asked(reply(200, packed, Content_Encoding="x-gzip")).body == b"one two"


def test_garbage_after_a_gzip_stream_is_a_failure() -> None:
    _refused(reply(200, gzip.compress(PAGE) + b"garbage", Content_Encoding="gzip"), "broken compression")


@pytest.mark.parametrize("wbits", [15, -15])
def test_deflate_is_read_in_both_of_its_meanings(wbits: int) -> None:
    pack = zlib.compressobj(wbits=wbits)
    packed = pack.compress(PAGE) + pack.flush()
    assert _asked(reply(200, packed, Content_Encoding="deflate")).body == PAGE


def test_an_empty_answer_that_claims_gzip_is_empty() -> None:
    assert _asked(reply(200, b"", Content_Encoding="gzip")).body == b""


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_an_encoding_that_was_not_asked_for_is_a_failure(coding: str) -> None:
    _refused(reply(200, b"whatever", Content_Encoding=coding), "not asked for")


def test_an_answer_that_announces_too_much_is_not_read() -> None:
    error = _refused(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx", "more than 16 MiB")
    assert error.permanent
    assert error.hint


def test_an_answer_in_chunks_without_end_is_cut() -> None:
    def endless(request: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    with (
        served(endless) as peer,
        Http(origin=peer.origin, max_body=2**20) as http,
        pytest.raises(Unreachable, match="more than 1 MiB"),
    ):
        http.get(peer.url())


def test_an_answer_of_exactly_the_limit_is_read() -> None:
    said = reply(200, gzip.compress(b"x" * 4096), Content_Encoding="gzip")
    assert len(_asked(said, max_body=4096).body) == 4096
    _refused(said, "more than", max_body=4095)


def test_a_gzip_bomb_is_refused_without_being_unpacked() -> None:
    pack = zlib.compressobj(6, wbits=31)
    first, again = (pack.compress(bytes(2**20)) + pack.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = first + 299 * again + pack.flush()
    assert len(bomb) < 400_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _refused(reply(200, bomb, Content_Encoding="gzip"), "more than 16 MiB")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB


def test_many_gzip_members_cost_by_their_number_and_not_its_square() -> None:
    member = gzip.compress(b"")

    def cost(count: int) -> float:
        began = time.thread_time()
        assert _asked(reply(200, member * count, Content_Encoding="gzip")).body == b""
        return time.thread_time() - began

    assert cost(160_000) < 20 * min(cost(20_000) for _ in range(3))


def test_a_bomb_in_an_error_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(2**27))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Exception, match="answered 404"):
        _asked(reply(404, bomb, Content_Encoding="gzip"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        bytes(range(256)),
    ],
)
def test_what_is_not_http_is_a_failure(said: bytes) -> None:
    def send(request: Request, connection: socket.socket) -> None:
        connection.sendall(said)

    with served(send) as peer, Http(origin=peer.origin, backoff_base=0.001) as http, pytest.raises(Unreachable):
        http.get(peer.url())


_BEYOND = [
    reply(200, b"of another"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Le",
]


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("body", [b"", b"the first"])
@pytest.mark.parametrize("beyond", _BEYOND, ids=["an answer", "in chunks", "a line", "half a head"])
def test_what_comes_beyond_an_answer_is_no_answer_to_the_next_question(status: int, body: bytes, beyond: bytes) -> None:
    def say(request: Request, connection: socket.socket) -> bytes:
        return reply(200, b"the second") if request.target == "/second" else reply(status, body) + beyond

    with served(say) as peer, Http(origin=peer.origin, backoff_base=0.001) as http:
        with nullcontext() if status == 200 else pytest.raises(HttpError):
            assert http.get(peer.url("/first")).body == body
        assert http.get(peer.url("/second")).body == b"the second"
        assert peer.connections == 2


def test_a_page_costs_no_copy_too_many() -> None:
    said = reply(200, os.urandom(2**21))
    with served(said) as peer, Http(origin=peer.origin) as http:
        first = http.get(peer.url()).body
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(20):
            assert http.get(peer.url()).body == first
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024
