"""Who is told of what."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import LevelType, Percent, SiteName
from watcher.cli.output import json_option, show_json, show_table
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.core.wording import Told
    from watcher.model import Level


@click.command()
@click.argument("address")
@click.option("--site", "site_names", type=SiteName(), multiple=True, help="Only of this place. May be repeated.")
@click.option("--level", "levels", type=LevelType(), multiple=True, help="Only of this level. May be repeated.")
@click.option("--max-cloud", type=Percent(), help="Only up to this cloud cover; unknown passes.")
@click.option("--name", help="Whose it is, for the listing.")
@click.pass_obj
def subscribe(
    context: Context,
    address: str,
    site_names: tuple[str, ...],
    levels: tuple[Level, ...],
    max_cloud: float | None,
    name: str | None,
) -> None:
    """Tell someone of arrivals.

    ADDRESS is an e-mail address (sent by the account in [mail]), the name of a [channels.NAME], or an Apprise URL:
    Slack, Matrix, Discord, Telegram, Teams, ntfy, MQTT, webhooks and a hundred more (github.com/caronc/apprise).

    \b
    Examples:
      watcher subscribe you@example.org --site Litchfield --level L2A
      watcher subscribe team --max-cloud 20
      watcher subscribe 'slack://TokenA/TokenB/TokenC/#l2a' --name "the lab"
    """
    from watcher.model import Subscription
    from watcher.store import sites, subscriptions
    from watcher.store.connection import writing
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    chosen = list({site.number: site for site in (sites.named(db, name) for name in site_names)}.values()) or None
    reference = parts.reference(address)
    with writing(db):
        terms = Subscription(
            0,
            reference,
            name or "",
            sites=tuple(site.number for site in chosen) if chosen else None,
            levels=levels,
            max_cloud=max_cloud,
        )
        number = subscriptions.add(db, terms, now=now())
        subscription = subscriptions.numbered(db, number)
    where = ", ".join(site.name for site in chosen) if chosen else "every site"
    what = ", ".join(levels) if levels else "every level"
    click.echo(f"Subscription {number}: {parts.shown(subscription)} hears of {what} at {where}.")
    click.echo(f"Try it: watcher test-notify {number}")


@click.command()
@json_option
@click.pass_obj
def subscriptions(context: Context, as_json: bool) -> None:
    """List who is told of what.

    \b
    Examples:
      watcher subscriptions
      watcher subscriptions --json
    """
    from watcher.store import sites
    from watcher.store import subscriptions as stored

    parts = context.parts
    db = parts.db()
    names = {site.number: site.name for site in sites.every(db)}
    rows = [
        {
            "id": subscription.number,
            "address": parts.shown(subscription),
            "name": subscription.name or None,
            "sites": None if subscription.sites is None else [names[number] for number in subscription.sites],
            "levels": list(subscription.levels) or None,
            "max_cloud": subscription.max_cloud,
        }
        for subscription in stored.every(db)
    ]
    if as_json:
        show_json(rows)
        return
    shown = [
        {
            **row,
            "sites": "all" if row["sites"] is None else row["sites"] or "none left",
            "levels": row["levels"] or "all",
        }
        for row in rows
    ]
    columns = {
        "id": "ID",
        "address": "ADDRESS",
        "name": "NAME",
        "sites": "SITES",
        "levels": "LEVELS",
        "max_cloud": "CLOUD ≤",
    }
    show_table(shown, columns, empty="Nobody is told of anything yet: watcher subscribe you@example.org")


@click.command()
@click.argument("number", metavar="ID", type=int)
@click.pass_obj
def unsubscribe(context: Context, number: int) -> None:
    """Tell them no more.

    \b
    Example:
      watcher unsubscribe 3
    """
    from watcher.store import addresses
    from watcher.store import subscriptions as stored
    from watcher.store.connection import writing
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    shown = parts.shown(stored.numbered(db, number))
    with writing(db):
        subscription = stored.numbered(db, number)
        owed = stored.remove(db, subscription, now=now())
        orphaned = all(other.address != subscription.address for other in stored.every(db))
    if orphaned and subscription.address.startswith("url:"):
        addresses.forget(parts.state, subscription.address)
    click.echo(f"{shown} hears no more.")
    if owed:
        click.echo(f"{owed} deliveries had not been sent; they are dropped.")


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
