"""A way between a bucket and watcher that goes wrong where a test wants it to."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Sent:
    """A request on its way to a bucket. `part` is which part of an upload it brings, from 1."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    part: int | None = None

    @property
    def name(self) -> str:
        """The last of the names in its path."""
        return unquote(urlsplit(self.path).path).rpartition("/")[2]

    @property
    def whole(self) -> bool:
        """Whether it puts an object by itself."""
        copies = any(name in self.headers for name in ("x-amz-copy-source", "x-goog-copy-source", "x-ms-copy-source"))
        return self.method == "PUT" and self.part is None and not self.completes and not copies

    @property
    def begins(self) -> bool:
        """Whether it is the first that is sent of an object. Azure's parts need no beginning."""
        return self.whole or "?uploads" in self.path or ("comp=block&" in self.path and self.part == 1)

    @property
    def completes(self) -> bool:
        """Whether it makes the parts an object."""
        return (self.method == "POST" and "uploadId=" in self.path) or "comp=blocklist" in self.path

    @property
    def lists(self) -> bool:
        return "list-type=" in self.path or "comp=list" in self.path

    @property
    def removes(self) -> list[str]:
        """The last of the names of each object that it removes. Azure takes several of them in one request."""
        if self.method == "DELETE":
            return [self.name]
        paths = re.findall(rb"^DELETE (\S+) HTTP", self.body, re.MULTILINE) if "comp=batch" in self.path else []
        return [unquote(path.decode()).rpartition("/")[2] for path in paths]


class Cut(Exception):
    """Raised by a rule: the connection is closed without an answer."""


class Seen(Protocol):
    """What a way has to know of the bucket at its end."""

    endpoint: str

    def visible(self) -> list[str]: ...


@dataclass
class Way:
    """A proxy in front of a bucket. `rule` may answer a request itself, change it, or raise `Cut`.

    Like Amazon's it refuses a body that has not the SHA-256 that its header names, which moto does not. `seen` has the
    keys that were visible after each request that it let through.
    """

    bucket: Seen
    endpoint: str = ""
    rule: Callable[[Sent], Sent | tuple[int, str] | None] = lambda sent: None
    compares: bool = True
    requests: list[Sent] = field(default_factory=list)
    seen: list[tuple[Sent, list[str]]] = field(default_factory=list)
    blocks: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            sent = replace(sent, part=self._part(sent))
            self.requests.append(sent)
        told = self.rule(sent)
        if isinstance(told, tuple):
            return told[0], {"Content-Type": "application/xml"}, told[1].encode()
        sent = told or sent
        known = sent.headers.get("x-amz-checksum-sha256")
        if self.compares and known and base64.b64encode(hashlib.sha256(sent.body).digest()).decode() != known:
            return 400, {}, refusal("BadDigest", "The SHA256 you specified did not match the calculated checksum.")
        place = urlsplit(self.bucket.endpoint)
        to = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        to.request(sent.method, sent.path, sent.body, {k: v for k, v in sent.headers.items() if k != "connection"})
        came = to.getresponse()
        body = came.read()
        to.close()
        keep_out = ("transfer-encoding", "connection", "keep-alive", "date", "server")
        headers = {k: v for k, v in came.getheaders() if k.lower() not in keep_out}
        with self.lock:
            self.seen.append((sent, self.bucket.visible()))
        return came.status, headers, body

    def _part(self, sent: Sent) -> int | None:
        """Return the number of a part; those of Azure have names, and are counted as they come."""
        path, _, query = sent.path.partition("?")
        asked = parse_qs(query)
        if "partNumber" in asked:
            return int(asked["partNumber"][0])
        if "blockid" not in asked:
            return None
        block = (path, asked["blockid"][0])
        if block not in self.blocks:
            self.blocks.append(block)
        return [one for one in self.blocks if one[0] == path].index(block) + 1


def refusal(code: str, words: str = "") -> bytes:
    """What S3, Google and Azure answer when they refuse something."""
    return f"<Error><Code>{code}</Code><Message>{words}</Message></Error>".encode()


@contextmanager
def way_to(bucket: Seen, rule: Callable[[Sent], Any] = lambda sent: None, *, compares: bool = True) -> Iterator[Way]:
    way = Way(bucket, rule=rule, compares=compares)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            sent = Sent(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            try:
                status, headers, answer = way.answer(sent)
            except Cut:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length" or self.command == "HEAD":
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(answer)))
            elif "content-length" not in {name.lower() for name in headers}:
                self.send_header("Content-Length", "0")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            return

    with listening(Handler) as origin:
        way.endpoint = origin + urlsplit(bucket.endpoint).path
        yield way


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port until the block ends; yields the origin."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            return  # the client went away, as it may

    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
