"""A subscription tried on the past: what it would have told, from what arrived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from watcher.cli.output import several

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from watcher.model import Subscription
    from watcher.wiring import Parts


def foresee(parts: Parts, db: sqlite3.Connection, subscription: Subscription, *, days: int) -> None:
    """Say how many notices a subscription would have had in the last days, and show the first. Nothing is stored."""
    from watcher.cli.told.subscribe import doubt
    from watcher.core.agreements.promise import local, promise
    from watcher.core.agreements.replay import replay
    from watcher.model import ARRIVALS
    from watcher.store import happened, sites
    from watcher.wiring import now

    moment = now()
    start = moment - timedelta(days=days)
    names = {site.number: site.name for site in sites.every(db)}
    click.echo(f"{promise(subscription, parts.addresses.shown(subscription), names, now=moment)}.")
    doubt(db, subscription)
    found = replay(subscription, happened.since(db, start), sites.tags(db), once=parts.config.notify.once)
    told = sum(len(telling.arrivals) for telling in found.tellings)
    span = f"the last {several(days, 'day')}"
    if found.tellings:
        notices = several(len(found.tellings), "notice")
        to_come = ", the last of them still to come" if found.tellings[-1].at > moment else ""
        click.echo(f"With this rule you would have had {notices} for {several(told, 'arrival')} in {span}{to_come}.")
    else:
        click.echo(f"With this rule you would have heard nothing in {span}.")
    if found.came == 0:
        click.echo("Nothing arrived there in that time.")
    elif found.refused:
        click.echo(f"Of {several(found.came, 'arrival')} there, {_counted(found.refused)}.")
    since = _looked_since(db)
    if since is None or since > start:
        looked = "nobody has looked yet" if since is None else f"watcher looks since {since:%Y-%m-%d} only"
        click.echo(f"That is not all there would be: {looked}.")
    others = [event.value for event in subscription.events if event not in ARRIVALS]
    if others:
        click.echo(f"Notices of {' and '.join(others)} come in addition: what is remembered are arrivals.")
    if found.tellings:
        first = found.tellings[0]
        click.echo(f"The first, at {local(first.at, subscription.rhythm.zone)}:")
        notice = parts.draft(db, subscription, first.arrivals)
        for line in (notice.subject, "", *notice.text.rstrip().splitlines()):
            click.echo(f"    ┃ {line}".rstrip())
    click.echo("This was a preview: nothing is stored.")


def _counted(refused: Mapping[str, int]) -> str:
    """Say how many were refused by which filter, the strictest first."""
    most = sorted(refused.items(), key=lambda pair: (-pair[1], pair[0]))
    return f"{sum(refused.values()):,} are refused: " + ", ".join(f"{count:,} by {by}" for by, count in most)


def _looked_since(db: sqlite3.Connection) -> datetime | None:
    from watcher.store import watching

    return min((watch.baselined for watch in watching.watches(db, paused=True) if watch.baselined), default=None)
