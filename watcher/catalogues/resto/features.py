"""What a resto server's answer says: GeoJSON features become products.

Servers of ten years, forks among them, print the same facts in many shapes: an empty PHP array is ``[]``
where an object belongs, numbers come as text, unknown comes as 0, null or not at all. So only what is needed
is decoded, by type where the shape is sure, and every value is looked at before it is believed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from watcher.core.ground.grids import named
from watcher.core.identity.revisions import token
from watcher.core.moments import moment
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Asset, Level, Product, level
from watcher.names import utf8

_Odd = list[Any] | str | float | bool | None


class _Download(msgspec.Struct, gc=False):
    url: Any = None
    mime: Any = msgspec.field(name="mimeType", default=None)
    size: Any = None
    checksum: Any = None


class _Services(msgspec.Struct, gc=False):
    download: _Download | _Odd = None


class Properties(msgspec.Struct, gc=False):
    """A feature's properties; `code` is added by the name of the server's site filter."""

    collection: Any = None
    identifier: Any = msgspec.field(name="productIdentifier", default=None)
    title: Any = None
    start: Any = msgspec.field(name="startDate", default=None)
    level: Any = msgspec.field(name="processingLevel", default=None)
    platform: Any = None
    instrument: Any = None
    quicklook: Any = None
    updated: Any = None
    published: Any = None
    produced: Any = msgspec.field(name="productionDate", default=None)
    cloud: Any = msgspec.field(name="cloudCover", default=None)
    version: Any = None
    storage: Any = None
    keywords: msgspec.Raw = msgspec.Raw(b"null")
    services: _Services | _Odd = None


P = TypeVar("P")


class Feature(msgspec.Struct, Generic[P], gc=False):
    """One feature as decoded."""

    id: str
    properties: P
    geometry: msgspec.Raw = msgspec.Raw(b"null")


class _Head(msgspec.Struct):
    total: Any = msgspec.field(name="totalResults", default=None)
    exact: Any = msgspec.field(name="exactCount", default=None)
    links: Any = None


class _Body(msgspec.Struct, Generic[P]):
    features: list[Feature[P]] | msgspec.UnsetType | None = msgspec.UNSET
    properties: _Head | _Odd = None
    problem: Any = msgspec.field(name="ErrorMessage", default=None)
    code: Any = msgspec.field(name="ErrorCode", default=None)


class Features(msgspec.Struct, frozen=True):
    """One page. `total` is how many there are in all, `None` unless counted; `more` that a next is linked."""

    features: list[Feature[Any]]
    total: int | None
    more: bool


def read(body: bytes | bytearray, *, site_filter: str, place: str) -> Features:
    """Decode one answer of a search; `place` is where it came from, for the error.

    Raises `CatalogueError` for an error reported with status 200, for JSON that is broken or is no feature
    collection, and for a feature without an identifier.
    """
    try:
        page = _decoder(site_filter).decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{place} answered with JSON that cannot be read: {error}") from error
    if page.code is not None or page.problem is not None:
        raise CatalogueError(f"{place} answered 200 with an error: {page.problem} (ErrorCode {page.code})")
    if page.features is msgspec.UNSET or not isinstance(page.properties, _Head):
        raise CatalogueError(f"{place} answered with JSON that is no feature collection of a resto server")
    features = page.features or []
    for feature in features:
        if not feature.id.isprintable() or not feature.id.strip("."):
            raise CatalogueError(f"{place} lists a product with an impossible identifier: {feature.id!r:.80}")
    total = number(page.properties.total)
    counted = total is not None and page.properties.exact not in (False, 0, "0", "false")
    links = page.properties.links if isinstance(page.properties.links, list) else []
    more = any(isinstance(link, dict) and link.get("rel") == "next" for link in links)
    return Features(features, int(total) if total is not None and counted else None, more)


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
        _percent(said.cloud),
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


def text(value: object) -> str | None:
    """Return a value as text; `None` for what is empty or is no single value."""
    if value is None:
        return None
    if type(value) is str:
        return value.strip() or None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def number(value: object) -> float | None:
    """Return a value as a finite number, written as one or as text; `None` for anything else."""
    if type(value) is int and abs(value) < 2**53:
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def checksum_of(value: object) -> str | None:
    """Return a checksum as `algorithm:hex`: from `md5=77ca…`, `MD5:77CA…` or bare hex, told by its length."""
    if not isinstance(value, str):
        return None
    if usual := _MD5.fullmatch(value):
        return f"md5:{usual[1]}"
    match = _CHECKSUM.fullmatch(value)
    if match is None:
        return None
    name, digits = match[1], match[2].lower()
    name = name.lower().replace("-", "") if name else _BY_LENGTH.get(len(digits))
    return f"{name}:{digits}" if name is not None and _LENGTHS.get(name) == len(digits) else None


_TILED = re.compile(r"_T\d\d")
_MD5 = re.compile(r"md5=([0-9a-f]{32})")
"""As nearly all are written."""
_CHECKSUM = re.compile(r"(?:([A-Za-z0-9-]{2,8})[=:])?([0-9A-Fa-f]{32,128})")
_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_MODES = {"disk": True, "tier2": True, "staging": False, "tape": False, "tier3": False}
_BY_LENGTH = {length: name for name, length in _LENGTHS.items()}


@lru_cache(maxsize=8)
def _decoder(site_filter: str) -> msgspec.json.Decoder[Any]:
    properties = msgspec.defstruct(
        "PropertiesWithCode",
        [("code", Any, msgspec.field(name=site_filter, default=None))],
        bases=(Properties,),
        gc=False,
    )
    return decoder(_Body[properties])  # type: ignore[valid-type]


@lru_cache(maxsize=256)
def _level(word: str) -> Level:
    return level(word)


def _segment(name: str) -> str:
    return name if name.isascii() and name.replace("-", "").isalnum() else quote(name, safe="")


def _percent(value: object) -> float | None:
    share = number(value)
    return share if share is not None and 0 <= share <= 100 else None


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


def _file(services: object) -> _Download | None:
    download = services.download if isinstance(services, _Services) else None
    return download if isinstance(download, _Download) and type(download.url) is str and download.url.strip() else None


def _size(file: _Download) -> int | None:
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
