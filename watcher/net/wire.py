"""The transport under httpx: pools of `connections`, verified TLS, a proxy only where one is configured."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from watcher.errors import ConfigError
from watcher.net.connections import Connection, Network, refuse_private
from watcher.net.reach import Reach


class Wire(httpx.BaseTransport):
    """An HTTP/1.1 transport whose connections keep to a `Reach` and to `within`."""

    def __init__(self, allowed: Reach, *, connections: int, ca_bundle: str | None, proxy: str | None) -> None:
        self._reach, self._connections, self._ca_bundle = allowed, connections, ca_bundle
        try:
            self._proxy = None if proxy is None else httpx.Proxy(proxy)
        except (ValueError, httpx.InvalidURL) as error:
            raise ConfigError("the proxy is no address", hint="write it as http://host:port") from error
        if self._proxy is not None and self._proxy.url.scheme != "http":
            raise ConfigError(
                f'a proxy by "{self._proxy.url.scheme}" is not supported', hint="write it as http://host:port"
            )
        self._pools: dict[str, httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; nothing of the answer's body is read yet."""
        url = request.url
        if self._proxy is not None:
            refuse_private(self._reach, url)
        answer = self._pool(url.scheme).handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        connection = answer.extensions.get("network_stream")
        if isinstance(connection, Connection) and not connection.heard:
            answer.close()
            raise httpcore.RemoteProtocolError("the answer to an earlier question went on beyond its end")
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
            return httpcore.ConnectionPool(network_backend=Network(self._reach, None), **shared)
        url = self._proxy.url
        return httpcore.HTTPProxy(
            proxy_url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
            proxy_auth=self._proxy.raw_auth,
            proxy_headers=self._proxy.headers.raw,
            network_backend=Network(self._reach, url.raw_host.decode("ascii")),
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
        connection = self._answer.extensions.get("network_stream")
        if isinstance(connection, Connection):
            connection.answered()  # before another thread may ask by it
        self._answer.close()
