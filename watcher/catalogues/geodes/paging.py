"""What `watcher check` says of GEODES' pages: whether they fit together, where they end, and if it counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from watcher.catalogues.geodes.questions import Question, ask, lower, upper
from watcher.errors import CatalogueError
from watcher.model import Finding

if TYPE_CHECKING:
    from watcher.catalogues.geodes import Kind
    from watcher.net import Http

_SAMPLE = 20
_DEEPEST = 10_000
"""The products behind which many search engines refuse to turn pages."""
_INSTEAD = "the time of publication is cut until as many are listed as are counted"


def pages(kind: Kind, http: Http, collection: str) -> Iterator[Finding]:
    """Look at the numbered pages of a collection and at its counts; one that fails leaves the others their turn."""
    question = Question(collection=collection, limit=2)
    for look in (_fit, _end, _count):
        try:
            yield look(kind, http, question)
        except CatalogueError as error:
            yield Finding(collection, False, str(error), error.hint)


def _fit(kind: Kind, http: Http, question: Question) -> Finding:
    """Hold two short pages against one that is as long as both."""
    first, second = (ask(kind, http, question, page=number) for number in (1, 2))
    whole = ask(kind, http, replace(question, limit=4))
    again, left = first.ids & second.ids, whole.ids - first.ids - second.ids
    if again or left:
        what = [f"{word} {', '.join(sorted(ids))}" for word, ids in (("repeats", again), ("leaves out", left)) if ids]
        return Finding(question.collection, True, f"its second page {' and '.join(what)}: {_INSTEAD}")
    return Finding(question.collection, True, "its pages fit together")


def _end(kind: Kind, http: Http, question: Question) -> Finding:
    """Ask for the page behind the last, or, of very many, for one behind which servers stop."""
    long = replace(question, limit=kind.limit)
    matched = ask(kind, http, replace(question, limit=1)).matched
    number = min(matched, _DEEPEST) // kind.limit + 2
    try:
        beyond = ask(kind, http, long, page=number)
    except CatalogueError as error:
        return Finding(question.collection, True, f"page {number:,} cannot be asked for ({error}): {_INSTEAD}")
    if matched > _DEEPEST:
        told = "goes on" if beyond.ids else f"ends there without a word: {_INSTEAD}"
        return Finding(question.collection, True, f"paging: behind the {_DEEPEST:,}th product it {told}")
    told = "lists products again" if beyond.ids else "is empty"
    return Finding(question.collection, not beyond.ids, f"paging: the page behind the last {told}")


def _count(kind: Kind, http: Http, question: Question) -> Finding:
    """Hold the count of what was published lately against what is listed of it."""
    keys = sorted(ask(kind, http, replace(question, limit=_SAMPLE, descending=True)).keys)
    if not keys:
        return Finding(question.collection, False, "its newest products have no time of publication")
    window = replace(question, since=lower(keys[len(keys) // 2]), until=upper(keys[-1]), limit=kind.limit)
    sheet = ask(kind, http, window)
    if sheet.matched > kind.limit:
        return Finding(question.collection, True, "too many came at once to see whether its counts are right")
    if len(sheet.ids) == sheet.matched:
        return Finding(question.collection, True, f"its count is that of what it lists ({sheet.matched})")
    text = f"it counts {sheet.matched} products and lists {len(sheet.ids)}"
    return Finding(question.collection, False, text, "no answer can be proven whole until that is mended")
