"""Servers as they should not be: each answers in one odd way, some of them recorded from real ones.

`ODDITIES` are makers of scripts for `tests.loopback.served`. A script has the first version of a file, and perhaps
another one later; whatever it does, nothing but one of the two may ever come home. `tried` says what did.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.loopback import Request, Script, reply, served
from tests.transfer.depot import asset, md5, zipped
from watcher.errors import WatcherError
from watcher.net import Http
from watcher.transfer import Terms, fetch
from watcher.transfer.resume import boot

ETAG, NEWER = '"v1"', '"v2"'


def span(request: Request, content: bytes) -> tuple[int, int] | None:
    """The bytes that are asked for, the end left out; `None` for all of them."""
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    return (int(wanted[1]), min(int(wanted[2] or len(content)) + bool(wanted[2]), len(content))) if wanted else None


def good(request: Request, content: bytes, *, etag: str | None = ETAG, **headers: str) -> bytes:
    """An answer without fault."""
    if etag is not None:
        headers["ETag"] = etag
    asked = span(request, content)
    if asked is None or request.headers.get("if-range", etag) != etag:
        return reply(200, content, **headers)
    if asked[0] >= len(content):
        return reply(416, Content_Range=f"bytes */{len(content)}")
    return part(content, asked, asked, **headers)


def part(content: bytes, asked: tuple[int, int], said: tuple[int, int], **headers: str) -> bytes:
    """A part of a file that says to be another one, perhaps."""
    return reply(206, content[slice(*asked)], Content_Range=f"bytes {said[0]}-{said[1] - 1}/{len(content)}", **headers)


def announced(content: bytes, length: object, **headers: str) -> bytes:
    """All of a file, said to have another length."""
    return reply(200, sized=False, Content_Length=str(length), **headers) + content


def chunked(content: bytes, *, ended: bool = True) -> bytes:
    """All of a file in chunks, which may end without saying so."""
    pieces = [content[at : at + 30_000] for at in range(0, len(content), 30_000)]
    body = b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces)
    return reply(200, sized=False, Transfer_Encoding="chunked", ETag=ETAG) + body + (b"0\r\n\r\n" if ended else b"")


class Serves:
    """Answers by `say(request, content, count)`, and hangs up after an answer that `ends`."""

    def __init__(self, say: Callable[[Request, bytes, int], bytes], content: bytes, *, ends: bool = False) -> None:
        self.say, self.content, self.ends, self.count = say, content, ends, 0

    def __call__(self, request: Request, connection: socket.socket) -> bytes | None:
        self.count += 1
        said = self.say(request, self.content, self.count)
        if not self.ends:
            return said
        connection.sendall(said)
        return None


Maker = Callable[[bytes, bytes], Script]
"""Makes a script of the first version of a file and another one of the same length."""


def says(say: Callable[[Request, bytes, int], bytes], *, ends: bool = False) -> Maker:
    return lambda first, other: Serves(say, first, ends=ends)


def when_a_part_is_asked_for(say: Callable[[bytes, tuple[int, int]], bytes], *, ends: bool = False) -> Maker:
    """Well behaved until a range is asked for that does not begin at the first byte."""

    def answer(request: Request, content: bytes, count: int) -> bytes:
        asked = span(request, content)
        return good(request, content) if asked is None or asked[0] == 0 else say(content, asked)

    return says(answer, ends=ends)


def replaced(after: int, *, etag: str | None, if_range: bool = True) -> Maker:
    """Another version from the given question on."""

    def make(first: bytes, other: bytes) -> Script:
        def answer(request: Request, content: bytes, count: int) -> bytes:
            if not if_range:
                request.headers.pop("if-range", None)
            return good(request, content) if count < after else good(request, other, etag=etag)

        return Serves(answer, first)

    return make


def mirrors(first: bytes, other: bytes) -> Script:
    """Two mirrors behind one address, of which one has another version: each question goes to the other one."""

    def answer(request: Request, content: bytes, count: int) -> bytes:
        if request.target.startswith("/p"):
            return reply(302, Location=f"/mirror{count % 4}")
        return good(request, content) if request.target == "/mirror1" else good(request, other, etag=NEWER)

    return Serves(answer, first)


LOGIN = b"<!DOCTYPE html><html><form action='/login'><input type='password'></form></html>"
REFUSAL = b'{"ErrorMessage":"Forbidden","license":"https://x.test/licence","ErrorCode":3002}'
DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"

ODDITIES: dict[str, Maker] = {
    "well behaved": says(lambda request, content, count: good(request, content)),
    "no ETag": says(lambda request, content, count: good(request, content, etag=None)),
    "a weak ETag": says(lambda request, content, count: good(request, content, etag='W/"v1"')),
    "another ETag each time": says(lambda request, content, count: good(request, content, etag=f'"{count}"')),
    "If-Range ignored": replaced(2, etag=NEWER, if_range=False),
    "If-Range ignored, no ETag": replaced(2, etag=None, if_range=False),
    "replaced after the first answer": replaced(2, etag=NEWER),
    "replaced after the third answer": replaced(4, etag=NEWER),
    "two mirrors, two versions": mirrors,
    "a length too small": says(lambda request, content, count: announced(content, len(content) - 9), ends=True),
    "a length too large": says(lambda request, content, count: announced(content, len(content) + 9), ends=True),
    "a length that is none": says(lambda request, content, count: announced(content, "many"), ends=True),
    "two lengths": says(
        lambda request, content, count: announced(content, len(content), content_length=str(len(content) - 9)),
        ends=True,
    ),
    "no length": says(lambda request, content, count: reply(200, sized=False) + content, ends=True),
    "no length, and cut": says(lambda request, content, count: reply(200, sized=False) + content[:-9], ends=True),
    "HTTP/1.0": says(lambda request, content, count: b"HTTP/1.0 200 OK\r\n\r\n" + content, ends=True),
    "in chunks": says(lambda request, content, count: chunked(content)),
    "in chunks, without an end": says(lambda request, content, count: chunked(content, ended=False), ends=True),
    "in chunks, cut": says(lambda request, content, count: chunked(content)[:-9_000], ends=True),
    "cut within the headers": says(lambda request, content, count: good(request, content)[:30], ends=True),
    "cut after the headers": says(lambda request, content, count: reply(200, content)[: -len(content)], ends=True),
    "early hints": says(lambda request, content, count: b"HTTP/1.1 103 Hints\r\n\r\n" + good(request, content)),
    "ranges ignored": says(lambda request, content, count: reply(200, content, ETag=ETAG)),
    "ranges ignored, but said": says(
        lambda request, content, count: reply(
            200, content, Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}"
        )  # resto
    ),
    "a part without being asked": says(
        lambda request, content, count: part(content, (0, len(content) // 2), (0, len(content) // 2), ETag=ETAG)
    ),
    "the last byte beyond the end": when_a_part_is_asked_for(  # resto
        lambda content, asked: part(content, (len(content) - 1, len(content)), (len(content) - 1, len(content)))
    ),
    "all to the end behind a short length": when_a_part_is_asked_for(  # resto
        lambda content, asked: part(content, asked, asked, ETag=ETAG) + content[asked[1] :], ends=True
    ),
    "a part that begins elsewhere": when_a_part_is_asked_for(
        lambda content, asked: part(content, (asked[0] - 9, asked[1] - 9), (asked[0] - 9, asked[1] - 9), ETag=ETAG)
    ),
    "a part that begins elsewhere, and denies it": when_a_part_is_asked_for(
        lambda content, asked: part(content, (0, asked[1] - asked[0]), asked, ETag=ETAG)
    ),
    "the beginning instead of the part": when_a_part_is_asked_for(
        lambda content, asked: part(content, (0, len(content)), (0, len(content)), ETag=ETAG)
    ),
    "less than was asked for": when_a_part_is_asked_for(
        lambda content, asked: part(content, (asked[0], asked[0] + 99), (asked[0], asked[0] + 99), ETag=ETAG)
    ),
    "more than was asked for": when_a_part_is_asked_for(
        lambda content, asked: part(content, (asked[0], len(content)), asked, ETag=ETAG)
    ),
    "no Content-Range": when_a_part_is_asked_for(lambda content, asked: reply(206, content[slice(*asked)], ETag=ETAG)),
    "a Content-Range without a total": when_a_part_is_asked_for(
        lambda content, asked: reply(
            206, content[slice(*asked)], Content_Range=f"bytes {asked[0]}-{asked[1] - 1}/*", ETag=ETAG
        )
    ),
    "a total that has changed": when_a_part_is_asked_for(
        lambda content, asked: reply(
            206, content[slice(*asked)], Content_Range=f"bytes {asked[0]}-{asked[1] - 1}/{len(content) + 1}", ETag=ETAG
        )
    ),
    "several parts at once": when_a_part_is_asked_for(
        lambda content, asked: reply(
            206,
            b"--x\r\nContent-Range: bytes 0-9/99\r\n\r\n" + content[:10] + b"\r\n--x--",
            Content_Type="multipart/byteranges; boundary=x",
            ETag=ETAG,
        )
    ),
    "no range is good enough": when_a_part_is_asked_for(lambda content, asked: reply(416)),
    "a part compressed on the way": when_a_part_is_asked_for(
        lambda content, asked: part(content, asked, asked, Content_Encoding="gzip", ETag=ETAG)
    ),
    "compressed on the way": says(
        lambda request, content, count: reply(200, gzip.compress(content, 1), Content_Encoding="gzip", ETag=ETAG)
    ),
    "said to be compressed": says(lambda request, content, count: reply(200, content, Content_Encoding="br")),
    "nothing": says(lambda request, content, count: reply(200)),
    "a login": says(lambda request, content, count: reply(200, LOGIN, Content_Type="text/html")),
    "a licence to sign": says(lambda request, content, count: reply(200, REFUSAL, Content_Type="application/json")),
    "an error of S3": says(lambda request, content, count: reply(200, DENIED, Content_Type="application/xml")),
    "a login instead of the part": when_a_part_is_asked_for(
        lambda content, asked: reply(200, LOGIN, Content_Type="text/html")
    ),
    "a login as the part": when_a_part_is_asked_for(
        lambda content, asked: reply(206, LOGIN, Content_Range=f"bytes {asked[0]}-{asked[1] - 1}/{len(content)}")
    ),
}

_PICTURE = b"II*\0" + bytes(range(1, 256)) * 800
VERSIONS = {
    "zip": (zipped(200_000), zipped(200_000, seed=2)),
    "tif": (_PICTURE, _PICTURE[:-100_000] + bytes(100_000)),
}
"""Two versions of a product, of one length: an archive, which can be read, and a picture, which cannot."""

KNOWN: dict[str, Callable[[bytes, bytes], dict[str, object]]] = {
    "nothing": lambda first, other: {},
    "size": lambda first, other: {"size": len(first)},
    "checksum": lambda first, other: {"checksum": md5(first)},
    "checksum of the other": lambda first, other: {"checksum": md5(other)},
}
"""What the catalogue may say of the file."""

UNKNOWABLE = {
    "a part that begins elsewhere, and denies it",  # other bytes, said to be the right ones
    "a length too small",  # what follows is seen only if it is there at once
}
"""Of a picture without a checksum nobody can tell; curl, wget and aria2 do not either."""


class Tried(NamedTuple):
    """How a try ended: proven how, or the error; and whether what is there now is as it should be."""

    said: str
    home: bool
    well: bool


def tried(oddity: str, kind: str, known: str, folder: Path, *, half: bool, streams: int) -> Tried:
    """Fetch a file from an odd server to `folder`, which is empty again afterwards.

    `half` leaves half of the first version there before, as a kill would.
    """
    first, other = VERSIONS[kind]
    path, knows = folder / f"p.{kind}", KNOWN[known](first, other)
    with (
        served(ODDITIES[oddity](first, other)) as peer,
        Http(origin=peer.origin, backoff_base=0.001, connections=6) as http,
    ):
        if half:
            path.with_name(f"{path.name}.part").write_bytes(first[: len(first) // 2])
            record = {"href": peer.url("/p"), "total": len(first), "etag": ETAG, "boot": boot(), **knows}
            path.with_name(f"{path.name}.part.json").write_text(json.dumps(record))
        wanted = asset(peer.url("/p"), kind=f"image/{kind}", **knows)  # type: ignore[arg-type]
        try:
            said = fetch(http, wanted, path, terms=Terms(streams=streams)).how
        except WatcherError as error:
            said = str(error).replace(peer.origin, "")
    home = path.exists()
    well = not home or _published(path.read_bytes(), said, known, first, other)
    for left in folder.iterdir():
        well &= left.name in ("p.zip", "p.tif") if home else left.name.endswith((".part", ".part.json"))
        left.unlink()
    return Tried(said, home, well)


def _published(came: bytes, said: str, known: str, first: bytes, other: bytes) -> bool:
    if said == "unverified":  # nobody knows, and that is what it says
        return first.startswith(came)
    return came in {"checksum": (first,), "checksum of the other": (other,)}.get(known, (first, other))
