"""Places that become known by name: read from a file, or from what a catalogue's own products outline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli.output import several, show_json
from watcher.cli.waiting import waiting
from watcher.errors import UsageError
from watcher.names import near, plain, same

if TYPE_CHECKING:
    from watcher.model import Level
    from watcher.places.place import Place
    from watcher.places.understand import Understood
    from watcher.plugins import Catalogue
    from watcher.store.places import Known
    from watcher.wiring import Parts

_SHOWN = 20


def understood(parts: Parts, text: str) -> Understood:
    """Read a text as `understand` does, but for a place of that name that was imported: that is what it means."""
    from watcher.places.understand import Understood, understand
    from watcher.store import places

    known = places.named(parts.db(), text) if parts.database.exists() else None
    if known is None:
        return understand(text)
    try:
        others = understand(text).places
    except UsageError:
        others = ()  # it looks like a tile or a scene, but it is the name of a place
    return Understood(text=plain(text), places=(known, *others), sure=True)


def from_file(
    parts: Parts,
    path: Path,
    named: str | None,
    collections: Sequence[str],
    levels: Sequence[Level],
    tags: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Make the places of a file known; watch each of them in a catalogue, if one is named."""
    from watcher.cli.watched.levels import shown
    from watcher.places import files

    chosen = _chosen(parts, named, collections, levels, tags)
    places = files.read(path)
    states = _recorded(parts, places)
    watched = _watched(parts, named, places, chosen, tags) if named else None
    if as_json:
        _show_json(places, states)
        return
    _show(f"{several(len(places), 'place')} read from {plain(path.name)}", places, states)
    if named is None or watched is None:
        click.echo("They are known by name now: watcher add-site NAME watches one.")
        return
    fresh, coded = watched
    terms = " and ".join(f"{collection} {shown(level)}" for collection, level in chosen)
    click.echo(f"{several(len(places) - coded, 'site')} watched in {named}, {terms}: {fresh} newly.")
    if coded:
        click.echo(f"{several(coded, 'site')} watched there already by the catalogue's own code: left as before.")
    if tags:
        click.echo(f"They are tagged {', '.join(tags)}.")
    if fresh:
        click.echo("The first poll remembers what is there; you hear of what comes after it.")


def from_catalogue(parts: Parts, named: str, *, as_json: bool) -> None:
    """Make the sites known that a catalogue's products outline. All of it is read."""
    from watcher.places import surveyed
    from watcher.plugins import Surveyed

    source = parts.catalogues.catalogue(named)
    if not isinstance(source, Surveyed):
        raise UsageError(
            f"{named} cannot list its sites: a catalogue of kind {parts.catalogues.table(named).kind} has none",
            hint="name one that has sites with --catalogue, or read them from a file: watcher sites --import FILE",
        )
    with waiting(f"reading the sites of {named}"):
        places, unknown = surveyed.places(named, source.sites(parts.catalogues.http(named)))
    states = _recorded(parts, places)
    if as_json:
        _show_json(places, states)
        return
    _show(f"{several(len(places), 'site')} of {named}, as its products outline them", places, states)
    if unknown:
        click.echo(f"No product says where these lie: {plain(', '.join(unknown), limit=400)}")


def _recorded(parts: Parts, places: Sequence[Place]) -> list[Known]:
    from watcher.store import places as stored
    from watcher.store.connection import writing
    from watcher.wiring import now

    db = parts.db()
    with writing(db):
        return stored.record(db, places, now=now())


def _chosen(
    parts: Parts, named: str | None, collections: Sequence[str], levels: Sequence[Level], tags: Sequence[str]
) -> list[tuple[str, Level | None]]:
    """Return the collections and levels in which imported places are to be watched; none without a catalogue."""
    from watcher.cli.watched.levels import chosen as pairs

    if named is None:
        if levels or collections or tags:
            term = "--level" if levels else "--collection" if collections else "--tag"
            raise UsageError(
                f"{term} says what is watched, but --catalogue does not say where",
                hint=f"add --catalogue NAME to watch what is imported, or leave {term} out",
            )
        return []
    source = parts.catalogues.catalogue(named)
    collections = known_in(named, source, collections)
    return pairs(named, source, levels, collections)


def known_in(named: str, source: Catalogue, collections: Sequence[str]) -> tuple[str, ...]:
    """Return collections as the configuration of a catalogue writes them; raises `UsageError` for one it has not."""
    known = source.collections_of(None)
    found = []
    for collection in collections:
        if (one := same(collection, known)) is None:
            meant = f"did you mean {' or '.join(nearest)}? " if (nearest := near(collection, known)) else ""
            raise UsageError(
                f'{named} has no collection "{collection}" in the configuration',
                hint=f"{meant}it has: {', '.join(known)}; add yours to catalogues.{named}.collections",
            )
        found.append(one)
    return tuple(found)


def _watched(
    parts: Parts, named: str, places: Sequence[Place], chosen: Sequence[tuple[str, Level | None]], tags: Sequence[str]
) -> tuple[int, int]:
    """Watch the places by their ground; return how many were not watched there, and how many are by code."""
    from watcher.store import sites, watching
    from watcher.store.connection import writing
    from watcher.wiring import now

    db, moment = parts.db(), now()
    fresh = coded = 0
    with writing(db):
        by_code = {watch.site.number for watch in watching.watches(db, catalogue=named, paused=True) if watch.code}
        for place in places:
            if place.geometry is None:
                continue  # they all have one: `record` saw to it
            site = sites.add(
                db,
                place.name,
                geometry=place.geometry,
                country=place.country,
                origin=place.origin,
                grid=place.grid,
                now=moment,
            )
            sites.tag(db, site, tags)
            if site.number in by_code:
                coded += 1
                continue
            watching.move(db, site, geometry=place.geometry, origin=place.origin, grid=place.grid)
            new = [
                watching.watch(
                    db,
                    site,
                    catalogue=named,
                    collection=collection,
                    level=level,
                    now=moment,
                )
                for collection, level in chosen
            ]
            fresh += any(new)
    return fresh, coded


def _show(said: str, places: Sequence[Place], states: Sequence[Known]) -> None:
    from watcher.places.place import address

    counts = Counter(map(str, states))
    told = [f"{counts[state]} {word}" for state, word in _WORDS.items() if counts[state]]
    click.echo(f"{said}: {', '.join(told) or 'none'}.")
    moved = [(place, state) for place, state in zip(places, states, strict=True) if state != "same"]
    for place, state in moved[:_SHOWN]:
        click.echo(f"  {state:8}{plain(address(place))}: {plain(place.origin)}")
    if len(moved) > _SHOWN:
        click.echo(f"  … and {len(moved) - _SHOWN:,} more (--json lists all)")


_WORDS = {"new": "new", "changed": "changed", "same": "as before"}


def _show_json(places: Sequence[Place], states: Sequence[Known]) -> None:
    import shapely

    show_json(
        [
            {
                "place": place.name,
                "state": state,
                "country": place.country,
                "origin": place.origin,
                "exact": place.exact,
                "bbox": list(shapely.from_geojson(place.geometry).bounds),
            }
            for place, state in zip(places, states, strict=True)
        ]
    )
