"""Cells of reference grids, as STAC's `grid:code` writes them (grid extension 1.1): one spelling for every catalogue.

Sentinel-2 tiles are cells of the Military Grid Reference System, `MGRS-31TCJ`, the zone always with two digits;
Landsat scenes are those of the Worldwide Reference System, path then row: `WRS2-198030`, `WRS1-…` for Landsat 1 to 3.
"""

from __future__ import annotations

import re

_TILE = r"(?P<zone>0?[1-9]|[1-5]\d|60)(?P<square>[C-HJ-NP-X][A-HJ-NP-Z][A-HJ-NP-V])"
_CODE = re.compile(rf"(?:MGRS-)?T?{_TILE}")
_SCENE = re.compile(r"WRS(?P<system>[12])-(?P<path>\d{3})(?P<row>\d{3})")
# What stands around a cell in the names that ESA, MUSCATE, NASA's HLS and USGS give to products.
_NAMED_TILE = re.compile(rf"(?:^|[_.])(?:T|(?<=^S2[ABCD]_)){_TILE}(?=[_.]|$)")
_NAMED_SCENE = re.compile(r"^L[COETM]0?(?P<number>\d)_L\w+?_(?P<path>\d{3})(?P<row>\d{3})_\d{8}_")


def cell(code: str) -> str | None:
    """Read a cell as catalogues write it (`MGRS-5VNK`, `T31TCJ`, `31TCJ`, `WRS2-198030`); `None` for what is none."""
    word = code.strip().upper()
    if match := _CODE.fullmatch(word):
        return _tile(match)
    if match := _SCENE.fullmatch(word):
        return f"WRS{match['system']}-{match['path']}{match['row']}"
    return None


def named(product: str) -> str | None:
    """Read the cell out of a product's name (`…_T31TCJ_…`, `LC08_L2SP_198030_…`); `None` where it names none."""
    word = product.upper()
    if match := _NAMED_SCENE.match(word):
        return scene(match["path"], match["row"], system="1" if match["number"] in "123" else "2")
    match = _NAMED_TILE.search(word)
    return _tile(match) if match else None


def scene(path: object, row: object, *, system: object = "2") -> str | None:
    """Write a scene's path and row (numbers, or texts of digits); `None` for what is none."""
    try:
        west, south = int(str(path)), int(str(row))
    except ValueError:
        return None
    if not (1 <= west <= 251 and 1 <= south <= 248):
        return None
    return f"WRS{'1' if str(system) == '1' else '2'}-{west:03}{south:03}"


def _tile(match: re.Match[str]) -> str:
    return f"MGRS-{match['zone']:0>2}{match['square']}"
