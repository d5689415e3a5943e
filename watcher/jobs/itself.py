"""What is to be known of the service itself: what it writes to, what keeps it idle, and what stands still."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing

from watcher.jobs.turns import say
from watcher.store import subscriptions, watching
from watcher.wiring import Parts


def tell_of_file_systems(parts: Parts) -> None:
    """Log what is to be known of the file systems that are written to: a line for each that is not an ordinary disk."""
    for finding in parts.keeping.file_systems():
        level = logging.INFO if finding.well else logging.ERROR
        say(level, finding.subject, says=finding.text, hint=finding.hint)


def tell_of_idleness(parts: Parts) -> None:
    """Log what keeps a service that is well from doing anything: nothing is watched, or nobody would hear of it."""
    with closing(parts.db()) as db:
        watched = watching.watches(db, paused=True)
        if not watched:
            say(logging.INFO, "nothing is watched yet", hint="watcher add-site NAME")
        elif all(watch.site.paused for watch in watched):
            say(logging.INFO, "every site is paused", hint="watcher resume-site NAME")
        elif not subscriptions.every(db):
            say(logging.INFO, "nobody is told of anything yet", hint="watcher subscribe you@example.org")


def tell_of_standstill(stuck: Sequence[str], before: Sequence[str]) -> None:
    """Log which jobs make no progress, where those are others than at the look before, and that all do again."""
    if stuck and stuck != before:
        say(logging.ERROR, "no progress", jobs=",".join(stuck))
    elif before and not stuck:
        say(logging.INFO, "progress again")
