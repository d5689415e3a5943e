"""How far the production is: how many acquisitions have their L2A, how long that took, and what is awaited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import LevelType, SiteName
from watcher.cli.output import Bar, json_option, show_json, show_table
from watcher.errors import UsageError

if TYPE_CHECKING:
    import sqlite3

    from watcher.core.production.backlog import Pace
    from watcher.core.production.overdue import Forecast
    from watcher.core.production.progress import Awaited, Line, Took
    from watcher.model import Level, Site
    from watcher.store.acquisitions import Place

_COLUMNS = {
    "site": "SITE",
    "collection": "COLLECTION",
    "level": "LEVEL",
    "bar": "",
    "there": "THERE",
    "again": "NEWER",
    "median": "MEDIAN",
    "most": "90 %",
    "lately": "NOW",
    "awaited": "AWAITED",
    "overdue": "OVERDUE",
}


@click.command()
@click.argument("site", required=False, type=SiteName())
@click.option("--collection", metavar="NAME", help="Only of this collection.")
@click.option("--level", type=LevelType(filter=True), help="Only of this level.")
@click.option(
    "--limit", type=click.IntRange(0), metavar="N", default=10, show_default=True, help="So many awaited are listed."
)
@json_option
@click.pass_obj
def progress(
    context: Context, site: str | None, collection: str | None, level: Level | None, limit: int, as_json: bool
) -> None:
    """Say how far the production is, of one SITE in full, or of all in a table.

    Of how many L1C the L2A is there, how many of those came in a newer version, how long it took (the median and its
    bounds of 95 %, 90 %, and now: the middle of the ten that came last), and what is awaited, oldest first. What has
    not come yet counts as having taken at least as long as it is awaited (Kaplan and Meier). When a product was there
    its catalogue says; where it does not, the poll that found it. Fewer than ten that came are not enough history, and
    no delay is told. An L2A is known to be awaited only where the L1C is watched, too: watcher add-site SITE --level
    L1C.

    \b
    Examples:
      watcher progress
      watcher progress Pornic --limit 50
      watcher progress --collection sentinel-2-l2a --json
    """
    from watcher.store import production, sites

    db = context.parts.db()
    places = production.collections(db)
    wanted = _chosen(places, collection)
    chosen = [sites.named(db, site)] if site is not None else sites.every(db)
    found = [
        (where, places[line.collection], line)
        for where in chosen
        for line in _lines(db, where, level)
        if wanted is None or line.collection in wanted
    ]
    if as_json:
        show_json([_plain(where, place, line, places, limit) for where, place, line in found])
    elif not found:
        click.echo("Nothing was seen yet: watcher poll" if chosen else "No site is watched yet: watcher add-site NAME")
    elif site is None:
        _table(found)
    else:
        from watcher.cli.standing.words import show

        for where, place, line in found:
            show(where, place, line, places, limit)


def _chosen(places: Mapping[int, Place], collection: str | None) -> set[int] | None:
    """Return the numbers of the collections of that name; `None` if none is asked for."""
    if collection is None:
        return None
    from watcher.names import fold

    numbers = {number for number, place in places.items() if fold(place.collection) == fold(collection)}
    if not numbers:
        names = ", ".join(sorted({place.collection for place in places.values()})) or "none yet"
        raise UsageError(f'no collection "{collection}" was ever watched', hint=f"the collections are: {names}")
    return numbers


def _lines(db: sqlite3.Connection, site: Site, level: Level | None) -> list[Line]:
    from watcher.core.production import acquisitions
    from watcher.core.production.progress import progress as measure
    from watcher.store import production

    seen = acquisitions(production.steps(db, site.number))
    return measure(seen, production.looked(db, site.number), level=level)


def _table(found: Sequence[tuple[Site, Place, Line]]) -> None:
    from watcher.cli.standing.words import main, quantile, rough
    from watcher.core.production.progress import MADE_FROM

    rows = []
    for site, place, line in found:
        share = f" ({100 * line.made // line.sources} %)" if line.sources else ""
        of = f"{line.made:,} of {line.sources:,} {MADE_FROM[line.level]}{share}" if line.source is not None else None
        rows.append(
            {
                "site": site.name,
                "collection": f"{place.catalogue} {place.collection}",
                "level": line.level,
                "bar": Bar(line.made, line.sources),
                "there": of or f"{line.there:,}",
                "again": line.again or None,
                "median": quantile(main(line), 0.5),
                "most": quantile(main(line), 0.9),
                "lately": rough(main(line).lately),
                "awaited": len(line.awaited) if of else None,
                "overdue": sum(one.overdue for one in line.awaited) or None,
            }
        )
    show_table(rows, _COLUMNS, empty="")


def _plain(site: Site, place: Place, line: Line, places: Mapping[int, Place], limit: int) -> dict[str, Any]:
    from watcher.cli.standing.words import delays
    from watcher.core.production.progress import MADE_FROM

    source = None if line.source is None else places[line.source]
    made_from = source and {
        "catalogue": source.catalogue,
        "collection": source.collection,
        "level": MADE_FROM[line.level],
    }
    return {
        "site": site.name,
        "catalogue": place.catalogue,
        "collection": place.collection,
        "level": line.level,
        "as_of": line.until,
        "there": line.there,
        "again": line.again,
        "made_from": made_from,
        "sources": line.sources,
        "made": line.made,
        "delays": [_plain_took(name, took) for name, took in delays(line)],
        "pace": line.pace and _plain_pace(line.pace, line),
        "awaiting": len(line.awaited),
        "overdue": sum(one.overdue for one in line.awaited),
        "awaited": [_plain_awaited(one) for one in line.awaited[:limit]],
    }


def _plain_took(name: str, took: Took) -> dict[str, Any]:
    start, _, end = name.partition(" → ")
    curve = took.curve
    low, high = curve.bounds(0.5) if curve.known else (None, None)
    return {
        "from": start,
        "to": end,
        "came": curve.came,
        "waiting": curve.waiting,
        "enough_history": curve.known,
        "median_seconds": curve.quantile(0.5) if curve.known else None,
        "median_low_seconds": low,
        "median_high_seconds": high,
        "ninety_percent_seconds": curve.quantile(0.9) if curve.known else None,
        "now_seconds": took.lately,
        "clocks": dict(took.clocks),
    }


def _plain_pace(pace: Pace, line: Line) -> dict[str, Any]:
    awaited = len(line.awaited)
    middle, best, worst = pace.takes(awaited)
    return {
        "came": pace.came,
        "days": round(pace.days, 3),
        "daily": pace.daily,
        "daily_low": pace.low,
        "daily_high": pace.high,
        "queue": pace.queued(awaited, line.then.curve.quantile(0.5)),
        "awaited_take_seconds": middle.total_seconds(),
        "awaited_take_low_seconds": best.total_seconds(),
        "awaited_take_high_seconds": worst and worst.total_seconds(),
    }


def _plain_awaited(one: Awaited) -> dict[str, Any]:
    return {
        "acquisition": one.acquisition.key,
        "acquired": one.acquisition.acquired,
        "platform": one.acquisition.platform or None,
        "place": one.acquisition.place or None,
        "cloud": one.source.cloud,
        "source": one.source.title,
        "since": one.since,
        "waiting_seconds": one.age,
        "overdue": one.overdue,
        "overdue_after_seconds": one.limit and one.limit.seconds,
        "expected": one.forecast and _plain_forecast(one, one.forecast),
    }


def _plain_forecast(one: Awaited, forecast: Forecast) -> dict[str, Any]:
    early, middle, late = (
        None if one.since is None or span is None else one.since + span
        for span in (forecast.early, forecast.middle, forecast.late)
    )
    return {"early": early, "middle": middle, "late": late, "came_at_all": round(forecast.hope, 4)}
