"""Whether all is well: with what watcher works on, and with watcher itself."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import timedelta

from watcher import canary
from watcher.core import health
from watcher.errors import WatcherError
from watcher.jobs.turns import Next, say
from watcher.store import alerts
from watcher.store.connection import writing
from watcher.wiring import Parts, now

_AGAIN = timedelta(minutes=1)
"""How soon a self-test that failed is held again."""


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
    again = now() + _AGAIN if problem is not None else None
    return Next(soon=("notify",) if told else (), again=again, sound=problem is None)
