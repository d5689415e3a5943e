"""The places that are watched: listed, paused, removed; and more places made known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import CatalogueName, LevelType, SiteName, TagName
from watcher.cli.output import json_option, show_json, show_table
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Level


@click.command()
@click.option("--import", "file", type=click.Path(path_type=Path), metavar="FILE", help="Make its places known.")
@click.option("--refresh", is_flag=True, help="Make the sites known that a catalogue's own products outline.")
@click.option(
    "--catalogue",
    type=CatalogueName(),
    help="With --import: watch its places there. With --refresh: the one to read [default: as for add-site].",
)
@click.option(
    "--collection",
    "collections",
    metavar="NAME",
    multiple=True,
    help="With --import and --catalogue: all that hold the level, if none.",
)
@click.option(
    "--level",
    "levels",
    type=LevelType(),
    multiple=True,
    help="With --import and --catalogue: which, or `any` [default: L2A].",
)
@click.option(
    "--tag", "tags", type=TagName(), multiple=True, help="With --import and --catalogue: a word that groups the places."
)
@json_option
@click.pass_obj
def sites(
    context: Context,
    file: Path | None,
    refresh: bool,
    catalogue: str | None,
    collections: tuple[str, ...],
    levels: tuple[Level, ...],
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the watched places, or make more places known by name.

    --import reads GeoJSON, KML, KMZ, CSV (name with lon and lat, or with wkt), WKT, Shapefile (also zipped) and
    GeoPackage, a place for each feature. --refresh reads all of a catalogue that names sites, as Take5 does, and
    takes the ground that the products of each cover. Both come before every other place of the name in add-site and
    where; neither moves a site that is watched, but --import with --catalogue does.

    \b
    Examples:
      watcher sites
      watcher sites --json | jq '.[].site'
      watcher sites --import sites.kml
      watcher sites --import fields.gpkg --catalogue cdse --level L2A --tag fields
      watcher sites --import fields.gpkg --catalogue geodes --collection THEIA_REFLECTANCE_SENTINEL2_L2A
      watcher sites --refresh --catalogue take5
    """
    from watcher.cli.watched import known

    terms = "--level" if levels else "--collection" if collections else "--tag" if tags else None
    if refresh and (file is not None or terms):
        other = "--import" if file is not None else terms
        raise UsageError(f"--refresh and {other} exclude each other", hint="give one of them")
    if file is not None:
        known.from_file(context.parts, file, catalogue, collections, levels, tags, as_json=as_json)
    elif refresh:
        known.from_catalogue(context.parts, catalogue or context.parts.config.default_catalogue(), as_json=as_json)
    elif catalogue is not None or terms:
        raise UsageError(
            f"{'--catalogue' if catalogue is not None else terms} goes with --import or --refresh",
            hint="watcher sites --json lists the watched places with catalogue and level",
        )
    else:
        _list(context, as_json=as_json)


def _list(context: Context, *, as_json: bool) -> None:
    from watcher.store import sites as stored
    from watcher.store import watching

    db = context.parts.db()
    tags = stored.tags(db)
    watches = list(watching.watches(db, paused=True))
    rows = [
        {
            "site": watch.site.name,
            "country": watch.site.country,
            "catalogue": watch.catalogue,
            "collection": watch.collection,
            "level": watch.level,
            "code": watch.code,
            "max_cloud": watch.max_cloud,
            "since": watch.since,
            "download": watch.download,
            "assets": list(watch.assets),
            "baseline": watch.baselined,
            "paused": watch.site.paused,
            "tags": sorted(tags.get(watch.site.number, ())),
            "origin": watch.site.origin,
        }
        for watch in watches
    ]
    if as_json:
        from watcher.places.extent import bounds

        outlines = [watch.site.geometry for watch in watches]
        boxes = [None if outline is None else [round(edge, 6) for edge in bounds(outline)] for outline in outlines]
        show_json([{**row, "bbox": box} for row, box in zip(rows, boxes, strict=True)])
        return
    columns = {
        "site": "SITE",
        "country": "COUNTRY",
        "catalogue": "CATALOGUE",
        "collection": "COLLECTION",
        "level": "LEVEL",
        **({"max_cloud": "CLOUD ≤"} if any(row["max_cloud"] is not None for row in rows) else {}),
        **({"since": "SINCE"} if any(row["since"] for row in rows) else {}),
        "download": "DOWNLOAD",
        **({"assets": "ASSETS"} if any(row["assets"] for row in rows) else {}),
        "baseline": "BASELINE",
        **({"paused": "PAUSED"} if any(row["paused"] for row in rows) else {}),
        **({"tags": "TAGS"} if tags else {}),
    }
    show = [
        {**row, "level": row["level"] or "any", "download": "by level" if row["download"] is None else row["download"]}
        for row in rows
    ]
    show_table(show, columns, empty="No site is watched yet: watcher add-site NAME")


@click.command("tag-site")
@click.argument("name", type=SiteName())
@click.argument("tags", metavar="[WORD]...", type=TagName(), nargs=-1)
@click.option("--remove", type=TagName(), multiple=True, metavar="WORD", help="Take this word away. May be repeated.")
@click.pass_obj
def tag_site(context: Context, name: str, tags: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Group a place with others by words, which `watcher subscribe --tag` means.

    \b
    Examples:
      watcher tag-site Litchfield north dry
      watcher tag-site Litchfield --remove dry
      watcher tag-site Litchfield
    """
    from watcher.names import key
    from watcher.store import sites as stored
    from watcher.store.connection import writing

    db = context.parts.db()
    with writing(db):
        site = stored.named(db, name)
        before = stored.tags(db).get(site.number, frozenset())
        strange = [word for word in remove if key(word) not in before]
        if strange:
            has = f"its tags are {', '.join(sorted(before))}" if before else "it has none"
            raise UsageError(f'{site.name} is not tagged "{strange[0]}"', hint=has)
        stored.untag(db, site, remove)
        stored.tag(db, site, tags)
        words = sorted(stored.tags(db).get(site.number, ()))
    click.echo(f"{site.name} is tagged {', '.join(words)}." if words else f"{site.name} has no tag.")


@click.command("pause-site")
@click.argument("name", type=SiteName())
@click.pass_obj
def pause_site(context: Context, name: str) -> None:
    """Stop looking at a place for a while; when it is resumed, what came meanwhile is announced.

    \b
    Example:
      watcher pause-site Pornic
    """
    _pause(context, name, paused=True)


@click.command("resume-site")
@click.argument("name", type=SiteName())
@click.pass_obj
def resume_site(context: Context, name: str) -> None:
    """Look at a paused place again.

    \b
    Example:
      watcher resume-site Pornic
    """
    _pause(context, name, paused=False)


def _pause(context: Context, name: str, *, paused: bool) -> None:
    from watcher.store import sites as stored
    from watcher.store.connection import writing
    from watcher.wiring import now

    db = context.parts.db()
    with writing(db):
        site = stored.named(db, name)
        stored.pause(db, site, since=now() if paused else None)
    click.echo(f"{site.name} is {'paused' if paused else 'looked at again, from the next poll on'}.")
