"""`watcher status`: how things stand, told to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from watcher.cli import Context
from watcher.cli.output import ago, json_option, several, show_json
from watcher.cli.standing.state import OPEN, standing

_WORTH_A_WORD = OPEN[1:]
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
    state = standing(parts, parts.db(), moment)
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


def _asking(since: datetime | None, now: datetime) -> str:
    return "" if since is None else f"; being asked since {(now - since).total_seconds():.0f} s"


def _resting(resting: Sequence[str], collections: int) -> str:
    if not resting:
        return ""
    return f", without {len(resting)} of {collections} collections that rest (watcher plan)"


def _next(moment: datetime, now: datetime) -> str:
    return "due" if moment <= now else ago(moment, now)
