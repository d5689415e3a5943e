"""What is to come: the next acquisitions of each sensor over a site, and what should have come already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
import msgspec

from watcher.cli import Context
from watcher.cli.options import SiteName
from watcher.cli.output import cell, json_option, show_json, show_table

if TYPE_CHECKING:
    import sqlite3

    from watcher.core.production.expected import Expected, Outlook
    from watcher.core.production.progress import Awaited
    from watcher.model import Level, Site

_COLUMNS = {
    "site": "SITE",
    "at": "EXPECTED",
    "spread": "±",
    "sensor": "SENSOR",
    "places": "OVER",
    "every": "EVERY",
    "chance": "BEFORE",
    "state": "STATE",
}


class _Ahead(msgspec.Struct, frozen=True):
    """What a site is to expect: passes, and products that are overdue with their collection and level."""

    site: Site
    looked: datetime | None
    outlook: Outlook
    overdue: Sequence[tuple[str, Level, Awaited]]


@click.command()
@click.argument("site", required=False, type=SiteName())
@click.option(
    "--days", type=click.IntRange(1, 366), metavar="DAYS", default=14, show_default=True, help="How far to look ahead."
)
@json_option
@click.pass_obj
def upcoming(context: Context, site: str | None, days: int, as_json: bool) -> None:
    """List the next acquisitions of a SITE, or of all, and what is overdue.

    Each sensor passes again after as many days as it did before; ± is by how much past passes were off. BEFORE says how
    many of the passes before brought something. A pass that is over stays here until its products are there, or history
    says that none will come. Overdue is what is later than 99 % of its past; where fewer than 100 came, what is more
    than twice as late as all; where fewer than 20 did, or within six hours, nothing.

    \b
    Examples:
      watcher upcoming
      watcher upcoming Pornic --days 30
      watcher upcoming --json
    """
    from watcher.store import sites

    db = context.parts.db()
    chosen = [sites.named(db, site)] if site is not None else sites.every(db)
    found = [_ahead(db, one, days) for one in chosen]
    if as_json:
        show_json([_plain(one) for one in found])
        return
    if not found:
        click.echo("No site is watched yet: watcher add-site NAME")
        return
    rows = [_row(one.site, expected) for one in found for expected in one.outlook.expected]
    rows.sort(key=lambda row: row["at"])
    show_table(rows, _COLUMNS, empty=f"No acquisition is expected in the next {days} days.")
    for text in _notes(found):
        click.echo(text)


def _ahead(db: sqlite3.Connection, site: Site, days: int) -> _Ahead:
    from watcher.core.production import acquisitions
    from watcher.core.production.expected import Outlook, outlook
    from watcher.core.production.progress import progress
    from watcher.store import production
    from watcher.wiring import now

    seen, looks = acquisitions(production.steps(db, site.number)), production.looked(db, site.number)
    last = max((look.until for look in looks if look.until is not None), default=None)
    if last is None:
        return _Ahead(site, None, Outlook(), ())
    names = production.collections(db)
    overdue = [
        (f"{names[line.collection].catalogue} {names[line.collection].collection}", line.level, one)
        for line in progress(seen, looks)
        for one in line.awaited
        if one.overdue
    ]
    until = now() + timedelta(days=days)
    return _Ahead(site, last, outlook(seen, looked=last, now=now(), until=until), overdue)


def _row(site: Site, one: Expected) -> dict[str, Any]:
    from watcher.core.moments import roughly

    track = one.track
    return {
        "site": site.name,
        "at": one.at,
        "spread": roughly(track.spread),
        "sensor": track.sensor.words,
        "places": _places(site, track.places),
        "every": f"{track.period} d",
        "chance": f"{track.hits:,} of {track.chances:,}",
        "state": _state(one),
    }


def _places(site: Site, places: Iterable[str]) -> list[str]:
    """Return the tiles or scenes of a pass; not the site itself, as which some catalogues know them."""
    from watcher.names import fold

    return [place for place in places if fold(place) != fold(site.name)]


def _state(one: Expected) -> str:
    if one.overdue:
        return f"OVERDUE, {100 * one.share:.0f} % came sooner"
    if one.share == 0:
        return "expected"
    usually = f", usually there by {cell(one.usually)}" if one.usually is not None else ""
    return f"passed, {100 * one.share:.0f} % came sooner{usually}"


def _notes(found: Sequence[_Ahead]) -> Iterator[str]:
    from watcher.core.production.lateness import sentence

    for one in found:
        for collection, level, late in one.overdue:
            when = cell(late.acquisition.acquired)
            yield f"{one.site.name}: {level} of {when} is overdue in {collection}: {sentence(late)}"
    for one in found:
        if one.looked is None:
            yield f"{one.site.name}: no poll has looked at it yet"
        for track in one.outlook.left:
            yield (
                f"{one.site.name}: nothing of {track.sensor.words} since {cell(track.last)}, where it came every"
                f" {track.period} d: no more is expected"
            )
        for sensor in one.outlook.unknown:
            yield f"{one.site.name}: not enough history of {sensor.words}, or no rhythm in it"


def _plain(one: _Ahead) -> dict[str, Any]:
    return {
        "site": one.site.name,
        "as_of": one.looked,
        "expected": [
            {
                "at": expected.at,
                "earliest": expected.early,
                "latest": expected.late,
                "platform": expected.track.sensor.platform,
                "instrument": expected.track.sensor.instrument or None,
                "orbit": expected.track.sensor.orbit or None,
                "places": list(expected.track.places),
                "period_days": expected.track.period,
                "passes_before": expected.track.chances,
                "brought_something": expected.track.hits,
                "chance": round(expected.chance, 4),
                "came_sooner": round(expected.share, 4),
                "products_usually_by": expected.usually,
                "overdue": expected.overdue,
            }
            for expected in one.outlook.expected
        ],
        "overdue": [
            {
                "collection": collection,
                "level": level,
                "acquisition": late.acquisition.key,
                "acquired": late.acquisition.acquired,
                "since": late.since,
                "waiting_seconds": late.age,
                "overdue_after_seconds": late.limit and late.limit.seconds,
                "later_than": late.limit and late.limit.words,
            }
            for collection, level, late in one.overdue
        ],
        "no_longer_expected": [
            {"sensor": track.sensor.words, "last": track.last, "period_days": track.period}
            for track in one.outlook.left
        ],
        "not_enough_history": [sensor.words for sensor in one.outlook.unknown],
    }
