"""One question to CMR, and one answer, judged.

CMR Search API: `granules.umm_json` by parameters, paged by `CMR-Search-After`. Every granule is held against the
question.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from watcher.catalogues.cmr.granules import Granule, acquired
from watcher.core.moments import moment
from watcher.core.questions.outlines import Box
from watcher.core.unread import reading
from watcher.decoding import decoder
from watcher.errors import CatalogueError, HttpError
from watcher.model import Unread
from watcher.names import plain
from watcher.net import json_body, listed

if TYPE_CHECKING:
    from watcher.catalogues.cmr import Kind
    from watcher.net import Answer, Http

SECOND = timedelta(seconds=1)
_CONCEPT = re.compile(r"C\d+-\w+")
_concepts: dict[tuple[str, str], str] = {}
_guard = threading.Lock()


class Question(msgspec.Struct, frozen=True):
    """What is asked: of a collection, in any of the boxes; `start`/`end` bound the acquisition, all ends included."""

    concept: str
    boxes: tuple[Box, ...] = ()
    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    page_size: int = 500
    descending: bool = False


class Sheet(msgspec.Struct, frozen=True):
    """One answer: its granules, how many there are in all, the way on (`None` at the end), and when it was made.

    `odd` is what is listed and cannot be read.
    """

    granules: Sequence[Granule]
    hits: int
    after: str | None
    answered: datetime | None
    odd: Sequence[Unread] = ()

    @property
    def ids(self) -> set[str]:
        """What tells those that are listed apart, what cannot be read among them."""
        return {granule.meta.concept_id for granule in self.granules} | {one.mark for one in self.odd}


G = TypeVar("G")


class _Page(msgspec.Struct, Generic[G]):
    hits: int
    items: list[G]


class _Problem(msgspec.Struct):
    errors: list[Any] = []


class _Named(msgspec.Struct):
    meta: dict[str, Any]


class _Collections(msgspec.Struct):
    items: list[_Named]


_decode: Callable[[bytes | bytearray], tuple[_Page[Granule], Sequence[Unread]]]
_decode = reading(_Page, Granule, under="items", named=("meta", "concept-id"))
_problem = decoder(_Problem).decode
_collections = decoder(_Collections).decode


def ask(kind: Kind, http: Http, question: Question, *, after: str | None = None) -> Sheet:
    """Ask a question, from `after` on. Raises `CatalogueError` for no answer, a part of one, or one to another."""
    url = f"{kind.url.rstrip('/')}/granules.umm_json"
    headers = {} if after is None else {"CMR-Search-After": after}
    answer = get(http, url, _parameters(question), headers)
    page, odd = listed(answer, _decode, url=url, things="granules")
    for trouble in _strangers(url, question, page.items):
        raise trouble
    said = answer.headers.get("cmr-hits", "")
    hits = int(said) if said.isascii() and said.isdigit() and len(said) < 12 else page.hits
    after = answer.headers.get("cmr-search-after") or None
    return Sheet(page.items, max(hits, page.hits), after, _date(answer), odd)


def get(http: Http, url: str, params: list[tuple[str, str]], headers: dict[str, str] | None = None) -> Answer:
    """Ask CMR; raise `CatalogueError` for an answer that it gave up on, with its own words for one that it refused."""
    try:
        answer = http.get(url, params=params, headers=headers)
    except HttpError as error:
        if error.hint is None and 400 <= error.status < 500:
            try:
                said = "; ".join(map(str, _problem(error.body).errors))
            except (msgspec.DecodeError, RecursionError):
                said = ""  # the explanation is cut or is none; the status stands
            error.hint = f"the server says: {plain(said)}" if said else None
        raise
    for name in ("cmr-time-out", "cmr-timed-out"):
        if answer.headers.get(name, "").strip().lower() == "true":
            raise CatalogueError(
                f"{url} gave up on the search and answered a part of it, as if it were all",
                hint="the next poll asks again; a smaller page_size, or a smaller place, takes it less time",
            )
    return answer


def concept(kind: Kind, http: Http, name: str) -> str:
    """Return the concept id of a collection: itself, or that of a short name and version, asked for once.

    Raises `CatalogueError` when there is none, or more than one.
    """
    if _CONCEPT.fullmatch(name):
        return name
    with _guard:
        known = _concepts.get((kind.url, name))
    if known is not None:
        return known
    short, _, version = name.partition(":")
    url = f"{kind.url.rstrip('/')}/collections.umm_json"
    params = [("short_name", short), ("page_size", "50"), *([("version", version)] if version else [])]
    answer = get(http, url, params)
    try:
        found = [str(one.meta.get("concept-id")) for one in _collections(json_body(answer)).items]
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CatalogueError(f"{url} answered what is no list of collections: {error}") from error
    if len(found) != 1:
        raise CatalogueError(
            f"{kind.url} has {'more than one collection' if found else 'no collection'} {name}"
            + (f": {', '.join(found)}" if found else ""),
            hint="name it by its concept id (C2021957295-LPCLOUD)" if found else "write it as HLSS30:2.0, or its id",
            permanent=True,
        )
    with _guard:
        _concepts[kind.url, name] = found[0]
    return found[0]


def stamp(time: datetime) -> str:
    """Write a time as CMR reads it: to the second, which the fraction is cut to."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parameters(question: Question) -> list[tuple[str, str]]:
    asked = [("collection_concept_id", question.concept)]
    if question.since is not None:
        # A second earlier: what is kept in milliseconds is compared with whole seconds.
        asked.append(("revision_date[]", f"{stamp(question.since - SECOND)},"))
    if question.start is not None or question.end is not None:
        start = "" if question.start is None else stamp(question.start)
        asked.append(("temporal[]", f"{start},{'' if question.end is None else stamp(question.end + SECOND)}"))
    asked += [("bounding_box[]", ",".join(f"{edge:.6f}" for edge in box)) for box in question.boxes]
    if len(question.boxes) > 1:
        asked.append(("options[bounding_box][or]", "true"))
    asked.append(("sort_key[]", f"{'-' if question.descending else ''}revision_date"))
    return [*asked, ("page_size", str(question.page_size))]


def _strangers(url: str, question: Question, granules: Sequence[Granule]) -> Iterator[CatalogueError]:
    """Find what was listed and not asked for."""
    for granule in granules:
        meta = granule.meta
        if meta.collection_concept_id != question.concept:
            yield _ignored(url, f"collection_concept_id={question.concept}", granule, meta.collection_concept_id)
        revised = moment(meta.revision_date)
        if question.since is not None and revised is not None and revised < question.since - 2 * SECOND:
            yield _ignored(url, f"revision_date[]={stamp(question.since)},", granule, meta.revision_date)
        first, last = acquired(granule.umm)
        start, end = question.start, question.end
        if first and last and ((start and last < start - SECOND) or (end and first > end + 2 * SECOND)):
            yield _ignored(url, "temporal[]", granule, first.isoformat())


def _ignored(url: str, asked: str, granule: Granule, got: str) -> CatalogueError:
    return CatalogueError(
        f"{url} ignores {asked}: it lists {plain(granule.meta.concept_id)}, {plain(got)}",
        hint="until it filters, nothing it lists can be trusted; watcher check looks at each filter",
    )


def _date(answer: Answer) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None
