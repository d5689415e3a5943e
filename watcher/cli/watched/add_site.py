"""A place becomes watched: by the name its catalogue has for it, by another name, or where it is said to lie."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import CatalogueName, DateType, LevelType, Percent, TagName, one_of, words
from watcher.errors import UsageError

if TYPE_CHECKING:
    import sqlite3

    from watcher.cli.watched.meant import Meant
    from watcher.model import Level, Site, Watch
    from watcher.wiring import Parts


@click.command("add-site")
@click.argument("name")
@click.option("--catalogue", type=CatalogueName(), help="Where to look [default: `catalogue` of the configuration].")
@click.option(
    "--collection",
    metavar="NAME",
    multiple=True,
    help="Which of its collections; all that hold the level, if not given. May be repeated.",
)
@click.option(
    "--level",
    "levels",
    type=LevelType(),
    multiple=True,
    help="How far processed, or `any` [default: L2A]. May be repeated.",
)
@click.option("--max-cloud", type=Percent(), help="Announce only up to this cloud cover; unknown passes.")
@click.option(
    "--download/--no-download",
    default=None,
    help="Bring its products home, or not, whatever download.levels says.",
)
@click.option(
    "--assets",
    metavar="PATTERNS",
    help='In a STAC catalogue: which files are downloaded, by key, pattern or role; "" for those that its settings '
    "choose.",
)
@click.option("--since", type=DateType(), help="Only what was acquired since.")
@click.option("--bbox", metavar="W,S,E,N", help="A box, in degrees.")
@click.option("--point", metavar="LON,LAT[,KM]", help="A point and how far around it [default: 10 km].")
@click.option("--geometry", metavar="FILE|WKT", help="WKT, or a file that `sites --import` reads.")
@click.option("--as", "called", metavar="NAME", help="What the site is called, if not as the place.")
@click.option("--pick", type=click.IntRange(min=1), metavar="N", help="The N-th of the places that NAME may be.")
@click.option(
    "--tag", "tags", type=TagName(), multiple=True, help="A word that groups it with others. May be repeated."
)
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
    assets: str | None,
    since: datetime | None,
    bbox: str | None,
    point: str | None,
    geometry: str | None,
    called: str | None,
    pick: int | None,
    tags: tuple[str, ...],
    announce_existing: bool,
) -> None:
    """Watch a place: from the first poll on, what arrives there is announced.

    NAME is a site of the catalogue, where that knows sites by name. Else, and where it does not know the name, it is
    whatever `watcher where` understands: a Take5 site, park, region or town, a Sentinel-2 tile, a Landsat path and
    row, LON,LAT[,KM], W,S,E,N, WKT or a file. What may be several places is listed; --pick N takes one of them. With
    --bbox, --point or --geometry, NAME is only what the site is called.

    The first poll is the baseline: it remembers what is there and announces nothing. Adding a site again changes
    those of its terms that are given, or adds a level; `remove-site --level` takes one away.

    --assets says which files come of a STAC product that is downloaded, whatever the settings of the catalogue choose:
    by key (B02), by a pattern of keys ('B0[23]'), or by role (role:data), with commas between them. They come into one
    directory. Of a product that lies on several sites comes what any of them wants. A name that a product has no file
    for is a trouble of its download, which `watcher status` shows.

    \b
    Examples:
      watcher add-site Litchfield
      watcher add-site "Paris, Texas"
      watcher add-site T52LFL --as "Litchfield tile"
      watcher add-site 106/069
      watcher add-site Litchfield --catalogue take5 --level L1C --level L2A --download
      watcher add-site Litchfield --catalogue earth-search --download --assets 'red,green,nir*,scl'
      watcher add-site "Kruger north" --bbox 31.0,-23.2,31.6,-22.6 --max-cloud 20
      watcher add-site Toulouse --point 1.44,43.60,15 --since 2026-01-01
      watcher add-site Field --geometry field.geojson --announce-existing
      watcher add-site Manaus --tag amazon --tag forest
    """
    from watcher.cli.watched import meant as meaning
    from watcher.cli.watched.known import known_in
    from watcher.cli.watched.levels import chosen as levels_of
    from watcher.cli.watched.levels import terms, unsure
    from watcher.core.filters import means
    from watcher.store import sites, subscriptions, watching
    from watcher.store.connection import writing
    from watcher.wiring import now

    one_of(bbox=bbox, point=point, geometry=geometry, pick=pick)
    parts = context.parts
    named = catalogue or parts.config.default_catalogue()
    source = parts.catalogues.catalogue(named)
    collection = known_in(named, source, collection)
    files = None if assets is None else _files(parts, named, assets)
    meant = meaning.given(_named(called or name), bbox=bbox, point=point, geometry=geometry)
    meant = meant or meaning.found(parts, named, source, name, collections=collection, pick=pick)
    chosen = levels_of(named, source, levels, collection, among=meant.collections)
    moment = now()
    db = parts.db()
    with writing(db):
        site, moved = _stored(db, meant, _named(called or meant.place.name), now=moment)
        sites.tag(db, site, tags)
        fresh = [
            watching.watch(
                db,
                site,
                catalogue=named,
                collection=part,
                level=level,
                code=meant.code,
                max_cloud=max_cloud,
                since=since,
                download=download,
                assets=files,
                announce=announce_existing,
                now=moment,
            )
            for part, level in chosen
        ]
    new = {pair for pair, is_new in zip(chosen, fresh, strict=True) if is_new}
    at_site = watching.watches(db, catalogue=named, at=[site.number], paused=True)
    watches = [watch for watch in at_site if (watch.collection, watch.level) in chosen]
    for watch in watches:
        word = "now watched" if (watch.collection, watch.level) in new else "watched on these terms now"
        click.echo(f"{site.name} is {word}: {terms(watch)}")
    for other in at_site:
        if other not in watches:
            click.echo(f"{site.name} stays watched, too: {terms(other)}")
    if moved:
        click.echo("Its place is another one now; it is looked at anew there, from a baseline on.")
    asked = {level for _, level in chosen if level is not None}
    for level in sorted(asked - set(meant.levels or asked)):
        click.echo(f"There is no {level} there yet, only {', '.join(sorted(meant.levels or ()))}.")
    first = [watch for watch in watches if watch.baselined is None]
    if first and (new or announce_existing):
        click.echo(
            "The first poll will announce what is there already, as one digest; none of it is downloaded."
            if any(watch.announce for watch in first)
            else "The first poll remembers what is there; you hear of what comes after it."
        )
    elif announce_existing:
        click.echo("What is there was remembered at the first poll: --announce-existing announces nothing more.")
    if new and meant.levels is None and (open_to_all := unsure(source, [pair for pair in chosen if pair in new])):
        click.echo(f"What level its products have they say when they come: {', '.join(open_to_all)}.")
        click.echo("If they are of another one, or of none: --level any")
    if files and not any(_comes(watch, parts.config.download_levels()) for watch in watches):
        click.echo("None of its files is downloaded yet: --download")
    tagged = sites.tags(db).get(site.number, frozenset())
    if tags:
        click.echo(f"It is tagged {', '.join(sorted(tagged))}.")
    if not any(means(one, site.number, tagged) for one in subscriptions.every(db)):
        click.echo("Nobody is told of it yet: watcher subscribe you@example.org")


def _stored(db: sqlite3.Connection, meant: Meant, name: str, *, now: datetime) -> tuple[Site, bool]:
    """Return the site of that name, added if it is new, and whether it was moved to another place."""
    from watcher.store import sites, watching

    place = meant.place
    site = sites.add(
        db, name, geometry=place.geometry, country=place.country, origin=place.origin, grid=place.grid, now=now
    )
    if meant.code is not None:
        return site, False
    if place.geometry is None or (site.geometry != place.geometry and not meant.moves):
        raise UsageError(
            f"{site.name} is watched already, at another place: {site.origin}",
            hint=f'call this one otherwise, with --as "{place.name} 2", or move it with --bbox, --point or --geometry',
        )
    return site, meant.moves and watching.move(db, site, geometry=place.geometry, origin=place.origin, grid=place.grid)


def _files(parts: Parts, named: str, text: str) -> list[str]:
    """Read which assets are wanted in a catalogue; none stands for those that its settings choose."""
    if not parts.catalogues.assorted(named):
        raise parts.catalogues.unassorted(named)
    files = words(text)
    if (text and not files) or not text.isprintable():
        raise UsageError("--assets names no pattern", hint='write for instance --assets B02,B03,SCL; "" for the usual')
    return files


def _comes(watch: Watch, levels: Collection[Level]) -> bool:
    """Say whether products of a watch may be downloaded."""
    if watch.download is None:
        return watch.level in levels or (watch.level is None and bool(levels))
    return watch.download


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or not name.isprintable() or len(name) > 100:
        raise UsageError(
            f"a site cannot be called {name[:100]!r}", hint="a name has 1 to 100 characters that can be printed"
        )
    return name
