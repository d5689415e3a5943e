"""A remote file that is read here and there, by ranges, as if it lay on disk."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx

from watcher.core.archive.spans import Span
from watcher.errors import TransferError
from watcher.model import Asset
from watcher.net import Http, pieces
from watcher.net.reach import shown
from watcher.transfer import ranges
from watcher.transfer.errand import Terms
from watcher.transfer.part import Record
from watcher.transfer.refusals import LOOK, OPENING, beginning, is_product, refusal
from watcher.transfer.resume import address

_TAIL = 128 * 1024
"""Bytes that are asked for at once around a place that is read: a product's directory is most often shorter."""

_MOST = 64 * 2**20
"""Bytes that are kept in memory at once."""


class Remote(io.RawIOBase):
    """The file behind an asset's address, of which the server gives ranges.

    Each range must be of the file that was asked for first, by its size and, where it has one, its strong ETag.
    Raises `TransferError` when the server gives no ranges, or the file changes meanwhile, `WatcherError` for an answer
    that is no product, `Unreachable` when the connection breaks. `received` counts the bytes that came.
    """

    def __init__(self, http: Http, asset: Asset, name: str, terms: Terms, stop: threading.Event) -> None:
        super().__init__()
        self._http, self._asset, self._terms, self._stop = http, asset, terms, stop
        self._at, self._held, self._held_at = 0, b"", 0
        self._coming: _Coming | None = None
        self.received = 0
        with self._asked({"Range": f"bytes=0-{OPENING - 1}"}) as response:
            coming = pieces(response)
            first = beginning(coming, OPENING)
            if response.status_code not in (200, 206) or not is_product(response, asset, name, first):
                raise refusal(response, first + beginning(coming, LOOK))
            span = ranges.spanned(response)
            if response.status_code == 200 or span is None or span[0] != (0, min(OPENING, span[1])):
                raise TransferError(
                    f"{shown(response.request.url)} gives no parts of a file, only all of it",
                    hint="fetch the whole product, without choosing members of it",
                    permanent=True,
                )
            self.first, self.size = first, span[1]
            self._record = Record(address(asset), total=self.size, etag=ranges.strong(response))

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that any place of it can be read."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; nothing is asked for yet."""
        self._at = max(0, {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence] + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, less only at the end of the file."""
        end = self.size if size < 0 else min(self._at + size, self.size)
        count = max(0, end - self._at)
        if count > _MOST:
            raise TransferError(f"{address(self._asset)} wants {count} bytes read at once: it was not", permanent=True)
        if self._coming is not None and self._coming.at <= self._at:
            some = self._coming.read(self._at, count)
        else:
            if not self._held_at <= self._at <= end <= self._held_at + len(self._held):
                self._hold(self._at, end)
            some = self._held[self._at - self._held_at : end - self._held_at]
        self._at += len(some)
        return some

    @contextmanager
    def streaming(self, span: Span) -> Iterator[None]:
        """Within the ``with`` statement, read a span from its start on by one question."""
        with self._asked(ranges.asking(span, self._record)) as response:
            self._coming = _Coming(self._judged(response, span), span[0])
            try:
                yield
            finally:
                self._coming = None

    def _hold(self, first: int, end: int) -> None:
        # What is read first are the end of a file and what lies before it.
        span = (max(0, min(first, end - _TAIL)), end)
        with self._asked(ranges.asking(span, self._record)) as response:
            self._held = b"".join(self._judged(response, span))
            self._held_at = span[0]
        if len(self._held) != span[1] - span[0]:
            raise TransferError(f"{address(self._asset)} sent {len(self._held)} of {span[1] - span[0]} bytes")

    def _judged(self, response: httpx.Response, span: Span) -> Iterator[bytes | memoryview]:
        if ranges.continues(response, span, self._record, known=True):
            return self._counted(response)
        if response.status_code in (200, 206, 416):
            raise TransferError(
                f"{shown(response.request.url)} gives other bytes than were asked for: the file was replaced, or ranges"
                " are not kept to",
                hint="it is tried again later; if that stays so, fetch the whole product",
            )
        raise refusal(response, beginning(pieces(response), LOOK))

    def _counted(self, response: httpx.Response) -> Iterator[bytes | memoryview]:
        for piece in pieces(response):
            self.received += len(piece)
            yield piece

    def _asked(self, headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
        return self._http.stream(self._asset.href, headers=headers, patience=self._terms.patience, stop=self._stop)


class _Coming:
    """The bytes of one answer, read from its start on; what is skipped is dropped."""

    def __init__(self, coming: Iterator[bytes | memoryview], at: int) -> None:
        self._coming, self.at, self._rest = coming, at, b""

    def read(self, at: int, count: int) -> bytes:
        """Return `count` bytes from `at` on, less only at the end of the answer."""
        some = b""
        while self.at < at + count:
            if not self._rest:
                self._rest = bytes(next(self._coming, b""))
                if not self._rest:
                    break
            skipped = min(max(0, at - self.at), len(self._rest))
            taken = self._rest[skipped : skipped + count - len(some)]
            self._rest = self._rest[skipped + len(taken) :]
            self.at += skipped + len(taken)
            some += taken
        return some
