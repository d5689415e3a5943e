"""Ask a catalogue what there is, decide what is new, and write it down with all that follows."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import msgspec

from watcher.core.asking import Ask, Way, halves, newest
from watcher.core.audience import Audience, accepts
from watcher.core.decide import Arrival, acquisitions, decide
from watcher.core.gauging import Gauge
from watcher.core.matching import matches
from watcher.core.planning import LOOKBACK, plan
from watcher.core.withdrawals import taken_away, vanished
from watcher.errors import CatalogueError, HttpError, Unreachable, WatcherError
from watcher.model import Event, Level, Page, Watch
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.store import acquisitions as relatives
from watcher.store import deliveries, downloads, measures, polls, products, sites, subscriptions
from watcher.store.around import Around
from watcher.store.connection import writing

_LOST = 2
"""So many questions in a row without any answer, and the catalogue counts as unreachable."""

_NAMED = 3
"""So many sites are named where a question failed."""

_REFUSED = (400, 413, 414, 422)
"""What servers answer to a question that is too much for them."""


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
    """What a poll has done so far. `reached` is the newest value that was stored of each collection."""

    def __init__(self, reached: dict[str, datetime]) -> None:
        self.listed = self.arrived = self.baselined = self.asked = 0
        self.problems: list[str] = []
        self.not_before: datetime | None = None
        self.reached = reached


class _Visit(msgspec.Struct):
    """What every question of a poll needs."""

    db: sqlite3.Connection
    name: str
    catalogue: Catalogue
    http: Http
    now: Callable[[], datetime]
    download_levels: Collection[Level]
    alive: Callable[[], None]
    started: datetime
    before: datetime | None
    around: Around
    tally: _Tally
    once: bool = True


class _Answer:
    """What an answer listed: revisions, the sites where they lie, and the newest value to take a cursor from."""

    def __init__(self, gauge: Gauge, reached: datetime | None) -> None:
        self.gauge = gauge
        self.listed: set[int] = set()
        self.sites: set[int] = set()
        self.cursor = reached


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
    once: bool = True,
) -> Polled:
    """Ask all that the watches of a catalogue need, and record the answers page by page.

    A page is written as it comes, for what was listed was listed; the cursor and the baseline move only when an answer
    was complete. A question that fails leaves the others their turn, unless the catalogue cannot be reached at all.
    A defect in reading an answer is raised once the others had theirs. `once` tells of an acquisition from the first
    catalogue to have it; otherwise from each.
    """
    started = now()
    watched = sites.watches(db, catalogue=name)
    loads = measures.loads(db, name, now=started)
    asks = plan(watched, catalogue.capability(), now=started, lookback=lookback, loads=loads)
    tally = _Tally(_reached(watched))
    lost = 0
    defect: Exception | None = None
    before = polls.last_good(db, name)
    with writing(db):
        number = polls.start(db, name, now=started)
    around = Around(db, name)
    visit = _Visit(db, name, catalogue, http, now, download_levels, alive, started, before, around, tally, once)
    # Another one comes first each time: what ends every poll early must not keep the same places waiting for ever.
    first = polls.turn(db, number) % len(asks) if asks else 0
    queue = deque(asks[first:] + asks[:first])
    try:
        while queue:
            if stop is not None and stop.is_set():
                tally.problems.append("stopped before all was asked")
                break
            ask = queue.popleft()
            tally.asked += 1
            try:
                _ask(visit, ask)
                lost = 0
            except CatalogueError as error:
                parts = halves(ask) if _too_much(error) else []
                queue.extendleft(reversed(parts))
                lost = lost + 1 if isinstance(error, Unreachable) and not parts else 0
                if not parts:
                    _fail(tally, ask, error, now=now())
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


def _reached(watches: Collection[Watch]) -> dict[str, datetime]:
    """Return the newest value that was stored for any watch of a collection."""
    reached: dict[str, datetime] = {}
    for watch in watches:
        if watch.cursor is not None:
            reached[watch.collection] = max(reached.get(watch.collection, watch.cursor), watch.cursor)
    return reached


def _ask(visit: _Visit, ask: Ask) -> None:
    """Ask one question, write its answer page by page, and once it is complete what follows from that."""
    db, tally = visit.db, visit.tally
    with writing(db):
        collection = sites.collection_number(db, visit.name, ask.query.collection)
    # Whoever asks after that value was stored anywhere in the collection is told all that came before it: so what is
    # seldom news at one place keeps up with the others.
    answer = _Answer(Gauge(ask, now=visit.started), tally.reached.get(ask.query.collection))
    # Where all of a site is read again, nearly all of it is known: that need be neither described nor looked up.
    numbers = {watch.site.number for watch in ask.watches}
    site = min(numbers) if ask.whole and len(numbers) == 1 else None
    familiar = products.familiar(db, site, collection) if site is not None else {}
    query = msgspec.structs.replace(ask.query, known={identity: token for identity, (token, _) in familiar.items()})
    spent = visit.http.asked, visit.http.received
    pages = 0
    try:
        for page in visit.catalogue.search(query, visit.http):
            pages += 1
            tally.listed += len(page)
            answer.gauge.listed += len(page)
            fresh = [p for p in page if p.withdrawn is not None or query.known.get(p.id) != p.revision]
            if len(fresh) < len(page):
                unchanged = [p.id for p in page if p.withdrawn is None and query.known.get(p.id) == p.revision]
                answer.listed.update(*(familiar[identity][1] for identity in unchanged))
                answer.sites |= numbers
            if fresh and ask.watches:
                _write(visit, collection, fresh, ask, answer)
            elif fresh:
                answer.gauge.take(fresh, (), ())
            moment = visit.now()
            for learnt in {product.learnt for product in page}:
                answer.cursor = newest(answer.cursor, learnt, now=moment)
            visit.alive()
    except CatalogueError as error:
        with writing(db):
            _measure(visit, collection, ask, answer, spent, pages, error)
        raise
    with writing(db):
        silent = _compare(visit, collection, ask, answer) if ask.whole else set()
        for watch in ask.watches:
            if watch.site.number not in silent:
                looked = sites.advance(
                    db,
                    watch,
                    cursor=answer.cursor,
                    whole_from=ask.query.acquired[0],
                    whole=ask.whole,
                    far=ask.far,
                    now=visit.now(),
                )
                tally.baselined += looked and watch.baselined is None
        _measure(visit, collection, ask, answer, spent, pages, None)
    if answer.cursor is not None:
        tally.reached[ask.query.collection] = answer.cursor


def _measure(
    visit: _Visit,
    collection: int,
    ask: Ask,
    answer: _Answer,
    spent: tuple[int, int],
    pages: int,
    error: CatalogueError | None,
) -> None:
    """Note what a question was like, for the next ones to be chosen by; one that had no answer only what it cost."""
    gauge, http, now = answer.gauge, visit.http, visit.now()
    way = "whole" if ask.whole else "sweep" if ask.way in (Way.SWEEP, Way.SOUNDING) else "places"
    measure = measures.Measure(
        way=way,
        places=ask.places,
        listed=gauge.listed,
        fresh=gauge.fresh,
        seconds=gauge.seconds(visit.before),
        requests=max(http.asked - spent[0], pages, 1),
        size=http.received - spent[1],
        answered=error is None,
        too_much=error is not None and _too_much(error),
    )
    measures.note(visit.db, collection, measure, now=now)
    measures.appear(visit.db, collection, gauge.appeared, now=now)


def _write(visit: _Visit, collection: int, page: Page, ask: Ask, answer: _Answer) -> None:
    """Write one page and all that follows from it: one transaction."""
    db, now = visit.db, visit.now()
    deleted = [product for product in page if product.withdrawn is not None]
    if deleted:
        page = [product for product in page if product.withdrawn is None]
    with writing(db):
        found = matches(page, visit.around.sorted(ask), one_place=ask.way is Way.PLACE)
        known = products.known(db, collection, [listing.product for listing in found])
        decision = decide(
            found,
            known,
            subscriptions.every(db),
            first_number=products.first_free(db),
            download_levels=visit.download_levels,
            kin=relatives.kin(db, acquisitions(found, known)),
            collection=collection,
            once=visit.once,
        )
        products.record(db, collection, decision, now=now)
        _announce(db, decision.arrivals, ask.watches, visit.tally, now=now)
        names = {watch.site.number: watch.site.name for watch in ask.watches}
        downloads.want_also(db, decision.fetched, sites=names, now=now)
        downloads.want_late(db, decision.offered, now=now)
        if deleted:
            _take_away(visit, collection, ask, deleted, now=now)
    answer.listed |= decision.listed
    answer.sites.update(watch.site.number for listing in found for watch in listing.watches)
    answer.gauge.take(page, found, {product.id for _, product in decision.revisions})


def _take_away(visit: _Visit, collection: int, ask: Ask, deleted: Page, *, now: datetime) -> None:
    """Tell of what the catalogue says that it took away, wherever it was seen: such a record has often no place."""
    db = visit.db
    gone = taken_away(deleted, products.known(db, collection, deleted))
    if not gone:
        return
    replaced = relatives.replaced(db, {one.revision for one in gone})
    at = {one.site for one in gone}
    around = sites.watches(db, catalogue=visit.name, collection=ask.query.collection, at=at, paused=True)
    told = [
        _withdrawal(visit, one.site, around, one.revision, cause=one.cause)
        for one in gone
        if one.revision not in replaced
    ]
    _announce(db, told, ask.watches, visit.tally, now=now)
    for one in gone:
        if not one.known:
            products.miss(db, one.site, [one.revision], now=now)


def _compare(visit: _Visit, collection: int, ask: Ask, answer: _Answer) -> set[int]:
    """Conclude what is no longer there; return the sites of which nothing is concluded, as all of them seems gone."""
    db, now, start = visit.db, visit.now(), ask.query.acquired[0]
    around = visit.around.watches(ask)
    silent: set[int] = set()
    # What another watch of this site missed in this very poll was missed by one look, not by two.
    seen = {
        watch.number: products.seen(db, watch, collection, besides=answer.listed, since=start, before=visit.started)
        for watch in ask.watches
    }
    for watch in ask.watches:
        if seen[watch.number] and watch.site.number not in answer.sites | silent:
            silent.add(watch.site.number)
            error = CatalogueError(
                f"{watch.site.name}: {ask.query.collection} lists nothing, where {len(seen[watch.number])} products"
                " were seen before",
                hint="nothing is concluded from it; if they are really gone, remove the site",
            )
            visit.tally.problems.append(_told(ask, error))
    for watch in ask.watches:
        if watch.site.number not in silent:
            missing, withdrawn = vanished(answer.listed, seen[watch.number])
            products.miss(db, watch.site.number, missing, now=now)
            gone = [_withdrawal(visit, watch.site.number, around, revision) for revision in withdrawn]
            _announce(db, gone, ask.watches, visit.tally, now=now)
    return silent


def _withdrawal(
    visit: _Visit, site: int, around: Collection[Watch], revision: int, *, cause: str | None = None
) -> Arrival:
    db = visit.db
    _, product = products.one(db, revision)
    here = [w for w in around if w.site.number == site and w.level in (None, product.level)]
    told = any(accepts(watch, product, again=True) for watch in here)
    if told and visit.once and not relatives.told(db, revision, site):
        # Nobody heard of it from this catalogue, and another one still has the acquisition.
        told = not relatives.also(db, revision, site)
    owed = Audience(subscriptions.every(db)).owed(site, product) if told else ()
    return Arrival(site, revision, Event.WITHDRAWN, owed, False, cause)


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


def _fail(tally: _Tally, ask: Ask, error: CatalogueError, *, now: datetime) -> None:
    tally.problems.append(_told(ask, error))
    if isinstance(error, HttpError) and error.retry_after:
        tally.not_before = now + timedelta(seconds=error.retry_after)


def _too_much(error: CatalogueError) -> bool:
    """Say whether asking for less may help: not where the server is down, busy, or forbids."""
    if isinstance(error, HttpError):
        return error.status in _REFUSED
    return error.permanent if isinstance(error, Unreachable) else True


def _told(ask: Ask, error: CatalogueError) -> str:
    names = sorted({watch.site.name for watch in ask.watches})
    where = ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[:2])} and {len(names) - 2} more"
    text = f"{ask.query.collection} ({where or 'everywhere'}): {error}"
    return f"{text} [{error.hint}]" if error.hint else text
