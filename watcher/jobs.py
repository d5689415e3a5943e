"""What the service does at each turn of its clock: one pass of a task, and a log line for what came of it."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta

import msgspec

from watcher import canary, systemd
from watcher.core import health
from watcher.core.patience import POLL
from watcher.errors import AlreadyRunning, ClusterError, WatcherError
from watcher.store import alerts, polls, sites, subscriptions
from watcher.store.connection import writing
from watcher.tasks.download import Brought
from watcher.tasks.hooks.leash import Living
from watcher.tasks.notify import Paid
from watcher.tasks.poll import Polled, Reconciled
from watcher.transfer import Progress
from watcher.wiring import Parts, chance, now

log = logging.getLogger("watcher")

_REST = 60.0
"""Seconds between the end of a poll and the next, where the interval is not shorter."""

_TELL = 30.0
"""Seconds between two log lines about one download."""


class Next(msgspec.Struct, frozen=True):
    """What follows: jobs that became due, when this one has its next turn, or is tried again before, or not before.

    `sound` is `False` after a self-test that failed.
    """

    soon: tuple[str, ...] = ()
    again: datetime | None = None
    not_before: datetime | None = None
    turn: datetime | None = None
    sound: bool = True


def poll(parts: Parts, name: str, alive: Callable[[], None]) -> Next:
    """Poll one catalogue. What arrives is to be told and fetched at once; a failure is tried again with patience."""
    with closing(parts.db()) as db:
        if name not in sites.catalogues(db, paused=False):
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
        soon=(*soon, "health") if polled.problem or polled.held else soon,
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
    for name in ("mended", "lacking", "problem"):
        if value := getattr(outcome, name):
            fields[name] = value
    troubled = outcome.mended or outcome.lacking or outcome.problem
    say(logging.WARNING if troubled else logging.INFO, "reconciled", catalogue=outcome.catalogue, **fields)


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


def pay(parts: Parts, alive: Callable[[], None]) -> Next:
    """Send the notices that are due. A watch that was added since its catalogue was asked makes that due, too."""
    patience = timedelta(seconds=parts.config.notify.wait)
    lost = False
    with closing(parts.db()) as db:
        shown = {s.address: parts.addresses.shown(s) for s in subscriptions.every(db)}
        for paid in parts.notify(db, patience=patience, left_out=_tell_of_quicklook):
            alive()
            _tell_of_notice(paid, shown.get(paid.address, paid.address))
            lost |= paid.problem is not None and paid.again is None
        unlooked = [name for name in sites.unlooked(db, now=now()) if parts.config.table(name) is not None]
    return Next(soon=(*(f"poll {name}" for name in unlooked), *(("health",) if lost else ())))


def _tell_of_notice(paid: Paid, to: str) -> None:
    fields: dict[str, object] = {"to": to, "subject": paid.subject}
    if paid.repeated:
        fields["repeated"] = "it may have arrived before"
    if paid.problem is None:
        say(logging.INFO, "notice sent", **fields, answer=paid.answer)
        return
    again = "set aside" if paid.aside else paid.again or "given up"
    say(logging.WARNING, "notice failed", **fields, problem=paid.problem, again=again)


def look(parts: Parts) -> Next:
    """Look whether all is well; what is not is told like news."""
    with closing(parts.db()) as db:
        told = parts.health(db)
    for one in told:
        level = logging.INFO if one.over else logging.WARNING
        say(
            level,
            "health",
            title=one.concern.title,
            body=" ".join(f"{line.rstrip('.')}." for line in one.concern.body.splitlines()),
            hint=one.concern.hint,
        )
    return Next(soon=("notify",) if told else ())


def rehearse(parts: Parts) -> Next:
    """Let a canary through. If it does not come out, that is told, and soon tried again."""
    try:
        with closing(parts.db()) as db:
            problem = canary.rehearse(db, now=now)
    except (WatcherError, OSError) as error:
        # No sign that watcher is not sound: there was no place for the test.
        say(logging.WARNING, "self-test could not be held", problem=error)
        return Next()
    if problem is None:
        say(logging.INFO, "self-test passed")
    else:
        say(logging.ERROR, "self-test failed", problem=problem)
    told = False
    try:
        with closing(parts.db()) as db, writing(db):
            if problem is None:
                told = alerts.calm(db, health.SELF_TEST, now=now()) is not None
            else:
                told = alerts.warn(db, health.unsound(problem), now=now())
    except WatcherError as error:
        say(logging.ERROR, "self-test could not be told of", error=error, hint=error.hint)
    again = now() + timedelta(seconds=_REST) if problem is not None else None
    return Next(soon=("notify",) if told else (), again=again, sound=problem is None)


def _tell_of_quicklook(url: str, why: str) -> None:
    say(logging.INFO, "quicklook left out", url=url, reason=why)


def tell_of_file_systems(parts: Parts) -> None:
    """Log what is to be known of the file systems that are written to: a line for each that is not an ordinary disk."""
    for finding in parts.downloads.file_systems():
        level = logging.INFO if finding.well else logging.ERROR
        say(level, finding.subject, says=finding.text, hint=finding.hint)


def tell_of_standstill(stuck: Sequence[str], before: Sequence[str]) -> None:
    """Log which jobs make no progress, where those are others than at the look before, and that all do again."""
    if stuck and stuck != before:
        say(logging.ERROR, "no progress", jobs=",".join(stuck))
    elif before and not stuck:
        say(logging.INFO, "progress again")


def tell_of_idleness(parts: Parts) -> None:
    """Log what keeps a service that is well from doing anything: nothing is watched, or nobody would hear of it."""
    with closing(parts.db()) as db:
        watched = sites.watches(db, paused=True)
        if not watched:
            say(logging.INFO, "nothing is watched yet", hint="watcher add-site NAME")
        elif all(watch.site.paused for watch in watched):
            say(logging.INFO, "every site is paused", hint="watcher resume-site NAME")
        elif not subscriptions.every(db):
            say(logging.INFO, "nobody is told of anything yet", hint="watcher subscribe you@example.org")


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
            say(
                logging.INFO,
                "storing" if progress.storing else "downloading",
                product=title,
                done=progress.done,
                **percent,
            )

    try:
        with closing(parts.db()) as db:
            for brought in parts.downloads.fetch(db, show, alive):
                alive()
                parts.downloads.idle = None
                ended += 1
                _tell_of(parts, brought)
    except AlreadyRunning as error:
        # At each turn it is looked whether the way is free; the same thing is said once.
        if parts.downloads.idle != str(error):
            parts.downloads.idle = str(error)
            say(logging.INFO, "download postponed", reason=error)
    except ClusterError as error:
        if parts.downloads.idle != str(error):
            parts.downloads.idle = str(error)
            say(logging.WARNING, "downloads wait for the cluster", problem=error, hint=error.hint)
        ended += 1  # it may be told of
    soon = ("notify", "hooks") if parts.config.hooks else ("notify",)
    return Next(soon=soon if ended else ())


def run_hooks(parts: Parts, alive: Callable[[], None]) -> Next:
    """Run the commands that are owed to products that came home."""
    try:
        with closing(parts.db()) as db:
            for ran in parts.downloads.run_hooks(db, alive, _tell_of_left):
                fields: dict[str, object] = {"hook": ran.hook, "product": ran.title, "seconds": f"{ran.seconds:.1f}"}
                if ran.problem is None:
                    say(logging.INFO, "hook ran", **fields)
                else:
                    again = ran.again or "given up"
                    say(logging.WARNING, "hook failed", **fields, problem=ran.problem, again=again)
    except AlreadyRunning as error:
        say(logging.INFO, "hooks postponed", reason=error)
    return Next()


def _tell_of_left(left: Living) -> None:
    reason = "a watcher that was killed left it running; it is run anew"
    say(logging.WARNING, "hook ended", hook=left.hook, product=left.title, processes=len(left.pids), reason=reason)


def tidy(parts: Parts, alive: Callable[[], None]) -> Next:
    """Mark what is to leave the archive, and remove what was marked a day ago."""
    with closing(parts.db()) as db:
        for one in parts.downloads.tidy(db):
            alive()
            fields: dict[str, object] = {"product": one.held.title, "bytes": one.held.size, "why": one.why}
            if one.problem is not None:
                say(logging.WARNING, "not removed", **fields, problem=one.problem)
            elif one.removed:
                say(logging.INFO, "removed", **fields)
            else:
                say(logging.INFO, "to be removed", **fields, when=one.when)
    return Next()


def _tell_of(parts: Parts, brought: Brought) -> None:
    file, fields = brought.stored, {"product": brought.title, "catalogue": brought.catalogue}
    if file is not None:
        how = {"path": parts.downloads.archive.shown(brought.place), "bytes": file.size, "verified": file.verified}
        event = "downloaded" if file.fetched or file.moved else "was there already"
        say(logging.INFO, event, **fields, **how)
    elif brought.staged:
        say(logging.INFO, "on tape", **fields, says=brought.problem, again=brought.again)
    else:
        again = brought.again or "given up"
        say(logging.WARNING, "download failed", **fields, problem=brought.problem, again=again)


def say(level: int, event: str, **fields: object) -> None:
    """Log an event with its fields; how they are written is the business of who set up logging."""
    log.log(level, event, extra={"fields": fields})
