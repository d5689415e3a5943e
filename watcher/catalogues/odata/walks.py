"""All that an OData catalogue lists for a question: complete, or a failure.

Offsets end at 10,000 there, and what is published, changed or deleted meanwhile moves everything behind it. So the next
page is asked for by value: from the last value of this one on, that one included, for several products may have it.
What is changed meanwhile comes again at the end of its order, what is published is read too, and a deletion moves
nothing.

Where one second holds more products than a page (a whole datatake begins at one moment, and a bulk update is one
transaction), that second is read by another order; and where that does not separate them either, by offsets, with the
server's count as the proof. So is what follows a page of which nothing says where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from watcher.catalogues.odata.products import Entity
from watcher.catalogues.odata.questions import PRODUCTS, SECOND, Question, Sheet, ask
from watcher.core.unread import first_time, nothing_read, shapeless
from watcher.errors import CatalogueError, HttpError, Unreachable
from watcher.model import Unread

if TYPE_CHECKING:
    from watcher.catalogues.odata import Kind
    from watcher.net import Http

FURTHEST = 10_000
"""The offset after which the server lists nothing more."""

_BESIDES = "ContentDate/Start"
_TICK = timedelta(milliseconds=1)
"""What a time may be rounded by where it is printed."""

_EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)

Pages = Iterator[tuple[Sequence[Entity], Sequence[Unread]]]


class Walk:
    """The readings of one search, of at most `max_pages` requests together."""

    def __init__(self, kind: Kind, http: Http) -> None:
        self._kind, self._http = kind, http
        self._asked = 0
        self._limit = kind.limit
        self._seen: dict[str, str] = {}
        self._odd: set[str] = set()
        self._any = False

    def read(self, question: Question) -> Pages:
        """List each product once, or again when it changed meanwhile, and what cannot be read: no page is empty.

        Raises `CatalogueError` if the end is in doubt, and where nothing at all can be read.
        """
        self._seen, self._odd = {}, set()
        return self._by_value(question, question.order, _BESIDES)

    def _by_value(self, question: Question, order: str, besides: str | None) -> Pages:
        low: datetime | None = None
        while True:
            left = question if low is None else question.bounded((order, "ge", low - _TICK))
            sheet = self._ask(left, order)
            yield from self._new(sheet)
            if sheet.ends(self._limit):
                return
            last = sheet.last
            if last is None and sheet.odd:
                return (yield from self._by_offset(left))
            if last is None:
                raise CatalogueError(
                    f"{self._kind.url} says that there are more {question.entity} of {question.collection} than it"
                    f" lists, and the last has no {order} to go on from",
                    hint="the next poll asks again",
                )
            if low is not None and last <= low:
                low = low.replace(microsecond=0)
                yield from self._within(question.bounded((order, "ge", low), (order, "lt", low + SECOND)), besides)
                last = low + SECOND
            low = last

    def _within(self, second: Question, besides: str | None) -> Pages:
        if besides is not None and besides != second.order:
            return self._by_value(msgspec.structs.replace(second, order=besides), besides, None)
        return self._by_offset(second)

    def _by_offset(self, question: Question) -> Pages:
        """Read what no value separates; the server orders it by id as well, so that pages do not overlap."""
        for _ in range(2):
            ids: set[str] = set()
            counts: set[int | None] = set()
            skip = 0
            while True:
                sheet = self._ask(msgspec.structs.replace(question, skip=skip, count=True), question.order)
                yield from self._new(sheet)
                ids.update(entity.id for entity in sheet.entities)
                ids.update(one.mark for one in sheet.odd)
                counts.add(sheet.count)
                skip += sheet.size
                if sheet.ends(self._limit) or not sheet.size:
                    break
                if skip > FURTHEST:
                    raise CatalogueError(
                        f"{self._kind.url} has more than {FURTHEST} {question.entity} of {question.collection} that"
                        f" {question.order} does not tell apart, which it cannot list",
                        hint="watch places instead of everything, or a product type (COLLECTION:TYPE)",
                    )
            if counts == {len(ids)}:
                return
        raise CatalogueError(
            f"{self._kind.url} counts {', '.join(map(str, counts))} {question.entity} of {question.collection} that"
            f" {question.order} does not tell apart, and listed {len(ids)}, twice",
            hint="the next poll asks again",
        )

    def _ask(self, question: Question, order: str) -> Sheet:
        """Ask; a page that is too heavy for the server, or for us, is asked for at half its size, three times."""
        for _ in range(4):
            self._asked += 1
            if self._asked > self._kind.max_pages:
                raise CatalogueError(
                    f"{self._kind.url} has more than {self._kind.max_pages} pages for {question.collection}",
                    hint="raise max_pages or limit, or watch a smaller place, or from a later date",
                )
            try:
                sheet = ask(self._kind, self._http, msgspec.structs.replace(question, limit=self._limit))
            except CatalogueError as error:
                if not _heavy(error) or self._limit == 1:
                    raise
                self._limit = max(1, self._limit // 2)
                failure = error
            else:
                _rising(self._kind, sheet, order)
                return sheet
        raise failure

    def _new(self, sheet: Sheet) -> Pages:
        """Keep what was not seen yet, as it is now."""
        fresh = []
        for entity in sheet.entities:
            changed = str(entity.modification_date)
            if self._seen.get(entity.id) != changed:
                self._seen[entity.id] = changed
                fresh.append(entity)
        self._any = self._any or bool(sheet.entities)
        odd = first_time(sheet.odd, self._odd)
        if not self._any and shapeless(odd):
            raise nothing_read(self._kind.url, odd)
        if fresh or odd:
            yield fresh, odd


def believe(kind: Kind, http: Http, question: Question) -> None:
    """Believe that there is nothing, or raise `CatalogueError`: to an unknown collection the answer is empty, too."""
    anything = msgspec.structs.replace(question, entity=PRODUCTS, terms=(), area=(), limit=1, brief=True)
    if not ask(kind, http, anything).size:
        name = question.collection if question.type is None else f"{question.collection} of type {question.type}"
        raise CatalogueError(
            f"{kind.url} has no products of {name}",
            hint="is it spelt as there, as in SENTINEL-2:S2MSI2A? collections there are called SENTINEL-1, SENTINEL-2,"
            " LANDSAT-8… and have types (S2MSI1C)",
            permanent=True,
        )


def _rising(kind: Kind, sheet: Sheet, order: str) -> None:
    highest = _EARLIEST
    for entity, key in zip(sheet.entities, sheet.keys, strict=True):
        if key is not None and key < highest:
            raise CatalogueError(
                f"{kind.url} does not sort by {order} as it was asked to: {entity.name} comes too late",
                hint="without an order its pages cannot be told to be complete; watcher check looks at that",
            )
        highest = key or highest


def _heavy(error: CatalogueError) -> bool:
    if isinstance(error, HttpError):
        return error.status >= 500 and error.status != 503  # which means: not now, at any size
    return isinstance(error, Unreachable) and error.permanent
