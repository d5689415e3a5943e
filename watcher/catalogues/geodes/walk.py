"""All that GEODES lists for a question: complete, or a failure.

Its pages are numbered and not stable: other clients saw products twice and pages that were short, and a product that
is published or withdrawn while pages are read moves all behind it. The count that comes with each page is what
completeness is proven by:

* One answer that lists as many as it counts is whole: the server made it at one moment.
* A walk through the pages is complete if the count never fell, and as many different products were listed as it says.
* Otherwise the time of publication is cut in two, and each half is read in the same way, until the halves are whole.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from watcher.catalogues.geodes.features import Feature
from watcher.catalogues.geodes.holdings import unknown
from watcher.catalogues.geodes.questions import Question, Sheet, ask, lower, upper
from watcher.core.unread import first_time, nothing_read, shapeless
from watcher.errors import CatalogueError
from watcher.model import Unread

if TYPE_CHECKING:
    from watcher.catalogues.geodes import Kind
    from watcher.net import Http

LONGEST = 50_000
"""The products after which a walk is given up."""

DEEP = 100
"""The pages up to which numbers are trusted: many search engines refuse what lies beyond 10,000 products."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)

Pages = Iterator[tuple[Sequence[Feature], Sequence[Unread]]]
Reading = Generator[tuple[Sequence[Feature], Sequence[Unread]], None, bool]


class Walk:
    """One reading of everything that a question asks for. Makes at most `max_pages` requests."""

    def __init__(self, kind: Kind, question: Question, http: Http) -> None:
        self._kind, self._question, self._http = kind, question, http
        self._asked = 0
        self._seen: set[str] = set()
        self._odd: set[str] = set()

    def pages(self) -> Pages:
        """List each feature once, and what cannot be read, in pages that are never empty.

        Raises `CatalogueError` if the end is in doubt, and where nothing at all can be read.
        """
        yield from self._window(self._question)
        if not self._seen and not self._odd:
            self._believe()

    def _window(self, question: Question) -> Pages:
        first = self._ask(question)
        yield from self._new(first)
        if first.whole:
            return
        deep = first.matched > DEEP * question.limit
        keys = first.keys
        if not deep and (yield from self._numbered(first, keys)):
            return
        halves = self._apart(first) if deep else self._halves(question, keys)
        if halves is None:
            yield from self._again(question)
            return
        for half in halves:
            yield from self._window(half)

    def _numbered(self, first: Sheet, keys: list[datetime]) -> Reading:
        """Read the pages behind the first, and add to the keys. Returns whether nothing can be missing."""
        ids = first.ids
        sheet, number, steady = first, 1, True
        while number * first.question.limit < sheet.matched and number < 2 * DEEP:
            before, number = sheet.matched, number + 1
            sheet = self._ask(first.question, page=number)
            yield from self._new(sheet)
            ids |= sheet.ids
            keys.extend(sheet.keys)
            steady = steady and sheet.matched >= before
        return steady and len(ids) >= sheet.matched

    def _again(self, question: Question) -> Pages:
        """Read once more what cannot be cut. Raises `CatalogueError` if it is still not all there."""
        first = self._ask(question)
        yield from self._new(first)
        if first.whole or (yield from self._numbered(first, [])):
            return
        raise CatalogueError(
            f"{self._kind.url} counts {first.matched} products in {question.collection} that were published at one "
            "time, and does not list them all, twice",
            hint="the next poll asks again; if it stays so, its operator can mend that",
        )

    def _apart(self, first: Sheet) -> tuple[Question, Question] | None:
        """Cut where only the first of very many pages was read: in the middle between both ends."""
        end = msgspec.structs.replace(first.question, descending=True)
        other = self._ask(msgspec.structs.replace(end, limit=1))
        if not other.keys:
            other = self._ask(end)  # the last cannot be read, or is not dated
        low, high = min(first.keys + other.keys, default=EVER), max(first.keys + other.keys, default=EVER)
        return self._halves(first.question, [low + (high - low) / 2])

    def _halves(self, question: Question, keys: Sequence[datetime]) -> tuple[Question, Question] | None:
        """Cut the time of publication in two, with as many keys on either side as can be; `None` if it cannot."""
        values = sorted(set(keys))
        middle = len(values) // 2
        for index in sorted(range(len(values)), key=lambda at: abs(at - middle)):
            value = values[index]
            if (question.since is None or lower(value) > question.since) and (
                question.until is None or upper(value) < question.until
            ):
                early = msgspec.structs.replace(question, until=upper(value))
                return early, msgspec.structs.replace(question, since=lower(value))
        return None

    def _new(self, sheet: Sheet) -> Pages:
        """Keep what was not seen yet."""
        fresh = list({feature.id: feature for feature in sheet.features if feature.id not in self._seen}.values())
        odd = first_time(sheet.odd, self._odd)
        if not fresh and not odd:
            return
        self._seen.update(feature.id for feature in fresh)
        if not self._seen and shapeless(odd):
            raise nothing_read(self._kind.url, odd)
        if len(self._seen) + len(self._odd) > LONGEST:
            raise CatalogueError(
                f"{self._kind.url} lists more than {LONGEST} products in {self._question.collection}",
                hint="watch a smaller place, or from a later date",
            )
        yield fresh, odd

    def _ask(self, question: Question, *, page: int = 1) -> Sheet:
        self._asked += 1
        if self._asked > self._kind.max_pages:
            raise CatalogueError(
                f"{self._kind.url} has more than {self._kind.max_pages} pages for {self._question.collection}",
                hint="raise max_pages, or watch a smaller place, or from a later date",
            )
        return ask(self._kind, self._http, question, page=page)

    def _believe(self) -> None:
        """Believe that there is nothing, or raise `CatalogueError`: a filter may hide all, a collection be renamed."""
        question = msgspec.structs.replace(self._question, limit=1)
        if question.since is not None:
            if self._ask(msgspec.structs.replace(question, since=EVER)).matched:
                return
            if self._ask(msgspec.structs.replace(question, since=None)).matched:
                raise CatalogueError(
                    f"{self._kind.url} lists nothing at all where datetime is filtered by, though there are products",
                    hint="the server has changed how it is asked; watcher has to follow",
                    permanent=True,
                )
        near = unknown(self._kind, self._http, question.collection)
        if near is not None:
            raise CatalogueError(
                f'{self._kind.url} has no collection "{question.collection}"',
                hint=f"the nearest are: {', '.join(near)}" if near else "it has no collections at all",
                permanent=True,
            )
