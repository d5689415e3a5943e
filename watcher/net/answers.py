"""A server's answer, whole or not at all."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import httpcore
import httpx
import msgspec

from watcher.errors import CatalogueError, Unreachable
from watcher.net.connections import Connection
from watcher.net.reach import shown

_T = TypeVar("_T")

_STEP = 64 * 1024
_READ = 256 * 1024
_REUSED = 64 * 2**20
"""Bytes of a body after which a connection is better made anew."""
_PREFIX = 4096


class Answer(msgspec.Struct, frozen=True):
    """A complete answer of status 2xx. `headers` have lower-case names; `url` is where it came from."""

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray
    url: str


def whole(response: httpx.Response, limit: int) -> bytes | bytearray:
    """Read a body to its proven end and inflate it.

    Raises `Unreachable` when it is larger than `limit` bytes (inflated), when nothing says where it ends,
    when its compression breaks off, or when it is compressed in a way that was not asked for.
    """
    url = response.request.url
    announced = response.headers.get("content-length")
    if response.status_code in (204, 304):
        return b""
    # A body that ends with the connection cannot be told from one that was cut.
    if announced is None and response.headers.get("transfer-encoding", "").lower() != "chunked":
        raise Unreachable(f"{shown(url)} does not say how long its answer is, so a cut one could not be told")
    if announced is not None and announced.isdigit() and int(announced) > limit:
        raise _too_large(url, limit)
    raw = _read(response, limit)
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity") or not raw:
        return raw
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise Unreachable(f'{shown(url)} answered in the encoding "{coding[:40]}", which was not asked for')
    try:
        return _inflated(raw, coding, limit, url)
    except zlib.error as error:
        raise Unreachable(f"{shown(url)} answered with broken compression: {error}") from error


def pieces(
    response: httpx.Response, *, beyond: bool = False, into: memoryview | None = None
) -> Iterator[bytes | memoryview]:
    """Yield a body's bytes as they arrive; a piece is valid until the next one is asked for.

    Where the length is known they are read around httpx, h11 and their copies, which halves the cost of a
    download: one over the other, or one behind the other `into` memory for all of it. With `beyond` a byte is yielded
    that comes after that length, if one is there already. Raises what httpcore raises.
    """
    raw, way = response.iter_raw(), _around(response)
    if way is None:
        yield from raw
        return
    connection, left = way
    first = next(raw, b"")  # with it comes all that httpcore has read ahead
    left -= len(first)
    if into is None:
        yield first
        buffer = memoryview(bytearray(min(left, _READ)))
    else:
        into[: len(first)] = first
        yield first
        buffer = into[len(first) :]
    around = left
    timeout = response.request.extensions.get("timeout", {}).get("read")
    while left > 0:
        count = connection.read_into(buffer[:left], timeout)
        if not count:
            raise httpcore.RemoteProtocolError(f"the connection was closed {left} bytes early")
        left -= count
        yield buffer[:count]
        if into is not None:
            buffer = buffer[count:]
    if around and (more := connection.more()):
        yield from (more,) if beyond else ()
    elif around <= _REUSED:
        connection.owe(around)
        for _ in raw:  # to its end, after which the connection can be used again
            pass


def _around(response: httpx.Response) -> tuple[Connection, int] | None:
    """Return the connection that a body can be read from around httpcore, and the body's length."""
    length, connection = response.headers.get("content-length", ""), response.extensions.get("network_stream")
    sized = length.isdigit() and "transfer-encoding" not in response.headers
    # Neither of those has a body, whatever length it says (RFC 9112 §6.3).
    empty = response.status_code in (204, 304)
    return (connection, int(length)) if sized and not empty and isinstance(connection, Connection) else None


def _read(response: httpx.Response, limit: int) -> bytes | bytearray:
    """Read a body of up to `limit` bytes as it was sent."""
    way = _around(response)
    if way is not None:
        body = bytearray(way[1])
        for _ in pieces(response, into=memoryview(body)):
            pass
        return body
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if size > limit:
            raise _too_large(response.request.url, limit)
        chunks.append(chunk)
    return b"".join(chunks)


def opening(response: httpx.Response, limit: int = 2048) -> bytes:
    """Read the first bytes of a body that only explains a failure, inflated as far as it goes."""
    raw = b""
    for chunk in response.iter_raw():
        raw += chunk
        if len(raw) >= limit:
            break
    if response.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip"):
        try:
            raw = zlib.decompressobj(wbits=31).decompress(raw, limit)
        except zlib.error:
            return b""  # an explanation that cannot be read explains nothing; the status stands
    return raw[:limit]


def json_body(answer: Answer) -> bytes | bytearray:
    """Return an answer's JSON, from its first ``{`` or ``[``.

    A PHP warning before it is skipped if the server calls the answer JSON. Raises `CatalogueError` for what
    is no JSON at all, most often the page of a login or of maintenance.
    """
    body = answer.body
    if body[:1] not in (b"{", b"["):
        body = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if body[:1] in (b"{", b"["):
        return body
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind.endswith("json"):
        starts = [at for at in (body[:_PREFIX].find(b"{"), body[:_PREFIX].find(b"[{")) if at >= 0]
        if starts:
            return body[min(starts) :]
    place = shown(httpx.URL(answer.url))
    if not body:
        raise CatalogueError(f"{place} answered {answer.status} with nothing in it, where JSON was expected")
    raise CatalogueError(
        f"{place} answered {answer.status} with {kind or 'something unnamed'} where JSON was expected",
        hint="most often this is the page of a login or of maintenance: open the address in a browser",
    )


def listed(answer: Answer, decode: Callable[[bytes | bytearray], _T], *, url: str, things: str) -> _T:
    """Decode a page of `things` that a search at `url` was answered with; raises `CatalogueError` for what is none."""
    try:
        return decode(json_body(answer))
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CatalogueError(
            f"{url} answered a search with what is no whole page of {things}: {error}",
            hint="its first bytes are: " + ascii(answer.body[:120].decode("utf-8", "replace")),
        ) from error


def _inflated(raw: bytes | bytearray, coding: str, limit: int, url: httpx.URL) -> bytes:
    if coding == "deflate":
        # RFC 9110 §8.4.1.2 means zlib's format; some servers send the bare stream.
        bare = len(raw) < 2 or raw[0] & 0x0F != 8 or int.from_bytes(raw[:2], "big") % 31
        wbits = -zlib.MAX_WBITS if bare else zlib.MAX_WBITS
    else:
        wbits = zlib.MAX_WBITS + 16
    inflate = zlib.decompressobj(wbits=wbits)
    parts: list[bytes] = []
    size = 0
    view = memoryview(raw)
    # Step by step, for at the end of each member zlib copies all that it was given beyond it.
    for start in range(0, len(raw), _STEP):
        piece: bytes | memoryview = view[start : start + _STEP]
        while piece:
            if inflate.eof:  # gzip members may follow one another (RFC 1952 §2.2)
                inflate = zlib.decompressobj(wbits=wbits)
            parts.append(inflate.decompress(piece, limit - size + 1))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(url, limit)
            piece = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
    if not inflate.eof:
        raise Unreachable(f"{shown(url)} sent only the beginning of a compressed answer")
    return b"".join(parts)


def _too_large(url: httpx.URL, limit: int) -> Unreachable:
    return Unreachable(
        f"{shown(url)} sent more than {limit / 2**20:g} MiB in one answer: the rest was not read",
        hint="ask for fewer products at a time (a smaller page)",
        permanent=True,
    )
