"""STAC servers that only models play here: their links hang, lose, or go the wrong way."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import shapely

from tests.catalogues import pretend_resto10, pretend_stac
from tests.proof.ground import Face, Thing
from tests.proof.records import Item, Model, kind_of, sentinel, stac_item


def planetary_computer() -> Model:
    """It cannot be asked what is new, and its links hang on the last product of a page."""
    return _stac(_Stac([], anchored=True), cursor="none", limit=8, places=20)


def landsatlook() -> Model:
    """It cannot be asked what is new, and loses products where it is asked to sort; it counts."""
    return _stac(_Stac([], muddles=True, counts=True), cursor="none", sort=False, limit=8, places=20)


def counted_links() -> Model:
    """It can be asked what is new, but not sorted: its pages follow each other by offsets, and it counts."""
    return _stac(_Stac([], sorts=False, counts=True), sort=False, limit=10)


def resto_10() -> Model:
    """Its cursors are right in one order and wrong in the other."""
    server = pretend_resto10.Pretend([])

    def title(thing: Thing) -> str:
        return f"SPOT5_HRG2_XS_{thing.acquired:%Y%m%d}_N2A_Site{thing.number}"

    def put(thing: Thing) -> None:
        item = pretend_resto10.item(thing.number)
        item["geometry"]["coordinates"] = [thing.ring]
        written = stac_item(thing, "SpotTake5")["properties"]
        # What it learns anew gets a new `created`, by which it can be asked.
        item["properties"] |= {**written, "title": title(thing), "created": written["updated"]}
        server.items = [one for one in server.items if one["id"] != item["id"]] + [item]

    def drop(thing: Thing, when: datetime) -> None:
        server.items = [one for one in server.items if not one["id"].endswith(f"-{thing.number:012}")]

    kind = kind_of("stac", collections={"SpotTake5": "L2A"}, filter="resto", cursor="created", limit=10)
    return Face(kind, "SpotTake5", title, put, drop, editions=False), server


class _Stac(pretend_stac.Pretend):
    """It knows where its items are, too."""

    def _found(self, body: Item) -> list[Item]:
        found = super()._found(body)
        if "intersects" not in body:
            return found
        ground = shapely.from_geojson(json.dumps(body["intersects"]))
        return [item for item in found if ground.intersects(shapely.geometry.shape(item["geometry"]))]


def _stac(server: _Stac, **settings: Any) -> Model:
    def put(thing: Thing) -> None:
        item = stac_item(thing, "things")
        server.items = [one for one in server.items if one["id"] != item["id"]] + [item]

    def drop(thing: Thing, when: datetime) -> None:
        server.items = [one for one in server.items if one["id"] != sentinel(thing)]

    notices = 2 if settings.get("cursor") == "none" else 0
    kind = kind_of("stac", collections={"things": "L2A"}, **settings)
    return Face(kind, "things", sentinel, put, drop, notices=notices), server
