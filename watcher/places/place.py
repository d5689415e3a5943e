"""What a text was understood to mean, whichever way of naming a place it used."""

from __future__ import annotations

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the ground.

    `geometry` is a GeoJSON geometry in WGS84, longitude first (RFC 7946), cut at the antimeridian; `None` where the
    place is known by name only. `origin` is for people: where that geometry comes from and how exact it is. `kind` is
    a word of theirs too ("Take5 site", "park", "town", "Sentinel-2 tile", "Landsat path/row", "point", "box",
    "geometry"). `grid` is the cell of a reference grid when the place is one, as STAC's `grid:code` writes it
    (`MGRS-52LFL`, `WRS2-106069`). `exact` if the outline itself is known, not only roughly where it lies. `region` is
    the first-level division of its `country`, `point` the longitude and latitude that its name stands for.
    """

    name: str
    geometry: bytes | None
    origin: str
    kind: str
    country: str | None = None
    grid: str | None = None
    exact: bool = False
    detail: str | None = None
    region: str | None = None
    point: tuple[float, float] | None = None

    @property
    def named(self) -> bool:
        """Whether it is known by a name, and not only by numbers that somebody wrote."""
        return self.kind not in ("box", "point", "geometry")


def address(place: Place) -> str:
    """Write what a letter would have: `Moorreesburg, Western Cape, South Africa`."""
    return ", ".join(part for part in (place.name, place.region, place.country) if part)


def described(place: Place) -> str:
    """Write a place on one line, so that it can be told from others of its name."""
    where = [position(*place.point)] if place.point else ([] if place.geometry else ["coordinates not known"])
    return f"{address(place)} ({', '.join([place.kind, *([place.detail] if place.detail else []), *where])})"


def position(longitude: float, latitude: float) -> str:
    """Write a position so that nobody takes one axis for the other: `33.1539° S 18.6603° E`."""
    return f"{abs(latitude):.4f}° {'NS'[latitude < 0]} {abs(longitude):.4f}° {'EW'[longitude < 0]}"
