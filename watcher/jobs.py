"""What the service does at each turn of its clock: one pass of a task, and a log line for what came of it."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

import msgspec

from watcher import systemd
from watcher.core.patience import POLL
from watcher.errors import AlreadyRunning
from watcher.store import audits, polls, sites, subscriptions
from watcher.tasks.download import Brought
from watcher.transfer import Progress
from watcher.wiring import Parts, chance, now

log = logging.getLogger("watcher")

_REST = 60.0
"""Seconds between the end of a poll and the next, where the interval is not shorter."""

_TELL = 30.0
"""Seconds between two log lines about one download."""


class Next(msgspec.Struct, frozen=True):
    """What follows: jobs that became due, when this one has its next turn, or is tried again before, or not before."""

    soon: tuple[str, ...] = ()
    again: datetime | None = None
    not_before: datetime | None = None
    turn: datetime | None = None


def poll(parts: Parts, name: str, alive: Callable[[], None]) -> Next:
    """Poll one catalogue. What arrives is to be told and fetched at once; a failure is tried again with patience."""
    with closing(parts.db()) as db:
        if not sites.watches(db, catalogue=name):
            return Next()
        polled = parts.poll(db, name, alive)
        failures = polls.failures(db, name)
        due = audits.due(db, name, now=now()) if polled.problem is None else []
        mended = _reconcile(parts, db, name, due, alive) if due else 0
        turn = _turn(parts, db, name)
    fields: dict[str, object] = {"asked": polled.asked, "listed": polled.listed, "arrived": polled.arrived}
    if polled.baselined:
        fields["baselined"] = polled.baselined
    if polled.problem is not None:
        fields |= {"problem": polled.problem, "failures": failures}
    say(logging.WARNING if polled.problem else logging.INFO, "polled", catalogue=name, **fields)
    systemd.status(f"{name}: {polled.listed} listed, {polled.arrived} arrived at {now():%H:%M} UTC")
    return Next(
        soon=("notify", "download") if polled.arrived or mended else (),
        again=POLL.next_try(failures, now=now(), chance=chance()) if polled.problem else None,
        not_before=polled.not_before,
        turn=turn,
    )


def _reconcile(parts: Parts, db: sqlite3.Connection, name: str, due: list[int], alive: Callable[[], None]) -> int:
    """List all that is watched at these sites again, once a week, and read what no poll has seen."""
    done = parts.reconcile(db, name, at=due, alive=alive)
    fields: dict[str, object] = {"sites": len(due), "asked": done.asked, "listed": done.listed, "mended": done.mended}
    if done.lacking:
        fields["lacking"] = done.lacking
    if done.problem is not None:
        fields["problem"] = done.problem
    level = logging.WARNING if done.problem or done.mended or done.lacking else logging.INFO
    say(level, "reconciled", catalogue=name, **fields)
    return done.arrived


def _turn(parts: Parts, db: sqlite3.Connection, name: str) -> datetime:
    """Choose when to poll a catalogue next: an interval after this poll began, a little sooner or later by chance."""
    moment, last = now(), polls.last(db, name)
    interval = parts.pace(db, name).interval(now=moment)
    jitter = min(float(parts.config.poll.jitter), interval / 2) * (2 * chance() - 1)
    # A poll that takes as long as that leaves the server, and us, a moment of rest.
    rest = moment + timedelta(seconds=min(interval, _REST))
    return max((last.started if last else moment) + timedelta(seconds=interval + jitter), rest)


def pay(parts: Parts, alive: Callable[[], None]) -> Next:
    """Send the notices that are due. A watch that was added since its catalogue was asked makes that due, too."""
    patience = timedelta(seconds=parts.config.notify.wait)
    with closing(parts.db()) as db:
        shown = {s.address: parts.shown(s) for s in subscriptions.every(db)}
        for paid in parts.notify(db, patience=patience):
            alive()
            to = shown.get(paid.address, paid.address)
            if paid.problem is None:
                say(logging.INFO, "notice sent", to=to, subject=paid.subject)
            else:
                again = paid.again or "given up"
                say(logging.WARNING, "notice failed", to=to, subject=paid.subject, problem=paid.problem, again=again)
        unlooked = [name for name in sites.unlooked(db, now=now()) if parts.config.table(name) is not None]
        return Next(soon=tuple(f"poll {name}" for name in unlooked))


def fetch(parts: Parts, alive: Callable[[], None]) -> Next:
    """Fetch the products that are due; what came home may be told of."""
    told: dict[str, float] = {}
    ended = 0

    def show(title: str, progress: Progress) -> None:
        alive()
        moment = time.monotonic()
        if moment - told.setdefault(title, moment) >= _TELL:
            told[title] = moment
            percent = {"percent": f"{100 * progress.done / progress.total:.0f}"} if progress.total else {}
            say(logging.INFO, "downloading", product=title, done=progress.done, **percent)

    try:
        with closing(parts.db()) as db:
            for brought in parts.download(db, show):
                alive()
                ended += 1
                _tell_of(brought)
    except AlreadyRunning as error:
        say(logging.INFO, "download postponed", reason=error)
    return Next(soon=("notify",) if ended else ())


def _tell_of(brought: Brought) -> None:
    file = brought.stored
    if file is not None:
        fields = {"path": brought.path, "bytes": file.size, "verified": file.verified}
        say(logging.INFO, "downloaded", product=brought.title, **fields)
    else:
        again = brought.again or "given up"
        say(logging.WARNING, "download failed", product=brought.title, problem=brought.problem, again=again)


def say(level: int, event: str, **fields: object) -> None:
    """Log an event with its fields; how they are written is the business of who set up logging."""
    log.log(level, event, extra={"fields": fields})
