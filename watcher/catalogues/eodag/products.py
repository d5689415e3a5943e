"""What eodag says of a product (its `EOProduct`) in our words. Its properties are STAC's, and some of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from watcher.catalogues.eodag.library import ITEM, PROBLEM
from watcher.core.ground.grids import cell, named
from watcher.core.identity.revisions import token
from watcher.core.moments import moment
from watcher.core.unread import set_aside
from watcher.model import Asset, Level, Product, Unread
from watcher.model import level as read_level
from watcher.names import plain

_ARCHIVES = ("*.zip", "*.tar", "*.tgz", "*.tar.gz")
_WORLD = (-180.0, -90.0, 180.0, 90.0)


def product(one: Any, *, collection: str, level: Level | None, assets: Sequence[str]) -> Product:
    """Return the product; `level` is that of its collection, `assets` are the keys of those to download.

    Raises `ValueError` for one that eodag could not read, or without an identifier.
    """
    said: dict[str, Any] = one.properties
    if PROBLEM in said:
        raise ValueError(said[PROBLEM])
    identity = _text(said.get("id"))
    if identity is None or not identity.isprintable():
        raise ValueError(f"it has an impossible identifier: {said.get('id')!r:.80}")
    title = _text(said.get("title")) or identity
    word = _text(said.get("processing:level"))
    files = _files(one, said, assets)
    updated = _text(said.get("updated"))
    return Product(
        collection,
        identity,
        plain(title),
        level or (read_level(word) if word else None),
        moment(said.get("start_datetime")) or moment(said.get("datetime")),
        token(
            updated=updated,
            produced=_text(said.get("created")) or _text(said.get("processing:datetime")),
            version=_text(said.get("version")) or _text(said.get("processing:version")),
            checksum=next((file.checksum for file in files if file.checksum), None),
            size=next((file.size for file in files if file.size), None),
        ),
        published=moment(said.get("published")),
        updated=moment(updated),
        cloud=_percent(said.get("eo:cloud_cover")),
        platform=_text(said.get("platform")),
        instrument=_text(said.get("instruments")),
        geometry=_geometry(one.geometry),
        link=_link(one),
        quicklook=_address(said.get("eodag:quicklook")),
        assets=files,
        grid=cell(_text(said.get("grid:code")) or "") or named(title),
    )


def unread(one: Any, problem: str) -> Unread:
    """Set one aside as eodag has it, or as it came. Which product it is cannot be told."""
    said = {key: value for key, value in one.properties.items() if key not in ("id", PROBLEM)}
    raw = said[ITEM].encode() if ITEM in said else msgspec.json.encode(said, enc_hook=str)
    return set_aside(raw, problem, lambda _: "")


def _files(one: Any, said: dict[str, Any], wanted: Sequence[str]) -> tuple[Asset, ...]:
    """Return the assets that are wanted; without any, the product's archive, if it has just one.

    Where a product has assets, eodag's link leads to its record: that is no archive.
    """
    if not wanted and not len(one.assets):
        href = _address(said.get("eodag:download_link"))
        return () if href is None else (Asset("product", href, None, _size(said.get("file:size")), _checksum(said)),)
    files = [
        Asset(key, href, _text(asset.get("type")), _size(asset.get("file:size")), _checksum(asset))
        for key, asset in sorted(one.assets.items())
        if any(fnmatchcase(key, name) for name in wanted or _ARCHIVES) and (href := _address(asset.get("href")))
    ]
    return tuple(files) if wanted or len(files) == 1 else ()


def _checksum(said: Any) -> str | None:
    digits = _text(said.get("eodag:checksum")) or _text(said.get("checksum"))
    return f"md5:{digits.lower()}" if digits and len(digits) == 32 and digits.isalnum() else None


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _percent(value: object) -> float | None:
    share = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    return share if share is not None and 0 <= share <= 100 else None


def _text(value: object) -> str | None:
    if isinstance(value, (list, tuple)):
        return " ".join(str(part) for part in value) or None
    return str(value).strip() or None if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def _address(value: object) -> str | None:
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None


def _link(one: Any) -> str | None:
    links = {link.get("rel"): link.get("href") for link in one.links if isinstance(link, dict)}
    return _address(links.get("self"))


def _geometry(shape: Any) -> bytes | None:
    # The whole world is what eodag says where a provider says nothing.
    if shape is None or shape.is_empty or tuple(shape.bounds) == _WORLD:
        return None
    return msgspec.json.encode(shape.__geo_interface__)
