"""Sites as a resto server knows them: the words of its site filter, found by the names that people use.

Take5's codes are place names without spaces, sometimes with the country behind (`ToulouseFrance`); people
write them in any case, with accents, or as the project's list does (`SouthAfrica : Mooreesburg`).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from watcher.model import Candidate, Product
from watcher.names import fold
from watcher.places.antimeridian import geojson

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees; west is greater than east across the antimeridian (RFC 7946 §5.2)."""


Ground = Callable[[Sequence[bytes]], bytes | None]
"""Draws a site from the GeoJSON footprints of its products."""


def spoken(name: str) -> tuple[str | None, str]:
    """Return the country (`None` without one) and the site of a name such as `SouthAfrica : Mooreesburg`."""
    country, colon, site = name.partition(":")
    return (country.strip() or None, site.strip()) if colon and site.strip() else (None, name.strip(" :"))


def spellings(site: str) -> list[str]:
    """Return the codes that a name may begin with on a server that minds case, the likeliest first.

    A spelling of less than three letters is left out: servers refuse to look for so little.
    """
    decomposed = unicodedata.normalize("NFKD", site)
    words = re.findall(r"[^\W_]+", "".join(c for c in decomposed if not unicodedata.combining(c)))
    written = (
        site,
        "".join(word[:1].upper() + word[1:] for word in words),
        "".join(word.capitalize() for word in words),
    )
    return [word for word in dict.fromkeys(written) if len(word) >= 3 and not set("%|") & set(word)]


def candidates(
    collection: str, products: Sequence[Product], countries: Mapping[str, str], *, ground: Ground | None = None
) -> list[Candidate]:
    """Return the sites of these products, one for each code; `ground` draws them, by their extent if not given."""
    by_code: dict[str, list[Product]] = {}
    for product in products:
        if product.code is not None:
            by_code.setdefault(product.code, []).append(product)
    return [
        _candidate(collection, code, listed, countries.get(code), ground or extent)
        for code, listed in sorted(by_code.items())
    ]


def chosen(name: str, known: Iterable[Candidate]) -> list[Candidate]:
    """Return those a name means: by the whole code if there are such, else by its beginning.

    A country, if the name has one, decides between them.
    """
    country, site = spoken(name)
    folded = fold(site)
    alike = [candidate for candidate in known if folded and fold(candidate.code).startswith(folded)]
    exact = [candidate for candidate in alike if fold(candidate.code) == folded]
    found = exact or alike
    if country is not None:
        land = fold(country)
        at_home = [c for c in found if land in fold(c.code) or (c.country and fold(c.country).startswith(land))]
        found = at_home or found
    return found


def nearest(name: str, known: Iterable[Candidate]) -> list[str]:
    """Return the codes spelt most like a name, the likest first."""
    from rapidfuzz import fuzz, process

    folded = {candidate.code: fold(candidate.code) for candidate in known}
    _, site = spoken(name)
    return [code for _, _, code in process.extract(fold(site), folded, scorer=fuzz.WRatio, score_cutoff=60, limit=5)]


def bounds(geometries: Iterable[bytes]) -> Bounds | None:
    """Return the bounds of GeoJSON geometries (UTF-8 JSON, longitude first), `None` without any position."""
    lines = [line for geometry in geometries for line in _lines(msgspec.json.decode(geometry))]
    if not lines:
        return None
    spans = sorted((min(x for x, _ in line), max(x for x, _ in line)) for line in lines)
    latitudes = [latitude for line in lines for _, latitude in line]
    west, east = spans[0][0], max(end for _, end in spans)
    if (west, east) == (-180.0, 180.0):
        # Cut at the antimeridian (RFC 7946 §3.1.9): the widest gap is what is not meant.
        gap, reached = 0.0, spans[0][1]
        for start, end in spans:
            if start - reached > gap:
                gap, west, east = start - reached, start, reached
            reached = max(reached, end)
    return west, min(latitudes), east, max(latitudes)


def box(geometry: bytes) -> str | None:
    """Return a geometry's bounds as `W,S,E,N`, rounded outwards to 1e-6 degrees.

    A point is given a little room: servers read a box without width as one around the world.
    """
    found = bounds([geometry])
    if found is None:
        return None
    west, south, east, north = found
    room = 1e-5
    if west == east:
        west, east = west - room, east + room
    if south == north:
        south, north = south - room, north + room
    edges = (max(_down(west), -180.0), max(_down(south), -90.0), min(_up(east), 180.0), min(_up(north), 90.0))
    return ",".join(f"{edge:.6f}".rstrip("0").rstrip(".") for edge in edges)


def extent(geometries: Sequence[bytes]) -> bytes | None:
    """Return the box around GeoJSON geometries, `None` without any position."""
    found = bounds(geometries)
    return None if found is None else _polygon(found)


def hull(geometries: Sequence[bytes]) -> bytes | None:
    """Return the convex hull of GeoJSON geometries, `None` for what has no area.

    Footprints of one frame are one quadrangle, which the hull keeps though it does not lie north-up.
    """
    import shapely

    found = bounds(geometries)
    if found is None:
        return None
    over = found[0] > found[2]  # across the antimeridian
    positions = [
        (longitude + 360 if over and longitude < 0 else longitude, latitude)
        for geometry in geometries
        for line in _lines(msgspec.json.decode(geometry))
        for longitude, latitude in line
    ]
    shape = shapely.MultiPoint(positions).convex_hull
    return geojson(shape) if shape.area else None


def _candidate(
    collection: str, code: str, products: Sequence[Product], country: str | None, ground: Ground
) -> Candidate:
    acquired = [product.acquired for product in products if product.acquired is not None]
    levels: dict[str, int] = {}
    for product in products:
        if product.level is not None:
            levels[product.level] = levels.get(product.level, 0) + 1
    return Candidate(
        code=code,
        collection=collection,
        country=country,
        geometry=ground([product.geometry for product in products if product.geometry is not None]),
        levels=dict(sorted(levels.items())),
        first=min(acquired, default=None),
        last=max(acquired, default=None),
    )


def _polygon(extent: Bounds) -> bytes:
    west, south, east, north = extent

    def ring(west: float, east: float) -> list[list[list[float]]]:
        return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]

    if west > east:
        parts = [ring(west, 180.0), ring(-180.0, east)]
        return msgspec.json.encode({"type": "MultiPolygon", "coordinates": parts})
    return msgspec.json.encode({"type": "Polygon", "coordinates": ring(west, east)})


def _lines(value: Any) -> Iterator[list[tuple[float, float]]]:
    """Yield the rings, lines and points of a geometry as lists of longitude and latitude."""
    if isinstance(value, dict):
        yield from _lines(value.get("coordinates") or value.get("geometries"))
    elif isinstance(value, list):
        if _is_position(value):
            yield [(float(value[0]), float(value[1]))]
        elif value and all(map(_is_position, value)):
            yield [(float(position[0]), float(position[1])) for position in value]
        else:
            for part in value:
                yield from _lines(part)


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and all(isinstance(x, (int, float)) for x in value[:2])


def _down(degrees: float) -> float:
    return math.floor(round(degrees * 1e6, 3)) / 1e6


def _up(degrees: float) -> float:
    return math.ceil(round(degrees * 1e6, 3)) / 1e6
