"""A STAC answer as its bytes are read, and a Product made of each of its features.

STAC Item and ItemCollection 1.0/1.1 (GeoJSON, RFC 7946); extensions timestamps, processing, version, eo, file
and product. Only what watcher needs is decoded. A property is taken for what it should be or not at all: one
odd value in one feature must not hide the others on its page.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from watcher.core import revisions
from watcher.model import Asset, Level, Product, level
from watcher.names import identity, utf8

_ALGORITHMS = {"11": ("sha1", 20), "12": ("sha256", 32), "13": ("sha512", 64), "20": ("sha384", 48)}
_ARCHIVES = (
    "application/zip",
    "application/x-tar",
    "application/tar",
    "application/gzip",
    "application/x-gzip",
)
_IMAGES = ("image/jpeg", "image/jpg", "image/png", "image/webp")


class Link(msgspec.Struct, gc=False):
    """A link of an answer; `method`, `body` and `merge` are those of STAC API's pagination."""

    rel: str
    href: str = ""
    method: str = "GET"
    body: msgspec.Raw = msgspec.Raw(b"null")
    merge: bool = False


class File(msgspec.Struct, gc=False):
    """A STAC Asset."""

    href: Any = None
    type: Any = None
    roles: Any = None
    size: Any = msgspec.field(name="file:size", default=None)
    checksum: Any = msgspec.field(name="file:checksum", default=None)


class Properties(msgspec.Struct, gc=False):
    """The properties that watcher reads, as the server wrote them."""

    datetime: Any = None
    start: Any = msgspec.field(name="start_datetime", default=None)
    end: Any = msgspec.field(name="end_datetime", default=None)
    published: Any = None
    created: Any = None
    updated: Any = None
    title: Any = None
    platform: Any = None
    instruments: Any = None
    version: Any = None
    cloud: Any = msgspec.field(name="eo:cloud_cover", default=None)
    type: Any = msgspec.field(name="product:type", default=None)
    s2_type: Any = msgspec.field(name="s2:product_type", default=None)
    level: Any = msgspec.field(name="processing:level", default=None)
    produced: Any = msgspec.field(name="processing:datetime", default=None)
    s2_produced: Any = msgspec.field(name="s2:generation_time", default=None)
    processing: Any = msgspec.field(name="processing:version", default=None)
    baseline: Any = msgspec.field(name="s2:processing_baseline", default=None)


class Feature(msgspec.Struct, gc=False):
    """A STAC Item."""

    id: str
    properties: Properties
    collection: str | None = None
    geometry: msgspec.Raw = msgspec.Raw(b"null")
    links: list[Link] | None = None
    assets: dict[str, File] | None = None


class _Context(msgspec.Struct):
    matched: int | None = None


class Features(msgspec.Struct):
    """A STAC ItemCollection: one page."""

    type: Literal["FeatureCollection"]
    features: list[Feature]
    links: list[Link] | None = None
    number_matched: int | None = msgspec.field(name="numberMatched", default=None)
    context: _Context | None = None

    @property
    def matched(self) -> int | None:
        """How many the server says there are in all, `None` when it does not say."""
        if self.number_matched is None and self.context is not None:
            return self.context.matched
        return self.number_matched


decode = msgspec.json.Decoder(Features).decode


def moment(text: object) -> datetime | None:
    """Read an RFC 3339 time of any precision; `None` for what is none. Without a zone it is UTC."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is UTC:
            return time
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def span(feature: Feature) -> tuple[datetime | None, datetime | None]:
    """Return the first and last moment of acquisition (STAC Item: `datetime`, or `start_datetime`/`end_datetime`)."""
    said = feature.properties
    start = moment(said.start)
    end = moment(said.end)
    middle = moment(said.datetime)
    return start or middle or end, end or middle or start


def product(feature: Feature, *, cursor: str, levels: Mapping[str, Level], assets: Sequence[str], url: str) -> Product:
    """Say what watcher understands of a feature; the parameters are settings of the Kind, levels as given there."""
    said = feature.properties
    files = wanted(feature, assets)
    updated = moment(said.updated)
    produced = moment(said.produced) or moment(said.s2_produced)
    only = files[0] if len(files) == 1 else None
    return Product(
        collection=str(feature.collection),
        id=identity(feature.id),
        title=_text(said.title) or feature.id,
        level=_level(said, levels.get(feature.collection or "")),
        acquired=moment(said.datetime) or moment(said.start),
        revision=revisions.token(
            updated=updated.isoformat() if updated else None,
            produced=produced.isoformat() if produced else None,
            version=_text(said.version) or _text(said.processing) or _text(said.baseline),
            checksum=only.checksum if only else None,
            size=only.size if only else None,
        ),
        published=moment(said.published) or moment(said.created),
        updated=updated,
        learnt=None if cursor == "none" else moment(getattr(said, cursor)),
        cloud=_cloud(said.cloud),
        platform=_text(said.platform),
        instrument=", ".join(filter(None, map(_text, said.instruments))) or None
        if isinstance(said.instruments, list)
        else None,
        geometry=utf8(geometry) if (geometry := bytes(feature.geometry)) != b"null" else None,
        link=_link(feature, url),
        quicklook=_quicklook(feature),
        assets=files,
    )


def wanted(feature: Feature, keys: Collection[str]) -> tuple[Asset, ...]:
    """Choose the assets to download: those named; with no names the product's archive, if it has exactly one.

    An archive is a zip or tar by its media type, or by its name where it has none. Bands are never taken unasked:
    a Sentinel-2 item has some twenty, and who wants them says so. Only http and https can be fetched, so `s3://`
    is left out.
    """
    files = feature.assets or {}
    if keys:
        return tuple(_asset(key, files[key]) for key in keys if key in files and _http(files[key].href))
    archives = [(key, file) for key, file in files.items() if _archive(file) and _http(file.href)]
    return (_asset(*archives[0]),) if len(archives) == 1 else ()


def digest(multihash: object) -> str | None:
    """Read `file:checksum` (file extension: a multihash in hex) as `algorithm:hex`; `None` when it is not one."""
    if not isinstance(multihash, str):
        return None
    code = multihash.strip().lower()
    if code.startswith("d50110") and len(code) == 38:
        return _hex("md5", code[6:])
    name, size = _ALGORITHMS.get(code[:2], ("", 0))
    if name and code[2:4] == f"{size:02x}" and len(code) == 4 + 2 * size:
        return _hex(name, code[4:])
    return None


def _hex(name: str, text: str) -> str | None:
    return None if text.strip("0123456789abcdef") else f"{name}:{text}"


def _asset(key: str, file: File) -> Asset:
    size = file.size if isinstance(file.size, int) and file.size > 0 else None
    return Asset(key=key, href=file.href, type=_text(file.type), size=size, checksum=digest(file.checksum))


def _archive(file: File) -> bool:
    kind = _text(file.type)
    if kind is not None and kind != "application/octet-stream":
        return _packs(kind)
    return urlsplit(str(file.href)).path.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))


@lru_cache(maxsize=256)
def _packs(kind: str) -> bool:
    return kind.partition(";")[0].rstrip().lower() in _ARCHIVES


def _level(said: Properties, given: Level | None) -> Level | None:
    if given is not None:
        return given
    words = [word for word in map(_text, (said.type, said.s2_type, said.level)) if word]
    names = [level(word) for word in words]
    # A product type may be no level at all (`GRD`), so a name of ours wins over a server's own word.
    return next((name for name in names if name[:1] == "L" and name[1:2].isdigit()), names[0] if names else None)


def _cloud(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 100 else None


def _link(feature: Feature, url: str) -> str:
    for link in feature.links or ():
        if link.rel == "self" and _http(link.href):
            return link.href
    return f"{url.rstrip('/')}/collections/{feature.collection}/items/{feature.id}"


def _quicklook(feature: Feature) -> str | None:
    for role in ("thumbnail", "overview"):
        for file in (feature.assets or {}).values():
            if isinstance(file.roles, list) and role in file.roles and _text(file.type) in _IMAGES and _http(file.href):
                return str(file.href)
    return None


def _http(href: object) -> bool:
    return isinstance(href, str) and href[:8].lower().startswith(("https://", "http://"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
