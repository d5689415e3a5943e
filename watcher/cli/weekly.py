"""After a poll by hand or by a timer: what is due to be listed whole again, as the service does it once a week."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from watcher.cli.output import several
from watcher.errors import WatcherError

if TYPE_CHECKING:
    import sqlite3

    from watcher.tasks.poll import Polled, Reconciled
    from watcher.wiring import Parts

_SOME = 50
"""So many sites are listed together: most servers take them as one question."""

_LONG = 300.0
"""Seconds after which the rest is left to the next poll, so that a timer's turns do not pile up."""


def reconcile(parts: Parts, db: sqlite3.Connection, polled: Polled) -> int:
    """List all that is watched again at the sites of a catalogue where that is due, and say what came of it.

    Nothing is asked of a server in trouble. Returns the exit status of what failed, 0 if nothing did.
    """
    from watcher.store import audits
    from watcher.wiring import now

    if polled.not_before is not None or (polled.problem is not None and not polled.listed):
        return 0
    name, failed, began = polled.catalogue, 0, time.monotonic()
    due = audits.due(db, name, now=now())
    while due and time.monotonic() - began < _LONG and not parts.stop.is_set():
        some, due = due[:_SOME], due[_SOME:]
        try:
            outcome = parts.reconcile(db, name, at=some)
        except WatcherError as error:
            # The poll went well, and the other catalogues have their turn.
            click.echo(f"{name}: {error}" + (f"\n  → {error.hint}" if error.hint else ""), err=True)
            return error.exit_code
        click.echo(f"{name}: {_told(outcome, len(some))}")
        if outcome.problem is not None:
            click.echo(f"{name}: {outcome.problem}", err=True)
            failed = 69
        if outcome.not_before is not None or (outcome.problem is not None and not outcome.listed):
            break
    return failed


def _told(outcome: Reconciled, sites: int) -> str:
    parts = [f"{several(sites, 'site')} listed again, as once a week: {outcome.asked} asked, {outcome.listed} listed"]
    parts.append(f"{outcome.found} not seen before")
    if outcome.mended:
        parts.append(f"{outcome.mended} of them passed over by polls")
    if outcome.lacking:
        parts.append(f"{outcome.lacking} that could not be read")
    return ", ".join([*parts, f"{outcome.arrived} arrived"])
