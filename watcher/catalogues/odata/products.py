"""An entity of the catalogue as its bytes are read, and a Product made of it.

Products and DeletedProducts of CDSE's OData v1, with their Attributes and Assets. Only what watcher needs is decoded. A
property is taken for what it should be or not at all: one odd value must not hide the others on its page.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from watcher.core.ground.grids import cell, named
from watcher.core.identity import revisions
from watcher.core.moments import moment
from watcher.levels import Level, level
from watcher.model import Asset, Product
from watcher.names import identity, nonempty, utf8

_FOLDERS = (".SAFE", ".SEN3")
"""What is a folder in the archive comes home as a zip of it."""

_DIGITS = {"md5": 32, "blake3": 64}


class Entity(msgspec.Struct, gc=False, rename="pascal"):
    """A product as the server writes it; times are text."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str
    content_length: Any = None
    publication_date: Any = None
    modification_date: Any = None
    deletion_date: Any = None
    deletion_cause: Any = None
    online: Any = None
    checksum: Any = None
    content_date: Any = None
    geo_footprint: msgspec.Raw = msgspec.Raw(b"null")
    attributes: Any = None
    assets: Any = None

    def time(self, field: str) -> Any:
        """Return the text of a time by its name in a filter (`ContentDate/Start`, `PublicationDate`)."""
        match field, self.content_date:
            case "ContentDate/Start", {"Start": text}:
                return text
            case (("PublicationDate" | "ModificationDate" | "DeletionDate"), _):
                return {
                    "PublicationDate": self.publication_date,
                    "ModificationDate": self.modification_date,
                    "DeletionDate": self.deletion_date,
                }[field]
        return None

    def said(self) -> dict[str, Any]:
        """Return the attributes by name."""
        listed = self.attributes if isinstance(self.attributes, list) else ()
        return {
            str(one["Name"]): one["Value"]
            for one in listed
            if isinstance(one, dict) and {"Name", "Value"} <= one.keys()
        }


class Dated(Entity):
    """An entity of which no more is to be read than its times."""

    id: Any = None
    name: Any = None


def product(entity: Entity, *, collection: str, level_given: Level | None, url: str, download: str) -> Product:
    """Say what watcher understands of an entity; `url` and `download` are those of the Kind, without a last slash."""
    said = entity.said()
    published, updated = moment(entity.publication_date), moment(entity.modification_date)
    deleted = moment(entity.deletion_date)
    gone = deleted is not None or entity.deletion_cause is not None
    produced = moment(said.get("processingDate"))
    size = entity.content_length if isinstance(entity.content_length, int) and entity.content_length > 0 else None
    checksum = _checksum(entity.checksum)
    files: tuple[Asset, ...] = ()
    if not gone and entity.online is not False:  # what is not online has to be ordered by hand, and then is
        packed = "application/zip" if entity.name.endswith(_FOLDERS) else None
        files = (Asset("product", f"{download}/Products({entity.id})/$value", packed, size, checksum, _online(entity)),)
    return Product(
        collection=collection,
        id=identity(entity.id),
        title=entity.name.removesuffix(".SAFE"),
        level=level_given or _level(said),
        acquired=moment(entity.time("ContentDate/Start")),
        revision=revisions.token(
            updated=updated.isoformat() if updated else None,
            produced=produced.isoformat() if produced else None,
            version=nonempty(said.get("processorVersion")),
            checksum=checksum,
            size=size,
        ),
        published=published,
        updated=updated,
        learnt=deleted if gone else max(filter(None, (published, updated)), default=None),
        cloud=_cloud(said.get("cloudCover")),
        platform=_platform(said),
        instrument=(nonempty(said.get("instrumentShortName")) or "").lower() or None,
        geometry=utf8(geometry) if (geometry := bytes(entity.geo_footprint)) != b"null" else None,
        link=f"{url}/{'DeletedProducts' if gone else 'Products'}({entity.id})",
        quicklook=None if gone else _quicklook(entity.assets),
        assets=files,
        grid=cell(str(said.get("tileId") or "")) or named(entity.name),
        withdrawn=(nonempty(entity.deletion_cause) or "deleted") if gone else None,
    )


def _online(entity: Entity) -> bool | None:
    return entity.online if isinstance(entity.online, bool) else None


def _checksum(listed: Any) -> str | None:
    """Choose the MD5: it is there first, and a revision must not change when another one follows."""
    found = {}
    for one in listed if isinstance(listed, list) else ():
        match one:
            case {"Algorithm": str(name), "Value": str(text)}:
                algorithm, digits = name.lower().replace("-", ""), text.strip().lower()
                if len(digits) == _DIGITS.get(algorithm) and not digits.strip("0123456789abcdef"):
                    found[algorithm] = f"{algorithm}:{digits}"
    return found.get("md5") or found.get("blake3")


def _level(said: dict[str, Any]) -> Level | None:
    words = [word for word in (nonempty(said.get("processingLevel")), nonempty(said.get("productType"))) if word]
    names = [level(word) for word in words]
    # A product type may be no level at all (`AUX_POEORB`), so a name of ours wins over a server's own word.
    return next((name for name in names if name[:1] == "L" and name[1:2].isdigit()), names[0] if names else None)


def _platform(said: dict[str, Any]) -> str | None:
    short = (nonempty(said.get("platformShortName")) or "").lower()
    serial = (nonempty(said.get("platformSerialIdentifier")) or "").lower()
    joins = short[-1:].isdigit() and len(serial) == 1 and serial.isalpha()
    return (short + serial if joins else short) or None


def _quicklook(assets: Any) -> str | None:
    for asset in assets if isinstance(assets, list) else ():
        match asset:
            case {"Type": "QUICKLOOK", "DownloadLink": str(link)} if link.startswith("https://"):
                return link
    return None


def _cloud(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 100 else None
