"""NASA's Common Metadata Repository (CMR): granules of any collection of NASA's Earth science archives.

`granules` reads what is listed, `questions` asks and judges one answer, `walks` reads all there is, `checks` looks at
the server. What shapes them (CMR Search API, 2026):

* a granule's `revision_date` is when CMR learnt of it or of a change; it can be asked for by whole seconds, inclusive,
  and sorted by, where `created_at` cannot;
* the next page is asked for by `CMR-Search-After`, a value of the last granule, not an offset;
* a search of more than 170 s answers 200 with a part of what there is, and says so in a header only;
* what was deleted is listed apart, for a year, without its place;
* several places are all of them unless it is said that any will do, and polygons have edges along great circles: boxes
  do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec

from watcher.catalogues.cmr.checks import holdings, look
from watcher.catalogues.cmr.deletions import deletions
from watcher.catalogues.cmr.granules import product
from watcher.catalogues.cmr.questions import Question, concept
from watcher.catalogues.cmr.walks import Walk, believe
from watcher.core.questions.outlines import boxes
from watcher.core.unread import beside, odd_of
from watcher.levels import level, may_hold
from watcher.model import Candidate, Capability, Finding, Holding, Page, Query

if TYPE_CHECKING:
    from watcher.net import Http


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """CMR, or a server that answers as it does.

    `url` is the address of its search (`https://cmr.earthdata.nasa.gov/search`). `collections` gives for each
    collection the level of its products, "" where that does not matter; a collection is its concept id
    (`C2021957295-LPCLOUD`), or its short name and version (`HLSS30:2.0`), which costs a request to find the id.

    `assets` are the endings of the names of the files to download (`B04.tif`); without any it is all files of the
    granule. `page_size` is the granules on a page, `max_pages` the requests after which a walk is given up, `places`
    how many places one question may hold. `deletions` asks for what was deleted, too.
    """

    url: str
    collections: dict[str, str]
    assets: list[str] = []
    page_size: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 500
    max_pages: Annotated[int, msgspec.Meta(ge=1)] = 200
    places: Annotated[int, msgspec.Meta(ge=1, le=60)] = 50
    deletions: bool = True

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("url must be the address of the search alone, without user, query or fragment")
        if not self.collections:
            raise ValueError("collections must name at least one collection")

    def capability(self) -> Capability:
        """It learns, everywhere or at places, and says what it took away; it has no codes for sites."""
        return Capability(learns=True, codes=False, sweeps=True, places=self.places, page=self.page_size)

    def collections_of(self, level: str | None) -> Sequence[str]:
        """Return the collections that hold, or may hold, products of this level."""
        return may_hold(self.collections, level)

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        """List what matches, what was deleted last.

        Ends without an error only if the answer was complete: see `Walk`. Raises `CatalogueError` if it was not, if the
        server listed what was not asked for, or has no collection of this name. What was deleted is listed wherever it
        was, and for a year back at most: CMR keeps no more of it.
        """
        held = self.collections.get(query.collection, "")
        given = level(held) if held else None
        if query.level is not None and given not in (None, query.level):
            return
        found = concept(self, http, query.collection)
        question = Question(
            concept=found,
            boxes=() if query.geometry is None else tuple(boxes(query.geometry, most=self.places)),
            since=query.learnt_since,
            start=query.acquired[0],
            end=query.acquired[1],
            page_size=self.page_size,
        )
        walk = Walk(self, http, question)
        for granules, odd in walk.pages():
            read = [
                product(granule, collection=query.collection, level_given=given, wanted=self.assets, url=self._base)
                for granule in granules
            ]
            yield beside(read, odd)
        if not walk.seen and not walk.odd:
            believe(self, http, question)
        if self.deletions and query.learnt_since is not None:
            gone = deletions(
                self, http, found, since=query.learnt_since, now=walk.answered, name=query.collection, level_given=given
            )
            # Ingested again after it was deleted: it is not gone.
            page = [
                one
                for one in gone
                if one.id not in walk.odd
                and (one.id not in walk.seen or (one.learnt and one.learnt > walk.seen[one.id]))
            ]
            if page or odd_of(gone):
                yield beside(page, odd_of(gone))

    def locate(self, name: str, http: Http, *, collections: Sequence[str]) -> tuple[Sequence[Candidate], Sequence[str]]:  # noqa: ARG002
        """Find nothing: it knows no sites by name."""
        return [], []

    def discover(self, http: Http) -> Iterator[Holding]:
        """List the collections configured here, as CMR describes them: it has tens of thousands."""
        return holdings(self, http)

    def check(self, http: Http) -> Iterator[Finding]:
        """Look whether each collection is there, and whether it filters, sorts, counts and pages as it is asked to."""
        return look(self, http)

    @property
    def _base(self) -> str:
        return self.url.rstrip("/")
