"""Fixtures: a real S3 server (moto's), and a way between it and watcher that goes wrong where a test wants it to."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.servers import keep
from tests.servers.stac import need

SERVER = Path(__file__).resolve().parents[2] / ".venv-s3" / "bin" / "moto_server"

_asking = httpx.Client(
    headers={"Authorization": "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"}, timeout=60
)
"""What moto takes for somebody who may read all: it compares no keys."""


@dataclass
class S3Bucket:
    """A bucket of a test's own, looked at without watcher's help."""

    endpoint: str
    name: str

    @property
    def url(self) -> str:
        return f"{self.endpoint}/{self.name}"

    def visible(self) -> list[str]:
        """What everybody sees."""
        return re.findall(r"<Key>([^<]*)</Key>", _asking.get(self.url, params={"list-type": "2"}).text)

    def uploads(self) -> int:
        """How many multipart uploads are neither complete nor aborted."""
        return _asking.get(self.url, params={"uploads": ""}).text.count("<UploadId>")

    def read(self, key: str) -> bytes:
        return _asking.get(f"{self.url}/{quote(key)}").raise_for_status().content

    def said(self, key: str) -> dict[str, str]:
        """What was put down with an object."""
        headers = _asking.head(f"{self.url}/{quote(key)}").raise_for_status().headers
        return {name[11:]: value for name, value in headers.items() if name.startswith("x-amz-meta-")}

    def put_as(self, sent: Sent, instead: Sent) -> None:
        """Carry out a request behind the back of who sent it, with another body."""
        own = {k: v for k, v in sent.headers.items() if k.startswith("x-amz-meta-")}
        _asking.put(f"{self.endpoint}{sent.path}", content=instead.body, headers=own).raise_for_status()

    def put(self, key: str, content: bytes) -> None:
        _asking.put(f"{self.url}/{quote(key)}", content=content).raise_for_status()


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need(SERVER)
    port, log = keep.free_port(), tmp_path_factory.mktemp("s3") / "moto.log"
    with log.open("wb") as file:
        server = subprocess.Popen([SERVER, "-H", "127.0.0.1", "-p", str(port)], stdout=file, stderr=file)
    try:
        keep.wait_for_answer(f"http://127.0.0.1:{port}/moto-api/")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def bucket(s3_url: str) -> S3Bucket:
    """An empty bucket."""
    made = S3Bucket(s3_url, f"watcher-{uuid.uuid4().hex}")
    _asking.put(made.url).raise_for_status()
    return made


@dataclass(frozen=True)
class Sent:
    """A request on its way to the bucket."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def part(self) -> int | None:
        """Which part of an upload it brings."""
        found = re.search(r"partNumber=(\d+)", self.path)
        return int(found[1]) if found else None

    @property
    def completes(self) -> bool:
        return self.method == "POST" and "uploadId=" in self.path


class Cut(Exception):
    """Raised by a rule: the connection is closed without an answer."""


@dataclass
class Way:
    """A proxy in front of a bucket. `rule` may answer a request itself, change it, or raise `Cut`.

    Like Amazon's it refuses a body that has not the SHA-256 that its header names, which moto does not. `seen` has the
    keys that were visible after each request that it let through.
    """

    bucket: S3Bucket
    endpoint: str = ""
    rule: Callable[[Sent], Sent | tuple[int, str] | None] = lambda sent: None
    compares: bool = True
    requests: list[Sent] = field(default_factory=list)
    seen: list[tuple[Sent, list[str]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
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
        keep_out = ("transfer-encoding", "connection", "date", "server")
        headers = {k: v for k, v in came.getheaders() if k.lower() not in keep_out}
        with self.lock:
            self.seen.append((sent, self.bucket.visible()))
        return came.status, headers, body


def refusal(code: str, words: str = "") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{words}</Message></Error>".encode()


@contextmanager
def way_to(
    bucket: S3Bucket, rule: Callable[[Sent], Any] = lambda sent: None, *, compares: bool = True
) -> Iterator[Way]:
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

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            return  # the client went away, as it may

    server = Server(("127.0.0.1", 0), Handler)
    way.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        server.shutdown()
        server.server_close()
