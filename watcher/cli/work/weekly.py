"""After a poll by hand or by a timer, as the service does it: list again, tell what is late, write the feeds.

What fails is said, and no more: the poll went well, and the other catalogues have their turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watcher.cli.output import complain, several
from watcher.errors import WatcherError

if TYPE_CHECKING:
    import sqlite3

    from watcher.tasks.poll import Polled, Reconciled
    from watcher.wiring import Parts


def reconcile(parts: Parts, db: sqlite3.Connection, polled: Polled) -> int:
    """List all that is watched again at the sites of a catalogue where that is due, and say what came of it.

    Returns the exit status of what failed, 0 if nothing did.
    """
    name, failed = polled.catalogue, 0
    try:
        for places, outcome in parts.reconcile_due(db, polled):
            click.echo(f"{name}: {_told(outcome, places)}")
            if outcome.problem is not None:
                click.echo(f"{name}: {outcome.problem}", err=True)
                failed = 69
    except WatcherError as error:
        complain(error, name)
        return error.exit_code
    return failed


def afterwards(parts: Parts, db: sqlite3.Connection, name: str) -> int:
    """Tell of what is late after a poll, and write the feeds; return the exit status of what failed."""
    try:
        reviewed = parts.lateness(db, name)
        for title in reviewed.raised:
            click.echo(f"{name}: {title}")
        wrote = parts.feeds(db)
    except WatcherError as error:
        complain(error, name)
        return error.exit_code
    if wrote is not None:
        click.echo(f"{name}: feeds of {several(wrote.sites, 'site')} written ({several(wrote.written, 'file')})")
    return 0


def _told(outcome: Reconciled, sites: int) -> str:
    parts = [f"{several(sites, 'site')} listed again, as once a week: {outcome.asked} asked, {outcome.listed} listed"]
    parts.append(f"{outcome.found} not seen before")
    if outcome.mended:
        parts.append(f"{outcome.mended} of them passed over by polls")
    if outcome.lacking:
        parts.append(f"{outcome.lacking} that could not be read")
    return ", ".join([*parts, f"{outcome.arrived} arrived"])
