"""Ask a catalogue what there is, decide what is new, and write it down with all that follows."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import msgspec

from watcher.core.decide import Arrival, Audience, accepts, decide, vanished
from watcher.core.matching import matches
from watcher.core.planning import LOOKBACK, Ask, newest, plan
from watcher.errors import CatalogueError, HttpError, Unreachable, WatcherError
from watcher.model import Event, Level, Page, Watch
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.store import deliveries, downloads, polls, products, sites, subscriptions
from watcher.store.connection import writing

_LOST = 2
"""So many questions in a row without any answer, and the catalogue counts as unreachable."""


class Polled(msgspec.Struct, frozen=True):
    """How a poll went: products listed, arrivals announced, questions asked, and what failed."""

    catalogue: str
    asked: int
    listed: int
    arrived: int
    baselined: int
    problem: str | None
    not_before: datetime | None


class _Tally:
    def __init__(self) -> None:
        self.listed = self.arrived = self.baselined = self.asked = 0
        self.problems: list[str] = []
        self.not_before: datetime | None = None


def poll(
    db: sqlite3.Connection,
    name: str,
    catalogue: Catalogue,
    http: Http,
    *,
    now: Callable[[], datetime],
    download_levels: Collection[Level] = (),
    lookback: timedelta = LOOKBACK,
    alive: Callable[[], None] = lambda: None,
    stop: threading.Event | None = None,
) -> Polled:
    """Ask all that the watches of a catalogue need, and record the answers page by page.

    A page is written as it comes, for what was listed was listed; the cursor and the baseline move only when an answer
    was complete. A question that fails leaves the others their turn, unless the catalogue cannot be reached at all.
    A defect in reading an answer is raised once the others had theirs.
    """
    watched = sites.watches(db, catalogue=name)
    started = now()
    asks = plan(watched, catalogue.capability(), now=started, lookback=lookback)
    tally = _Tally()
    lost = 0
    defect: Exception | None = None
    with writing(db):
        number = polls.start(db, name, now=started)
    # Another one comes first each time: what ends every poll early must not keep the same places waiting for ever.
    first = int(started.timestamp() * 1000) % len(asks) if asks else 0
    try:
        for ask in asks[first:] + asks[:first]:
            if stop is not None and stop.is_set():
                tally.problems.append("stopped before all was asked")
                break
            tally.asked += 1
            try:
                _ask(
                    db,
                    name,
                    catalogue,
                    http,
                    ask,
                    tally,
                    started=started,
                    now=now,
                    download_levels=download_levels,
                    alive=alive,
                )
                lost = 0
            except CatalogueError as error:
                tally.problems.append(_told(ask, error))
                if isinstance(error, HttpError) and error.retry_after:
                    tally.not_before = now() + timedelta(seconds=error.retry_after)
                lost = lost + 1 if isinstance(error, Unreachable) else 0
                if lost >= _LOST or tally.not_before:
                    break
            except WatcherError:
                raise
            except Exception as error:  # noqa: BLE001 - an adapter's code began here; it is raised below
                tally.problems.append(f"{type(error).__name__}: {error}")
                defect = defect or error
    except BaseException as error:
        tally.problems.append(f"{type(error).__name__}: {error}")
        raise
    finally:
        outcome = Polled(
            name,
            tally.asked,
            tally.listed,
            tally.arrived,
            tally.baselined,
            "; ".join(dict.fromkeys(tally.problems)) or None,
            tally.not_before,
        )
        with writing(db):
            polls.finish(
                db,
                number,
                listed=outcome.listed,
                arrived=outcome.arrived,
                problem=outcome.problem,
                not_before=outcome.not_before,
                now=now(),
            )
    if defect is not None:
        raise defect
    return outcome


def _ask(
    db: sqlite3.Connection,
    name: str,
    catalogue: Catalogue,
    http: Http,
    ask: Ask,
    tally: _Tally,
    *,
    started: datetime,
    now: Callable[[], datetime],
    download_levels: Collection[Level],
    alive: Callable[[], None],
) -> None:
    listed: set[int] = set()
    cursor: datetime | None = None
    with writing(db):
        collection = sites.collection_number(db, name, ask.query.collection)
    for page in catalogue.search(ask.query, http):
        tally.listed += len(page)
        moment = now()
        listed |= _write(db, name, collection, page, ask, tally, now=moment, download_levels=download_levels)
        for learnt in {product.learnt for product in page}:
            cursor = newest(cursor, learnt, now=moment)
        alive()
    with writing(db):
        if ask.whole:
            _compare(db, name, collection, ask, listed, tally, started=started, now=now())
        for watch in ask.watches:
            looked = sites.advance(
                db, watch, cursor=cursor, whole_from=ask.query.acquired[0], whole=ask.whole, now=now()
            )
            tally.baselined += looked and watch.baselined is None


def _around(db: sqlite3.Connection, name: str, ask: Ask) -> list[Watch]:
    """Return all watches of a question's collection and sites, as they are now.

    A product is seen once at a site, whichever question lists it: so all that watch that site must judge it then.
    """
    numbers = {watch.site.number for watch in ask.watches}
    # A site that was paused a moment ago is judged too: what this poll lists, it moves the cursor past.
    return sites.watches(db, catalogue=name, collection=ask.query.collection, at=numbers, paused=True)


def _write(
    db: sqlite3.Connection,
    name: str,
    collection: int,
    page: Page,
    ask: Ask,
    tally: _Tally,
    *,
    now: datetime,
    download_levels: Collection[Level],
) -> set[int]:
    """Write one page and all that follows from it: one transaction."""
    with writing(db):
        found = matches(page, _around(db, name, ask))
        decision = decide(
            found,
            products.known(db, collection, [listing.product for listing in found]),
            subscriptions.every(db),
            first_number=products.first_free(db),
            download_levels=download_levels,
        )
        products.record(db, collection, decision, now=now)
        _announce(db, decision.arrivals, ask.watches, tally, now=now)
        downloads.want_late(db, decision.offered, now=now)
    return decision.listed


def _compare(
    db: sqlite3.Connection,
    name: str,
    collection: int,
    ask: Ask,
    listed: set[int],
    tally: _Tally,
    *,
    started: datetime,
    now: datetime,
) -> None:
    around = _around(db, name, ask)
    for watch in ask.watches:
        # What another watch of this site missed in this very poll was missed by one look, not by two.
        seen = products.seen(db, watch, collection, besides=listed, since=ask.query.acquired[0], before=started)
        if seen and not listed:
            raise CatalogueError(
                f"{watch.site.name}: {ask.query.collection} lists nothing, where {len(seen)} products were seen before",
                hint="nothing is concluded from it; if they are really gone, remove the site",
            )
        missing, withdrawn = vanished(listed, seen)
        products.miss(db, watch.site.number, missing, now=now)
        gone = [_withdrawal(db, watch.site.number, around, revision) for revision in withdrawn]
        _announce(db, gone, ask.watches, tally, now=now)


def _withdrawal(db: sqlite3.Connection, site: int, around: Collection[Watch], revision: int) -> Arrival:
    _, product = products.one(db, revision)
    here = [w for w in around if w.site.number == site and w.level in (None, product.level)]
    told = any(accepts(watch, product, again=True) for watch in here)
    owed = Audience(subscriptions.every(db)).owed(site, product) if told else ()
    return Arrival(site, revision, Event.WITHDRAWN, owed, False)


def _announce(
    db: sqlite3.Connection,
    arrivals: list[Arrival],
    watches: Collection[Watch],
    tally: _Tally,
    *,
    now: datetime,
) -> None:
    if not arrivals:
        return
    written = products.arrive(db, arrivals, now=now)
    tally.arrived += len(written)
    deliveries.owe(db, written, now=now)
    names = {watch.site.number: watch.site.name for watch in watches}
    downloads.want(db, (arrival for _, arrival in written), sites=names, now=now)


def _told(ask: Ask, error: CatalogueError) -> str:
    where = ", ".join(sorted({watch.site.name for watch in ask.watches}))
    text = f"{ask.query.collection} ({where}): {error}"
    return f"{text} [{error.hint}]" if error.hint else text
