"""Which jobs the service has, how often each has its turn, and what it does then."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

from watcher.jobs.health import look, rehearse
from watcher.jobs.home import fetch, run_hooks, tidy
from watcher.jobs.notices import pay
from watcher.jobs.polling import poll
from watcher.jobs.turns import Next
from watcher.store import polls
from watcher.wiring import Parts, now

SELF_TEST = "self-test"

_POLL = "poll "
"""What the job of a catalogue is called, before its name."""

_HEALTH = 300.0
"""Seconds between two looks whether all is well; a failure that may be worth telling brings one at once."""

_SELF_TEST = 3600.0
"""Seconds between two self-tests."""

_HOOKS = 30.0
"""Seconds between two looks for commands that are due; one that is owed newly is run at once."""

_TIDY = 3600.0
"""Seconds between two looks for what is to leave the archive."""


def rhythms(parts: Parts, db: sqlite3.Connection) -> dict[str, tuple[float, float]]:
    """Return the jobs, each with the seconds between two of its turns, and how many of these are left to chance."""
    config = parts.config
    found = {"notify": (float(config.notify.interval), 0.0), "download": (float(config.download.interval), 0.0)}
    found |= {"health": (_HEALTH, 0.0), SELF_TEST: (_SELF_TEST, 0.0)}
    if config.download.keep is not None or config.download.max_size is not None:
        found["tidy"] = (_TIDY, 0.0)
    if config.hooks:
        found["hooks"] = (_HOOKS, 0.0)
    for name in parts.catalogues.polled(db):
        interval = parts.pace(db, name).interval(now=now())
        found[f"{_POLL}{name}"] = (interval, min(float(config.poll.jitter), interval / 2))
    return found


def due(db: sqlite3.Connection, job: str, interval: float) -> datetime:
    """Return when a job is due: now, unless its last poll went well (or the server asked us to wait) not long ago."""
    moment = now()
    last = polls.last(db, job.removeprefix(_POLL)) if job.startswith(_POLL) else None
    if last is None or last.started > moment:
        return moment
    well = last.problem is None and last.finished is not None
    usual = last.started + timedelta(seconds=interval) if well else moment
    return max(moment, usual, last.not_before or moment)


def do(parts: Parts, job: str, alive: Callable[[], None]) -> Next:
    """Let a job have its turn; `alive` is called while it makes progress."""
    if job == "health":
        return look(parts)
    if job == SELF_TEST:
        return rehearse(parts)
    if job in _PASSES:
        return _PASSES[job](parts, alive)
    return poll(parts, job.removeprefix(_POLL), alive)


_PASSES: dict[str, Callable[[Parts, Callable[[], None]], Next]] = {
    "notify": pay,
    "download": fetch,
    "tidy": tidy,
    "hooks": run_hooks,
}
