"""All that a STAC API lists for a question: complete, or a failure.

What can be trusted is a single answer that is whole by itself (`Sheet.whole`): the server made it at one
moment. A chain of `next` links is not of that kind. While it is followed, products are deleted, re-dated and
added, and servers lose some by it without a word: pgstac's links hang on one item, and once that is re-dated
the chain ends early, with a 200 and no link; where links count items, each deletion hides one behind the edge
of a page.

So an answer that goes on is read in one of two ways:

* By value, if the server is proven to sort: the next page is asked for afresh, from the last value of this
  one. Each page is then one moment's answer, and what is re-dated meanwhile comes later in the order. Nothing
  hangs on an item, so nothing beyond the newest value seen is claimed, and nothing before it is missing.
* By links otherwise, and then proven: the server's count is the same at both ends and equals what was read;
  or a second walk, whose pages have other edges, lists nothing new.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from watcher.catalogues.stac.chains import Chain
from watcher.catalogues.stac.features import Feature
from watcher.catalogues.stac.questions import SECOND, Sheet, ask, follow, lower, too_heavy, upper
from watcher.catalogues.stac.silence import believe, undated
from watcher.catalogues.stac.writing import Question
from watcher.core.unread import first_time, nothing_read, shapeless
from watcher.errors import CatalogueError
from watcher.model import Query, Unread

if TYPE_CHECKING:
    from watcher.catalogues.stac import Kind
    from watcher.net import Http

LONGEST = 50_000
"""The products after which a walk is given up."""

_FAR = datetime(2200, 1, 1, tzinfo=UTC)
"""Nothing is acquired later."""

Pages = Iterator[tuple[Sequence[Feature], Sequence[Unread]]]
Reading = Generator[tuple[Sequence[Feature], Sequence[Unread]], None, Sheet | None]


class Walk:
    """One reading of everything that a query asks for. Reads at most `max_pages`, and as many again per proof."""

    def __init__(self, kind: Kind, query: Query, http: Http) -> None:
        self._kind, self._http = kind, http
        self._cap: int | None = None
        self._asked, self._allowed = 0, kind.max_pages
        self._seen: set[str] = set()
        self._odd: set[str] = set()
        self._dated = False
        start, end = query.acquired
        self._question = Question(
            collection=query.collection,
            limit=kind.limit,
            geometry=query.geometry,
            since=None if query.learnt_since is None else lower(query.learnt_since),
            start=start,
            end=end,
            brief=query.brief,
        )

    def pages(self) -> Pages:
        """List each feature once, and what cannot be read, in pages that are never empty.

        Raises `CatalogueError` if the end is in doubt, and where nothing at all can be read.
        """
        first = self._ask(self._question)
        yield from self._new(first)
        if not first.whole:
            yield from self._rest(first)
        if not self._seen and not self._odd:
            believe(self._kind, self._http, self._question)

    def _rest(self, first: Sheet) -> Pages:
        left: Sheet | None = first
        if self._kind.sort and self._sorts(first):
            left = yield from self._by_value(first)
            if left is None and self._fewer(first.matched) and self._fewer(self._count_again(first.question)):
                left = first  # products without the property have no place in its order
        if left is not None:
            yield from self._by_links(left)

    def _fewer(self, matched: int | None) -> bool:
        return matched is not None and len(self._seen | self._odd) < matched

    def _count_again(self, question: Question) -> int | None:
        """Ask how many there are now: some may have been taken away while they were read, or long before.

        pgstac counts once a day what it is asked in the same words, so this says the same in other words each time.
        """
        end = question.end or _FAR + timedelta(seconds=secrets.randbelow(10**8))
        return self._ask(msgspec.structs.replace(question, end=end, limit=1)).matched

    def _sorts(self, sheet: Sheet) -> bool:
        """Find out whether the server sorts as asked, by asking for the other end of the order.

        Rising values alone may be chance: one that ignores `sortby` answers with the same first product
        again.
        """
        if not sheet.features or not _rising(sheet):
            return False
        other = self._ask(msgspec.structs.replace(self._question, descending=True, limit=1))
        ends = other.keys[0] if len(other.keys) == 1 else None
        if other.odd and not other.keys:
            other = self._ask(msgspec.structs.replace(self._question, descending=True))
            ends = other.keys[0] if other.keys else None
        first, last = sheet.keys[0], sheet.keys[-1]
        return ends is not None and first is not None and last is not None and first < ends >= last

    def _by_value(self, sheet: Sheet) -> Reading:
        """Read on from the last value. Returns what is left to be read by links: where values do not separate."""
        first = sheet
        while not sheet.whole:
            last = sheet.last
            bound = self._bounds(sheet.question)[0]
            if last is None or (bound is not None and lower(last) <= bound):
                return sheet
            sheet = self._ask(self._between(first.question, low=lower(last)))
            if not _rising(sheet):
                return first
            yield from self._new(sheet)
        return None

    def _by_links(self, left: Sheet) -> Pages:
        # resto's cursors are right with the newest first only.
        backwards = self._kind.sort and self._kind.filter.startswith("resto")
        question = msgspec.structs.replace(left.question, descending=backwards)
        size, cut = question.limit, False
        for attempt, limit in enumerate((size, size + size // 2 + 1, size)):
            self._allowed = max(self._allowed, self._kind.max_pages * (attempt + 1))
            before = len(self._seen) + len(self._odd)
            sheet = left
            if attempt or question != left.question:
                sheet = self._ask(msgspec.structs.replace(question, limit=limit))
            chain = Chain(sheet)
            yield from self._new(sheet)
            try:
                while not chain.ended:
                    sheet = chain.add(self._follow(sheet))
                    yield from self._new(sheet)
            except CatalogueError as error:
                if attempt == 2 or not too_heavy(error):
                    raise
                self._cap = max(1, sheet.question.limit // 2)
                continue
            if chain.proven:
                return
            if chain.cut and cut:
                yield from self._by_halves(left.question, chain.keys)
                return
            cut = chain.cut
            if attempt and chain.short and len(chain.ids) < (self._count_again(left.question) or 0):
                raise CatalogueError(
                    f"{self._kind.url} counts {chain.matched} products in {left.question.collection} "
                    f"and listed {len(chain.ids)}, twice",
                    hint="the next poll asks again; if it stays so, the server's count or its links are broken",
                )
            if attempt and not chain.cut and len(self._seen) + len(self._odd) == before:
                return
        raise CatalogueError(
            f"{self._kind.url} listed other products in {left.question.collection} each time it was read",
            hint="the next poll asks again",
        )

    def _by_halves(self, question: Question, keys: Sequence[datetime]) -> Pages:
        """Read the two halves of a range that the server cuts off at a full page, without a link to more."""
        low, high = self._bounds(question)
        ordered = sorted(keys)
        middle = len(ordered) // 2
        for value in sorted(ordered, key=lambda one: abs(ordered.index(one) - middle)):
            if (low is None or lower(value) > low) and (high is None or upper(value) < high):
                break
        else:
            raise CatalogueError(
                f"{self._kind.url} lists {len(keys)} products of {question.collection} in one page, says nothing "
                "of more, and they are too close in time to be asked for apart",
                hint=f"set limit above {question.limit}, if the server allows it",
            )
        for half in (self._between(question, high=upper(value)), self._between(question, low=lower(value))):
            sheet = self._ask(half)
            yield from self._new(sheet)
            if not sheet.whole:
                yield from self._by_links(sheet)

    def _new(self, sheet: Sheet) -> Pages:
        """Keep what was not seen yet."""
        fresh = [feature for feature in sheet.features if feature.id not in self._seen]
        odd = first_time(sheet.odd, self._odd)
        if not fresh and not odd:
            return
        self._seen.update(feature.id for feature in fresh)
        if len(self._seen) + len(self._odd) > LONGEST:
            raise CatalogueError(
                f"{self._kind.url} lists more than {LONGEST} products in {self._question.collection}",
                hint="watch a smaller place, or from a later date",
            )
        yield fresh, odd

    def _ask(self, question: Question) -> Sheet:
        """Ask afresh; a page that is too heavy for the server, or for us, is asked for at half its size, twice."""
        for halvings in range(3):
            limit = question.limit if self._cap is None else min(question.limit, self._cap)
            self._count()
            try:
                return self._known(ask(self._kind, self._http, msgspec.structs.replace(question, limit=limit)))
            except CatalogueError as error:
                if not too_heavy(error) or limit == 1 or halvings == 2:
                    raise
                self._cap = limit // 2
        raise AssertionError("unreachable")

    def _follow(self, sheet: Sheet) -> Sheet:
        self._count()
        return self._known(follow(self._kind, self._http, sheet))

    def _count(self) -> None:
        self._asked += 1
        if self._asked > self._allowed:
            raise CatalogueError(
                f"{self._kind.url} has more than {self._kind.max_pages} pages for {self._question.collection}",
                hint="raise max_pages or limit, or watch a smaller place, or from a later date",
            )

    def _known(self, sheet: Sheet) -> Sheet:
        if not sheet.features and not self._seen and shapeless(sheet.odd):
            raise nothing_read(self._kind.url, sheet.odd)
        self._dated = self._dated or any(key is not None for key in sheet.keys)
        if sheet.features and not self._dated and self._kind.cursor != "none":
            raise undated(self._kind, sheet)
        return sheet

    def _bounds(self, question: Question) -> tuple[datetime | None, datetime | None]:
        if self._kind.cursor == "none":
            return question.start, question.end
        return question.since, question.until

    def _between(self, question: Question, *, low: datetime | None = None, high: datetime | None = None) -> Question:
        names = ("start", "end") if self._kind.cursor == "none" else ("since", "until")
        given = {name: bound for name, bound in zip(names, (low, high), strict=True) if bound is not None}
        return msgspec.structs.replace(question, **given)


def _rising(sheet: Sheet) -> bool:
    """Say whether the values rise, to the second: servers that sort times as text mix what is within one."""
    highest = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
    for key in sheet.keys:
        if key is None or key < highest - SECOND:
            return False
        highest = max(highest, key)
    return True
