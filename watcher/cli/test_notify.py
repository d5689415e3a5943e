"""`watcher test-notify`: a sample notice really goes out, and what came of it is said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.core.wording import Told


@click.command("test-notify")
@click.argument("number", metavar="[ID]", type=int, required=False)
@click.pass_obj
def test_notify(context: Context, number: int | None) -> None:
    """Send a sample notice, to one subscription or to all, and say how it went.

    \b
    Examples:
      watcher test-notify
      watcher test-notify 3
    """
    from watcher.core.notices import compose
    from watcher.model import Outcome
    from watcher.store import subscriptions as stored

    parts = context.parts
    db = parts.db()
    targets = [stored.numbered(db, number)] if number is not None else stored.every(db)
    if not targets:
        raise UsageError("there is no subscription to test", hint="watcher subscribe you@example.org")
    notices = [
        compose([_sample()], key=f"test-{target.number}", footer="This is a test: no product arrived.")
        for target in targets
    ]
    begun = time.monotonic()
    failed = 0
    for sent in parts.send([(target.address, notice) for target, notice in zip(targets, notices, strict=True)]):
        target = targets[sent.index]
        took = f"{time.monotonic() - begun:.1f} s"
        if sent.outcome is Outcome.SENT:
            click.echo(f"{target.number}  {parts.shown(target)}  accepted after {took}")
        else:
            failed += 1
            click.echo(f"{target.number}  {parts.shown(target)}  {sent.outcome} after {took}: {sent.problem}")
    if failed:
        raise click.exceptions.Exit(1)


def _sample() -> Told:
    from datetime import UTC, datetime

    from watcher.core.wording import Told
    from watcher.model import Asset, Event, Level, Product

    return Told(
        event=Event.NEW,
        site="Litchfield",
        product=Product(
            collection="SPOT5",
            id="test",
            title="SPOT5_HRG1_XS_20150629_N2A_LitchfieldD0000B0000",
            level=Level("L2A"),
            acquired=datetime(2015, 6, 29, 1, 34, 46, tzinfo=UTC),
            revision="",
            cloud=14.0,
            assets=(Asset("product", "", size=68_600_000),),
        ),
        catalogue="test",
    )
