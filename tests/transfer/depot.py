"""A server of files with good manners, from which each test takes some away; and files to serve."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import re
import socket
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.loopback import Request, reply
from watcher.model import Asset


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress, the same in every process."""
    return random.Random(seed).randbytes(size)


def zipped(size: int = 300_000, seed: int = 1) -> bytes:
    """A product as a zip file, of about `size` bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("PRODUCT/band.tif"), noise(size, seed))
    return file.getvalue()


def tarred(size: int = 300_000, seed: int = 1) -> bytes:
    """A product as a tgz file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("PRODUCT/band.tif")
        member.size = size
        archive.addfile(member, io.BytesIO(noise(size, seed)))
    return gzip.compress(file.getvalue(), mtime=0)


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def md5(content: bytes) -> str:
    return "md5:" + hashlib.md5(content).hexdigest()


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class Depot:
    """Serves `content`; the switches say in which ways it misbehaves.

    `cut` closes the connection after so many bytes of a body, once for each entry; `after` are the bytes that
    follow a body. `gate` is asked first, and may answer instead.
    """

    content: bytes
    etag: str | None = None
    ranges: bool = True
    sized: bool = True
    kind: str | None = "application/zip"
    cut: list[int] = field(default_factory=list)
    after: bytes = b""
    span: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    gate: Callable[[Request], bytes | None] = lambda request: None

    def __call__(self, request: Request, connection: socket.socket) -> bytes | None:
        instead = self.gate(request)
        if instead is not None:
            return instead
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        fresh = request.headers.get("if-range", self.etag) == self.etag
        headers = dict(self.extra)
        if self.kind:
            headers["Content_Type"] = self.kind
        if self.etag:
            headers["ETag"] = self.etag
        status, body, total = 200, self.content, len(self.content)
        if wanted and self.ranges and fresh:
            # As resto does: what starts at the end or after it is answered with the last byte.
            start = min(int(wanted[1]), total - 1)
            last = min(int(wanted[2] or total), total - 1)
            status, body = 206, self.content[start : last + 1]
            headers["Content_Range"] = self.span or f"bytes {start}-{last}/{total}"
        if not self.sized:
            return self._in_chunks(connection, status, body, headers)
        said = reply(status, body, **headers)
        if self.cut:
            connection.sendall(said[: len(said) - len(body) + self.cut.pop(0)])
            return None
        if self.after:
            connection.sendall(said + self.after)
            return None
        return said

    @staticmethod
    def _in_chunks(connection: socket.socket, status: int, body: bytes, headers: dict[str, str]) -> bytes:
        connection.sendall(reply(status, sized=False, Transfer_Encoding="chunked", **headers))
        for at in range(0, len(body), 50_000):
            piece = body[at : at + 50_000]
            connection.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
        return b"0\r\n\r\n"


def asset(
    href: str,
    content: bytes | None = None,
    *,
    checksum: str | None = None,
    kind: str | None = "application/zip",
    size: int | None = None,
) -> Asset:
    """An asset as a catalogue would list it; with `content`, its size and md5 are known."""
    if content is not None:
        size, checksum = len(content), md5(content)
    return Asset("product", href, type=kind, size=size, checksum=checksum)
