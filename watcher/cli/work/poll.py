"""`watcher poll`: the catalogues are asked, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import CatalogueName
from watcher.cli.output import ago, complain, several
from watcher.cli.under_way import busy
from watcher.cli.waiting import waiting
from watcher.errors import WatcherError

if TYPE_CHECKING:
    from watcher.wiring import Parts


@click.command()
@click.option("--catalogue", type=CatalogueName(), help="Only this one.")
@click.pass_obj
def poll(context: Context, catalogue: str | None) -> None:
    """Ask the catalogues once, and remember what they list.

    Where it is due, once a week, all that is watched is listed again, to find what polls have missed: see `watcher
    audit`.

    \b
    Examples:
      watcher poll
      watcher poll --catalogue cdse
    """
    from watcher.cli.work.idle import why_idle
    from watcher.cli.work.weekly import afterwards, reconcile
    from watcher.store import polls, watching
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    watched = {watch.catalogue for watch in watching.watches(db)}
    if catalogue is not None:
        parts.catalogues.table(catalogue)
    names = [name for name in parts.catalogues.polled(db) if name in watched and catalogue in (None, name)]
    lost = sorted(name for name in watched if parts.config.table(name) is None) if catalogue is None else []
    for name in lost:
        click.echo(f"{name}: watched, but no longer in the configuration", err=True)
    if not names and not lost:
        click.echo(why_idle(db, catalogue))
        return
    failed = 69 if lost else 0
    with busy(parts):
        for name in names:
            last = polls.last(db, name)
            if last is not None and last.not_before is not None and last.started <= now() < last.not_before:
                click.echo(f"{name}: it asked not to be asked again yet ({ago(last.not_before, now())})", err=True)
                failed = failed or 69
                continue
            try:
                with waiting(f"asking {name}"):
                    outcome = parts.poll(db, name)
            except WatcherError as error:
                # One catalogue in trouble leaves the others their turn.
                complain(error, name)
                failed = failed or error.exit_code
                continue
            click.echo(
                f"{name}: {outcome.asked} asked, {outcome.listed} listed, {outcome.arrived} arrived"
                + (f", {outcome.baselined} baselined" if outcome.baselined else "")
            )
            if outcome.held:
                click.echo(f"{name}: {several(outcome.held, 'download')} wait for approval: watcher approve", err=True)
            if outcome.unread:
                listed = several(outcome.unread, "listed item")
                click.echo(f"{name}: {listed} could not be read: watcher status says why", err=True)
            if outcome.problem:
                click.echo(f"{name}: {outcome.problem}", err=True)
                failed = failed or 69
            else:
                _beat(parts)
            again = reconcile(parts, db, outcome)
            failed = failed or again
            failed = afterwards(parts, db, name) or failed
    if failed:
        raise click.exceptions.Exit(failed)


def _beat(parts: Parts) -> None:
    """Tell whoever waits for a sign of life; that it cannot be told is no trouble of the poll."""
    try:
        beat = parts.beat()
    except WatcherError as error:
        complain(error, "heartbeat")
        return
    if beat is not None and beat.problem is not None:
        click.echo(f"heartbeat: {beat.problem}", err=True)
