"""A STAC answer as its bytes are read, and a Product made of each of its features.

STAC Item and ItemCollection 1.0/1.1 (GeoJSON, RFC 7946); extensions timestamps, processing, version, eo, file,
product, grid, mgrs and landsat. Only what watcher needs is decoded. A property is taken for what it should be or
not at all: one odd value in one feature must not hide the others on its page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

from watcher.catalogues.stac.assets import File, http, quicklook, wanted
from watcher.catalogues.stac.buckets import Reached
from watcher.catalogues.stac.bundles import bundle
from watcher.core.ground import grids
from watcher.core.identity import revisions
from watcher.core.moments import moment
from watcher.core.unread import reading
from watcher.model import Level, Product, Unread, level
from watcher.names import identity, nonempty, utf8


class Link(msgspec.Struct, gc=False):
    """A link of an answer; `method`, `body` and `merge` are those of STAC API's pagination."""

    rel: str
    href: str = ""
    method: str = "GET"
    body: msgspec.Raw = msgspec.Raw(b"null")
    merge: bool = False


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
    correction: Any = msgspec.field(name="landsat:correction", default=None)
    produced: Any = msgspec.field(name="processing:datetime", default=None)
    s2_produced: Any = msgspec.field(name="s2:generation_time", default=None)
    processing: Any = msgspec.field(name="processing:version", default=None)
    baseline: Any = msgspec.field(name="s2:processing_baseline", default=None)
    cell: Any = msgspec.field(name="grid:code", default=None)
    tile: Any = msgspec.field(name="s2:mgrs_tile", default=None)
    zone: Any = msgspec.field(name="mgrs:utm_zone", default=None)
    band: Any = msgspec.field(name="mgrs:latitude_band", default=None)
    square: Any = msgspec.field(name="mgrs:grid_square", default=None)
    wrs: Any = msgspec.field(name="landsat:wrs_type", default=None)
    path: Any = msgspec.field(name="landsat:wrs_path", default=None)
    row: Any = msgspec.field(name="landsat:wrs_row", default=None)


class Dated(msgspec.Struct, gc=False):
    """An item of which no more is to be read than its times."""

    properties: Properties


class Feature(msgspec.Struct, gc=False):
    """A STAC Item."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    properties: Properties
    collection: str
    geometry: msgspec.Raw = msgspec.Raw(b"null")
    links: list[Link] | None = None
    assets: dict[str, File] | list[Any] | None = None

    @property
    def files(self) -> dict[str, File]:
        """The assets; resto writes none of them as an empty array."""
        return self.assets if isinstance(self.assets, dict) else {}


F = TypeVar("F")


class _Context(msgspec.Struct):
    matched: int | None = None
    exact: bool = msgspec.field(name="exactCount", default=True)


class Features(msgspec.Struct, Generic[F]):
    """A STAC ItemCollection: one page."""

    type: Literal["FeatureCollection"]
    features: list[F]
    links: list[Link] | None = None
    number_matched: int | None = msgspec.field(name="numberMatched", default=None)
    context: _Context | None = None

    @property
    def matched(self) -> int | None:
        """How many the server says there are in all, `None` when it does not say, or only guesses (resto)."""
        if self.context is not None and not self.context.exact:
            return None
        if self.number_matched is None and self.context is not None:
            return self.context.matched
        return self.number_matched


decode: Callable[[bytes | bytearray], tuple[Features[Feature], Sequence[Unread]]]
decode = reading(Features, Feature, under="features")


def span(feature: Feature | Dated) -> tuple[datetime | None, datetime | None]:
    """Return the first and last moment of acquisition (STAC Item: `datetime`, or `start_datetime`/`end_datetime`)."""
    said = feature.properties
    start = moment(said.start)
    end = moment(said.end)
    middle = moment(said.datetime)
    return start or middle or end, end or middle or start


def product(
    feature: Feature,
    *,
    cursor: str,
    levels: Mapping[str, Level],
    assets: Sequence[str],
    url: str,
    s3: str = "",
    bundles: str = "",
) -> Product:
    """Say what watcher understands of a feature; the parameters are settings of the Kind, levels as given there."""
    said = feature.properties
    files = wanted(Reached(feature.files, s3) if s3 else feature.files, assets)
    if bundles and not assets:
        files = bundle(feature.id, bundles) or files
    updated = moment(said.updated)
    published = moment(said.published) or moment(said.created)
    changed = updated or published
    produced = moment(said.produced) or moment(said.s2_produced)
    only = files[0] if len(files) == 1 else None
    return Product(
        collection=feature.collection,
        id=identity(feature.id),
        title=nonempty(said.title) or feature.id,
        level=_level(said, levels.get(feature.collection)),
        acquired=moment(said.datetime) or moment(said.start),
        revision=revisions.token(
            updated=changed.isoformat() if changed else None,
            produced=produced.isoformat() if produced else None,
            version=nonempty(said.version) or nonempty(said.processing) or nonempty(said.baseline),
            checksum=only.checksum if only else None,
            size=only.size if only else None,
        ),
        published=published,
        updated=updated,
        learnt=None if cursor == "none" else moment(getattr(said, cursor)),
        cloud=_cloud(said.cloud),
        platform=nonempty(said.platform),
        instrument=", ".join(filter(None, map(nonempty, said.instruments))) or None
        if isinstance(said.instruments, list)
        else None,
        geometry=utf8(geometry) if (geometry := bytes(feature.geometry)) != b"null" else None,
        link=_link(feature, url),
        quicklook=quicklook(feature.files),
        assets=files,
        grid=_grid(said) or grids.named(feature.id) or grids.named(nonempty(said.title) or ""),
    )


def _level(said: Properties, given: Level | None) -> Level | None:
    if given is not None:
        return given
    words = [word for word in map(nonempty, (said.type, said.s2_type, said.correction, said.level)) if word]
    names = [level(word) for word in words]
    # A product type may be no level at all (`GRD`), so a name of ours wins over a server's own word.
    return next((name for name in names if name[:1] == "L" and name[1:2].isdigit()), names[0] if names else None)


def _grid(said: Properties) -> str | None:
    for code in (said.cell, said.tile, f"{said.zone}{said.band}{said.square}"):
        if isinstance(code, str) and (cell := grids.cell(code)):
            return cell
    return None if said.path is None else grids.scene(said.path, said.row, system=said.wrs or "2")


def _cloud(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 100 else None


def _link(feature: Feature, url: str) -> str:
    for link in feature.links or ():
        if link.rel == "self" and http(link.href):
            return link.href
    return f"{url.rstrip('/')}/collections/{feature.collection}/items/{feature.id}"
