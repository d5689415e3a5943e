"""Which catalogue has acquisitions first, and how much later the others have them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import DateType, LevelType, SiteName
from watcher.cli.output import json_option, several, show_json, show_table
from watcher.core.moments import lasting

if TYPE_CHECKING:
    from watcher.core.identity.racing import Had, Heat, Standing
    from watcher.model import Level

_HEATS = {
    "acquired": "ACQUIRED",
    "level": "LEVEL",
    "title": "PRODUCT",
    "first": "FIRST IN",
    "since": "SINCE",
    "later": "LATER IN",
}
_STANDINGS = {"catalogue": "CATALOGUE", "share": "FIRST", "lag": "MEDIAN LAG"}


@click.command()
@click.argument("site", required=False, type=SiteName())
@click.option("--level", type=LevelType(filter=True), help="Only of this level.")
@click.option("--since", type=DateType(), help="Only what was acquired since.")
@json_option
@click.pass_obj
def race(context: Context, site: str | None, level: Level | None, since: datetime | None, as_json: bool) -> None:
    """Say which catalogue had an acquisition first, and the lag of the others; of one SITE, or of all.

    Compared is when each says that it published it; of one that says nothing, when a poll found it there. Then the lag
    is at most (≤) or at least (≥) what is printed, or about that (≈) if neither says. Acquisitions that a single
    catalogue has are left out; those that have one within the same second tie, and each counts as first.

    \b
    Examples:
      watcher race
      watcher race Toulouse --level L2A --since 2026-10-01
      watcher race --json
    """
    from watcher.core.identity.racing import race as run
    from watcher.store import acquisitions, sites

    db = context.parts.db()
    number = sites.named(db, site).number if site is not None else None
    heats, standings = run(acquisitions.had(db, site=number, level=level, since=since))
    if as_json:
        show_json(
            {"acquisitions": [_heat(heat) for heat in heats], "catalogues": [_standing(one) for one in standings]}
        )
        return
    if not heats:
        click.echo("No acquisition was seen in two catalogues yet, with a time to compare by.")
        return
    show_table([_row(heat) for heat in heats], _HEATS, empty="")
    click.echo(f"\n{several(len(heats), 'acquisition')} in several catalogues:\n")
    show_table([_summary(one) for one in standings], _STANDINGS, empty="")


def _row(heat: Heat) -> dict[str, Any]:
    first, winners = heat.first, heat.winners
    return {
        "acquired": first.acquired,
        "level": first.level,
        "title": first.title,
        "first": [one.catalogue for one in winners],
        "since": first.since,
        "later": [
            f"{one.catalogue} {_bound(first, one)}{_span(lag)}" for one, lag in heat.others if one not in winners
        ],
    }


def _summary(one: Standing) -> dict[str, Any]:
    besides = [f"{count} {word}" for count, word in ((one.tied, "tied"), (one.unknown, "unknown")) if count]
    return {
        "catalogue": one.catalogue,
        "share": f"{one.first} of {one.shared}" + (f" ({', '.join(besides)})" if besides else ""),
        "lag": None if one.lag is None else _span(one.lag),
    }


def _heat(heat: Heat) -> dict[str, Any]:
    runners = [(heat.first, timedelta(0)), *heat.others]
    return {
        "acquisition": heat.first.acquisition,
        "level": heat.first.level,
        "acquired": heat.first.acquired,
        "first": [one.catalogue for one in heat.winners],
        "catalogues": [
            {
                "catalogue": one.catalogue,
                "title": one.title,
                "published": one.published,
                "seen": one.seen,
                "lag_seconds": None if lag is None else lag.total_seconds(),
            }
            for one, lag in runners
        ],
    }


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "catalogue": one.catalogue,
        "shared": one.shared,
        "first": one.first,
        "tied": one.tied,
        "unknown": one.unknown,
        "median_lag_seconds": None if one.lag is None else one.lag.total_seconds(),
    }


def _bound(first: Had, one: Had) -> str:
    """Say how far a lag can be trusted: a poll finds a product some time after it is there."""
    if one.since is None:
        return ""
    if one.published and first.published:
        return "+"
    if first.published:
        return "≤ "
    return "≥ " if one.published else "≈ "


def _span(lag: timedelta | None) -> str:
    return "(unknown)" if lag is None else lasting(lag)
