"""What was seen, and how things stand."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.archive_status import archive_troubles, limits
from watcher.cli.options import DateType, LevelType, SiteName
from watcher.cli.output import ago, json_option, several, show_csv, show_json, show_table
from watcher.errors import UsageError

if TYPE_CHECKING:
    import sqlite3

    from watcher.model import Level
    from watcher.store.listings import Seen
    from watcher.wiring import Parts

_COLUMNS = {
    "site": "SITE",
    "level": "LEVEL",
    "acquired": "ACQUIRED",
    "cloud": "CLOUD %",
    "event": "EVENT",
    "title": "PRODUCT",
    "stored": "STORED",
}
_ALSO = {"also": "ALSO IN"}


@click.command()
@click.option("--site", type=SiteName(), help="Only of this place.")
@click.option("--level", type=LevelType(), help="Only of this level.")
@click.option("--since", type=DateType(), help="Only what was acquired since.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.pass_obj
def products(
    context: Context,
    site: str | None,
    level: Level | None,
    since: datetime | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List what was seen, newest acquisition first.

    EVENT is empty for what was there at the baseline, and for what another catalogue had told of: ALSO IN names the
    others that list the same acquisition (`watcher race` says which was first). STORED is the place in the archive
    (`watcher status` says where that is); --json and --csv give the whole path, and much else.

    \b
    Examples:
      watcher products --site Litchfield --level L2A
      watcher products --since 2026-11-01 --json
      watcher products --csv > products.csv
    """
    from watcher.store import listings, sites

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", hint="give one of them")
    parts = context.parts
    db = parts.db()
    number = sites.named(db, site).number if site is not None else None
    rows = [_row(parts, seen) for seen in listings.listing(db, site=number, level=level, since=since)]
    if as_json:
        show_json(rows)
    elif as_csv:
        left_out = ("assets", "geometry")
        flat = [{key: value for key, value in row.items() if key not in left_out} for row in rows]
        flat = [{**row, "also": "; ".join(row["also"])} for row in flat]
        show_csv(flat, list(flat[0]) if flat else list(_COLUMNS))
    else:
        shelved = [{**row, "stored": _shelf(parts, row["stored"]) or _staged(row["staged"])} for row in rows]
        columns = _COLUMNS | _ALSO if any(row["also"] for row in rows) else _COLUMNS
        show_table(shelved, columns, empty="Nothing was seen yet.")


@click.command()
@json_option
@click.pass_obj
def status(context: Context, as_json: bool) -> None:
    """Say what is watched, when each catalogue was asked, what came, what is owed and wanted, and what is wrong.

    \b
    Examples:
      watcher status
      watcher status --json
    """
    from watcher.wiring import now

    parts = context.parts
    moment = now()
    state = _state(parts, parts.db(), moment)
    if as_json:
        show_json(state)
        return
    click.echo(
        f"{several(state['sites'], 'site')}, {several(state['watches'], 'watch', 'watches')},"
        f" {several(state['subscriptions'], 'subscription')}, {several(state['products'], 'product')} seen"
        + (
            "; no service runs (watcher run)"
            if state["service"] is None
            else f"; the service runs as process {state['service']}"
        )
    )
    for catalogue in state["catalogues"]:
        line = f"{catalogue['name']}: "
        if catalogue["last_poll"] is None:
            line += "never asked" + _asking(catalogue["asking_since"], moment)
        else:
            line += (
                f"asked {ago(catalogue['last_poll'], moment)}, {catalogue['listed']} listed,"
                f" {catalogue['arrived']} arrived"
                + (_asking(catalogue["asking_since"], moment) or f"; next {_next(catalogue['next_poll'], moment)}")
            )
        click.echo(line)
    click.echo(
        f"arrivals: {state['arrivals']['day']} in the last day, {state['arrivals']['week']} in the last week,"
        f" {state['arrivals']['all']} in all"
    )
    notices, files = state["deliveries"], state["downloads"]
    click.echo(f"deliveries: {notices['owed']} owed, {notices['sent']} sent, {notices['given_up']} given up")
    click.echo(
        f"downloads: {files['wanted']} wanted, {files['stored']} stored ({files['bytes']:,} bytes),"
        f" {files['given_up']} given up; archive {state['archive']}"
    )
    for line in state["limits"]:
        click.echo(line)
    click.echo("troubles: none" if not state["troubles"] else "troubles:")
    for trouble in state["troubles"]:
        click.echo(f"  {trouble}")


def _state(parts: Parts, db: sqlite3.Connection, moment: datetime) -> dict[str, Any]:
    from watcher.store import deliveries, downloads, polls, products, sites, subscriptions
    from watcher.store.locks import holder

    watches = sites.watches(db, paused=True)
    subscribed = subscriptions.every(db)
    names = {subscription.address: parts.shown(subscription) for subscription in subscribed}
    catalogues, troubles = [], []
    for name in sorted({watch.catalogue for watch in watches}):
        last, current = polls.last(db, name, finished=True), polls.last(db, name)
        asking = current is not None and current.finished is None and holder(parts.state / f"poll-{name}.lock")
        table = parts.config.table(name)
        interval = timedelta(seconds=parts.pace(db, name).interval(now=moment) if table else 0.0)
        catalogues.append(
            {
                "name": name,
                "last_poll": last.started if last else None,
                "asking_since": current.started if asking and current else None,
                "last_good": polls.last_good(db, name),
                "next_poll": max(last.started + interval, last.not_before or last.started) if last else moment,
                "listed": last.listed if last else 0,
                "arrived": last.arrived if last else 0,
                "failures": polls.failures(db, name),
                "problem": last.problem if last else None,
            }
        )
        if table is None:
            troubles.append(f"{name}: watched, but no longer in the configuration")
        if last is not None and last.problem is not None:
            good = ago(polls.last_good(db, name), moment)
            failed = several(polls.failures(db, name), "poll")
            troubles.append(f"{name}: {failed} failed, last good {good}: {last.problem}")
    troubles += [
        f"subscription {s.number} ({parts.shown(s)}) hears of nothing: its sites were removed"
        f" (watcher unsubscribe {s.number})"
        for s in subscribed
        if s.sites == ()
    ]
    for owed in deliveries.troubles(db):
        after = "given up (watcher retry)" if owed.given_up else f"again {ago(owed.due, moment)}"
        troubles.append(
            f"{names.get(owed.address, owed.address)}: {several(owed.count, 'delivery', 'deliveries')} failed"
            f" after {several(owed.attempts, 'try', 'tries')}, {after}: {owed.problem}"
        )
    for file in downloads.troubles(db):
        after = "given up (watcher retry)" if file.given_up else f"again {ago(file.due, moment)}"
        troubles.append(
            f"{file.title}: download failed after {several(file.attempts, 'try', 'tries')}, {after}: {file.problem}"
        )
    troubles += archive_troubles(db, moment)
    owed_count, sent, notices_lost = deliveries.counts(db)
    wanted, stored, files_lost, size = downloads.counts(db)
    return {
        "service": holder(parts.state / "run.lock"),
        "sites": len({watch.site.number for watch in watches}),
        "watches": len(watches),
        "subscriptions": len(subscribed),
        "products": products.count(db),
        "catalogues": catalogues,
        "arrivals": {
            "day": products.arrived(db, since=moment - timedelta(days=1)),
            "week": products.arrived(db, since=moment - timedelta(days=7)),
            "all": products.arrived(db, since=None),
        },
        "deliveries": {"owed": owed_count, "sent": sent, "given_up": notices_lost},
        "downloads": {"wanted": wanted, "stored": stored, "given_up": files_lost, "bytes": size},
        "limits": limits(parts, db, moment),
        "archive": str(parts.archive),
        "database": str(parts.database),
        "troubles": troubles,
    }


def _row(parts: Parts, seen: Seen) -> dict[str, Any]:
    product = seen.product
    return {
        "site": seen.site,
        "catalogue": seen.catalogue,
        "collection": product.collection,
        "id": product.id,
        "title": product.title,
        "level": product.level,
        "platform": product.platform,
        "instrument": product.instrument,
        "acquired": product.acquired,
        "published": product.published,
        "updated": product.updated,
        "cloud": product.cloud,
        "event": seen.event.value if seen.event else None,
        "cause": seen.cause,
        "also": list(seen.also),
        "replaced": seen.replaced,
        "seen": seen.seen,
        "stored": str(parts.archive / seen.stored) if seen.stored else None,
        "staged": seen.staged,
        "link": product.link,
        "quicklook": product.quicklook,
        "assets": [
            {
                "key": asset.key,
                "href": asset.href,
                "type": asset.type,
                "size": asset.size,
                "checksum": asset.checksum,
            }
            for asset in product.assets
        ],
        "geometry": json.loads(product.geometry) if product.geometry else None,
    }


def _shelf(parts: Parts, path: str | None) -> str | None:
    """Say where a file lies in the archive: its whole path would fold every line."""
    return None if path is None else str(PurePath(path).relative_to(parts.archive))


def _staged(again: datetime | None) -> str | None:
    from watcher.wiring import now

    return None if again is None else f"on tape, asked again {ago(again, now())}"


def _asking(since: datetime | None, now: datetime) -> str:
    return "" if since is None else f"; being asked since {(now - since).total_seconds():.0f} s"


def _next(moment: datetime, now: datetime) -> str:
    return "due" if moment <= now else ago(moment, now)
