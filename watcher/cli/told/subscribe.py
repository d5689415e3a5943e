"""Someone is told of arrivals, on terms that can be changed later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import SubscriptionNumber
from watcher.cli.output import several
from watcher.cli.told.terms import WITHOUT, agreed, doubts, terms
from watcher.errors import UsageError
from watcher.names import plain

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from watcher.model import Subscription
    from watcher.wiring import Parts

_preview = click.option("--preview", is_flag=True, help="Only say what it would have told, from what arrived.")
_days = click.option(
    "--days", type=click.IntRange(1, 3650), metavar="DAYS", help="With --preview: how far back [default: 90]."
)


@click.command()
@click.argument("address")
@terms
@_preview
@_days
@click.pass_obj
def subscribe(context: Context, /, address: str, preview: bool, days: int | None, **given: Any) -> None:
    """Tell someone of arrivals.

    ADDRESS is an e-mail address (sent by the account in [mail]), the name of a [channels.NAME], or an Apprise URL:
    Slack, Matrix, Discord, Telegram, Teams, ntfy, MQTT, webhooks and a hundred more (github.com/caronc/apprise).
    terminal:// is the terminal of `watcher run` or `watcher notify`, mbox:///path a mailbox file.

    Without filters they hear of all that is new, revised or withdrawn, at every place. Places are meant by name or by
    tag; both together are more places. Notices come with each pass that found something; --at makes it one a day, --on
    one a week, and --quiet holds back what comes at night until the morning.

    \b
    Examples:
      watcher subscribe you@example.org --site Litchfield --level L2A
      watcher subscribe team --max-cloud 20 --unknown-cloud refuse --min-coverage 60
      watcher subscribe terminal://
      watcher subscribe team --tag amazon --at 08:00 --zone America/Manaus
      watcher subscribe boss@example.org --every week --on friday --at 16:00 --fields acquired,cloud,link --still
      watcher subscribe ops@example.org --event health --event late
      watcher subscribe 'slack://TokenA/TokenB/TokenC/#l2a' --name "the lab" --quiet 22:00-07:00
      watcher subscribe you@example.org --max-cloud 20 --preview --days 30
    """
    from msgspec.structs import replace

    from watcher.cli.told.preview import foresee
    from watcher.cli.told.zones import here
    from watcher.core.agreements.terms import essence
    from watcher.model import Rhythm, Subscription
    from watcher.store import subscriptions
    from watcher.store.connection import writing
    from watcher.wiring import now

    _only_with(preview, days)
    parts = context.parts
    db = parts.db()
    fresh = Subscription(0, "", "", rhythm=Rhythm(zone=here()))
    agreed(db, fresh, given)  # refused before the address is asked about, which takes a second
    fresh = replace(fresh, address=parts.addresses.checked(address))
    if preview:
        foresee(parts, db, agreed(db, fresh, given), days=days or 90)
        return
    fresh = replace(fresh, address=parts.addresses.kept(fresh.address))
    with writing(db):
        wanted = agreed(db, fresh, given)
        same = next((one for one in subscriptions.every(db) if essence(one) == essence(wanted)), None)
        number = same.number if same else subscriptions.add(db, wanted, now=now())
        subscription = subscriptions.numbered(db, number)
    if same:
        click.echo("That was agreed before; nothing is changed.")
    say(parts, db, subscription, now=now())
    if not same:
        click.echo(f"Try it: watcher test-notify {number}")


@click.command("edit-subscription")
@click.argument("number", metavar="ID", type=SubscriptionNumber())
@click.option("--to", metavar="ADDRESS", help="Tell another address.")
@click.option(
    "--without",
    type=click.Choice(WITHOUT),
    multiple=True,
    help="Take this away, so that it is as usual. May be repeated.",
)
@terms
@_preview
@_days
@click.pass_obj
def edit_subscription(
    context: Context,
    /,
    number: int,
    to: str | None,
    without: tuple[str, ...],
    preview: bool,
    days: int | None,
    **given: Any,
) -> None:
    """Change what a subscription asks for; what is not named stays as it is.

    What may be repeated replaces all that was there. What is owed already is sent all the same; a new rhythm, new quiet
    hours and a new address hold for it, too.

    \b
    Examples:
      watcher edit-subscription 3 --max-cloud 20 --at 07:30
      watcher edit-subscription 3 --site Pornic --site Litchfield
      watcher edit-subscription 3 --without quiet --without max-cloud
      watcher edit-subscription 3 --to jane@example.org
      watcher edit-subscription 3 --min-coverage 80 --preview
    """
    from msgspec.structs import replace

    from watcher.cli.told.preview import foresee
    from watcher.store import subscriptions
    from watcher.store.connection import writing
    from watcher.wiring import now

    _only_with(preview, days)
    if to is None and not without and all(value in (None, ()) for value in given.values()):
        hint = "--max-cloud 20 changes a term, --without max-cloud takes it away"
        raise UsageError(f"nothing is said that is to be changed in subscription {number}", hint=hint)
    parts = context.parts
    db = parts.db()
    before = subscriptions.numbered(db, number)
    agreed(db, before, given, without)
    address = before.address if to is None else parts.addresses.checked(to)
    if preview:
        wanted = agreed(db, replace(before, address=address, muted=None), given, without)
        foresee(parts, db, wanted, days=days or 90)
        return
    address = parts.addresses.kept(address)
    with writing(db):
        before = subscriptions.numbered(db, number)
        wanted = agreed(db, replace(before, address=address), given, without)
        moved = subscriptions.change(db, wanted, now=now())
        owed = subscriptions.owed(db, number)
    forget_unused(parts, db, before.address)
    say(parts, db, wanted, now=now())
    say_when(wanted, moved, owed, now=now())


def say(parts: Parts, db: sqlite3.Connection, *subscriptions: Subscription, now: datetime) -> None:
    """Say back in a sentence what was understood, and what about it may be a slip."""
    from watcher.core.agreements.promise import promise
    from watcher.store import sites

    names = {site.number: site.name for site in sites.every(db)}
    for subscription in subscriptions:
        sentence = promise(subscription, parts.addresses.shown(subscription), names, now=now)
        click.echo(f"Subscription {subscription.number}: {sentence}.")
        doubt(db, subscription)


def doubt(db: sqlite3.Connection, subscription: Subscription) -> None:
    """Say what of a subscription may be a slip."""
    from watcher.store import products, sites, watching

    watches = watching.watches(db, paused=True)
    for said in doubts(subscription, sites.tags(db), watches, lambda: products.platforms(db)):
        click.echo(plain(said, limit=1000))


def say_when(subscription: Subscription, moved: int, owed: int, *, now: datetime) -> None:
    """Say what becomes of the deliveries that were owed before the terms were changed, and of those that moved."""
    from watcher.core.agreements.promise import local
    from watcher.core.audience import owing
    from watcher.model import FOR_GOOD

    due = owing(subscription, now).due
    if moved and due is not None:
        again = "as soon as it is unmuted" if due >= FOR_GOOD else f"at {local(due, subscription.rhythm.zone)}"
        click.echo(
            f"{several(moved, 'delivery', 'deliveries')} owed already: sent {'at once' if due <= now else again}."
        )
    elif owed:
        click.echo(f"{several(owed, 'delivery', 'deliveries')} owed already: sent as before.")


def forget_unused(parts: Parts, db: sqlite3.Connection, address: str) -> None:
    """Forget a URL with its secrets that no subscription refers to any more."""
    from watcher.store import addresses, subscriptions

    if address.startswith("url:") and all(one.address != address for one in subscriptions.every(db)):
        addresses.forget(parts.state, address)


def _only_with(preview: bool, days: int | None) -> None:
    if days is not None and not preview:
        raise UsageError("--days goes with --preview", hint="it says how far back a preview looks")
