"""How things stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.archive_status import archive_troubles, limits
from watcher.cli.output import ago, json_option, several, show_json, until

if TYPE_CHECKING:
    import sqlite3

    from watcher.store.ledger import State
    from watcher.wiring import Parts

_OPEN: tuple[State, ...] = ("queued", "held", "sending", "unknown", "retrying")
_WORTH_A_WORD = _OPEN[1:]
"""States of what is owed; that it is queued goes without saying."""

_SHOWN = 30
"""So many troubles are told of; --json has all."""


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
        f"{several(state['sites'], 'site')}{_paused(state['paused'])}, {several(state['watches'], 'watch', 'watches')},"
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
                + _resting(catalogue["resting"], catalogue["collections"])
            )
        click.echo(line)
    click.echo(
        f"arrivals: {state['arrivals']['day']} in the last day, {state['arrivals']['week']} in the last week,"
        f" {state['arrivals']['all']} in all"
    )
    notices, files = state["deliveries"], state["downloads"]
    states = [f"{notices[word]:,} {word}" for word in _WORTH_A_WORD if notices[word]]
    click.echo(
        f"deliveries: {notices['owed']} owed" + (f" ({', '.join(states)})" if states else "") + ","
        f" {notices['sent']} sent, {notices['given_up']} given up"
    )
    waits = f", {files['waiting_for_approval']:,} wait for approval" if files["waiting_for_approval"] else ""
    click.echo(
        f"downloads: {files['wanted']} wanted{waits}, {files['stored']} stored ({files['bytes']:,} bytes),"
        f" {files['given_up']} given up; archive {state['archive']}"
    )
    for going in state["downloads"]["fetching"]:
        click.echo(_fetching(going))
    for line in state["limits"]:
        click.echo(line)
    for alert in state["alerts"]:
        click.echo(f"alert since {ago(alert['raised'], moment)}: {alert['title']} ({alert['body'].splitlines()[0]})")
    if state["troubles"] or not state["alerts"]:
        click.echo("troubles:" if state["troubles"] else "troubles: none")
    for trouble in state["troubles"][:_SHOWN]:
        click.echo(f"  {trouble}")
    if len(state["troubles"]) > _SHOWN:
        click.echo(f"  … and {len(state['troubles']) - _SHOWN:,} more (--json lists all)")


def _paused(count: int) -> str:
    return f" ({count:,} paused)" if count else ""


def _fetching(going: dict[str, Any]) -> str:
    from watcher.core.moments import lasting
    from watcher.core.wording import bytes_word

    line = f"{'storing' if going['storing'] else 'fetching'} {going['title']}: {bytes_word(going['done']) or '0 B'}"
    if going["total"]:
        line += f" of {bytes_word(going['total'])} ({100 * going['done'] / going['total']:.0f} %)"
    if going["rate"]:
        line += f", {bytes_word(going['rate'])}/s"
    if going["left"] is not None:
        line += f", {lasting(timedelta(seconds=going['left']))} left"
    return line


def _state(parts: Parts, db: sqlite3.Connection, moment: datetime) -> dict[str, Any]:
    from watcher.cli.standing import standing, unaudited
    from watcher.store import (
        alerts,
        approvals,
        deliveries,
        downloads,
        ledger,
        products,
        recipients,
        sites,
        subscriptions,
    )
    from watcher.store.locks import holder

    watches = sites.watches(db, paused=True)
    subscribed = subscriptions.every(db)
    names = {subscription.address: parts.addresses.shown(subscription) for subscription in subscribed}
    catalogues, troubles = [], []
    for name in sorted({watch.catalogue for watch in watches}):
        here = [watch for watch in watches if watch.catalogue == name]
        collections = {watch.collection for watch in here if not watch.site.paused}
        said, wrong = standing(parts, db, name, collections, moment=moment)
        catalogues.append(said)
        troubles += wrong
    troubles += unaudited(db, moment=moment)
    troubles += [
        f"subscription {s.number} ({parts.addresses.shown(s)}) hears of nothing: its sites were removed"
        f" (watcher unsubscribe {s.number})"
        for s in subscribed
        if s.sites == () and not s.tags
    ]
    for owed in ledger.troubles(db):
        after = "given up (watcher retry)" if owed.given_up else until(owed.due, moment)
        troubles.append(
            f"{names.get(owed.address, owed.address)}: {several(owed.count, 'delivery', 'deliveries')} failed"
            f" after {several(owed.attempts, 'try', 'tries')}, {after}: {owed.problem}"
        )
    troubles += archive_troubles(parts, db, moment)
    for file in downloads.troubles(db):
        after = "given up (watcher retry)" if file.given_up else until(file.due, moment)
        tries = f" after {several(file.attempts, 'try', 'tries')}" if file.attempts else ""
        troubles.append(f"{file.title}: download failed{tries}, {after}: {file.problem}")
    owed_count, sent, notices_lost = deliveries.counts(db)
    at_work = holder(parts.state / "notify.lock") is not None
    states = ledger.states(db, sending=at_work, now=moment)
    waiting = sum(one.count for one in approvals.waiting(db))
    if waiting:
        troubles.append(f"{several(waiting, 'download')} wait for approval (watcher approve)")
    for address, one in recipients.troubled(db).items():
        if one.aside is not None and address in names:
            since = ago(one.aside, moment)
            troubles.append(f"{names[address]}: set aside {since}, it refuses notices for good: {one.problem}")
    wanted, stored, files_lost, size = downloads.counts(db)
    return {
        "service": holder(parts.state / "run.lock"),
        "sites": len({watch.site.number for watch in watches}),
        "paused": len({watch.site.number for watch in watches if watch.site.paused}),
        "watches": len(watches),
        "subscriptions": len(subscribed),
        "products": products.count(db),
        "catalogues": catalogues,
        "arrivals": {
            "day": products.arrived(db, since=moment - timedelta(days=1)),
            "week": products.arrived(db, since=moment - timedelta(days=7)),
            "all": products.arrived(db, since=None),
        },
        "deliveries": {
            "owed": owed_count,
            **{word: states.get(word, 0) for word in _OPEN},
            "sent": sent,
            "given_up": notices_lost,
        },
        "downloads": {
            "wanted": wanted,
            "waiting_for_approval": waiting,
            "stored": stored,
            "given_up": files_lost,
            "bytes": size,
            "fetching": [
                {
                    "title": one.title,
                    "done": one.done,
                    "total": one.total,
                    "rate": one.rate,
                    "left": one.left,
                    "storing": one.storing,
                }
                for one in parts.downloads.going()
            ],
        },
        "alerts": [
            {
                "kind": one.kind,
                "topic": one.topic,
                "site": one.site,
                "title": one.title,
                "body": one.body,
                "raised": one.raised,
            }
            for one in alerts.open_now(db)
        ],
        "limits": limits(parts, db, moment),
        "archive": parts.downloads.archive.shown(""),
        "database": str(parts.database),
        "troubles": troubles,
    }


def _asking(since: datetime | None, now: datetime) -> str:
    return "" if since is None else f"; being asked since {(now - since).total_seconds():.0f} s"


def _resting(resting: Sequence[str], collections: int) -> str:
    if not resting:
        return ""
    return f", without {len(resting)} of {collections} collections that rest (watcher plan)"


def _next(moment: datetime, now: datetime) -> str:
    return "due" if moment <= now else ago(moment, now)
