"""What the NAME of `add-site` means: a site that the catalogue knows, one that is watched already, or a place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from watcher.cli.output import cell
from watcher.cli.waiting import waiting
from watcher.errors import UsageError
from watcher.names import key, plain

if TYPE_CHECKING:
    from watcher.model import Candidate
    from watcher.places.place import Place
    from watcher.places.understand import Understood
    from watcher.plugins import Catalogue
    from watcher.wiring import Parts


class Meant(msgspec.Struct, frozen=True):
    """A place, and the code that it has in which collections of the catalogue; without a code it is its ground.

    `moves` if it takes a site of that name to another place: only ground that is given does.
    """

    place: Place
    code: str | None = None
    collections: Sequence[str] | None = None
    levels: Collection[str] | None = None
    moves: bool = False


def given(name: str, *, bbox: str | None, point: str | None, geometry: str | None) -> Meant | None:
    """Return the ground that an option gives, and say where that is; `None` when none does."""
    from watcher.places import geometry as read
    from watcher.places.place import Place

    if bbox is not None:
        place = Place(name=name, geometry=read.from_box(bbox), origin=f"box {bbox}", kind="box", exact=True)
    elif point is not None:
        place = Place(name=name, geometry=read.from_point(point), origin=f"point {point}", kind="point", exact=True)
    elif geometry is not None:
        shape = read.from_text(geometry)
        place = Place(name=name, geometry=shape, origin="given geometry", kind="geometry", exact=True)
    else:
        return None
    click.echo(f"{name}: {plain(place.origin, limit=400)}")
    _tell_ground(place)
    return Meant(place, moves=True)


def found(
    parts: Parts, named: str, source: Catalogue, name: str, *, collections: Sequence[str], pick: int | None
) -> Meant:
    """Return what a name means, and say so: as a site of the catalogue, if that has such, else by its ground.

    Raises `UsageError` when that is not certain, or when its coordinates are not known.
    """
    from watcher.places import ground

    near: Sequence[str] | None = None
    if source.capability().codes and pick is None and not ground.read(name):
        asked = tuple(collections) or tuple(source.collections_of(None))
        with waiting(f"asking {named} for {name}"):
            candidates, near = source.locate(name, parts.catalogues.http(named), collections=asked)
        if candidates:
            return _coded(named, name, candidates)
        unknown = f'{named} knows no site called "{name}" in {", ".join(asked)}'
    if pick is None and (stored := _stored(parts, name)) is not None:
        click.echo(f"{stored.name} is watched already: its ground is taken, {stored.origin}.")
        return Meant(stored)
    from watcher.cli.watched.known import understood as read

    understood = read(parts, name)
    if near is not None:
        _agreed(understood, unknown, near)
    return Meant(_place(understood, pick))


def _place(understood: Understood, pick: int | None) -> Place:
    from watcher.places.choice import ELSE, chosen
    from watcher.places.place import address

    place = chosen(understood, pick)
    if place.geometry is None:
        raise UsageError(f"{address(place)} is a {place.kind} whose coordinates are not known", hint=ELSE)
    origin = plain(place.origin, limit=400)
    told = origin if origin.startswith(place.kind) else f"{place.kind}, {origin}"
    click.echo(f"{plain(address(place))}: {told}")
    _tell_ground(place)
    if pick is None:
        for remark in understood.remarks:
            click.echo(f"  {plain(remark, limit=400)}")
        if len(understood.places) > 1:
            click.echo("  Another is meant? `watcher where` lists them, --pick N takes one.")
    return place


def _tell_ground(place: Place) -> None:
    """Say of ground that has no name how large it is, near what, and what is doubtful about it."""
    from watcher.places import extent

    if place.named or place.geometry is None:
        return
    click.echo(f"  {extent.size(place.geometry)}, the middle of it {extent.near(place.geometry)}")
    if doubt := extent.doubt(place.geometry):
        click.echo(f"  {doubt}")


def _agreed(understood: Understood, unknown: str, near: Sequence[str]) -> None:
    """Say that the catalogue does not know the name, and refuse a place when it may be a slip for one of its sites."""
    from watcher.places import spelling
    from watcher.places.choice import listed

    slips = spelling.slips(understood.text, near)
    if understood.sure and not slips:
        click.echo(f"{unknown}: it is watched by its ground.")
        return
    places = "".join(f"\n{line}" for line in listed(understood.places))
    hint = f"did you mean {' or '.join(slips or near)}?" if near else "give --bbox, --point or --geometry instead"
    raise UsageError(
        unknown + (f"; by its ground it may be{places}" if places else ""),
        hint=hint + (" Else take a place with --pick N" if places else ""),
    )


def _stored(parts: Parts, name: str) -> Place | None:
    """Return the place of the site of that name, whatever catalogue it is watched in."""
    from watcher.places.place import Place
    from watcher.store import sites

    for site in sites.every(parts.db()):
        if key(site.name) == key(name) and site.geometry is not None:
            return Place(
                name=site.name,
                geometry=site.geometry,
                origin=site.origin,
                kind="site",
                country=site.country,
                grid=site.grid,
            )
    return None


def _coded(named: str, name: str, candidates: Sequence[Candidate]) -> Meant:
    from watcher.places.place import Place

    codes = sorted({candidate.code for candidate in candidates})
    for candidate in candidates:
        click.echo(_describe(candidate))
    if len(codes) > 1:
        raise UsageError(
            f'"{name}" may be any of {len(codes)} sites of {named}: {", ".join(codes)}',
            hint=f"name one: watcher add-site {codes[0]}",
        )
    first = candidates[0]
    return Meant(
        Place(
            name=first.code,
            geometry=first.geometry,
            country=first.country,
            origin=f"{named} {first.code}",
            kind="site",
            exact=first.geometry is not None,
        ),
        first.code,
        [candidate.collection for candidate in candidates],
        {level for candidate in candidates for level in candidate.levels},
    )


def _describe(candidate: Candidate) -> str:
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
