"""One question to a STAC API, and one answer, judged.

STAC API 1.0 item-search (POST and GET), pagination by `next` links. Servers ignore what they do not understand with
a 200, so every feature is held against what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import msgspec

from watcher.catalogues.stac import writing
from watcher.catalogues.stac.features import Dated, Feature, Features, Link, decode, span
from watcher.catalogues.stac.writing import Question
from watcher.core.moments import moment
from watcher.decoding import decoder
from watcher.errors import CatalogueError, HttpError, Unreachable
from watcher.model import Unread
from watcher.net import Answer, json_body, listed

if TYPE_CHECKING:
    from watcher.catalogues.stac import Kind
    from watcher.net import Http

SECOND = timedelta(seconds=1)

_raw = decoder(Features[msgspec.Raw]).decode
_dated = decoder(Dated).decode


class Sheet(msgspec.Struct, frozen=True):
    """One answer: its features with the value of each that orders the walk, what cannot be read, and the way on.

    `last` is the last value to go on from: none where what has none may follow.
    """

    question: Question
    features: Sequence[Feature]
    keys: Sequence[datetime | None]
    matched: int | None
    next: Link | None
    url: str
    odd: Sequence[Unread] = ()
    last: datetime | None = None

    @property
    def size(self) -> int:
        """How many items it lists, those included that cannot be read."""
        return len(self.features) + len(self.odd)

    @property
    def marks(self) -> list[str]:
        """What tells its items apart."""
        return [*(feature.id for feature in self.features), *(one.mark for one in self.odd)]

    @property
    def whole(self) -> bool:
        """Say whether this one answer, asked by itself, is all there is.

        A full page without `next` proves nothing (some servers cut there), nor does one that is shorter than
        its own count. One with `next` that lists all it counted is whole: stac-server always adds the link.
        """
        size = self.size
        if self.matched is not None and (size < self.question.limit or self.next is None):
            return size >= self.matched
        return self.next is None and size < self.question.limit


def lower(key: datetime) -> datetime:
    """Return from where to ask again so that nothing stamped `key` is missed.

    A whole second, and one earlier: some servers compare times as text, where `00.000Z` is before `00Z`.
    """
    return key.replace(microsecond=0) - SECOND


def upper(key: datetime) -> datetime:
    """Return up to where to ask so that nothing stamped `key` is missed; see `lower`."""
    return key.replace(microsecond=0) + 2 * SECOND


def ask(kind: Kind, http: Http, question: Question) -> Sheet:
    """Ask a question afresh. Raises `CatalogueError` for an answer that is none, or to another question."""
    url = f"{kind.url.rstrip('/')}/search"
    try:
        if kind.posts:
            return _sheet(kind, question, http.post(url, json=writing.body(kind, question)))
        return _sheet(kind, question, http.get(url, params=writing.parameters(kind, question)))
    except HttpError as error:
        if error.status in (400, 422) and error.hint is None:
            error.hint = "the server does not understand the question: watcher check says what to set"
        raise


def follow(kind: Kind, http: Http, sheet: Sheet) -> Sheet:
    """Follow a `next` link as it is: its body and token are the server's own. It must stay on the same origin."""
    link = sheet.next or Link(rel="next")
    href = onward(kind, link.href)
    if link.method.upper() != "POST":
        return _sheet(kind, sheet.question, http.get(href))
    body: object = {} if bytes(link.body) == b"null" else link.body
    if link.merge:
        body = {**writing.body(kind, sheet.question), **(msgspec.json.decode(link.body) or {})}
    return _sheet(kind, sheet.question, http.post(href, json=body))


def onward(kind: Kind, href: str) -> str:
    """Return the address of a `next` link. Raises `CatalogueError` when it leads to another origin."""
    url = urljoin(f"{kind.url.rstrip('/')}/search", href)
    if _origin(url) != _origin(kind.url):
        raise CatalogueError(
            f"the next page of {kind.url} is said to be on {urlsplit(url).netloc}: it was not followed",
            hint="a server behind a proxy must be told its public address; its operator can mend that",
            permanent=True,
        )
    return url


def _sheet(kind: Kind, question: Question, answer: Answer) -> Sheet:
    page, odd = listed(answer, decode, url=kind.url, things="STAC items")
    keys = [key(kind, feature) for feature in page.features]
    for trouble in _strangers(kind, question, page.features, keys):
        raise trouble
    link = next((link for link in page.links or () if link.rel == "next"), None)
    last = keys[-1] if keys else None
    if odd and not _dated_at_its_end(kind, answer):
        last = None  # what has no value comes after all that have one
    return Sheet(question, page.features, keys, page.matched, link, kind.url, odd, last)


def _dated_at_its_end(kind: Kind, answer: Answer) -> bool:
    """Say whether what comes last in an answer has a value of its order, whatever else of it cannot be read."""
    try:
        return key(kind, _dated(_raw(json_body(answer)).features[-1])) is not None
    except (ValueError, RecursionError):
        return False


def key(kind: Kind, feature: Feature | Dated) -> datetime | None:
    """Return what the walk is ordered by: the cursor, or the beginning of the acquisition."""
    if kind.cursor == "none":
        return span(feature)[0]
    return moment(getattr(feature.properties, kind.cursor))


def _strangers(
    kind: Kind, question: Question, features: Sequence[Feature], keys: Sequence[datetime | None]
) -> Iterator[CatalogueError]:
    """Find what was listed and not asked for."""
    since, until, start, end = question.since, question.until, question.start, question.end
    for feature, learnt in zip(features, keys, strict=True):
        if feature.collection != question.collection:
            yield _ignored(
                kind, f'collections = "{question.collection}"', feature, f'collection "{feature.collection}"'
            )
        if learnt is not None and ((since and learnt < since) or (until and learnt > until + SECOND)):
            bounds = " and ".join(
                f"{kind.cursor} {sign} {writing.bound(edge)}" for sign, edge in ((">=", since), ("<=", until)) if edge
            )
            yield _ignored(kind, bounds, feature, f"{kind.cursor} {writing.bound(learnt)}")
        if start or end:
            first, last = span(feature)
            if first and last and ((start and last < start - SECOND) or (end and first > end + SECOND)):
                asked = f"datetime = {writing.span(question)}"
                yield _ignored(kind, asked, feature, f"datetime {writing.bound(first)}")


def _ignored(kind: Kind, asked: str, feature: Feature, got: str) -> CatalogueError:
    return CatalogueError(
        f"{kind.url} ignores the filter {asked}: it lists {feature.id}, {got}",
        hint=f'{otherwise(kind)}, or another cursor; with cursor = "none" acquisition windows are read instead',
    )


def otherwise(kind: Kind) -> str:
    """Say which other way of filtering may be understood."""
    return 'try filter = "query"' if kind.filter == "cql2" else 'try filter = "cql2", or "resto" for a resto server'


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def too_heavy(error: CatalogueError) -> bool:
    """Say whether a smaller page may help: a server's own failure, or an answer beyond our limit of bytes."""
    if isinstance(error, HttpError):
        return error.status >= 500 and error.status != 503  # which means: not now, at any size
    return isinstance(error, Unreachable) and error.permanent
