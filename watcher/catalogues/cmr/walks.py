"""All that CMR lists for a question: complete, or a failure.

The way on is the last granule's value in the order of revision dates, so that what is ingested or revised meanwhile
comes later, and a deletion moves nothing. The end is proven by the count: a granule that came up late, before where the
walk already was, makes it higher than what was read. Then all is read once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from watcher.catalogues.cmr.granules import Granule
from watcher.catalogues.cmr.questions import Question, Sheet, ask
from watcher.core.moments import moment
from watcher.core.unread import first_time, nothing_read, shapeless
from watcher.errors import CatalogueError, HttpError, Unreachable
from watcher.model import Unread

if TYPE_CHECKING:
    from watcher.catalogues.cmr import Kind
    from watcher.net import Http

Pages = Iterator[tuple[Sequence[Granule], Sequence[Unread]]]

_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)


class Walk:
    """One reading of everything that a question asks for.

    `seen` are the ids of what was listed with the newest revision date of each, `odd` what tells apart what cannot be
    read, `answered` is when the server answered last, by its own clock.
    """

    def __init__(self, kind: Kind, http: Http, question: Question) -> None:
        self._kind, self._http, self._question = kind, http, question
        self._asked = 0
        self.seen: dict[str, datetime] = {}
        self.odd: set[str] = set()
        self.answered: datetime | None = None

    def pages(self) -> Pages:
        """List each granule once, or again when it was revised meanwhile, and what cannot be read: no page is empty.

        Raises `CatalogueError` if the end is in doubt, and where nothing at all can be read.
        """
        for _ in range(2):
            ids: set[str] = set()
            been: set[str] = set()
            after: str | None = None
            while True:
                sheet = self._ask(after)
                ids |= sheet.ids
                yield from self._new(sheet)
                if sheet.after is None or len(ids) >= sheet.hits:
                    break
                if sheet.after in been:
                    raise CatalogueError(
                        f"{self._kind.url} leads from page to page in a circle in {self._question.concept}",
                        hint="the next poll asks again",
                    )
                been.add(sheet.after)
                after = sheet.after
            if len(ids) >= sheet.hits:
                return
        raise CatalogueError(
            f"{self._kind.url} counts {sheet.hits} granules in {self._question.concept} and listed {len(ids)}, twice",
            hint="the next poll asks again",
        )

    def _ask(self, after: str | None) -> Sheet:
        """Ask; a page that is too heavy for the server, or for us, is asked for at half its size, three times."""
        for _ in range(4):
            self._asked += 1
            if self._asked > self._kind.max_pages:
                raise CatalogueError(
                    f"{self._kind.url} has more than {self._kind.max_pages} pages for {self._question.concept}",
                    hint="raise max_pages or page_size, or watch a smaller place, or from a later date",
                )
            try:
                sheet = ask(self._kind, self._http, self._question, after=after)
            except CatalogueError as error:
                if not _heavy(error) or self._question.page_size == 1:
                    raise
                half = max(1, self._question.page_size // 2)
                self._question = msgspec.structs.replace(self._question, page_size=half)
                failure = error
            else:
                self.answered = sheet.answered or self.answered
                return sheet
        raise failure

    def _new(self, sheet: Sheet) -> Pages:
        """Keep what was not seen yet, as it is now."""
        fresh = []
        for granule in sheet.granules:
            revised = moment(granule.meta.revision_date) or _EARLIEST
            if self.seen.get(granule.meta.concept_id) != revised:
                self.seen[granule.meta.concept_id] = revised
                fresh.append(granule)
        odd = first_time(sheet.odd, self.odd)
        if not self.seen and shapeless(odd):
            raise nothing_read(self._kind.url, odd)
        if fresh or odd:
            yield fresh, odd


def believe(kind: Kind, http: Http, question: Question) -> None:
    """Believe that there is nothing, or raise `CatalogueError`: of an unknown collection there is nothing, too."""
    if not ask(kind, http, Question(concept=question.concept, page_size=1)).hits:
        raise CatalogueError(
            f"{kind.url} has no granules of {question.concept}",
            hint="is it the collection's concept id (C2021957295-LPCLOUD)? collections are moved now and then",
            permanent=True,
        )


def _heavy(error: CatalogueError) -> bool:
    if isinstance(error, HttpError):
        return error.status in (500, 502, 504)
    return isinstance(error, Unreachable) and error.permanent
