"""`watcher notify`: the notices that are due are sent, once."""

from __future__ import annotations

import click

from watcher.cli import Context
from watcher.cli.output import ago
from watcher.cli.under_way import busy


@click.command()
@click.pass_obj
def notify(context: Context) -> None:
    """Send the notices that are due, once; those on the health of watcher itself are found out before.

    \b
    Example:
      watcher poll && watcher notify
    """
    from watcher.store import subscriptions
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    shown = {s.address: parts.addresses.shown(s) for s in subscriptions.every(db)}
    failed = count = 0
    parts.health(db)
    with busy(parts):
        for paid in parts.notify(db, left_out=_without_quicklook):
            count += 1
            to = shown.get(paid.address, paid.address)
            if paid.problem is None:
                again = " (it may have arrived before)" if paid.repeated else ""
                click.echo(f"sent to {to}: {paid.subject}{again}")
            else:
                failed += 1
                after = f"again {ago(paid.again, now())}" if paid.again else "given up; `watcher retry` tries again"
                after = "the address is set aside; `watcher retry` tries it again" if paid.aside else after
                click.echo(f"failed to {to}: {paid.subject}: {paid.problem} ({after})", err=True)
    if not count:
        click.echo("No notice is due.")
    if failed:
        raise click.exceptions.Exit(1)


def _without_quicklook(url: str, why: str) -> None:
    click.echo(f"without the quicklook {url}: {why}", err=True)
