"""One question to GEODES, and one answer, judged.

`POST /search` with `query` (operators `in`, `gte`, `lte`), `intersects`, `sortBy`, `page` and `limit`. The parameter
`collections` is not used: it lists nothing for more than one. Every feature is held against what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.catalogues.geodes.features import Feature, decode
from watcher.core.moments import moment, written
from watcher.errors import CatalogueError, HttpError
from watcher.model import Unread
from watcher.net import listed

if TYPE_CHECKING:
    from watcher.catalogues.geodes import Kind
    from watcher.net import Answer, Http

SECOND = timedelta(seconds=1)


class Question(msgspec.Struct, frozen=True):
    """What is asked: `since`/`until` bound the publication, `start`/`end` the acquisition; all ends are included."""

    collection: str
    limit: int
    geometry: bytes | None = None
    since: datetime | None = None
    until: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    descending: bool = False


class Sheet(msgspec.Struct, frozen=True):
    """One answer: page `page` of `matched` products; `odd` is what is listed and cannot be read."""

    question: Question
    page: int
    features: Sequence[Feature]
    matched: int
    odd: Sequence[Unread] = ()

    @property
    def ids(self) -> set[str]:
        """What tells those that are listed apart, what cannot be read among them."""
        return {feature.id for feature in self.features} | {one.mark for one in self.odd}

    @property
    def whole(self) -> bool:
        """Say whether this one answer, asked by itself, is all there is: the server made it at one moment."""
        return self.page == 1 and len(self.ids) >= self.matched

    @property
    def keys(self) -> list[datetime]:
        """When its products were published, in the order they are listed."""
        return [time for feature in self.features if (time := feature.published) is not None]


def lower(key: datetime) -> datetime:
    """Return from where to ask so that nothing published at `key` is missed: a whole second, and one earlier."""
    return key.replace(microsecond=0) - SECOND


def upper(key: datetime) -> datetime:
    """Return up to where to ask so that nothing published at `key` is missed."""
    return key.replace(microsecond=0) + 2 * SECOND


def ask(kind: Kind, http: Http, question: Question, *, page: int = 1) -> Sheet:
    """Ask for a page. Raises `CatalogueError` for an answer that is none, or to another question."""
    try:
        answer = http.post(f"{kind.url.rstrip('/')}/search", json=_written(question, page))
    except HttpError as error:
        if error.status == 400 and error.hint is None:
            error.hint = (
                f'the server refuses a collection that it does not know: is "{question.collection}" still its name? '
                "`watcher check` says"
            )
        raise
    return _sheet(kind, question, page, answer)


def _written(question: Question, page: int) -> dict[str, Any]:
    query: dict[str, Any] = {"dataset": {"in": [question.collection]}}
    for name, low, high in (
        ("datetime", question.since, question.until),
        ("start_datetime", question.start, question.end),
    ):
        bounds = {sign: written(time) for sign, time in (("gte", low), ("lte", high)) if time is not None}
        if bounds:
            query[name] = bounds
    body: dict[str, Any] = {
        "page": page,
        "limit": question.limit,
        "query": query,
        "sortBy": [{"field": "datetime", "direction": "desc" if question.descending else "asc"}],
    }
    if question.geometry is not None:
        body["intersects"] = msgspec.Raw(question.geometry)
    return body


def _sheet(kind: Kind, question: Question, page: int, answer: Answer) -> Sheet:
    read, odd = listed(answer, decode, url=kind.url, things="products")
    for trouble in _strangers(kind, question, read.features):
        raise trouble
    return Sheet(question, page, read.features, read.context.matched, odd)


def _strangers(kind: Kind, question: Question, features: Sequence[Feature]) -> Iterator[CatalogueError]:
    """Find what was listed and not asked for."""
    for feature in features:
        if feature.dataset != question.collection:
            yield _ignored(kind, f'dataset = "{question.collection}"', feature, f'dataset "{feature.dataset}"')
        for name, time, low, high in (
            ("datetime", feature.published, question.since, question.until),
            ("start_datetime", moment(feature.properties.start), question.start, question.end),
        ):
            if time and ((low and time < low - SECOND) or (high and time > high + SECOND)):
                ends = "/".join(".." if end is None else written(end) for end in (low, high))
                yield _ignored(kind, f"{name} = {ends}", feature, f"{name} {written(time)}")


def _ignored(kind: Kind, asked: str, feature: Feature, got: str) -> CatalogueError:
    return CatalogueError(
        f"{kind.url} ignores the filter {asked}: it lists {feature.id}, {got}",
        hint="the server has changed how it is asked; watcher has to follow",
    )
