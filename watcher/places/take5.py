"""The sites of SPOT4 and SPOT5 (Take5) that public material names: a seed of 47, not the official list.

Few come with a footprint from product metadata; most have the coordinates of a town or region, or none. Each row
says how far it can be trusted, and so does watcher when it uses one.
"""

from __future__ import annotations

import csv
from importlib import resources

import msgspec

from watcher.names import fold
from watcher.places.geometry import around


class Take5Site(msgspec.Struct, frozen=True):
    """One row: `geometry` is GeoJSON, `None` where no coordinates are known; `exact` if it is from metadata."""

    mission: str
    name: str
    country: str
    geometry: bytes | None
    exact: bool
    confidence: str


APPROXIMATE_KM = 30.0
"""Half the side of the box around an approximate centre: a SPOT swath is 60 km wide."""


def sites() -> list[Take5Site]:
    """Read the table."""
    import shapely

    text = (resources.files("watcher.places") / "take5_sites.csv").read_text(encoding="utf-8")
    rows = []
    for row in csv.DictReader(text.splitlines()):
        geometry = None
        if row["footprint_wkt"]:
            geometry = bytes(shapely.to_geojson(shapely.from_wkt(row["footprint_wkt"])).encode())
        elif row["lon"]:
            geometry = around(float(row["lon"]), float(row["lat"]), APPROXIMATE_KM)
        rows.append(
            Take5Site(
                row["mission"],
                row["name"],
                row["country"],
                geometry,
                bool(row["footprint_wkt"]),
                row["confidence"],
            )
        )
    return rows


def find(name: str) -> list[Take5Site]:
    """Return the rows of that name, alone or as `Country : Site` or `SiteCountry`; those with coordinates first."""
    wanted = fold(name)
    found = [
        site
        for site in sites()
        if wanted in (fold(site.name), fold(site.country + site.name), fold(site.name + site.country))
    ]
    return sorted(found, key=lambda site: (site.geometry is None, not site.exact))


def near(name: str) -> list[str]:
    """Return the names that are spelled nearly like this one."""
    from rapidfuzz import process

    return [
        match[0]
        for match in process.extract(
            name, sorted({site.name for site in sites()}), limit=3, score_cutoff=70, processor=fold
        )
    ]
