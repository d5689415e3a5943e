"""What `watcher check` says of an OData catalogue, and what it holds: found by asking.

A filter is believed when what nothing can satisfy lists nothing, an order when its two ends differ, a count when as
many are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.catalogues.odata.questions import DELETED, PRODUCTS, Question, Sheet, ask, explained
from watcher.catalogues.odata.queue import address
from watcher.core.unread import nothing_read, told
from watcher.decoding import decoder
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.levels import level
from watcher.model import Finding, Holding
from watcher.names import plain
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.odata import Kind
    from watcher.net import Http

NEVER = datetime(2200, 1, 1, tzinfo=UTC)
_BEYOND = 10_001
_SAMPLE = 20
_SIGNS = {"ModificationDate": "what it learnt", "PublicationDate": "what it published"}


class _Subscription(msgspec.Struct, rename="pascal"):
    status: Any = None
    filter_param: Any = None
    subscription_event: Any = None


_decode = decoder(_Subscription).decode


def holdings(kind: Kind, http: Http) -> Iterator[Holding]:
    """Ask for the first and last acquisition of each collection configured; one without products is not there."""
    for name, held in kind.collections.items():
        question = _question(name, order="ContentDate/Start", limit=min(_SAMPLE, kind.limit))
        first = ask(kind, http, question).keys
        last = ask(kind, http, msgspec.structs.replace(question, descending=True)).keys
        if first and last:
            yield Holding(collection=name, levels=(level(held),) if held else (), first=first[0], last=last[0])


def look(kind: Kind, http: Http) -> Iterator[Finding]:
    """Look at the service with the first collection, then at each."""
    first = next(iter(kind.collections))
    yield from _told(kind.url, partial(_service, kind, http, _question(first)))
    for name in kind.collections:
        yield from _told(name, partial(_collection, kind, http, name))
    for name, ident in kind.subscriptions.items():
        yield from _told(f"subscription of {name}", partial(_subscription, kind, http, name, ident))


def _told(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what a look finds, its failure as well: the next one has its turn all the same."""
    try:
        yield from look()
    except (CatalogueError, CredentialError) as error:
        yield Finding(subject, False, str(error), error.hint)


def _service(kind: Kind, http: Http, question: Question) -> Iterator[Finding]:
    ask(kind, http, question)
    yield Finding(kind.url, True, "answers as an OData service")
    url = f"{kind.url.rstrip('/')}/{PRODUCTS}"
    if _refuses(http, url, [("$filter", "WatcherLooksWhetherThisFilters eq 'so'"), ("$top", "1")]):
        yield Finding("filter", True, "a filter that it does not understand is refused")
    else:
        yield Finding(
            "filter",
            False,
            "a filter that it does not understand is ignored: whatever is asked, something is listed",
            "is url the address of the OData service, as …/odata/v1?",
        )
    ends = _refuses(http, url, [("$filter", question.filter), ("$top", "1"), ("$skip", str(_BEYOND))])
    told = "end at the 10,000th product" if ends else "go beyond the 10,000th product"
    yield Finding("paging", True, f"offsets {told}; watcher reads on by date instead")


def _collection(kind: Kind, http: Http, name: str) -> Iterator[Finding]:
    question = _question(name)
    newest = ask(kind, http, msgspec.structs.replace(question, descending=True, limit=min(_SAMPLE, kind.limit)))
    if newest.odd:
        yield told(name, newest.odd, size=newest.size)
        if not newest.entities:
            raise nothing_read(kind.url, newest.odd)
    if not newest.entities:
        yield Finding(name, False, "it lists no product of this collection and type", "write it as SENTINEL-2:S2MSI2A")
        return
    one = newest.entities[0]
    yield Finding(name, True, f"the newest is {plain(one.name)}, published {one.publication_date}")
    for find in (_since, _order, _count, *([_deleted] if kind.deletions else [])):
        yield from _told(name, partial(find, kind, http, name, newest))
    yield _download(name, one)


def _since(kind: Kind, http: Http, name: str, _: Sheet) -> Iterator[Finding]:
    for field, what in _SIGNS.items():
        deaf = bool(ask(kind, http, _question(name).bounded((field, "ge", NEVER))).size)
        text = f"filtering by {field} changes nothing" if deaf else f"{what} since a time can be asked for, by {field}"
        yield Finding(name, not deaf, text, "nothing it lists can be trusted until it filters" if deaf else None)


def _order(kind: Kind, http: Http, name: str, newest: Sheet) -> Iterator[Finding]:
    oldest = ask(kind, http, _question(name, limit=min(_SAMPLE, kind.limit)))
    first, last = next(iter(oldest.keys), None), newest.keys[0]
    if oldest.size < 2 or (first is not None and last is not None and first < last):
        yield Finding(name, True, "its answers are sorted as asked")
    else:
        text = "it does not sort as asked, so its pages cannot be read"
        yield Finding(name, False, text, "its operator can mend that")


def _deleted(kind: Kind, http: Http, name: str, _: Sheet) -> Iterator[Finding]:
    gone = _question(name).about(DELETED, order="DeletionDate")
    sheet = ask(kind, http, msgspec.structs.replace(gone, descending=True))
    if sheet.odd:
        yield told(f"{name}: deletions", sheet.odd, size=sheet.size)
        return
    lasts = sheet.entities
    text = f"the last on {lasts[0].deletion_date}: {lasts[0].deletion_cause}" if lasts else "none so far"
    yield Finding(name, True, f"what it deleted is listed ({text})")


def _count(kind: Kind, http: Http, name: str, newest: Sheet) -> Iterator[Finding]:
    first, last = newest.keys[len(newest.keys) // 2], newest.keys[0]
    if first is None or last is None:
        yield Finding(name, False, "its newest products have no date of publication", "they cannot be read by date")
        return
    lately = _question(name).bounded(("PublicationDate", "ge", first), ("PublicationDate", "le", last))
    sheet = ask(kind, http, msgspec.structs.replace(lately, limit=kind.limit, count=True))
    listed = sheet.size
    if sheet.count == listed or (sheet.count or 0) > kind.limit == listed:
        yield Finding(name, True, f"its count is that of what it lists ({sheet.count})")
        return
    hint = "what several products share to the second cannot be proven complete there"
    yield Finding(name, False, f"it counts {sheet.count} products and lists {listed}", hint)


def _download(name: str, one: Any) -> Finding:
    if one.online is False:
        text = f"{plain(one.name)} is not online, so it cannot be downloaded"
        return Finding(name, True, text, "order it in the catalogue's own pages; watcher sees when it is online")
    return Finding(name, True, "downloads: one file for each product, with an account")


def _subscription(kind: Kind, http: Http, name: str, ident: str) -> Iterator[Finding]:
    subject = f"subscription of {name}"
    try:
        answer = http.get(address(kind, ident), authenticated=True)
        said = _decode(json_body(answer))
    except HttpError as error:
        raise explained(error) from error
    except msgspec.DecodeError as error:
        raise CatalogueError(f"{address(kind, ident)} answered what is no subscription: {error}") from error
    running = said.status == "running"
    hint = None if running else "what happens while it is paused is not told; watcher searches as well"
    yield Finding(subject, running, f"its status is {plain(str(said.status))}", hint)
    wanted = _question(name).filter
    same = said.filter_param == wanted
    yield Finding(
        subject,
        same,
        "it is for this collection" if same else f"its filter is {plain(str(said.filter_param), limit=300)}",
        None if same else f"make one with FilterParam {wanted}",
    )
    events: Sequence[Any] = said.subscription_event if isinstance(said.subscription_event, list) else ()
    missing = [event for event in ("created", "modified", "deleted") if event not in events]
    hint = "make one with these events too; until then they are only seen by the search, hourly"
    text = f"it does not tell what is {' or '.join(missing)}" if missing else "it tells of every event"
    yield Finding(subject, not missing, text, hint if missing else None)


def _refuses(http: Http, url: str, params: list[tuple[str, str]]) -> bool:
    try:
        http.get(url, params=params)
    except HttpError as error:
        if error.status in (400, 404, 422):
            return True
        raise
    return False


def _question(name: str, *, order: str = "PublicationDate", limit: int = 1) -> Question:
    collection, _, kind = name.partition(":")
    return Question(entity=PRODUCTS, collection=collection, type=kind or None, order=order, limit=limit)
