"""A pull subscription (CDSE Subscriptions): events that wait in a queue until they are acknowledged.

There is one queue for a subscription, whoever asks: what one question has acknowledged, another never sees. So it is
read for questions about everywhere only; those about places are searched, and so are brief ones, whose answers may be
counted and forgotten. And it is never believed alone: after the queue the catalogue is searched as well, since the time
that was asked for, unless all of this holds:

* the same question was searched whole less than an hour ago by this process, and asked for nothing earlier now: what
  the queue may have lost since (paused, overflowed, read by another) is searched within the hour, and every question
  overlaps the one before by more than that;
* the queue spoke, and all it said was understood: an event of more than three days ago has lost its product;
* the queue is not nearly full: the oldest events are dropped then, without a word.

Events are acknowledged, which acknowledges all before them, when the page that they make was written: when the search
is resumed. A queue that cannot be read (cancelled, or the account refused) is an error, after the search.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import msgspec

from watcher.catalogues.odata.products import Entity
from watcher.catalogues.odata.questions import explained
from watcher.core.moments import moment
from watcher.core.unread import apart, beside, naming, nothing_read, shapeless
from watcher.decoding import decoder
from watcher.errors import CatalogueError, CredentialError, HttpError
from watcher.model import Page, Query, Unread
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.odata import Kind
    from watcher.net import Http

BELIEVED = 3600.0
"""For how many seconds after a whole search the queue is believed; less than any question's overlap."""

_BATCH = 20
_READS = 100
_FULL = 0.9

_searched: dict[tuple[str, str], tuple[tuple[object, ...], datetime, float]] = {}
_guard = threading.Lock()


class Event(msgspec.Struct, rename="pascal"):
    """What happened to a product; `value` is the product (one of DeletedProducts, once it is deleted)."""

    ack_id: Annotated[str, msgspec.Meta(min_length=1)]
    subscription_event: Any = None
    value: msgspec.Raw = msgspec.field(name="value", default=msgspec.Raw(b"null"))


class _Acknowledged(msgspec.Struct, rename="pascal"):
    current_queue_length: Any = None
    max_queue_length: Any = None


_acknowledged = decoder(_Acknowledged).decode
_events = decoder(list[msgspec.Raw]).decode
_event = decoder(Event).decode
_product_id = naming("ProductId")
_entity = decoder(Entity).decode
Search = Callable[[Query, "Http"], Iterator[Page]]
Reading = Callable[[Query, Sequence[Entity]], Page]


def search(kind: Kind, query: Query, http: Http, *, ident: str, walk: Search, read: Reading) -> Iterator[Page]:
    """Read the queue, its entities with `read`; then search with `walk` unless the queue is believed: see above."""
    if query.learnt_since is None:
        raise ValueError("only a question about news is answered by a queue")
    place, same = (kind.url, ident), (query.collection, query.level, query.acquired)
    with _guard:
        known = _searched.get(place)
    lately = known is not None and known[0] == same and known[1] <= query.learnt_since
    trouble: CatalogueError | CredentialError | None = None
    spoke = False
    try:
        spoke = yield from _events_of(kind, query, http, ident, read)
    except (CatalogueError, CredentialError) as error:
        lasting = error.status in (401, 403, 404) if isinstance(error, HttpError) else error.permanent
        if not lasting and not isinstance(error, CredentialError):
            raise
        trouble = error
    if spoke and lately and known is not None and time.monotonic() - known[2] < BELIEVED:
        return
    started = time.monotonic()
    yield from walk(query, http)
    if trouble is not None:
        raise CatalogueError(
            f"the subscription {ident} cannot be read, so all was searched instead: {trouble}",
            hint=trouble.hint or f"make a new one, or take {query.collection} out of subscriptions",
            permanent=True,
        ) from trouble
    with _guard:
        _searched[place] = (same, query.learnt_since, started)


def address(kind: Kind, ident: str) -> str:
    """Return the address of a subscription."""
    return f"{kind.url.rstrip('/')}/Subscriptions({quote(ident, safe='')})"


def _events_of(kind: Kind, query: Query, http: Http, ident: str, read: Reading) -> Generator[Page, None, bool]:
    """List what the queue says; return whether it said something, all of it clear."""
    spoke, clear = False, True
    been: set[str] = set()
    for _ in range(_READS):
        events, odd = _read(kind, http, ident)
        if shapeless(odd) and not events:
            raise nothing_read(f"the subscription {ident} of {kind.url}", odd)
        if odd and not events:
            yield beside((), odd)
        if not events:
            return spoke and clear and not odd  # what cannot be read cannot be acknowledged either
        last = events[-1].ack_id
        if last in been:
            raise CatalogueError(
                f"the subscription {ident} of {kind.url} lists events again that were acknowledged",
                hint="the next poll asks again; without subscriptions the catalogue is searched",
            )
        been.add(last)
        spoke, clear = True, clear and not odd
        entities = []
        for event in events:
            entity = _understood(event)
            clear = clear and entity is not None
            if entity is not None and _within(entity, query):
                entities.append(entity)
        page = beside(read(query, entities), odd)
        if page or odd:
            yield page
        clear = _acknowledge(kind, http, ident, last) and clear
    return False  # a queue that long is searched faster


def _read(kind: Kind, http: Http, ident: str) -> tuple[list[Event], list[Unread]]:
    url = f"{address(kind, ident)}/Read"
    try:
        answer = http.get(url, params=[("$top", str(_BATCH))], authenticated=True)
        return apart(_events(json_body(answer)), _event, _product_id)
    except HttpError as error:
        raise explained(error) from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CatalogueError(f"{url} answered what is no list of events: {error}") from error


def _acknowledge(kind: Kind, http: Http, ident: str, ack_id: str) -> bool:
    """Acknowledge an event and all before it; return whether the queue has room left."""
    url = f"{address(kind, ident)}/Ack?$ackid={quote(ack_id, safe='')}"
    try:
        left = _acknowledged(json_body(http.post(url, json={}, authenticated=True)))
    except HttpError as error:
        raise explained(error) from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CatalogueError(f"{url.partition('?')[0]} acknowledged nothing: {error}") from error
    current, most = left.current_queue_length, left.max_queue_length
    return not (isinstance(current, int) and isinstance(most, int) and current >= _FULL * most)


def _understood(event: Event) -> Entity | None:
    """Read an event's product; `None` for one that is gone from it or odd: the search has it."""
    try:
        entity = _entity(event.value)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    deleted = event.subscription_event == "deleted"
    if deleted != (moment(entity.deletion_date) is not None) or not entity.said():
        return None
    return entity


def _within(entity: Entity, query: Query) -> bool:
    """Say whether an event is about what was asked: the queue holds whatever its subscription was made for."""
    _, _, kind = query.collection.partition(":")
    start, end = query.acquired
    acquired = moment(entity.time("ContentDate/Start"))
    if kind and entity.said().get("productType") != kind:
        return False
    if acquired is None:
        return True
    return (start is None or acquired >= start) and (end is None or acquired <= end)
