"""Servers that lie about how much there is: neither the disk nor the line is theirs to fill."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loopback import Request, reply, served
from tests.transfer.depot import asset, noise, sha256
from watcher.errors import NoSpace, TransferError
from watcher.net import Http
from watcher.net.connections import Connection
from watcher.transfer import Terms, fetch
from watcher.transfer.part import Part

CONTENT = noise(1_000_000)
LATE = 64 * 1024
"""Bytes beyond what was announced, after which a transfer has ended at the latest."""

LOOKED_AT = LATE + 256 * 1024
"""Bytes that an answer is judged by at most: those of two reads."""


def _sized(length: int) -> bytes:
    return reply(200, sized=False, Content_Length=str(length))


def _endless(head: bytes, *, chunks: bool) -> Callable[[Request, socket.socket], None]:
    def answer(_: Request, connection: socket.socket) -> None:
        piece = CONTENT[:4000]
        connection.sendall(head)
        while True:  # until the other side hangs up
            connection.sendall(b"fa0\r\n" + piece + b"\r\n" if chunks else piece)

    return answer


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each read of a connection gave."""
    counts: list[int] = []
    some, into = Connection.read, Connection.read_into

    def read(self: Connection, max_bytes: int, timeout: float | None = None) -> bytes:
        said = some(self, max_bytes, timeout)
        counts.append(len(said) if said.strip(b"\0") else 0)  # zeros are what httpcore is owed: no line brought them
        return said

    def read_into(self: Connection, buffer: memoryview, timeout: float | None) -> int:
        counts.append(count := into(self, buffer, timeout))
        return count

    monkeypatch.setattr(Connection, "read", read)
    monkeypatch.setattr(Connection, "read_into", read_into)
    return counts


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the part was after each write."""
    sizes: list[int] = []
    write = Part.write

    def noted(self: Part, piece: bytes | memoryview) -> None:
        write(self, piece)
        sizes.append(self.size)

    monkeypatch.setattr(Part, "write", noted)
    return sizes


@pytest.mark.parametrize("streams", [1, 4])
@pytest.mark.parametrize("chunks", [True, False])
def test_a_server_that_never_ends_is_left_at_once_when_it_has_sent_enough(
    chunks: bool, streams: int, tmp_path: Path, read: list[int], written: list[int]
) -> None:
    """Of what it announced no byte more is written; of what the line has, 64 KiB more are read at most."""
    size = 300_000
    head = reply(200, sized=False, Transfer_Encoding="chunked") if chunks else _sized(size)
    with (
        served(_endless(head, chunks=chunks)) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(TransferError),
    ):
        wanted = asset(peer.url("/p"), kind=None, size=size, checksum=sha256(CONTENT))
        fetch(http, wanted, tmp_path / "p", terms=Terms(streams=streams))
    assert max(written) <= size
    asked = len(peer.requests)
    framing = 0.01 * size if chunks else 0
    assert size <= sum(read) <= asked * (size + framing + LATE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lie", [1, -1, 10**12])
def test_a_length_that_is_not_the_catalogues_is_refused_before_the_file_is_begun(
    lie: int, tmp_path: Path, read: list[int], written: list[int]
) -> None:
    with (
        served(_endless(_sized(len(CONTENT) + lie), chunks=False)) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(TransferError, match=f"announces {len(CONTENT) + lie} bytes, but it was listed with"),
    ):
        fetch(http, asset(peer.url("/p"), kind=None, size=len(CONTENT)), tmp_path / "p")
    assert sum(read) <= LOOKED_AT
    assert written == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [None, 10**12], ids=["of which the catalogue says nothing", "as the catalogue says"])
@pytest.mark.parametrize("streams", [1, 4])
def test_a_terabyte_is_not_begun_where_there_is_no_room_for_it(
    streams: int, size: int | None, tmp_path: Path, read: list[int], written: list[int]
) -> None:
    reserve = 10**15  # so that no disk has room for both
    with (
        served(_endless(_sized(10**12), chunks=False)) as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(NoSpace),
    ):
        terms = Terms(streams=streams, reserve=reserve)
        fetch(http, asset(peer.url("/p"), kind=None, size=size), tmp_path / "p", terms=terms)
    assert sum(read) <= LOOKED_AT
    assert written == []


@pytest.mark.parametrize("missing", [1, 64 * 1024, 990_000])
def test_a_length_that_promises_more_than_comes_is_no_file(missing: int, tmp_path: Path) -> None:
    said = _sized(len(CONTENT)) + CONTENT[:-missing]

    def answer(_: Request, connection: socket.socket) -> None:
        connection.sendall(said)

    with served(answer) as peer, Http(origin=peer.origin) as http, pytest.raises(TransferError, match="closed"):
        fetch(http, asset(peer.url("/p"), kind=None), tmp_path / "p")
    assert not (tmp_path / "p").exists()
    assert (tmp_path / "p.part").read_bytes() == CONTENT[:-missing]
