"""What an empty answer is worth. Servers answer nothing, with a 200, to more than one kind of question.

To a collection that they do not know (pgstac, stac-server), and to a filter that they do not understand
(rustac).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from watcher.catalogues.stac.holdings import holdings
from watcher.catalogues.stac.questions import Sheet, ask, otherwise
from watcher.catalogues.stac.writing import Question
from watcher.errors import CatalogueError, HttpError

if TYPE_CHECKING:
    from watcher.catalogues.stac import Kind
    from watcher.net import Http

EVER = datetime(1970, 1, 1, tzinfo=UTC)


def believe(kind: Kind, http: Http, question: Question) -> None:
    """Believe that there is nothing, or raise `CatalogueError`.

    A question with a cursor is asked again with one that everything satisfies: what is listed then is older,
    and the silence was true. If that is silent too, and the question without any cursor is not, the filter
    lies.
    """
    if question.since is not None:
        if sample(kind, http, msgspec.structs.replace(question, since=EVER)).size:
            return
        anything = sample(kind, http, msgspec.structs.replace(question, since=None))
        if anything.features and anything.keys[0] is None:
            raise undated(kind, anything)
        if anything.size:
            raise CatalogueError(
                f"{kind.url} lists nothing at all where {kind.cursor} is filtered by, though there are products",
                hint=f'{otherwise(kind)}; with cursor = "none" acquisition windows are read instead',
                permanent=True,
            )
    near = unknown(kind, http, question.collection)
    if near is not None:
        raise CatalogueError(
            f'{kind.url} has no collection "{question.collection}"',
            hint=f"the nearest are: {', '.join(near)}" if near else "it has no collections at all",
            permanent=True,
        )


def sample(kind: Kind, http: Http, question: Question) -> Sheet:
    """Ask for one product, the newest by the cursor if the server sorts."""
    return ask(kind, http, msgspec.structs.replace(question, limit=1, descending=True))


def undated(kind: Kind, sheet: Sheet) -> CatalogueError:
    """Say that products lack the property that the cursor is set to."""
    return CatalogueError(
        f'{kind.url} gives no "{kind.cursor}" to the products of {sheet.question.collection} ({sheet.features[0].id})',
        hint='set cursor to a property that they have, or cursor = "none" to read acquisition windows',
        permanent=True,
    )


def unknown(kind: Kind, http: Http, collection: str) -> list[str] | None:
    """Return the names nearest to a collection that the server does not have, `None` if it has it."""
    base = f"{kind.url.rstrip('/')}/collections"
    try:
        http.get(f"{base}/{quote(collection, safe='')}")
    except HttpError as error:
        if error.status != 404:
            raise
    else:
        return None
    try:
        names = [holding.collection for holding in holdings(kind, http)]
    except HttpError as error:
        if error.status != 404:
            raise
        return None  # a search without collections to look at (STAC API without that class)
    return _nearest(collection, names)


def _nearest(word: str, names: list[str]) -> list[str]:
    from rapidfuzz import process

    return [name for name, _, _ in process.extract(word, names, limit=3)]
