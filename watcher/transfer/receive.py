"""One answer of the server into the ``.part``: from the start, or from where it was left."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import httpx
import msgspec

from watcher.errors import NoSpace, TransferError
from watcher.model import Asset
from watcher.net import Http, pieces
from watcher.net.hops import link
from watcher.net.reach import shown
from watcher.transfer.archives import GZIP, is_gzip
from watcher.transfer.errand import Errand
from watcher.transfer.part import Part, Record
from watcher.transfer.refusals import is_product, refusal
from watcher.transfer.sums import Sums, digests_of

SLOWEST = 1024
"""Bytes a second: what is slower, over the patience of the caller, counts as stalled."""

_LOOK = 16 * 1024
_SPACE_STRIDE = 16 * 1024 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Received(msgspec.Struct, frozen=True):
    """What came: how many bytes now, the size of all if something said it, and the digests of all."""

    count: int
    total: int | None
    digests: dict[str, str]


def resumable(part: Part, errand: Errand) -> Record | None:
    """Return what is known of a ``.part`` that may be gone on with, `None` for one to start again.

    It must be the beginning of the same file: either the catalogue's checksum has not changed and will prove
    it, or the server can (a strong ETag, RFC 9110 §13.1.5) and the machine has not crashed since, which may
    leave holes in a file.
    """
    record, asset = part.record(), errand.asset
    if record is None or record.total is None or not 0 < part.size <= record.total:
        return None
    if errand.known is not None:
        return record if record.checksum == asset.checksum else None
    same = record.href == _href(asset) and record.size == asset.size and record.checksum == asset.checksum
    return record if same and record.etag is not None and record.boot == _boot() else None


def receive(http: Http, errand: Errand, part: Part, record: Record | None) -> Received:
    """Bring the file into `part`, going on from there if there is a `record`.

    Raises `TransferError` (with what came kept in the part, unless it is known to be wrong), `NoSpace`,
    `CredentialError`, or `Unreachable` when the connection broke.
    """
    if record is not None and part.size == record.total:
        # Not even a question: resto answers one beyond the end with the last byte, which is one too many.
        return Received(0, record.total, digests_of(part.file, part.size, errand.algorithms, errand.stop))
    headers = {}
    if record is not None:
        headers["Range"] = f"bytes={part.size}-"
        if record.etag is not None:
            headers["If-Range"] = record.etag
    with http.stream(errand.asset.href, headers=headers, patience=errand.patience, stop=errand.stop) as response:
        if record is not None and _continues(response, part.size, record):
            part.extend()
            return _read(response, pieces(response), errand, part, record.total)
        if record is None or response.status_code not in (206, 416):
            return _from_the_start(response, errand, part)
    part.truncate()
    return receive(http, errand, part, None)


def _continues(response: httpx.Response, have: int, record: Record) -> bool:
    span = _RANGE.fullmatch(response.headers.get("content-range", ""))
    if response.status_code != 206 or span is None or record.total is None:
        return False
    first, last, total = map(int, span.groups())
    if (first, last, total) != (have, record.total - 1, record.total):
        return False
    tag = response.headers.get("etag")
    return (
        response.headers.get("content-length", str(total - have)) == str(total - have)
        and (tag is None or record.etag is None or tag == record.etag)
        and _coding(response) == "identity"
    )


def _from_the_start(response: httpx.Response, errand: Errand, part: Part) -> Received:
    asset, coming = errand.asset, pieces(response)
    first = _beginning(coming, 4)
    if response.status_code != 200 or not is_product(response, asset, errand.name, first):
        raise refusal(response, first + _beginning(coming, _LOOK))
    coding = _coding(response)
    # A .tgz is often served as it is, with its own compression called the transfer's.
    as_it_is = coding in ("gzip", "x-gzip") and is_gzip(asset, errand.name) and first.startswith(GZIP)
    if coding != "identity" and not as_it_is:
        raise TransferError(f"{shown(response.request.url)} sends the file compressed on the way, which was not asked")
    length = response.headers.get("content-length", "")
    total = int(length) if length.isdigit() and "transfer-encoding" not in response.headers else None
    if errand.known is None and None not in (total, asset.size) and total != asset.size:
        raise TransferError(
            f"{shown(response.request.url)} announces {total} bytes, but the catalogue says {asset.size}",
            hint="the file may be being replaced: it is tried again later",
        )
    part.begin(
        Record(
            href=_href(asset),
            total=total,
            size=asset.size,
            checksum=asset.checksum,
            etag=_strong(response.headers.get("etag")),
            last_modified=response.headers.get("last-modified"),
            boot=_boot(),
        )
    )

    def all_pieces() -> Iterator[bytes | memoryview]:
        yield first
        yield from coming

    return _read(response, all_pieces(), errand, part, total)


def _read(
    response: httpx.Response, coming: Iterator[bytes | memoryview], errand: Errand, part: Part, total: int | None
) -> Received:
    announced = errand.asset.size if total is None else total
    started = part.size
    _leave_space(part, errand.reserve, 0 if announced is None else announced - part.size)
    place = shown(response.request.url)
    window, seen, checked = time.monotonic(), started, started
    with Sums(part.file, errand.algorithms) as sums:
        sums.reach(part.size)
        for piece in coming:
            if announced is not None and part.size + len(piece) > announced:
                part.truncate()
                raise TransferError(f"{place} sends more than the {announced} bytes announced")
            part.write(piece)
            sums.reach(part.size)
            errand.told(part.size, announced)
            now = time.monotonic()
            if now - window >= errand.patience:
                if part.size - seen < SLOWEST * (now - window):
                    raise TransferError(f"{place} has stalled: {part.size - seen} bytes in {now - window:.0f} s")
                window, seen = now, part.size
            if part.size - checked >= _SPACE_STRIDE:
                _leave_space(part, errand.reserve, 0)
                checked = part.size
            if errand.stop.is_set():
                raise TransferError("stopped")
        if announced is not None and part.size != announced:
            raise TransferError(f"{place} sent {part.size} of {announced} bytes")
        return Received(part.size - started, announced, sums.digests(errand.stop))


def _leave_space(part: Part, reserve: int, need: int) -> None:
    disk = os.fstatvfs(part.file)
    free = disk.f_bavail * disk.f_frsize
    if free - need < reserve or free < need:
        raise NoSpace(
            f"{part.path.parent} has {free} bytes left, and {need} are to come: {reserve} must stay free",
            hint="make room, or choose a smaller reserve; the download goes on from where it is",
        )


def _beginning(coming: Iterator[bytes | memoryview], least: int) -> bytes:
    first = b""
    for piece in coming:
        first += piece
        if len(first) >= least:
            break
    return first


def _coding(response: httpx.Response) -> str:
    return str(response.headers.get("content-encoding", "identity")).strip().lower() or "identity"


def _strong(etag: str | None) -> str | None:
    return etag if etag is not None and re.fullmatch(r'"[\x21\x23-\x7e]*"', etag) else None


def _href(asset: Asset) -> str:
    return shown(link(asset.href))


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""  # not Linux: every start counts as the same
