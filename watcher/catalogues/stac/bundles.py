"""The bundle of a Landsat Collection 2 scene: all files of a product in one tar, at an address of its own.

USGS' items name single bands, and none has an archive. Their identifiers are those of the products, with an ending
where reflectance and temperature are items of their own.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from watcher.model import Asset

# USGS LSDS-1618, 1619: what is cut to tiles (ARD), or made of many scenes (Level 3), is called otherwise.
_SCENE = re.compile(r"(L[COTEM]\d\d_L[12][A-Z]{2}_\d{6}_\d{8}_\d{8}_02_(?:RT|T1|T2))(?:_SR|_ST)?")


def bundle(identifier: str, address: str) -> tuple[Asset, ...]:
    """Return the bundle of an item as its only file, by the address at which it is asked for; none for another item."""
    scene = _SCENE.fullmatch(identifier)
    if scene is None:
        return ()
    return (Asset("bundle", f"{address}?{urlencode({'landsat_product_id': scene[1]})}", "application/x-tar"),)
