"""The server's answers into the ``.part``: from the start, or from where it was left."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import msgspec

from watcher.core.archive.spans import Span
from watcher.errors import TransferError
from watcher.net import Http, pieces
from watcher.net.reach import shown
from watcher.transfer import ranges, segments, space
from watcher.transfer.archives import GZIP, is_gzip
from watcher.transfer.errand import Errand, Received
from watcher.transfer.flow import Flow
from watcher.transfer.part import Part, Record
from watcher.transfer.refusals import LOOK, OPENING, beginning, is_product, refusal
from watcher.transfer.resume import Kept, address, boot
from watcher.transfer.segments import Changed
from watcher.transfer.sums import Sums, digests_of

Pieces = Iterator[bytes | memoryview]


def receive(http: Http, errand: Errand, part: Part, kept: Kept | None) -> Received:
    """Bring the file into `part`, going on from what is `kept` of it.

    Raises `TransferError` (with what came kept in the part, unless it is known to be wrong), `NoSpace`,
    `CredentialError`, or `Unreachable` when the connection broke.
    """
    if kept is not None and kept.whole:
        # Not even a question: resto answers one beyond the end with the last byte, which is one too many.
        part.extend()
        return Received(0, kept.total, digests_of(part.file, part.size, errand.algorithms, errand.stop))
    in_vain = 0
    try:
        if kept is None:
            return _begin(http, errand, part)
        if segments.worthwhile(errand, kept):
            return segments.bring(http, errand, part, kept)
        received = _go_on(http, errand, part, kept)
        if received is not None:
            return received
    except Changed as change:
        in_vain = change.count
    part.truncate()
    received = _begin(http, errand.alone(), part)
    return msgspec.structs.replace(received, count=received.count + in_vain)


def _begin(http: Http, errand: Errand, part: Part) -> Received:
    """Fetch from the first byte on: the first piece, if several streams are to share the file, else all of it."""
    first = segments.opening(errand)
    if first is not None:
        received = _question(http, errand, part, first)
        if received is not None:
            return received
    received = _question(http, errand, part, None)
    assert received is not None  # noqa: S101  # what is asked for as a whole has no second form
    return received


def _question(http: Http, errand: Errand, part: Part, first: Span | None) -> Received | None:
    headers = {} if first is None else {"Range": f"bytes={first[0]}-{first[1] - 1}"}
    terms = errand.terms
    with http.stream(errand.asset.href, headers=headers, patience=terms.patience, stop=errand.stop) as response:
        if first is None or response.status_code not in (206, 416):
            coming, record = _begun(response, errand)
            part.begin(record)
            return _read(response, coming, errand, part, record.total)
        span = ranges.spanned(response)
        if span is None or span[0] != (0, min(first[1], span[1])) or not _identity(response, span[0]):
            return None
        coming, record = _begun(response, errand, status=206)
        part.begin(record)
        if span[0][1] == span[1]:
            return _read(response, coming, errand, part, span[1])
        if record.etag is None and errand.known is None:
            return None  # nothing would prove that the others bring the same file
        return segments.bring(http, errand, part, Kept(record, span[1], ()), (response, coming, span[0]))


def _identity(response: httpx.Response, span: Span) -> bool:
    return ranges.coding(response) == "identity" and ranges.length(response) in (None, span[1] - span[0])


def _go_on(http: Http, errand: Errand, part: Part, kept: Kept) -> Received | None:
    """Fetch what is missing after the beginning that is there; `None` when the server does not go on from it."""
    part.extend()
    span = (part.size, kept.total)
    headers = ranges.asking(span, kept.record)
    terms = errand.terms
    with http.stream(errand.asset.href, headers=headers, patience=terms.patience, stop=errand.stop) as response:
        if ranges.continues(response, span, kept.record, known=errand.known is not None):
            return _read(response, pieces(response, beyond=errand.known is None), errand, part, kept.total)
        if response.status_code in (206, 416):
            return None
        coming, record = _begun(response, errand)
        part.begin(record)
        return _read(response, coming, errand, part, record.total)


def _begun(response: httpx.Response, errand: Errand, *, status: int = 200) -> tuple[Pieces, Record]:
    """Judge an answer by its beginning; return its pieces, and what they belong to.

    Raises `WatcherError` for an answer that is no product, or has another status.
    """
    asset, coming = errand.asset, pieces(response, beyond=errand.known is None)
    first = beginning(coming, OPENING)
    if response.status_code != status or not is_product(response, asset, errand.name, first):
        raise refusal(response, first + beginning(coming, LOOK))
    coding = ranges.coding(response)
    # A .tgz is often served as it is, with its own compression called the transfer's.
    as_it_is = coding in ("gzip", "x-gzip") and is_gzip(asset, errand.name) and first.startswith(GZIP)
    if coding != "identity" and not as_it_is:
        raise TransferError(f"{shown(response.request.url)} sends the file compressed on the way, which was not asked")
    total = ranges.total(response)
    if errand.known is None and None not in (total, asset.size) and total != asset.size:
        raise TransferError(
            f"{shown(response.request.url)} announces {total} bytes, but it was listed with {asset.size}",
            hint="the file may be being replaced",
        )
    record = Record(
        href=address(asset),
        # What an account has heard of the size is better than nothing; what the server says of it counts.
        total=response.extensions.get("size") if total is None else total,
        size=asset.size,
        checksum=asset.checksum,
        etag=ranges.strong(response),
        boot=boot(),
    )

    def all_pieces() -> Pieces:
        yield first
        yield from coming

    return all_pieces(), record


def _read(response: httpx.Response, coming: Pieces, errand: Errand, part: Part, total: int | None) -> Received:
    announced = errand.asset.size if total is None else total
    started = part.size
    place = shown(response.request.url)
    if announced is None:
        space.leave(part, errand.terms.reserve)
    else:
        space.set_aside(part, errand.terms.reserve, announced)
    flow = Flow(errand.terms, part, place, errand.stop)
    with Sums(part.file, errand.algorithms) as sums:
        sums.reach(part.size)
        for piece in coming:
            if announced is not None and part.size + len(piece) > announced:
                part.truncate()  # what came may be of any file
                raise TransferError(f"{place} sends more than the {announced} bytes announced")
            part.write(piece)
            sums.reach(part.size)
            errand.told(part.size, announced)
            flow.passed(len(piece))
        if announced is not None and part.size != announced:
            raise TransferError(f"{place} sent {part.size} of {announced} bytes")
        return Received(part.size - started, announced, sums.digests(errand.stop))
