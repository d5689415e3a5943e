"""A catalogue is asked, and what follows from its answer is done."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from watcher import systemd
from watcher.core.patience import POLL
from watcher.errors import WatcherError
from watcher.jobs.turns import Next, say
from watcher.store import polls, watching
from watcher.tasks.poll import Polled, Reconciled
from watcher.wiring import Parts, chance, now

_REST = 60.0
"""Seconds between the end of a poll and the next, where the interval is not shorter."""


def poll(parts: Parts, name: str, alive: Callable[[], None]) -> Next:
    """Poll one catalogue. What arrives is to be told and fetched at once; a failure is tried again with patience."""
    with closing(parts.db()) as db:
        if name not in watching.catalogues(db, paused=False):
            return Next()
        polled = parts.poll(db, name, alive, everything=False)
        failures, again = polls.failures(db, name), None
        if polled.problem is not None and polled.passing and not polled.cut:
            again = POLL.next_try(failures, now=now(), chance=chance())
        turn = _turn(parts, db, name)
        _tell_of_poll(polled, failures, again=max(min(again or turn, turn), polled.not_before or now()))
        arrived, not_before = _reconcile(parts, db, polled, alive)
        late = _afterwards(parts, db, name, alive)
        if polled.problem is None:
            turn = _turn(parts, db, name)  # all of that took its time
    if polled.problem is None:
        _beat(parts)
    soon = ("notify", "download") if polled.arrived or arrived or late else ()
    return Next(
        soon=(*soon, "health") if polled.problem or polled.held or polled.unread else soon,
        # What time does not mend, such as a collection that is gone, is asked for again at the usual turn.
        again=again,
        not_before=polled.not_before or not_before,
        turn=turn if not_before is None else max(turn, not_before),
    )


def _tell_of_poll(polled: Polled, failures: int, *, again: datetime) -> None:
    name = polled.catalogue
    fields: dict[str, object] = {"asked": polled.asked, "listed": polled.listed, "arrived": polled.arrived}
    if polled.resting:
        fields["resting"] = polled.resting
    if polled.baselined:
        fields["baselined"] = polled.baselined
    if polled.held:
        fields["held"] = polled.held
    if polled.unread:
        fields["unread"] = polled.unread
    if polled.cut:
        say(logging.INFO, "poll cut short", catalogue=name, **fields)
    elif polled.problem is None:
        say(logging.INFO, "polled", catalogue=name, **fields)
    else:
        fields |= {"problem": polled.problem, "failures": failures, "again": again}
        say(logging.WARNING, "poll failed", catalogue=name, **fields)
    if not polled.cut:
        how = "failed" if polled.problem else f"{polled.listed} listed, {polled.arrived} arrived"
        systemd.status(f"{name}: {how} at {now():%H:%M} UTC")


def _reconcile(
    parts: Parts, db: sqlite3.Connection, polled: Polled, alive: Callable[[], None]
) -> tuple[int, datetime | None]:
    """List again all that is watched at the sites where that is due, for a few minutes; the next turn goes on.

    Returns how many arrivals came of it, and until when the server wants to be left alone.
    """
    arrived, not_before = 0, None
    try:
        for places, outcome in parts.reconcile_due(db, polled, alive=alive):
            arrived += outcome.arrived
            not_before = outcome.not_before
            _tell_of_reconcile(outcome, places)
    except WatcherError as error:
        # The poll went well, and what it found is to be told of.
        say(logging.ERROR, "reconcile failed", catalogue=polled.catalogue, error=error, hint=error.hint)
    return arrived, not_before


def _tell_of_reconcile(outcome: Reconciled, places: int) -> None:
    fields: dict[str, object] = {"sites": places, "asked": outcome.asked, "listed": outcome.listed}
    fields |= {"found": outcome.found, "arrived": outcome.arrived}
    problem = None if outcome.cut else outcome.problem
    found = {"mended": outcome.mended, "lacking": outcome.lacking, "problem": problem}
    troubles = {name: value for name, value in found.items() if value}
    event = "reconcile cut short" if outcome.cut else "reconciled"
    level = logging.WARNING if troubles else logging.INFO
    say(level, event, catalogue=outcome.catalogue, **fields, **troubles)


def _beat(parts: Parts) -> None:
    """Tell whoever waits for a sign of life. That it cannot be told is no trouble of the poll, and is said once."""
    try:
        beat = parts.beat()
    except WatcherError as error:
        say(logging.WARNING, "heartbeat cannot be called", problem=error, hint=error.hint)
        return
    if beat is None or not beat.changed:
        return
    if beat.problem is None:
        say(logging.INFO, "heartbeat is heard again")
    else:
        say(logging.WARNING, "heartbeat is not heard", problem=beat.problem)


def _afterwards(parts: Parts, db: sqlite3.Connection, name: str, alive: Callable[[], None]) -> int:
    """Tell of what is late, and write the feeds; return how many are to be told of it."""
    late = 0
    try:
        reviewed = parts.lateness(db, name)
        late = len(reviewed.raised)
        if late or reviewed.cleared:
            say(logging.INFO, "lateness reviewed", catalogue=name, late=late, came=reviewed.cleared)
        wrote = parts.feeds(db, alive)
        if wrote is not None:
            say(logging.INFO, "feeds written", sites=wrote.sites, written=wrote.written, removed=wrote.removed)
    except WatcherError as error:
        # The poll went well, and what it found is to be told of.
        say(logging.ERROR, "lateness or feeds failed", catalogue=name, error=error, hint=error.hint)
    return late


def _turn(parts: Parts, db: sqlite3.Connection, name: str) -> datetime:
    """Choose when to poll a catalogue next: an interval after this poll began, a little sooner or later by chance."""
    moment, last = now(), polls.last(db, name)
    interval = parts.pace(db, name).interval(now=moment)
    jitter = min(float(parts.config.poll.jitter), interval / 2) * (2 * chance() - 1)
    # A poll that takes as long as that leaves the server, and us, a moment of rest.
    rest = moment + timedelta(seconds=min(interval, _REST))
    return max((last.started if last else moment) + timedelta(seconds=interval + jitter), rest)
