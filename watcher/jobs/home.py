"""Products come home, commands are run for them, and what is too old or too much leaves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing

from watcher.errors import AlreadyRunning, ClusterError
from watcher.jobs.turns import Next, say
from watcher.tasks.download import Brought
from watcher.tasks.hooks.leash import Living
from watcher.transfer import Progress
from watcher.wiring import Parts

_TELL = 30.0
"""Seconds between two log lines about one download."""


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
            for ran in parts.hooks.run(db, alive, _tell_of_left):
                fields: dict[str, object] = {"hook": ran.hook, "product": ran.title, "seconds": f"{ran.seconds:.1f}"}
                if ran.problem is None:
                    say(logging.INFO, "hook ran", **fields)
                else:
                    again = ran.again or "given up"
                    say(logging.WARNING, "hook failed", **fields, problem=ran.problem, again=again)
    except AlreadyRunning as error:
        if parts.hooks.idle != str(error):
            parts.hooks.idle = str(error)
            say(logging.INFO, "hooks postponed", reason=error)
    else:
        parts.hooks.idle = None
    return Next()


def _tell_of_left(left: Living) -> None:
    reason = "a watcher that was killed left it running; it is run anew"
    say(logging.WARNING, "hook ended", hook=left.hook, product=left.title, processes=len(left.pids), reason=reason)


def tidy(parts: Parts, alive: Callable[[], None]) -> Next:
    """Mark what is to leave the archive, and remove what was marked a day ago."""
    with closing(parts.db()) as db:
        for one in parts.keeping.tidy(db):
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
    file, fields = brought.stored, dict[str, object](product=brought.title, catalogue=brought.catalogue)
    if brought.full is not None:
        # Each product that waits is tried again and again until there is room; why they wait is said once.
        if parts.downloads.idle != brought.full:
            parts.downloads.idle = brought.full
            fields |= {"problem": brought.problem, "again": brought.again}
            say(logging.WARNING, "downloads wait for the archive", **fields)
        return
    parts.downloads.idle = None
    if file is not None:
        how = {"path": parts.keeping.archive.shown(brought.place), "bytes": file.size, "verified": file.verified}
        event = "downloaded" if file.fetched or file.moved else "was there already"
        say(logging.INFO, event, **fields, **how)
    elif brought.staged:
        say(logging.INFO, "on tape", **fields, says=brought.problem, again=brought.again)
    else:
        again = brought.again or "given up"
        say(logging.WARNING, "download failed", **fields, problem=brought.problem, again=again)
