"""Connections: to checked addresses only, and with limits that hold however slowly a server drips.

httpx times each read, so a server that sends a byte a second is never late. Here one deadline holds for all
of an exchange - connecting, TLS, headers and body - and a `stop` event ends any wait within half a second.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import httpcore
import httpx

from watcher.errors import Unreachable
from watcher.net.addresses import public, resolve
from watcher.net.reach import Reach
from watcher.net.reach import host as host_of
from watcher.net.reach import port as port_of

ADDRESS_SECONDS = 5.0
"""The time one of a host's addresses gets to accept a connection."""

_TICK = 0.5
_ZEROS = bytes(2**16)
"""h11 copies them four times: so many stay in the processor's cache, and their copies in malloc's own memory."""

T = TypeVar("T")
_NUMERIC = socket.AI_NUMERICHOST


class _Limits(threading.local):
    deadline = float("inf")
    stop: threading.Event | None = None


_limits = _Limits()


@contextmanager
def within(seconds: float, stop: threading.Event | None) -> Iterator[None]:
    """Hold all that this thread does on the wire to a deadline in `seconds` from now, and to `stop`."""
    before = _limits.deadline, _limits.stop
    _limits.deadline, _limits.stop = time.monotonic() + seconds, stop
    try:
        yield
    finally:
        _limits.deadline, _limits.stop = before


def left(timeout: float | None) -> float:
    """Return the seconds that a step of at most `timeout` has; raise when there are none, or on `stop`."""
    if _limits.stop is not None and _limits.stop.is_set():
        raise Unreachable("stopped")
    seconds = _limits.deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the deadline for the whole answer has passed")
    return seconds if timeout is None else min(seconds, timeout)


class Network(httpcore.NetworkBackend):
    """Connects to addresses that were looked at, and to no others."""

    def __init__(self, allowed: Reach, proxy: str | None) -> None:
        self._reach, self._proxy = allowed, proxy

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002  # httpcore's interface
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that accepts."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port, timeout):
            # The address itself is connected to: a second look-up could give another one (DNS rebinding).
            try:
                plain = socket.create_connection((address, port), min(ADDRESS_SECONDS, left(timeout)))
            except TimeoutError as error:
                failure = httpcore.ConnectTimeout(str(error))
            except OSError as error:
                failure = httpcore.ConnectError(str(error))
            else:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return Connection(plain)
        raise failure

    def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            addresses = resolve(host, port, left=lambda: left(timeout))
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        if self._reach.named(host, port) or host == self._proxy:
            return addresses
        return _public(host, addresses)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Refuse: no server of ours is a file."""
        raise httpcore.ConnectError(f"{path} is no server")

    def sleep(self, seconds: float) -> None:
        """Sleep, as httpcore would between retries of its own, of which there are none."""
        time.sleep(seconds)


class Connection(httpcore.NetworkStream):
    """A socket that looks at the clock, and at `stop`."""

    def __init__(self, plain: socket.socket) -> None:
        plain.settimeout(_TICK)
        self._socket, self._owed, self._asked = plain, 0, False
        self.heard = False
        """Whether anything was read since something was written: what came before a question is no answer to it."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read up to `max_bytes`, none at the end."""
        if self._owed:
            some = _ZEROS[: self._owed]
            self._owed -= len(some)
            return some
        self.heard = True
        return _patiently(partial(self._socket.recv, max_bytes), timeout, httpcore.ReadError)

    def read_into(self, buffer: memoryview, timeout: float | None) -> int:
        """Read into `buffer`, around httpcore; return the number of bytes, 0 at the end."""
        count = _patiently(partial(self._socket.recv_into, buffer), timeout, httpcore.ReadError)
        if isinstance(self._socket, ssl.SSLSocket) and 0 < count < len(buffer):
            # One read is one record of 16 KiB at most: what else is there comes along, so that each piece costs less.
            self._socket.settimeout(0)
            try:
                while count < len(buffer) and (some := self._socket.recv_into(buffer[count:])):
                    count += some
            except OSError:
                pass  # nothing more is there, or it broke: the next read waits, or says so
            finally:
                self._socket.settimeout(_TICK)
        return count

    def owe(self, count: int) -> None:
        """Let httpcore read `count` zeros next, in place of as many bytes that were read around it.

        It counts them, and so finds the end of the body, after which the connection can be used again.
        """
        self._owed = count

    def answered(self) -> None:
        """Note that the answer to what was written is read: what comes from now on was not asked for."""
        self._asked = False

    def more(self) -> bytes:
        """Return a byte if one is there already, without waiting for it."""
        self._socket.settimeout(0)
        try:
            return self._socket.recv(1)
        except OSError:  # nothing there, or broken: no more, at any rate
            return b""
        finally:
            self._socket.settimeout(_TICK)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of `buffer`."""
        self._asked, self.heard = True, False
        rest = memoryview(buffer)
        while rest:
            rest = rest[_patiently(partial(self._socket.send, rest), timeout, httpcore.WriteError) :]

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go on encrypted; a connection that cannot is closed."""
        try:
            self._socket.getpeername()  # of one that is reset already, wrap_socket would leave its socket open
            secure = ssl_context.wrap_socket(
                self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            self._socket = secure
            _patiently(secure.do_handshake, timeout, httpcore.ConnectError)
        except OSError as error:
            self.close()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            self.close()
            raise
        return Connection(secure)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks of a connection."""
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "is_readable":  # asked of an idle one: then its end is all there can be to read
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            # httpcore takes one for idle that another thread has just begun to ask: what comes then is its answer.
            return bool(poll.poll(0)) and not self._asked
        return None


def _patiently(work: Callable[[], T], timeout: float | None, failure: type[httpcore.NetworkError]) -> T:
    until = time.monotonic() + left(timeout)
    while True:
        try:
            return work()
        except TimeoutError as error:
            left(None)
            if time.monotonic() >= until:
                raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise failure(str(error)) from error


def refuse_private(allowed: Reach, url: httpx.URL) -> None:
    """Raise `Unreachable` for a host that is a private address as it stands: a proxy would ask it for us."""
    name = host_of(url)
    if not allowed.named(name, port_of(url)):
        with suppress(socket.gaierror):
            _public(name, [str(row[4][0]) for row in socket.getaddrinfo(name, None, flags=_NUMERIC)])


def _public(host: str, addresses: Sequence[str]) -> list[str]:
    open_ones = [address for address in addresses if public(address)]
    if addresses and not open_ones:
        named = host if host == addresses[0] else f"{host} is {addresses[0]}, which"
        raise Unreachable(
            f"{named} is an address of a private network: it was not asked",
            hint=f'if it is trusted, add "{host}" to hosts of its catalogue, in the configuration',
            permanent=True,
        )
    return open_ones
