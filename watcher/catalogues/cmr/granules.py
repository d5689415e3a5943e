"""A granule as its bytes are read (UMM-G 1.6), and a Product made of it.

Only what watcher needs is decoded. A property is taken for what it should be or not at all: one odd value in one
granule must not hide the others on its page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from watcher.catalogues.cmr.grounds import footprint
from watcher.core.ground.grids import cell, named
from watcher.core.identity import revisions
from watcher.core.moments import moment
from watcher.levels import Level
from watcher.model import Asset, Product
from watcher.names import identity, nonempty, path

_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_IMAGES = (".jpg", ".jpeg", ".png", ".webp")


class Meta(msgspec.Struct, gc=False, rename="kebab"):
    """What CMR itself says of a granule."""

    concept_id: Annotated[str, msgspec.Meta(min_length=1)]
    revision_id: int
    revision_date: str
    collection_concept_id: str


class Umm(msgspec.Struct, gc=False, rename="pascal"):
    """What its provider says of it."""

    granule_ur: Any = msgspec.field(name="GranuleUR", default=None)
    temporal_extent: Any = None
    spatial_extent: Any = None
    provider_dates: Any = None
    data_granule: Any = None
    related_urls: Any = None
    cloud_cover: Any = None
    additional_attributes: Any = None
    platforms: Any = None
    pge_version_class: Any = msgspec.field(name="PGEVersionClass", default=None)


class Granule(msgspec.Struct, gc=False):
    """A granule: one thing that CMR knows of and its archive has."""

    meta: Meta
    umm: Umm


def product(
    granule: Granule, *, collection: str, level_given: Level | None, wanted: Sequence[str], url: str
) -> Product:
    """Say what watcher understands of a granule; `wanted` and `url` are settings of the Kind."""
    meta, umm = granule.meta, granule.umm
    attributes, data = _attributes(umm), _dict(umm.data_granule)
    files = tuple(_files(umm, data, wanted))
    only = files[0] if len(files) == 1 else None
    updated = moment(meta.revision_date)
    produced = moment(data.get("ProductionDateTime"))
    title = nonempty(umm.granule_ur) or meta.concept_id
    platforms = [one for one in _list(umm.platforms) if isinstance(one, dict)]
    instruments = [_dict(one).get("ShortName") for platform in platforms for one in _list(platform.get("Instruments"))]
    return Product(
        collection=collection,
        id=identity(meta.concept_id),
        title=title,
        level=level_given,
        acquired=acquired(umm)[0],
        revision=revisions.token(
            updated=updated.isoformat() if updated else f"revision {meta.revision_id}",
            produced=produced.isoformat() if produced else None,
            version=nonempty(_dict(umm.pge_version_class).get("PGEVersion")),
            checksum=only.checksum if only else None,
            size=only.size if only else None,
        ),
        published=_date(umm.provider_dates, "Insert"),
        updated=updated,
        learnt=updated,
        cloud=_cloud(umm.cloud_cover, attributes.get("CLOUD_COVERAGE")),
        platform=", ".join(filter(None, (nonempty(one.get("ShortName")) for one in platforms))).lower() or None,
        instrument=", ".join(filter(None, map(nonempty, instruments))).lower() or None,
        geometry=footprint(umm.spatial_extent),
        link=f"{url}/concepts/{meta.concept_id}.html",
        quicklook=_quicklook(umm),
        assets=files,
        grid=cell(attributes.get("MGRS_TILE_ID", "")) or named(title),
    )


def acquired(umm: Umm) -> tuple[datetime | None, datetime | None]:
    """Return the first and last moment of acquisition."""
    match umm.temporal_extent:
        case {"SingleDateTime": text}:
            return moment(text), moment(text)
        case {"RangeDateTime": {"BeginningDateTime": first, **rest}}:
            return moment(first), moment(rest.get("EndingDateTime")) or moment(first)
    return None, None


def _files(umm: Umm, data: Mapping[str, Any], wanted: Sequence[str]) -> Iterator[Asset]:
    """Yield the files at https addresses; what lies in a bucket can be fetched within its cloud region only."""
    described = {str(one.get("Name")): one for one in _described(data.get("ArchiveAndDistributionInformation"))}
    keys: set[str] = set()
    for one in _list(umm.related_urls):
        match one:
            case {"Type": "GET DATA", "URL": str(href), **rest} if href.startswith("https://"):
                name = path(href).rpartition("/")[2]
                if name in keys or (wanted and not name.endswith(tuple(wanted))):
                    continue
                keys.add(name)
                said = described.get(name, {})
                size = said.get("SizeInBytes")
                yield Asset(
                    key=name,
                    href=href,
                    type=nonempty(rest.get("MimeType")) or nonempty(said.get("MimeType")),
                    size=size if isinstance(size, int) and size > 0 else None,
                    checksum=_checksum(said.get("Checksum")),
                )


def _described(listed: Any) -> Iterator[Mapping[str, Any]]:
    for one in _list(listed):
        if isinstance(one, dict):
            yield one
            yield from _described(one.get("Files"))


def _checksum(said: Any) -> str | None:
    match said:
        case {"Algorithm": str(algorithm), "Value": str(value)} if algorithm.upper() in _ALGORITHMS:
            digits = value.strip().lower()
            return (
                None if not digits or digits.strip("0123456789abcdef") else f"{_ALGORITHMS[algorithm.upper()]}:{digits}"
            )
    return None


def _attributes(umm: Umm) -> dict[str, str]:
    found = {}
    for one in _list(umm.additional_attributes):
        match one:
            case {"Name": str(name), "Values": [str(value), *_]}:
                found[name] = value
    return found


def _quicklook(umm: Umm) -> str | None:
    for one in _list(umm.related_urls):
        match one:
            case {"Type": "GET RELATED VISUALIZATION", "URL": str(href)} if href.startswith("https://"):
                if path(href).lower().endswith(_IMAGES):
                    return href
    return None


def _cloud(*said: object) -> float | None:
    for value in said:
        try:
            percent = float(value) if isinstance(value, str | int | float) else math.nan
        except (ValueError, OverflowError):
            continue
        if 0 <= percent <= 100:
            return percent
    return None


def _date(listed: Any, kind: str) -> datetime | None:
    times = [moment(one.get("Date")) for one in _list(listed) if isinstance(one, dict) and one.get("Type") == kind]
    return times[0] if times else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
