"""Real servers on loopback that answer as a test tells them, well or badly."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CRLF = b"\r\n"


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    raw: bytes


Script = Callable[[Request, socket.socket], bytes | None]
"""Returns what to send, or `None` when it has sent something itself and the connection is to be closed."""


@dataclass
class Peer:
    """A running server: where it is, and what it has seen."""

    port: int
    scheme: str = "http"
    name: str = "127.0.0.1"
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    received: int = 0

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.name}:{self.port}"

    def url(self, path: str = "/") -> str:
        return self.origin + path

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]


def reply(status: int = 200, body: bytes = b"", *, sized: bool = True, **headers: str) -> bytes:
    """A well-formed answer; `content_type="x"` becomes ``Content-Type: x``."""
    lines = [f"HTTP/1.1 {status} Said".encode()]
    lines += [f"{name.replace('_', '-')}: {value}".encode() for name, value in headers.items()]
    if sized:
        lines.append(b"Content-Length: %d" % len(body))
    return CRLF.join(lines) + CRLF * 2 + body


@contextmanager
def served(script: Script | bytes, *, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> Iterator[Peer]:
    """Serve on a free port until the block ends; a script of bytes is the answer to everything.

    At the end every connection is shut down, and closed by the thread that talks on it: were it closed under a thread
    that is just about to read, that would read from whatever has the number of the descriptor next.
    """
    answer: Script = (lambda request, connection: script) if isinstance(script, bytes) else script
    listener = socket.create_server(("127.0.0.1", 0))
    peer = Peer(listener.getsockname()[1], "https" if tls else "http", name)
    open_ones: list[socket.socket] = []
    ending = threading.Lock()

    def close(connection: socket.socket) -> None:
        with ending:
            connection.close()

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            closing.callback(close, connection)
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
                closing.callback(close, connection)
                open_ones.append(connection)
            while (request := _request(connection, peer)) is not None:
                peer.requests.append(request)
                said = answer(request, connection)
                if said is None:
                    return
                connection.sendall(said)
                if b"connection: close" in said.partition(CRLF * 2)[0].lower():
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            peer.connections += 1
            open_ones.append(connection)
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
        with ending:
            for connection in open_ones:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _request(connection: socket.socket, peer: Peer) -> Request | None:
    raw = b""
    while CRLF * 2 not in raw:
        piece = connection.recv(65536)
        if not piece:
            return None
        peer.received += len(piece)
        raw += piece
    head, _, body = raw.partition(CRLF * 2)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
        raw += piece
    method, target, _ = first.split(" ", 2)
    return Request(method, target, headers, body, raw)


def drip(connection: socket.socket, data: bytes, *, every: float, limit: float = 20.0) -> None:
    """Send a byte at a time until the other side has had enough."""
    end = time.monotonic() + limit
    for at in range(len(data)):
        if time.monotonic() > end:
            return
        connection.sendall(data[at : at + 1])
        time.sleep(every)


def until(condition: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Wait for a condition; fail the test when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.01)
