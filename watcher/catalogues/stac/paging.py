"""What `watcher check` says of a STAC API's pages: whether they lead on, and whether their counts can be believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from watcher.catalogues.stac.questions import Sheet, ask, follow, lower, upper
from watcher.catalogues.stac.writing import Question
from watcher.errors import CatalogueError
from watcher.model import Finding

if TYPE_CHECKING:
    from watcher.catalogues.stac import Kind
    from watcher.net import Http


def pages(kind: Kind, http: Http, collection: str) -> Iterator[Finding]:
    """Read a short page, the one behind it, and both as one; count what was learnt or acquired with the first."""
    first = ask(kind, http, Question(collection=collection, limit=2))
    if first.size < 2:
        return
    if first.next is None:
        yield Finding(collection, True, f"a full page has no link to the next one: {_instead(kind)}")
    else:
        try:
            second = follow(kind, http, first)
        except CatalogueError as error:
            yield Finding(collection, kind.sort, f"the link to its next page fails: {error}", error.hint)
            return
        again = {*first.marks} & {*second.marks}
        if again:
            text = f"the next page lists {', '.join(sorted(again))} again: {_instead(kind)}"
            yield Finding(collection, kind.sort, text, "set sort = true, if it sorts")
        elif left := _left_out(kind, http, first, second):
            text = f"the next page leaves out {', '.join(sorted(left))}: {_instead(kind)}"
            yield Finding(collection, kind.sort, text, "set sort = true, if it sorts; its links cannot be followed")
        elif second.size:
            yield Finding(collection, True, "a page leads to the next one")
    if first.matched is None:
        yield Finding(collection, True, "it does not say how many products there are")
    else:
        yield _count(kind, http, first.question, [key for key in first.keys if key is not None])


def _left_out(kind: Kind, http: Http, first: Sheet, second: Sheet) -> set[str]:
    """Return what a page as long as both lists and neither does; nothing if the server gives shorter pages."""
    whole = ask(kind, http, msgspec.structs.replace(first.question, limit=4))
    return {*whole.marks} - {*first.marks, *second.marks}


def _count(kind: Kind, http: Http, question: Question, keys: Sequence[datetime]) -> Finding:
    names = ("start", "end") if kind.cursor == "none" else ("since", "until")
    bounds = dict(zip(names, (lower(min(keys)), upper(max(keys))), strict=True)) if keys else {}
    sheet = ask(kind, http, msgspec.structs.replace(question, limit=kind.limit, **bounds))
    listed = len({*sheet.marks})
    if sheet.matched is None or (listed < sheet.matched and (sheet.next is not None or listed >= kind.limit)):
        return Finding(question.collection, True, "there are too many products to see whether its counts are right")
    if listed == sheet.matched:
        return Finding(question.collection, True, "its counts are right")
    text = f"it counts {sheet.matched} products and lists {listed}"
    return Finding(question.collection, False, text, "completeness cannot be proven by its counts; sort = true helps")


def _instead(kind: Kind) -> str:
    return (
        "what is behind it is asked for afresh, by its order" if kind.sort else "what is behind it is asked for apart"
    )
