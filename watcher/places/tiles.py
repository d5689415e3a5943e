"""Sentinel-2 tiles by name: `T52LFL`, `52LFL`, `52lfl`, `1CCV`.

The arithmetic of `mgrs` also gives squares that ESA never makes, in the sea or beside a zone; `tiles.txt.xz` has the
56,686 that it does, made from ESA's list by `data/tiles.py`.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from watcher.errors import UsageError
from watcher.places import mgrs
from watcher.places.antimeridian import geojson, touching
from watcher.places.place import Place

_WRITTEN = re.compile(r"(?:MGRS-)?T?(\d{1,2})\s?([A-Z])\s?([A-Z]{2})", re.IGNORECASE | re.ASCII)


def read(text: str) -> Place | None:
    """Read a tile; `None` for a text that does not look like one.

    Raises `UsageError` for one that looks like a tile and is none that ESA makes.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return None
    tile = f"{match[1]:0>2}{match[2]}{match[3]}".upper()
    if tile not in every():
        raise UsageError(f'there is no Sentinel-2 tile "{tile}"', hint=_why_not(tile))
    (outline,) = mgrs.outlines([tile])
    return Place(
        name=tile,
        geometry=geojson(outline),
        origin=f"Sentinel-2 tile {tile}, 109.8 km square",
        kind="Sentinel-2 tile",
        grid=f"MGRS-{tile}",
        exact=True,
    )


def covering(geometry: bytes) -> list[str]:
    """Return the tiles that a GeoJSON geometry (WGS84, cut at the antimeridian) touches, sorted."""
    import shapely

    shape = shapely.from_geojson(geometry)
    wanted: set[tuple[int, str]] = set()
    for part in shapely.get_parts(shape):
        wanted.update(mgrs.zones(*part.bounds))
    names = [tile for zone, band in wanted for tile in _in_band().get(f"{zone:02}{band}", ())]
    touched = touching(shape, mgrs.outlines(names))
    return sorted(name for name, touches in zip(names, touched, strict=True) if touches)


@lru_cache(maxsize=1)
def every() -> frozenset[str]:
    """Return the names of all tiles that ESA makes."""
    import lzma
    from importlib import resources

    packed = (resources.files("watcher.places") / "tiles.txt.xz").read_bytes()
    return frozenset(lzma.decompress(packed).decode("ascii").split())


@lru_cache(maxsize=1)
def _in_band() -> dict[str, list[str]]:
    bands: dict[str, list[str]] = {}
    for tile in sorted(every()):
        bands.setdefault(tile[:3], []).append(tile)
    return bands


def _why_not(tile: str) -> str:
    """Say what is wrong with a name, or which tiles are nearest to where it would lie."""
    try:
        at = mgrs.square(tile)
    except ValueError as error:
        return f"{error}; a tile is written like T31TCJ"
    there = [(other, mgrs.square(other)) for other in every() if other[:2] == tile[:2]]
    near = sorted(
        (math.dist((at.x, _north(at)), (other.x, _north(other))), name) for name, other in there if name != tile
    )
    names = [name for _, name in near[:3]]
    return f"ESA makes none there; the nearest are {', '.join(names[:-1])} and {names[-1]}"


def _north(square: mgrs.Square) -> int:
    return square.y - (10_000_000 if square.south else 0)
