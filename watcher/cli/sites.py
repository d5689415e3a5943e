"""The places that are watched: listed, paused, removed."""

from __future__ import annotations

import click

from watcher.cli import Context
from watcher.cli.options import SiteName
from watcher.cli.output import json_option, show_json, show_table


@click.command()
@json_option
@click.pass_obj
def sites(context: Context, as_json: bool) -> None:
    """List the watched places.

    \b
    Examples:
      watcher sites
      watcher sites --json | jq '.[].site'
    """
    from watcher.store import sites as stored

    rows = [
        {
            "site": watch.site.name,
            "country": watch.site.country,
            "catalogue": watch.catalogue,
            "collection": watch.collection,
            "level": watch.level,
            "code": watch.code,
            "max_cloud": watch.max_cloud,
            "since": watch.since,
            "download": watch.download,
            "baseline": watch.baselined,
            "paused": watch.site.paused,
            "origin": watch.site.origin,
        }
        for watch in stored.watches(context.parts.db(), paused=True)
    ]
    if as_json:
        show_json(rows)
        return
    columns = {
        "site": "SITE",
        "country": "COUNTRY",
        "catalogue": "CATALOGUE",
        "collection": "COLLECTION",
        "level": "LEVEL",
        "max_cloud": "CLOUD ≤",
        "download": "DOWNLOAD",
        "baseline": "BASELINE",
        "paused": "PAUSED",
    }
    show = [{**row, "download": "by level" if row["download"] is None else row["download"]} for row in rows]
    show_table(show, columns, empty="No site is watched yet: watcher add-site NAME")


@click.command("remove-site")
@click.argument("name", type=SiteName())
@click.pass_obj
def remove_site(context: Context, name: str) -> None:
    """Watch a place no more. What was downloaded stays.

    \b
    Example:
      watcher remove-site Litchfield
    """
    from watcher.store import sites as stored
    from watcher.store import subscriptions
    from watcher.store.connection import writing

    db = context.parts.db()
    with writing(db):
        site = stored.named(db, name)
        alone = [s for s in subscriptions.every(db) if s.sites == (site.number,)]
        owed = stored.remove(db, site)
    click.echo(f"{site.name} is no longer watched.")
    for subscription in alone:
        click.echo(
            f"Subscription {subscription.number} ({context.parts.shown(subscription)}) hears of nothing now:"
            f" watcher unsubscribe {subscription.number}"
        )
    if owed:
        click.echo(f"{owed} deliveries about it had not been sent; they are dropped.")


@click.command("pause-site")
@click.argument("name", type=SiteName())
@click.pass_obj
def pause_site(context: Context, name: str) -> None:
    """Stop looking at a place for a while; when it is resumed, what came meanwhile is announced.

    \b
    Example:
      watcher pause-site Pornic
    """
    _pause(context, name, paused=True)


@click.command("resume-site")
@click.argument("name", type=SiteName())
@click.pass_obj
def resume_site(context: Context, name: str) -> None:
    """Look at a paused place again.

    \b
    Example:
      watcher resume-site Pornic
    """
    _pause(context, name, paused=False)


def _pause(context: Context, name: str, *, paused: bool) -> None:
    from watcher.store import sites as stored
    from watcher.store.connection import writing
    from watcher.wiring import now

    db = context.parts.db()
    with writing(db):
        site = stored.named(db, name)
        stored.pause(db, site, since=now() if paused else None)
    click.echo(f"{site.name} is {'paused' if paused else 'looked at again, from the next poll on'}.")
