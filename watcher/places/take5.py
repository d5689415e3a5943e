"""The sites of SPOT4 and SPOT5 (Take5) that public material names: a seed of 47, not the official list.

Few come with a footprint from product metadata; most have the coordinates of a town or region, or none. Each row
says how far it can be trusted, and so does watcher when it uses one.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

import msgspec

from watcher.names import fold
from watcher.places.boxes import around
from watcher.places.place import Place

APPROXIMATE_KM = 30.0
"""Half the side of the box around an approximate centre: a SPOT swath is 60 km wide."""


class Take5Site(msgspec.Struct, frozen=True):
    """One site: its place, and the keys that it is found by."""

    place: Place
    keys: frozenset[str]


def named(name: str) -> list[Place]:
    """Return the sites of that name, alone or as `Country : Site` or `SiteCountry`; those with coordinates first."""
    wanted = fold(name)
    found = [site.place for site in every() if wanted in site.keys]
    return sorted(found, key=lambda place: place.geometry is None)


@cache
def every() -> tuple[Take5Site, ...]:
    """Read the table: one site of those that both missions had, by its best row."""
    text = (resources.files("watcher.places") / "take5_sites.csv").read_text(encoding="utf-8")
    same: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        same.setdefault((row["country"], row["name"]), []).append(row)
    return tuple(_site(rows) for rows in same.values())


def _site(rows: list[dict[str, str]]) -> Take5Site:
    import shapely

    row = min(rows, key=lambda row: (not row["footprint_wkt"], not row["lon"]))
    name, country = row["name"], row["country"]
    point = (float(row["lon"]), float(row["lat"])) if row["lon"] else None
    geometry, extent = None, "coordinates not known"
    if row["footprint_wkt"]:
        geometry, extent = bytes(shapely.to_geojson(shapely.from_wkt(row["footprint_wkt"])).encode()), "footprint known"
    elif point is not None:
        geometry = around(*point, APPROXIMATE_KM)
        extent = f"approximate: a box of {2 * APPROXIMATE_KM:.0f} km around its centre"
    missions = " and ".join(sorted({row["mission"] for row in rows}))
    place = Place(
        name=name,
        geometry=geometry,
        origin=f"table of {missions} (Take5) sites, {extent} ({row['confidence']})",
        kind="Take5 site",
        country=country,
        exact=bool(row["footprint_wkt"]),
        point=point,
    )
    return Take5Site(place, frozenset({fold(name), fold(country + name), fold(name + country)}))
