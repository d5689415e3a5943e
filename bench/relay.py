"""A long way to a server near by: a relay that delays what passes, and gives each connection only so much.

It stands in for tc's netem, which many kernels lack. Each connection begins slowly, as TCP's do: ten segments at once,
and twice as many in each round trip that follows, until it has its rate.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SEGMENTS = 10 * 1460
FASTEST = 70_000_000
"""Bytes a second that a window of 4 MB lets through in 60 ms."""

_PIECE = 64 * 1024
_MOST = 256


@contextmanager
def relayed(port: int, *, rtt: float, rate: float) -> Iterator[int]:
    """Give a port behind which the server at `port` is far away.

    `rtt` are the seconds of a round trip, `rate` the bytes a second for each connection (0: those of a window of 4 MB).
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=_join, args=(near, port, rtt, rate or FASTEST), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def _join(near: socket.socket, port: int, rtt: float, rate: float) -> None:
    far = socket.create_connection(("127.0.0.1", port))
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # What is said first has waited for the handshake: one round trip more.
    threads = [_Pump(near, far, rtt / 2, 0.0, rtt, first=rtt), _Pump(far, near, rtt / 2, rate, rtt)]
    for pump in threads:
        pump.start()


class _Pump:
    """One direction of a connection."""

    def __init__(
        self, source: socket.socket, target: socket.socket, delay: float, rate: float, rtt: float, first: float = 0.0
    ) -> None:
        self._source, self._target, self._delay, self._rate, self._rtt = source, target, delay, rate, rtt
        self._extra = first
        self._queue: deque[tuple[float, bytes]] = deque()
        self._news = threading.Condition()

    def start(self) -> None:
        for work in (self._read, self._write):
            threading.Thread(target=work, daemon=True).start()

    def _read(self) -> None:
        due, window, began = 0.0, SEGMENTS, 0.0
        while True:
            grown = window * 2 ** min(40, int((due - began) / self._rtt)) if began else window
            try:
                piece = self._source.recv(min(_PIECE, int(grown)))
            except OSError:
                piece = b""
            now = time.monotonic()
            due = max(due, now)
            began = began or now
            with self._news:
                self._queue.append((due + self._delay + self._extra, piece))
                self._extra = 0.0
                if self._rate:
                    due += len(piece) / min(self._rate, grown / self._rtt)
                self._news.notify_all()
                while len(self._queue) > _MOST:
                    self._news.wait()
            if not piece:
                return

    def _write(self) -> None:
        while True:
            with self._news:
                while not self._queue:
                    self._news.wait()
                due, piece = self._queue.popleft()
                self._news.notify_all()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not piece:
                    self._target.shutdown(socket.SHUT_WR)
                    return
                self._target.sendall(piece)
            except OSError:
                with suppress(OSError):
                    self._source.shutdown(socket.SHUT_RDWR)
                return
