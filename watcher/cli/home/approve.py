"""Let downloads come that are more at once than may come by themselves, or refuse them."""

from __future__ import annotations

import click

from watcher.cli import Context
from watcher.cli.options import SiteName
from watcher.cli.output import json_option, several, show_json, show_table
from watcher.errors import UsageError


@click.command()
@click.option("--site", type=SiteName(), help="Those for this place.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--refuse", is_flag=True, help="Do not fetch them.")
@json_option
@click.pass_obj
def approve(context: Context, site: str | None, everything: bool, refuse: bool, as_json: bool) -> None:
    """Show the downloads that wait for approval; with --site or --all let them come, or refuse them.

    If one poll wants more products than download.approve_above, none of them is fetched before somebody has looked at
    it: it may be a reprocessing campaign, or a catalogue gone wrong. What is refused can still be fetched by name:
    watcher download PRODUCT.

    \b
    Examples:
      watcher approve
      watcher approve --site Litchfield
      watcher approve --all --refuse
    """
    from watcher.core.wording import bytes_word
    from watcher.store import approvals, sites

    if site is not None and everything:
        raise UsageError("--site and --all exclude each other", hint="give one of them")
    if refuse and site is None and not everything:
        raise UsageError("--refuse does not say what", hint="add --site NAME or --all")
    db = context.parts.db()
    if site is not None or everything:
        _decide(context, sites.named(db, site).name if site is not None else None, refuse=refuse)
        return
    waiting = approvals.waiting(db)
    if as_json:
        show_json(
            [
                {
                    "site": one.site,
                    "catalogue": one.catalogue,
                    "level": one.level,
                    "products": one.count,
                    "bytes": one.size,
                    "of_unknown_size": one.unknown,
                }
                for one in waiting
            ]
        )
        return
    rows = [
        {
            "site": one.site,
            "catalogue": one.catalogue,
            "level": one.level,
            "products": f"{one.count:,}",
            "size": (bytes_word(one.size) or "size unknown")
            + (f", {one.unknown:,} unknown" if one.unknown and one.size else ""),
        }
        for one in waiting
    ]
    columns = {"site": "SITE", "catalogue": "CATALOGUE", "level": "LEVEL", "products": "PRODUCTS", "size": "SIZE"}
    show_table(rows, columns, empty="No download waits for approval.")
    if waiting:
        click.echo("Let them come: watcher approve --all, or --site NAME. Or not: add --refuse.")


def _decide(context: Context, site: str | None, *, refuse: bool) -> None:
    from watcher.store import alerts, approvals
    from watcher.store.connection import writing
    from watcher.wiring import now

    db = context.parts.db()
    with writing(db):
        asked = {one.catalogue for one in approvals.waiting(db)}
        count = approvals.refuse(db, site) if refuse else approvals.approve(db, site, now=now())
        for catalogue in asked - {one.catalogue for one in approvals.waiting(db)}:
            alerts.clear(db, "health", f"approval {catalogue}", now=now())
    word = "is" if count == 1 else "are"
    if not count:
        click.echo("No download waits for approval" + (f" at {site}." if site else "."))
    elif refuse:
        click.echo(f"{several(count, 'download')} {word} refused; watcher download PRODUCT still fetches one by name.")
    else:
        click.echo(f"{several(count, 'download')} {word} due now.")
