"""The sites that a catalogue's own products outline become places."""

from __future__ import annotations

from collections.abc import Iterable

from watcher.model import Candidate
from watcher.names import fold, plain
from watcher.places.antimeridian import geojson
from watcher.places.place import Place


def places(catalogue: str, candidates: Iterable[Candidate]) -> tuple[list[Place], list[str]]:
    """Return a place for each site, over all its collections, and the names of those that no product outlines."""
    import shapely

    by_name: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_name.setdefault(fold(candidate.code) or candidate.code, []).append(candidate)
    found, unknown = [], []
    for same in by_name.values():
        name = plain(same[0].code, limit=100)
        outlined = [candidate for candidate in same if candidate.geometry is not None]
        if not outlined or not fold(name):
            unknown.append(name)
            continue
        count = sum(sum(candidate.levels.values()) for candidate in outlined)
        country = next((candidate.country for candidate in outlined if candidate.country), None)
        ground = shapely.union_all([shapely.from_geojson(candidate.geometry) for candidate in outlined])
        found.append(
            Place(
                name=name,
                geometry=geojson(ground),
                country=plain(country, limit=60) if country else None,
                origin=f"{catalogue} catalogue, footprint of {count:,} product{'s' if count != 1 else ''}",
                kind=f"site of {catalogue}",
                exact=True,
            )
        )
    return found, unknown
