"""What a resto server learnt since a time, asked by `updated` (2.1 and later) or `publishedAfter` (2.3 and later).

2.0 takes `updated`, echoes it and ignores it, 1.0 reads it as "exactly then". So no answer is believed for its status:
one that lists what is older, or nothing at all though the filter hides everything, is asked for again in full. That is
slower, and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from watcher.catalogues.resto.answers import Features
from watcher.core.moments import moment, written
from watcher.core.unread import odd_of
from watcher.errors import CatalogueError
from watcher.model import Page, Product, Query

if TYPE_CHECKING:
    from watcher.catalogues.resto import Kind
    from watcher.net import Http

EVER = "1970-01-01T00:00:00Z"


class Deaf(Exception):
    """The server listed what it learnt before the time that was asked for, or does not say when."""


def news(kind: Kind, query: Query, http: Http) -> Iterator[Page]:
    """List what was learnt since `query.learnt_since`; where the server ignores that, everything."""
    if query.learnt_since is None or kind.since == "none":
        raise CatalogueError(
            f'{kind.url} was asked what it learnt since a time, but since is "none"',
            hint="`watcher catalogues NAME` says whether it can be asked, and what to set since to",
            permanent=True,
        )
    empty = True
    try:
        for page in kind.read(query, http, {kind.since: written(query.learnt_since)}):
            empty = empty and not page and not odd_of(page)
            yield page
    except Deaf:
        yield from kind.read(query, http, {})
        return
    if empty and not _filters(kind, query, http):
        yield from kind.read(query, http, {})


def dated(products: list[Product], features: Features, *, by: str) -> list[Product]:
    """Say of each product when the server learnt of it: by the property that its filter `by` looks at."""
    name = "updated" if by.startswith("updated") else "published"
    return [
        msgspec.structs.replace(product, learnt=moment(getattr(feature.properties, name)))
        for product, feature in zip(products, features.features, strict=True)
    ]


def _filters(kind: Kind, query: Query, http: Http) -> bool:
    """Say whether a filter that passed nothing passes what it should: everything, when asked since ever."""
    asked = {**kind.question(query), kind.since: EVER, "maxRecords": "1"}
    return bool(kind.page(query.collection, asked, http).size)
