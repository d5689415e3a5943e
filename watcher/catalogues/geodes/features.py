"""An answer of GEODES as its bytes are read, and a Product made of each of its features.

Only what watcher needs is decoded, and a property is taken for what it should be or not at all. An id such as
`URN:FEATURE:DATA:gdh:25416e3f-…:V1` is the product's, then the version that a reprocessing raises. What STAC's file
extension says elsewhere stands in the text of an asset's description, and its MD5 also at the end of its address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

from watcher.core.ground import grids
from watcher.core.identity import revisions
from watcher.core.moments import moment
from watcher.core.unread import reading
from watcher.model import Asset, Level, Product, Unread, level
from watcher.names import identity, nonempty, path, utf8

_URN = re.compile(r"(?P<product>.+?):(?P<version>V\d+)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIZE = re.compile(r"File size:\s*(\d+)\s*bytes", re.IGNORECASE)
_MD5 = re.compile(r"[0-9a-f]{32}")
_ONLINE = re.compile(r"Is online:\s*(true|false)\b", re.IGNORECASE)
_SAID_MD5 = re.compile(r"Checksum MD5:\s*([0-9a-fA-F]{32})\b")
_IMAGES = ("image/jpeg", "image/jpg", "image/png")


class Link(msgspec.Struct, gc=False):
    """A link of a product."""

    rel: str
    href: Any = None


class File(msgspec.Struct, gc=False):
    """A file of a product: its archive (role `data`) or its picture (`overview`)."""

    href: Any = None
    type: Any = None
    roles: Any = None
    title: Any = None
    description: Any = None
    size: Any = msgspec.field(name="file:size", default=None)


class Properties(msgspec.Struct, gc=False):
    """The properties that watcher reads, as the server wrote them. `datetime` is when the product was published."""

    dataset: Any = None
    datetime: Any = None
    start: Any = msgspec.field(name="start_datetime", default=None)
    identifier: Any = None
    latest: Any = None
    platform: Any = None
    instrument: Any = None
    cloud: Any = msgspec.field(name="eo:cloud_cover", default=None)
    level: Any = msgspec.field(name="processing:level", default=None)
    type: Any = msgspec.field(name="product:type", default=None)
    processing: Any = msgspec.field(name="processing:version", default=None)
    cell: Any = msgspec.field(name="grid:code", default=None)


class Feature(msgspec.Struct, gc=False):
    """A product as it is listed."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    properties: Properties
    collection: str | None = None
    geometry: msgspec.Raw = msgspec.Raw(b"null")
    links: list[Link] | None = None
    assets: dict[str, File] | None = None

    @property
    def dataset(self) -> str | None:
        """The collection that it is of."""
        return nonempty(self.properties.dataset) or self.collection

    @property
    def latest(self) -> bool:
        """Say whether no later version has replaced it."""
        return self.properties.latest is not False

    @property
    def published(self) -> datetime | None:
        """When the catalogue published it."""
        return moment(self.properties.datetime)


class Context(msgspec.Struct):
    """How many products there are in all, by the server's count."""

    matched: int


F = TypeVar("F")


class Features(msgspec.Struct, Generic[F]):
    """One page. Its `next` link is not read: recorded ones lead to pages of another size."""

    type: Literal["FeatureCollection"]
    features: list[F]
    context: Context


def _placed(feature: Feature) -> None:
    if feature.dataset is None:
        raise ValueError("it does not say of which dataset it is")


decode: Callable[[bytes | bytearray], tuple[Features[Feature], Sequence[Unread]]]
decode = reading(Features, Feature, under="features", sound=_placed)


def named(odd: Unread) -> Unread:
    """Call what cannot be read as the product is called: by its id without a version."""
    return msgspec.structs.replace(odd, id=identity(_identity(odd.id)[0]))


def product(feature: Feature, *, given: Level | None, url: str) -> Product:
    """Say what watcher understands of a feature; `given` is the level as set for its collection."""
    said = feature.properties
    name, version = _identity(feature.id)
    title = nonempty(said.identifier) or feature.id
    files = tuple(_archives(feature))
    only = files[0] if len(files) == 1 else None
    published = feature.published
    return Product(
        collection=str(feature.dataset),
        id=identity(name),
        title=title,
        level=given if given is not None else _level(said),
        acquired=moment(said.start),
        revision=revisions.token(
            updated=published.isoformat() if published else None,
            produced=None,
            version=" ".join(filter(None, (nonempty(said.processing), version))),
            checksum=only.checksum if only else None,
            size=only.size if only else None,
        ),
        published=published,
        updated=published,
        learnt=published,
        cloud=float(said.cloud) if isinstance(said.cloud, int | float) and 0 <= said.cloud <= 100 else None,
        platform=nonempty(said.platform),
        instrument=nonempty(said.instrument),
        geometry=utf8(geometry) if (geometry := bytes(feature.geometry)) != b"null" else None,
        link=_link(feature, url),
        quicklook=_quicklook(feature),
        assets=files,
        grid=grids.cell(nonempty(said.cell) or "") or grids.named(title),
    )


def _identity(urn: str) -> tuple[str, str | None]:
    match = _URN.fullmatch(urn)
    if match is None:
        return urn, None
    last = match["product"].rpartition(":")[2]
    return (last if _UUID.fullmatch(last) else match["product"]), match["version"]


def _archives(feature: Feature) -> Iterable[Asset]:
    for key, file in (feature.assets or {}).items():
        if isinstance(file.roles, list) and "data" in file.roles and _http(file.href):
            text = nonempty(file.description) or ""
            yield Asset(
                key=key,
                href=file.href,
                type=nonempty(file.type),
                size=_size(file.size, text),
                checksum=_md5(file.href, text),
                online=_online(text),
            )


def _size(said: object, text: str) -> int | None:
    if isinstance(said, int) and said > 0:
        return said
    match = _SIZE.search(text)
    return int(match[1]) or None if match else None


def _online(text: str) -> bool | None:
    match = _ONLINE.search(text)
    return match[1].lower() == "true" if match else None


def _md5(href: str, text: str) -> str | None:
    last = path(href).rpartition("/")[2].lower()
    if _MD5.fullmatch(last):
        return f"md5:{last}"
    match = _SAID_MD5.search(text)
    return f"md5:{match[1].lower()}" if match else None


def _level(said: Properties) -> Level | None:
    names = [level(word) for word in map(nonempty, (said.level, said.type)) if word]
    return next((name for name in names if name[:1] == "L" and name[1:2].isdigit()), names[0] if names else None)


def _link(feature: Feature, url: str) -> str:
    for link in feature.links or ():
        if link.rel == "self" and _http(link.href):
            return str(link.href)
    return f"{url.rstrip('/')}/collections/{feature.dataset}/items/{feature.id}"


def _quicklook(feature: Feature) -> str | None:
    for file in (feature.assets or {}).values():
        if isinstance(file.roles, list) and "overview" in file.roles and file.type in _IMAGES and _http(file.href):
            return str(file.href)
    return None


def _http(href: object) -> bool:
    return isinstance(href, str) and href[:8].lower().startswith(("https://", "http://"))
