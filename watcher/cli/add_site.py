"""A place becomes watched: by the name its catalogue has for it, as a Take5 site, or where it is said to lie."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click
import msgspec

from watcher.cli import Context
from watcher.cli.options import CatalogueName, DateType, LevelType, Percent, one_of
from watcher.cli.output import cell
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Candidate, Level, Watch
    from watcher.plugins import Catalogue
    from watcher.wiring import Parts


class Place(msgspec.Struct, frozen=True):
    """What a name was found to mean: where, by which code in which collections, and who says so."""

    name: str
    geometry: bytes | None
    country: str | None
    origin: str
    code: str | None = None
    collections: Sequence[str] | None = None
    levels: Collection[str] | None = None


@click.command("add-site")
@click.argument("name")
@click.option("--catalogue", type=CatalogueName(), help="Where to look [default: `catalogue` of the configuration].")
@click.option("--collection", multiple=True, help="Which of its collections; all that hold the level, if not given.")
@click.option(
    "--level",
    "levels",
    type=LevelType(),
    multiple=True,
    help="How far processed [default: L2A]. May be repeated.",
)
@click.option("--max-cloud", type=Percent(), help="Announce only up to this cloud cover; unknown passes.")
@click.option(
    "--download/--no-download",
    default=None,
    help="Bring its products home, or not, whatever download.levels says.",
)
@click.option("--since", type=DateType(), help="Only what was acquired since.")
@click.option("--bbox", metavar="W,S,E,N", help="A box, in degrees.")
@click.option("--point", metavar="LON,LAT[,KM]", help="A point and how far around it [10 km].")
@click.option("--geometry", metavar="FILE|WKT", help="A GeoJSON file, or WKT.")
@click.option("--announce-existing", is_flag=True, help="Hear of what is there already, as one digest.")
@click.pass_obj
def add_site(
    context: Context,
    name: str,
    catalogue: str | None,
    collection: tuple[str, ...],
    levels: tuple[Level, ...],
    max_cloud: float | None,
    download: bool | None,
    since: datetime | None,
    bbox: str | None,
    point: str | None,
    geometry: str | None,
    announce_existing: bool,
) -> None:
    """Watch a place: from the first poll on, what arrives there is announced.

    The first poll is the baseline: it remembers what is there and announces nothing. Adding a site again changes
    those of its terms that are given, or adds a level.

    \b
    Examples:
      watcher add-site Litchfield
      watcher add-site Litchfield --catalogue take5 --level L1C --level L2A --download
      watcher add-site "Kruger north" --bbox 31.0,-23.2,31.6,-22.6 --max-cloud 20
      watcher add-site Toulouse --point 1.44,43.60,15 --since 2026-01-01
      watcher add-site Field --geometry field.geojson --announce-existing
    """
    from watcher.model import level as read_level
    from watcher.store import sites, subscriptions
    from watcher.store.connection import writing
    from watcher.wiring import now

    name = _named(name)
    one_of(bbox=bbox, point=point, geometry=geometry)
    parts = context.parts
    named = catalogue or parts.config.default_catalogue()
    source = parts.catalogue(named)
    _known(named, source, collection)
    place = _given(name, bbox, point, geometry) or _found(parts, named, source, name, collection)
    chosen = [
        (part, level)
        for level in levels or (read_level("L2A"),)
        for part in _collections(named, source, level, collection, place)
    ]
    moment = now()
    db = parts.db()
    with writing(db):
        site = sites.add(
            db, place.name, geometry=place.geometry, country=place.country, origin=place.origin, now=moment
        )
        moved = (
            place.code is None
            and place.geometry is not None
            and sites.move(db, site, geometry=place.geometry, origin=place.origin)
        )
        if place.code is None and place.geometry is None and site.geometry is None:
            raise UsageError(f"{site.name} has no geometry", hint="give --bbox, --point or --geometry")
        fresh = [
            sites.watch(
                db,
                site,
                catalogue=named,
                collection=part,
                level=level,
                code=place.code,
                max_cloud=max_cloud,
                since=since,
                download=download,
                announce=announce_existing,
                now=moment,
            )
            for part, level in chosen
        ]
    new = {pair for pair, is_new in zip(chosen, fresh, strict=True) if is_new}
    for watch in sites.watches(db, catalogue=named, at=[site.number], paused=True):
        pair = (watch.collection, watch.level)
        if pair in chosen:
            click.echo(
                f"{site.name} is {'now watched' if pair in new else 'watched on these terms now'}: {_terms(watch)}"
            )
    if moved:
        click.echo("Its place is another one now; it is looked at anew there, from a baseline on.")
    for level in sorted({level for _, level in chosen} - set(place.levels or [level for _, level in chosen])):
        click.echo(f"There is no {level} there yet, only {', '.join(sorted(place.levels or ()))}.")
    if new:
        click.echo(
            "The first poll will announce what is there already, as one digest; none of it is downloaded."
            if announce_existing
            else "The first poll remembers what is there; you hear of what comes after it."
        )
    elif announce_existing:
        click.echo("What is there was remembered at the first poll: --announce-existing announces nothing more.")
    if not any(s.sites is None or site.number in s.sites for s in subscriptions.every(db)):
        click.echo("Nobody is told of it yet: watcher subscribe you@example.org")


def _terms(watch: Watch) -> str:
    terms = [f"{watch.catalogue} {watch.collection} {watch.level or 'every level'}"]
    if watch.max_cloud is not None:
        terms.append(f"cloud up to {watch.max_cloud:g} %")
    if watch.since is not None:
        terms.append(f"acquired since {watch.since:%Y-%m-%d}")
    if watch.download is not None:
        terms.append("downloaded" if watch.download else "not downloaded")
    return ", ".join(terms)


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or not name.isprintable() or len(name) > 100:
        raise UsageError(
            f"a site cannot be called {name[:100]!r}", hint="a name has 1 to 100 characters that can be printed"
        )
    return name


def _given(name: str, bbox: str | None, point: str | None, geometry: str | None) -> Place | None:
    from watcher.places import geometry as places

    if bbox is not None:
        return Place(name, places.from_box(bbox), None, f"box {bbox}")
    if point is not None:
        return Place(name, places.from_point(point), None, f"point {point}")
    if geometry is not None:
        return Place(name, places.from_text(geometry), None, "given geometry")
    return None


def _found(parts: Parts, named: str, source: Catalogue, name: str, collections: Sequence[str]) -> Place:
    if source.capability().codes:
        return _located(parts, named, source, name, collections)
    from watcher.places import take5

    rows = take5.find(name)
    if not rows:
        near = take5.near(name)
        raise UsageError(
            f'"{name}" is not one of the Take5 sites that watcher knows, and {named} knows no sites by name',
            hint=(f"did you mean {' or '.join(near)}? Else say" if near else "say")
            + " where it is: --bbox W,S,E,N, --point LON,LAT[,KM] or --geometry FILE|WKT",
        )
    row = rows[0]
    if row.geometry is None:
        raise UsageError(
            f"{row.name} ({row.country}) is a Take5 site whose coordinates are not known",
            hint="say where it is: --bbox W,S,E,N, --point LON,LAT[,KM] or --geometry FILE|WKT",
        )
    if row.exact:
        click.echo(f"{row.name}, {row.country}: {row.mission} (Take5) site, footprint known ({row.confidence})")
        origin = "Take5 table, footprint"
    else:
        click.echo(
            f"{row.name}, {row.country}: {row.mission} (Take5) site, approximate:"
            f" a box of 60 km around its centre ({row.confidence})"
        )
        origin = "Take5 table, approximate 60 km box"
    return Place(row.name, row.geometry, row.country, origin)


def _located(parts: Parts, named: str, source: Catalogue, name: str, collections: Sequence[str]) -> Place:
    asked = tuple(collections) or tuple(source.collections_of(None))
    candidates, near = source.locate(name, parts.http(named), collections=asked)
    if not candidates:
        raise UsageError(
            f'{named} knows no site called "{name}" in {", ".join(asked)}',
            hint=f"did you mean {' or '.join(near)}?" if near else "give --bbox, --point or --geometry instead",
        )
    codes = sorted({candidate.code for candidate in candidates})
    for candidate in candidates:
        click.echo(_describe(candidate))
    if len(codes) > 1:
        raise UsageError(
            f'"{name}" may be any of {len(codes)} sites of {named}: {", ".join(codes)}',
            hint=f"name one: watcher add-site {codes[0]}",
        )
    first = candidates[0]
    return Place(
        first.code,
        first.geometry,
        first.country,
        f"{named} {first.code}",
        first.code,
        [candidate.collection for candidate in candidates],
        {level for candidate in candidates for level in candidate.levels},
    )


def _describe(candidate: Candidate) -> str:
    from watcher.names import plain

    levels = ", ".join(f"{count} {level}" for level, count in sorted(candidate.levels.items()))
    days = [f"{day:%Y-%m-%d}" if day else "?" for day in (candidate.first, candidate.last)]
    where = f", {plain(candidate.country)}" if candidate.country else ""
    return (
        f"{plain(candidate.code)}{where}: {candidate.collection}, {levels}, acquired {days[0]} … {days[1]}"
        f"{_extent(candidate.geometry)}"
    )


def _extent(geometry: bytes | None) -> str:
    if geometry is None:
        return ""
    import shapely

    west, south, east, north = shapely.from_geojson(geometry).bounds
    return f", footprint {cell(round(west, 2))},{cell(round(south, 2))},{cell(round(east, 2))},{cell(round(north, 2))}"


def _collections(named: str, source: Catalogue, level: Level, asked: Sequence[str], place: Place) -> Sequence[str]:
    if asked:
        return asked
    holding = source.collections_of(level)
    if place.collections is not None:
        holding = [collection for collection in holding if collection in place.collections]
    if not holding:
        raise UsageError(
            f"no collection of {named} holds {level}",
            hint=f"name one with --collection: {', '.join(source.collections_of(None))}",
        )
    return holding


def _known(named: str, source: Catalogue, asked: Sequence[str]) -> None:
    known = source.collections_of(None)
    for collection in asked:
        if collection not in known:
            raise UsageError(
                f'{named} has no collection "{collection}" in the configuration',
                hint=f"it has: {', '.join(known)}; add yours to catalogues.{named}.collections",
            )
