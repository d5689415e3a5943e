"""The way to the server: checked addresses, verified TLS, and limits that hold however slowly it drips.

httpx times each read, so a server that sends a byte a second is never late. Here one deadline holds for all
of an exchange - connecting, TLS, headers and body - and a `stop` event ends any wait within half a second.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from watcher.errors import ConfigError, Unreachable
from watcher.net.addresses import public, resolve
from watcher.net.reach import Reach

ADDRESS_SECONDS = 5.0
"""The time one of a host's addresses gets to accept a connection."""

_TICK = 0.5


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


def _left(timeout: float | None) -> float:
    if _limits.stop is not None and _limits.stop.is_set():
        raise Unreachable("stopped")
    left = _limits.deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline for the whole answer has passed")
    return left if timeout is None else min(left, timeout)


class Wire(httpx.BaseTransport):
    """An HTTP/1.1 transport whose connections keep to `Reach` and to `within`."""

    def __init__(self, allowed: Reach, *, connections: int, ca_bundle: str | None, proxy: str | None) -> None:
        self._reach, self._connections, self._ca_bundle = allowed, connections, ca_bundle
        self._proxy = None if proxy is None else httpx.Proxy(proxy)
        if self._proxy is not None and self._proxy.url.scheme not in ("http", "https"):
            raise ConfigError(
                f'a proxy by "{self._proxy.url.scheme}" is not supported', hint="write it as http://host:port"
            )
        self._pools: dict[str, httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; nothing of the answer's body is read yet."""
        url = request.url
        answer = self._pool(url.scheme).handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _pool(self, scheme: str) -> httpcore.ConnectionPool:
        # One pool a scheme, made when first used: reading the system's certificates takes a while.
        with self._lock:
            if scheme not in self._pools:
                self._pools[scheme] = self._made(_tls(self._ca_bundle) if scheme == "https" else None)
            return self._pools[scheme]

    def _made(self, tls: ssl.SSLContext | None) -> httpcore.ConnectionPool:
        shared: dict[str, Any] = {
            "ssl_context": tls,
            "max_connections": self._connections,
            "keepalive_expiry": 30.0,
            "http1": True,
            "http2": False,
        }
        if self._proxy is None:
            return httpcore.ConnectionPool(network_backend=_Backend(self._reach, None), **shared)
        url = self._proxy.url
        return httpcore.HTTPProxy(
            proxy_url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
            proxy_auth=self._proxy.raw_auth,
            proxy_headers=self._proxy.headers.raw,
            proxy_ssl_context=_tls(self._ca_bundle) if url.scheme == "https" else None,
            network_backend=_Backend(self._reach, url.raw_host.decode("ascii")),
            **shared,
        )


@lru_cache(maxsize=16)
def _tls(ca_bundle: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except OSError as error:
            raise ConfigError(
                f'ca_bundle "{ca_bundle}" cannot be read: {error}',
                hint="it must be a file of PEM certificates",
            ) from error
    return context


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer.stream)  # type: ignore[arg-type]  # a sync pool's stream is a sync one

    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were looked at, and to no others."""

    def __init__(self, allowed: Reach, proxy: str | None) -> None:
        self._reach, self._proxy, self._plain = allowed, proxy, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._addresses(host, port, timeout)
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for address in addresses:
            try:
                seconds = min(ADDRESS_SECONDS, _left(timeout))
                # The address itself is connected to: a second look-up could give another one (DNS rebinding).
                return _Stream(self._plain.connect_tcp(address, port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            addresses = resolve(host, port, left=lambda: _left(timeout))
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        if self._reach.named(host, port) or host == self._proxy:
            return addresses
        open_ones = [address for address in addresses if public(address)]
        if addresses and not open_ones:
            raise Unreachable(
                f"{host} is {addresses[0]}, an address of a private network: it was not asked",
                hint=f'if it is trusted, add "{host}" to hosts',
                permanent=True,
            )
        return open_ones

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002  # httpcore's interface
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError(f"{path} is no server")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection that looks at the clock."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        until = time.monotonic() + _left(timeout)
        while True:
            try:
                return self._inner.read(max_bytes, min(_TICK, _left(None)))
            except httpcore.ReadTimeout:
                if time.monotonic() >= until:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
