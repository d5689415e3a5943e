"""Notices that are due are sent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

from watcher.jobs.turns import Next, say
from watcher.store import subscriptions, watching
from watcher.tasks.notify import Paid
from watcher.wiring import Parts, now


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
        unlooked = [name for name in watching.unlooked(db, now=now()) if parts.config.table(name) is not None]
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


def _tell_of_quicklook(url: str, why: str) -> None:
    say(logging.INFO, "quicklook left out", url=url, reason=why)
