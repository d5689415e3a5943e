"""A feature of a resto server's answer becomes a product; every value is looked at before it is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from watcher.catalogues.resto.answers import Download, Feature, Services
from watcher.catalogues.resto.values import checksum_of, number, percent, text
from watcher.core.ground.grids import named
from watcher.core.identity.revisions import token
from watcher.core.moments import moment
from watcher.model import Asset, Level, Product, level
from watcher.names import utf8


def product_of(
    feature: Feature[Any], *, place: str, collection: str, levels: Mapping[str, Level], known: str | None = None
) -> Product:
    """Return the product that a feature describes; of a revision that is `known` no more than needs to be looked at.

    `place` is the address of the collection, from the configuration: every link of ours is built from it,
    since what a server prints is often another host's or not encrypted. `levels` are this server's own words.
    """
    said = feature.properties
    word = text(said.level)
    level_ = None if word is None else (levels.get(word) or _level(word))
    acquired, code = moment(said.start), text(said.code)
    updated = text(said.updated)
    file = _file(said.services)
    checksum = None if file is None else checksum_of(file.checksum)
    size = None if file is None else _size(file)
    revision = token(
        updated=updated,
        produced=text(said.produced),
        version=text(said.version),
        checksum=None if file is None else checksum or text(file.checksum),
        size=size,
    )
    if revision == known:
        return Product(collection, feature.id, feature.id, level_, acquired, revision, code=code)
    then = moment(updated)
    here = f"{place}/{_segment(feature.id)}"
    title = text(said.title) or text(said.identifier) or feature.id
    return Product(
        collection,
        feature.id,
        title,
        level_,
        acquired,
        revision,
        then if said.published == said.updated else moment(text(said.published)),
        then,
        None,
        percent(said.cloud),
        text(said.platform),
        text(said.instrument),
        _geometry(feature.geometry),
        code,
        f"{here}.json?lang=en",
        _quicklook(said.quicklook),
        ()
        if file is None
        else (Asset("product", _href(file.url.strip(), here), text(file.mime), size, checksum, _online(said.storage)),),
        named(title) if _TILED.search(title) else None,
    )


def country_of(feature: Feature[Any]) -> str | None:
    """Return the country that most of a product lies in, by its keywords (an object, later a list)."""
    try:
        keywords = msgspec.json.decode(feature.properties.keywords)
    except msgspec.DecodeError:
        return None
    rows = keywords.values() if isinstance(keywords, dict) else keywords if isinstance(keywords, list) else []
    shares = [
        (number(row.get("value")) or 0.0, row["name"])
        for row in rows
        if isinstance(row, dict) and row.get("type") == "country" and isinstance(row.get("name"), str)
    ]
    return max(shares, key=lambda share: share[0])[1] if shares else None


_TILED = re.compile(r"_T\d\d")
_MODES = {"disk": True, "tier2": True, "staging": False, "tape": False, "tier3": False}


@lru_cache(maxsize=256)
def _level(word: str) -> Level:
    return level(word)


def _segment(name: str) -> str:
    return name if name.isascii() and name.replace("-", "").isalnum() else quote(name, safe="")


def _geometry(raw: msgspec.Raw) -> bytes | None:
    geometry = bytes(raw)
    return utf8(geometry) if geometry.startswith(b"{") and geometry != b"{}" else None


def _quicklook(value: object) -> str | None:
    # THEIA and others print templates that nobody filled in.
    url = text(value)
    return (
        url
        if url and url.startswith(("https://", "http://")) and "ANNEEPRODUIT" not in url and "{" not in url
        else None
    )


def _file(services: object) -> Download | None:
    download = services.download if isinstance(services, Services) else None
    return download if isinstance(download, Download) and type(download.url) is str and download.url.strip() else None


def _size(file: Download) -> int | None:
    # NULL is printed as 0, and no product has no bytes.
    size = file.size if type(file.size) is int else number(file.size)
    return int(size) if size is not None and size > 0 else None


def _href(url: str, here: str) -> str:
    return f"{here}/download{_issuer(url) if '?' in url else ''}"


def _online(storage: object) -> bool | None:
    """Say where PEPS has a file: on disk, on its way there (`staging`), or on tape."""
    mode = text(storage.get("mode")) if isinstance(storage, dict) else None
    return None if mode is None else _MODES.get(mode.lower())


def _issuer(url: str) -> str:
    # Without it THEIA and PEPS do not recognise their own accounts; anything else there may be a secret.
    kept = [part for part in url.partition("?")[2].split("&") if part.startswith("issuerId=")]
    return f"?{kept[0]}" if kept else ""
