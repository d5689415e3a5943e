"""One file over several connections, for servers that give each only so much.

Each stream fetches a piece of the file, in the file's order, and then the next one that nobody has. Every answer must
be just the span that was asked for, of the very file that was begun (``If-Range``, ``Content-Range``, ETag): one that
is not ends it, and the file is fetched once more, by one stream. Which bytes are there is recorded as they come, so
that a later run fetches only what is missing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import msgspec

from watcher.core.archive.spans import Span, Spans, joined, length, piece, prefix
from watcher.errors import NoSpace, TransferError, WatcherError
from watcher.model import Asset
from watcher.net import Http, pieces
from watcher.net.failures import BROKEN, cause, unreachable
from watcher.net.reach import shown
from watcher.transfer import ranges, space
from watcher.transfer.errand import Errand, Received
from watcher.transfer.flow import Flow
from watcher.transfer.halt import Halt
from watcher.transfer.part import Part
from watcher.transfer.refusals import LOOK, beginning, refusal
from watcher.transfer.resume import Kept
from watcher.transfer.sums import Sums

LEAST, MOST = 4 * 2**20, 64 * 2**20
"""Bytes of a piece. What is less than four of the least is left to one stream."""

_NOTE = 0.5
"""Seconds between two records of what is there."""

_BREAKS = 3
"""How often one stream's connection may break; one that brings nothing is not tried again."""

First = tuple[httpx.Response, Iterator[bytes | memoryview], Span]
"""An answer that has begun, its pieces, and the span of the file that they are."""


class Changed(Exception):
    """An answer is not the span of the file that was asked for; `count` bytes came in vain."""

    def __init__(self, count: int = 0) -> None:
        super().__init__("the file changed, or the server does not keep to ranges")
        self.count = count


def several(asset: Asset) -> bool:
    """Say whether a file may be worth more than one connection."""
    return asset.size is None or asset.size >= 4 * LEAST


def opening(errand: Errand) -> Span | None:
    """Return the span to ask for first, so that others can follow; `None` where one stream is to fetch all."""
    size, streams = errand.asset.size, errand.terms.streams
    if streams < 2 or not several(errand.asset):
        return None
    return piece((), size or 8 * LEAST, streams=streams, least=LEAST, most=MOST)


def worthwhile(errand: Errand, kept: Kept) -> bool:
    """Say whether what is missing of a file is worth more than one stream, or lies where only they can put it."""
    return kept.record.spans is not None or (errand.terms.streams > 1 and kept.total - length(kept.spans) >= 4 * LEAST)


def bring(http: Http, errand: Errand, part: Part, kept: Kept, first: First | None = None) -> Received:
    """Fetch what is missing of a file; `first` is an answer that brings some of it already.

    Raises `Changed`, or errors as of `receive`; what came is kept and recorded then.
    """
    space.set_aside(part, errand.terms.reserve, kept.total)
    with Sums(part.file, errand.algorithms) as sums:
        work = _Work(http, errand, part, kept, sums)
        work.note()  # from here on the length of the file says nothing
        try:
            while work.stream(first, leads=True) and not work.halt.is_set():
                work.join()
                if work.whole:
                    break
                first = None  # another stream was given up, and left something
        except BaseException as error:  # noqa: BLE001  # `check` raises it, once the others have ended
            work.end(error)
        finally:
            work.join()
            with suppress(TransferError):  # an older record is as true
                work.note()
        work.check()
        part.size = kept.total
        return Received(work.count, kept.total, sums.digests(errand.stop), several=True)


class _Work:
    """What the streams of a file share: which bytes are there, which are on their way, and what ended it."""

    def __init__(self, http: Http, errand: Errand, part: Part, kept: Kept, sums: Sums) -> None:
        self.http, self.errand, self.part, self.kept, self.sums = http, errand, part, kept, sums
        self.halt, self.lock = Halt(errand.stop), threading.Lock()
        self.there: Spans = kept.spans
        self.taken: set[Span] = set()
        self.count, self.noted = 0, 0.0
        self.helpers: list[threading.Thread] = []
        self.wanted = errand.terms.streams - 1
        self.cause: BaseException | None = None
        self.trouble: WatcherError | None = None

    @property
    def whole(self) -> bool:
        """Say whether nothing is missing."""
        return prefix(self.there) == self.kept.total

    def stream(self, first: First | None = None, *, leads: bool = False) -> bool:
        """Fetch piece after piece until all are taken; `False` when this connection is given up.

        The one that `leads` finds others to help.
        """
        breaks = 0
        while breaks <= _BREAKS:
            span = self._claim(None if first is None else first[2])
            if span is None:
                return True
            while leads and self._recruited():
                pass
            try:
                self._fetch(span, first)
            except NoSpace:
                raise
            except WatcherError as error:
                self.trouble = error
                if not self._begun(span):
                    return False
                breaks += 1
            finally:
                with self.lock:
                    self.taken.discard(span)
            first = None
        return False

    def join(self) -> None:
        """Wait for the helpers to end."""
        for thread in self.helpers:
            thread.join()

    def end(self, cause: BaseException) -> None:
        """Let all streams end; the first cause is the one that counts."""
        with self.lock:
            self.cause = self.cause or cause
        self.halt.set()

    def check(self) -> None:
        """Raise what ended it before the file was whole."""
        if isinstance(self.cause, Changed):
            raise Changed(self.count)
        if self.cause is not None:
            raise self.cause
        if not self.whole:
            raise TransferError("stopped") if self.errand.stop.is_set() or self.trouble is None else self.trouble

    def note(self) -> None:
        """Record what is there."""
        self.part.note(msgspec.structs.replace(self.kept.record, spans=self.there))
        self.noted = time.monotonic()

    def _claim(self, span: Span | None) -> Span | None:
        with self.lock:
            if self.halt.is_set():
                return None
            span = span or self._free()
            if span is not None:
                self.taken.add(span)
            return span

    def _free(self) -> Span | None:
        taken = joined([*self.there, *self.taken])
        return piece(taken, self.kept.total, streams=self.errand.terms.streams, least=LEAST, most=MOST)

    def _begun(self, span: Span) -> bool:
        with self.lock:
            return any(first <= span[0] < end for first, end in self.there)

    def _recruited(self) -> bool:
        spare = self.errand.terms.spare
        with self.lock:
            self.helpers = [thread for thread in self.helpers if thread.is_alive()]
            enough = len(self.helpers) >= self.wanted or self._free() is None or self.halt.is_set()
            if enough or (spare is not None and not spare.acquire(blocking=False)):
                return False
            self.helpers.append(threading.Thread(target=self._help, name=f"stream of {self.errand.name}", daemon=True))
            self.helpers[-1].start()
            return True

    def _help(self) -> None:
        try:
            if not self.stream():
                with self.lock:
                    self.wanted -= 1  # the server may not want so many: another one is not tried
        except BaseException as error:  # noqa: BLE001  # the one that leads raises it
            self.end(error)
        finally:
            if self.errand.terms.spare is not None:
                self.errand.terms.spare.release()

    def _fetch(self, span: Span, first: First | None) -> None:
        if first is not None:
            response, coming, _ = first
            try:
                self._copy(response, coming, span)
            except BROKEN as error:
                raise unreachable(response.request.url, error) from cause(error)
            finally:
                response.close()
            return
        record, errand = self.kept.record, self.errand
        headers = ranges.asking(span, record)
        with self.http.stream(
            errand.asset.href, headers=headers, patience=errand.terms.patience, stop=self.halt
        ) as response:
            if ranges.continues(response, span, record, known=errand.known is not None):
                self._copy(response, pieces(response), span)
            elif response.status_code in (200, 206, 416):
                raise Changed
            else:
                raise refusal(response, beginning(pieces(response), LOOK))

    def _copy(self, response: httpx.Response, coming: Iterator[bytes | memoryview], span: Span) -> None:
        at, end = span
        place = shown(response.request.url)
        flow = Flow(self.errand.terms, self.part, place, self.halt)
        for some in coming:
            if at + len(some) > end:
                raise Changed
            self.part.write_at(some, at)
            self._wrote(at, at + len(some))
            at += len(some)
            flow.passed(len(some))
        if at < end:
            raise TransferError(f"{place} sent {at - span[0]} of the {end - span[0]} bytes asked for")

    def _wrote(self, first: int, end: int) -> None:
        with self.lock:
            self.there = joined([*self.there, (first, end)])
            self.count += end - first
            self.sums.reach(prefix(self.there))
            self.errand.told(length(self.there), self.kept.total)
            if time.monotonic() - self.noted >= _NOTE:
                self.note()
