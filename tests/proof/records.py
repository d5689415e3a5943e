"""A product of the ground segment as catalogues write it: its names, its record, its times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.catalogues.loopback import Asked, Reply
from tests.proof.ground import Face, Thing
from watcher import plugins
from watcher.plugins import Catalogue

Model = tuple[Face, Callable[[Asked], Reply]]
"""A catalogue, and what answers for it."""

Item = dict[str, Any]


def sentinel(thing: Thing) -> str:
    """Name a product as ESA does: the edition is the processing baseline."""
    made = thing.acquired + timedelta(days=1)
    return f"S2A_MSIL2A_{thing.acquired:%Y%m%dT%H%M%S}_N05{thing.edition:02}_R051_T{thing.tile}_{made:%Y%m%dT%H%M%S}"


def muscate(thing: Thing) -> str:
    """Name a product as THEIA does."""
    return f"SENTINEL2A_{thing.acquired:%Y%m%d-%H%M%S}-000_L2A_T{thing.tile}_D_V1-{thing.edition}"


def stac_item(thing: Thing, collection: str) -> Item:
    """Write a product as a STAC Item. What makes a version is its number; the record may change without."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": sentinel(thing),
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [thing.ring]},
        "bbox": [thing.west, 43.0, thing.west + 0.5, 44.0],
        "properties": {
            "datetime": stamp(thing.acquired),
            "created": stamp(thing.published),
            "updated": stamp(thing.learnt),
            "version": str(thing.version),
            "processing:datetime": stamp(thing.acquired),
        },
        "links": [],
        "assets": {},
    }


def stamp(time: datetime) -> str:
    """Write a time to the millisecond."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kind_of(name: str, path: str = "", **settings: Any) -> Callable[[str], Catalogue]:
    return lambda url: plugins.build("catalogues", name, {"url": f"{url}{path}", **settings}, place="the proof")
