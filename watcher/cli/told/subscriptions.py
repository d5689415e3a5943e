"""Who is told of what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import SubscriptionNumber, one_of
from watcher.cli.output import json_option, several, show_json, show_table
from watcher.errors import UsageError

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from watcher.core.agreements.documents import Format
    from watcher.model import Subscription
    from watcher.wiring import Parts


@click.command()
@click.argument("numbers", metavar="[ID]...", type=SubscriptionNumber(), nargs=-1)
@click.option("--export", is_flag=True, help="Print them whole, as a document that can be edited and imported.")
@click.option(
    "--import", "file", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE|-", help="Read such a document."
)
@click.option(
    "--format", "form", type=click.Choice(["toml", "json"]), help="With --export: of the document [default: toml]."
)
@json_option
@click.pass_obj
def subscriptions(
    context: Context, numbers: tuple[int, ...], export: bool, file: Path | None, form: Format | None, as_json: bool
) -> None:
    """List who is told of what, or carry it out of and into watcher as a document.

    --import adds and changes subscriptions: one with the id of a subscription that exists, and its address, takes its
    place; any other is added; none is ended. All of the document is checked before anything is written. Addresses with
    secrets are not exported; the document says what to write in their place elsewhere.

    \b
    Examples:
      watcher subscriptions
      watcher subscriptions --json
      watcher subscriptions --export > people.toml
      watcher subscriptions --export 3 --format json
      watcher subscriptions --import people.toml
    """
    from watcher.cli.told import exchange
    from watcher.store import subscriptions as stored

    one_of(export=export or None, **{"import": file}, json=as_json or None)
    if form is not None and not export:
        raise UsageError("--format goes with --export", hint="an import sees by itself what it reads")
    if file is not None:
        if numbers:
            raise UsageError(f"--import reads all of {file}, not only {numbers[0]}", hint="leave the ID out")
        exchange.take(context.parts, file)
        return
    db = context.parts.db()
    chosen = [stored.numbered(db, number) for number in numbers] or stored.every(db)
    if export:
        exchange.give(context.parts, db, chosen, form or "toml")
    elif as_json:
        show_json(exchange.listed(context.parts, db, chosen))
    else:
        _show(context.parts, db, chosen)


def _show(parts: Parts, db: sqlite3.Connection, chosen: Sequence[Subscription]) -> None:
    from watcher.core.agreements.promise import also, what, when
    from watcher.store import sites
    from watcher.wiring import now

    moment = now()
    names = {site.number: site.name for site in sites.every(db)}
    rows = [
        {
            "id": one.number,
            "address": parts.addresses.shown(one),
            "name": one.name or None,
            "when": when(one.rhythm),
            "what": "; ".join([what(one, names), *also(one, now=moment)]),
        }
        for one in chosen
    ]
    columns = {"id": "ID", "address": "ADDRESS", "name": "NAME", "when": "WHEN", "what": "OF WHAT"}
    if not any(one.name for one in chosen):
        del columns["name"]
    show_table(
        rows, columns, folded=("what",), empty="Nobody is told of anything yet: watcher subscribe you@example.org"
    )


@click.command()
@click.argument("number", metavar="ID", type=SubscriptionNumber())
@click.pass_obj
def unsubscribe(context: Context, number: int) -> None:
    """Tell someone no more: end a subscription. Others of the same address stay.

    \b
    Example:
      watcher unsubscribe 3
    """
    from watcher.cli.told.subscribe import forget_unused
    from watcher.store import subscriptions as stored
    from watcher.store.connection import writing
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    shown = parts.addresses.shown(stored.numbered(db, number))
    with writing(db):
        subscription = stored.numbered(db, number)
        owed = stored.remove(db, subscription, now=now())
    forget_unused(parts, db, subscription.address)
    click.echo(f"Subscription {number} is ended: {shown} hears no more of it.")
    if owed:
        click.echo(f"{several(owed, 'delivery', 'deliveries')} of it had not been sent: dropped.")


@click.command()
@click.argument("number", metavar="ID", type=SubscriptionNumber())
@click.option("--until", metavar="DATE|DURATION", help="Until when, or for how long; for good if not given.")
@click.pass_obj
def mute(context: Context, number: int, until: str | None) -> None:
    """Tell someone nothing for a while. What arrives meanwhile is not told later; what is owed already waits.

    \b
    Examples:
      watcher mute 3
      watcher mute 3 --until 2w
      watcher mute 3 --until 2026-12-24
    """
    from watcher.core.agreements.promise import local
    from watcher.core.agreements.terms import until as read_until
    from watcher.model import FOR_GOOD
    from watcher.store import subscriptions as stored
    from watcher.wiring import now

    db = context.parts.db()
    zone = stored.numbered(db, number).rhythm.zone
    end = FOR_GOOD if until is None else read_until(until, zone=zone, now=now())
    subscription, waiting = _silence(db, number, end)
    word = "until it is unmuted" if until is None else f"until {local(end, zone)}"
    click.echo(f"Subscription {number}: {context.parts.addresses.shown(subscription)} hears nothing {word}.")
    click.echo("What arrives until then is not told later." if until else f"To hear again: watcher unmute {number}")
    if waiting:
        click.echo(f"{several(waiting, 'delivery', 'deliveries')} owed already: kept until then.")


@click.command()
@click.argument("number", metavar="ID", type=SubscriptionNumber())
@click.pass_obj
def unmute(context: Context, number: int) -> None:
    """Tell someone who was muted again.

    \b
    Example:
      watcher unmute 3
    """
    from watcher.cli.told.subscribe import say, say_when
    from watcher.core.filters import muted
    from watcher.store import subscriptions as stored
    from watcher.wiring import now

    db = context.parts.db()
    if not muted(stored.numbered(db, number), now()):
        click.echo(f"Subscription {number} is not muted.")
    subscription, waiting = _silence(db, number, None)
    say(context.parts, db, subscription, now=now())
    say_when(subscription, waiting, 0, now=now())


def _silence(db: sqlite3.Connection, number: int, until: datetime | None) -> tuple[Subscription, int]:
    """Mute a subscription until then, or no longer; return it, and how many deliveries wait for another time."""
    from msgspec.structs import replace

    from watcher.store import subscriptions as stored
    from watcher.store.connection import writing
    from watcher.wiring import now

    with writing(db):
        subscription = replace(stored.numbered(db, number), muted=until)
        return subscription, stored.change(db, subscription, now=now())
