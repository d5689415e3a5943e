"""Products as notices tell of them: without their geometry, and of their files only how large they are in all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from watcher.decoding import decoder
from watcher.model import Product
from watcher.store.connection import stamp
from watcher.store.products import COLUMNS, described

CLEAR = 20.0
"""Percent of clouds up to which a look at a site is clear."""

_YEAR = timedelta(days=365)

_LOOKED = 500
"""So many of the products last seen at a site are looked through for a clear one."""

_CHOICE = 10
"""So many clear looks there are to choose from: the last may be news itself."""

_LIGHT = COLUMNS.replace("revisions.geometry", "NULL")


class _Sized(msgspec.Struct):
    size: int | None = None


_assets = decoder(tuple[_Sized, ...])


class Light(msgspec.Struct, frozen=True):
    """A revision: its number and its collection's, its acquisition as a key, its catalogue, and the product."""

    revision: int
    collection: int
    acquisition: str | None
    catalogue: str
    product: Product


def these(db: sqlite3.Connection, revisions: Sequence[int]) -> dict[int, Light]:
    """Return these revisions by number."""
    rows = db.execute(
        f"SELECT revisions.number, collection, acquisition, catalogue, collections.name, {_LIGHT}"
        " FROM json_each(?) AS listed CROSS JOIN revisions ON revisions.number = listed.value"
        " JOIN collections ON collections.number = collection",
        (msgspec.json.encode(revisions).decode(),),
    )
    return {
        number: Light(number, collection, acquisition, catalogue, _light(name, columns))
        for number, collection, acquisition, catalogue, name, *columns in rows
    }


def clear_before(db: sqlite3.Connection, light: Light, site: int) -> dict[int, Product]:
    """Return the last clear looks at a site before this one, newest first, by the number of the revision.

    They are of the same collection and level. There are `_CHOICE` at most.
    """
    product = light.product
    if product.acquired is None:
        return {}
    rows = db.execute(
        f"SELECT revisions.number, collections.name, {_LIGHT} FROM (SELECT revision FROM sightings WHERE site = ?1"
        f" ORDER BY revision DESC LIMIT {_LOOKED}) CROSS JOIN revisions ON revisions.number = revision"
        " JOIN collections ON collections.number = collection WHERE collection = ?2 AND level IS ?3"
        " AND acquired < ?4 AND acquired >= ?5 AND cloud <= ?6 AND quicklook IS NOT NULL AND replaced IS NULL"
        f" ORDER BY acquired DESC LIMIT {_CHOICE}",
        (
            site,
            light.collection,
            product.level,
            stamp(product.acquired),
            stamp(product.acquired - _YEAR),
            CLEAR,
        ),
    )
    return {number: _light(name, columns) for number, name, *columns in rows}


def _light(collection: str, columns: Sequence[Any]) -> Product:
    """Build a product with one file that is as large as all of its files together."""
    *others, assets, grid = columns
    size = sum(asset.size or 0 for asset in _assets.decode(assets))
    return described(collection, [*others, f'[{{"key":"","href":"","size":{size or "null"}}}]', grid])
