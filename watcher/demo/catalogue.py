"""A small catalogue of June 2015 on loopback: it speaks resto 2.0 as the Take5 server did, faults included.

    timeline = Timeline(pace=3)
    with serve(timeline=timeline) as catalogue:
        ...  # catalogue.url is http://127.0.0.1:PORT/resto
        timeline.begin()

It serves loopback only. Its users, with and without the right to download, are in `watcher.demo.users`.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import cast

from watcher.demo.products import Product
from watcher.demo.routes import Resto
from watcher.demo.timeline import Timeline
from watcher.demo.wire import Answer, Request

_CHUNKED_FROM = 8192
"""Apache announces a length when the whole answer fits its buffer, and sends longer ones in chunks."""
_IDLE = 30.0
_LARGEST_BODY = 1 << 20


class Catalogue:
    """The running server. Close it, or use it as a context manager."""

    def __init__(self, timeline: Timeline, *, port: int, now: Callable[[], float]) -> None:
        self.timeline = timeline
        self._server = _Server(("127.0.0.1", port), _Conversation)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        """`http://127.0.0.1:PORT`: where the quicklooks are."""
        self._server.resto = Resto(timeline.offered, origin=self.origin, now=now)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="demo catalogue",
            daemon=True,
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The catalogue's base URL, `http://127.0.0.1:PORT/resto`."""
        return f"{self.origin}/resto"

    @property
    def finished(self) -> bool:
        """Whether everything that the timeline has to publish is published."""
        return self.timeline.finished

    def published_count(self) -> int:
        """How many products are listed now, over both collections."""
        return len(self.timeline.offered())

    def arrived(self) -> tuple[Product, ...]:
        """What was published since the beginning, in that order; a reprocessed product among it."""
        return self.timeline.arrived()

    def close(self) -> None:
        """Stop answering and hang up on everybody."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(*, timeline: Timeline, port: int = 0, now: Callable[[], float] = time.time) -> Catalogue:
    """Start the catalogue on loopback.

    `port` 0 takes a free one; `now` (Unix time) dates the tokens. The timeline stands still until
    `timeline.begin()`. Raises `OSError` when the port is taken.
    """
    return Catalogue(timeline, port=port, now=now)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    resto: Resto

    def __init__(self, address: tuple[str, int], conversation: type[_Conversation]) -> None:
        self._open: set[socket.socket] = set()
        self._ending = threading.Lock()
        super().__init__(address, conversation)

    def finish_request(self, request: object, client_address: object) -> None:
        connection = cast(socket.socket, request)
        with self._ending:
            self._open.add(connection)
        try:
            super().finish_request(connection, client_address)
        finally:
            with self._ending:
                self._open.discard(connection)

    def hang_up(self) -> None:
        with self._ending:  # none is closed meanwhile, and its descriptor another's
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the other side was quicker

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that hangs up in the middle of a download is daily life; anything else is a defect to be seen.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(cast(socket.socket, request), client_address)


class _Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "watcher-demo/resto-2.0.4", ""
    disable_nagle_algorithm = True
    timeout = _IDLE
    server: _Server

    def _speak(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self.send_error(413)
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.server.resto.answer(Request(self.command, path, query, headers, self.rfile.read(length))))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.api:
            self.send_header("Cache-Control", "no-cache")
        chunked = answer.api and len(answer.body) > _CHUNKED_FROM
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif self.command != "HEAD":
            length = len(answer.body) if answer.announced is None else answer.announced
            self.send_header("Content-Length", str(length))
        if answer.api and answer.last_words:
            self.send_header("Connection", "close")
        self.send_header("Content-Type", answer.kind)
        self.end_headers()
        self.close_connection = self.close_connection or answer.last_words
        if chunked:
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer.body), answer.body))
        else:
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _speak  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the demo's terminal belongs to watcher."""
