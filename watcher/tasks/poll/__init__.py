"""Ask a catalogue what there is, decide what is new, and write it down with all that follows."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection
from datetime import datetime

import msgspec
from msgspec.structs import replace

from watcher.core.health import flood
from watcher.core.questions.planning import awake, plan, reconciliation
from watcher.model import Watch
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.store import alerts, approvals, audits, measures, polls, unread, watching
from watcher.store.around import Around
from watcher.store.connection import writing
from watcher.tasks.poll.answers import ask_one
from watcher.tasks.poll.visit import USUAL, Tally, Terms, Visit, ask_all

__all__ = ["Polled", "Reconciled", "Terms", "poll", "reconcile"]


class Polled(msgspec.Struct, frozen=True):
    """How a poll went: products listed, arrivals announced, questions asked, and what failed.

    `passing` says that some of that may be well when it is tried again soon; so many downloads are `held` for approval;
    so many of the listed items are `unread`, as they could not be;
    `resting` is how many collections were not asked, as nothing was to be expected of them yet. `cut` says that it was
    stopped by us: the problem is none of the catalogue's.
    """

    catalogue: str
    asked: int
    listed: int
    arrived: int
    baselined: int
    problem: str | None
    passing: bool
    not_before: datetime | None
    held: int = 0
    resting: int = 0
    cut: bool = False
    unread: int = 0


class Reconciled(msgspec.Struct, frozen=True):
    """How a reconcile went.

    Of the products listed, `found` were not known and were read now; polls had passed over the `mended` among them, the
    others came since the last. `lacking` could not be read. `arrived` counts what is announced because of it, `problem`
    is what failed. `cut` says that it was stopped by us: the problem is none of the catalogue's.
    """

    catalogue: str
    asked: int
    listed: int
    found: int
    mended: int
    lacking: int
    arrived: int
    problem: str | None
    not_before: datetime | None
    held: int = 0
    cut: bool = False


def poll(
    db: sqlite3.Connection,
    name: str,
    catalogue: Catalogue,
    http: Http,
    *,
    now: Callable[[], datetime],
    terms: Terms = USUAL,
    resting: Collection[str] = (),
    alive: Callable[[], None] = lambda: None,
    stop: threading.Event | None = None,
) -> Polled:
    """Ask all that the watches of a catalogue need, and record the answers page by page.

    A page is written as it comes, for what was listed was listed; the cursor and the baseline move only when an answer
    was complete. A question that fails leaves the others their turn, unless the catalogue cannot be reached at all.
    A defect in reading an answer is raised once the others had theirs. Collections that are `resting` need not be asked
    yet. One that was stopped is a poll that never ended, as after a crash.
    """
    started = now()
    cut = False
    around = Around(db, name)
    watched = around.unpaused()
    loads = measures.loads(db, name, now=started)
    wanted = awake(watched, resting)
    asks = plan(wanted, catalogue.capability(), now=started, lookback=terms.lookback, loads=loads)
    asked = {ask.query.collection for ask in asks}
    tally = Tally(_reached(watched))
    looks = polls.looks(db, name)
    with writing(db):
        number = polls.start(db, name, now=started)
    visit = Visit(db, name, catalogue, http, now, terms, alive, started, looks, around, tally)
    # Another one comes first each time: what ends every poll early must not keep the same places waiting for ever.
    first = polls.turn(db, number) % len(asks) if asks else 0
    try:
        defect = ask_all(visit, asks[first:] + asks[:first], ask_one, stop=stop)
    except BaseException as error:
        tally.fail(f"{type(error).__name__}: {error}")
        tally.unanswered |= asked
        cut = not isinstance(error, Exception)
        raise
    finally:
        cut = cut or (tally.problem is not None and stop is not None and stop.is_set())
        outcome = Polled(
            name,
            tally.asked,
            tally.listed,
            tally.arrived,
            tally.baselined,
            tally.problem,
            tally.passing,
            tally.not_before,
            resting=len({watch.collection for watch in watched} - {watch.collection for watch in wanted}),
            cut=cut,
            unread=len(tally.odd),
        )
        with writing(db):
            polls.looked(db, name, asked - tally.unanswered, began=started, ended=now())
            partly = {ask.query.collection for ask in asks if not ask.whole}
            unread.unlisted(db, name, asked - tally.unanswered - partly, since=started)
            unread.forget(db, name, now=now())
            if not cut:
                polls.finish(
                    db,
                    number,
                    listed=outcome.listed,
                    arrived=outcome.arrived,
                    problem=outcome.problem,
                    not_before=outcome.not_before,
                    now=now(),
                )
            elif outcome.not_before is not None:
                polls.leave_alone(db, name, until=outcome.not_before)
            held = _let_in(db, name, most=terms.approve_above, now=now())
    if defect is not None:
        raise defect
    return replace(outcome, held=held)


def _let_in(db: sqlite3.Connection, name: str, *, most: int, now: datetime) -> int:
    """Let the downloads come that a visit wants, or ask first; return how many wait."""
    held = approvals.judge(db, name, most=most, now=now)
    if held:
        waiting = [one for one in approvals.waiting(db) if one.catalogue == name]
        size = sum(one.size for one in waiting)
        sites = {one.site for one in waiting}
        alerts.warn(db, flood(name, count=held, size=size, sites=sites, most=most), now=now)
    return held


def reconcile(
    db: sqlite3.Connection,
    name: str,
    catalogue: Catalogue,
    http: Http,
    *,
    now: Callable[[], datetime],
    terms: Terms = USUAL,
    at: Collection[int] | None = None,
    alive: Callable[[], None] = lambda: None,
    stop: threading.Event | None = None,
) -> Reconciled:
    """List all that the watches of a catalogue cover, by identity alone, and hold it against what was seen.

    What no poll has seen is read, recorded and told as if a poll had found it; what is no longer listed is missed once
    more. No cursor moves. `at` are the sites, all if not given. One that fails is not due again for a day; one that was
    stopped is due as before.
    """
    started = now()
    watched = watching.watches(db, catalogue=name, at=at)
    loads = measures.loads(db, name, now=started)
    asks = reconciliation(watched, catalogue.capability(), now=started, loads=loads)
    tally = Tally({})
    with writing(db):
        postponed = audits.postpone(db, watched, now=started)
    looks = polls.looks(db, name)
    around = Around(db, name, at=at)
    visit = Visit(db, name, catalogue, http, now, terms, alive, started, looks, around, tally, again=True)
    held, cut = 0, False
    try:
        defect = ask_all(visit, asks, ask_one, stop=stop)
        cut = tally.problem is not None and stop is not None and stop.is_set()
    except BaseException as error:
        cut = not isinstance(error, Exception) or (stop is not None and stop.is_set())
        raise
    finally:
        with writing(db):
            if cut:
                audits.put_back(db, postponed, since=started)
            if tally.not_before is not None:
                polls.leave_alone(db, name, until=tally.not_before)
            held = _let_in(db, name, most=terms.approve_above, now=now())
    if defect is not None:
        raise defect
    return Reconciled(
        name,
        tally.asked,
        tally.listed,
        len(tally.found),
        len(tally.mended),
        len(tally.lacking),
        tally.arrived,
        tally.problem,
        tally.not_before,
        held,
        cut,
    )


def _reached(watches: Collection[Watch]) -> dict[str, datetime]:
    """Return the newest value that was stored for any watch of a collection."""
    reached: dict[str, datetime] = {}
    for watch in watches:
        if watch.cursor is not None:
            reached[watch.collection] = max(reached.get(watch.collection, watch.cursor), watch.cursor)
    return reached
