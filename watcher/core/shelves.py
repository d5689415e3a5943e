"""Where a product lies in the archive. Pure, and unable to climb out of it.

A path is made of names that hold only `A-Z a-z 0-9 . _ -`, so nothing that a catalogue says can become a directory
change, a hidden file, an option or a control character.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from watcher.model import Asset, Product

_SUFFIXES = {
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/gzip": ".tgz",
    "application/x-gzip": ".tgz",
    "application/x-tar": ".tar",
    "application/x-tar+gzip": ".tgz",
    "image/jp2": ".jp2",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "application/xml": ".xml",
    "application/json": ".json",
}
_EXTENSION = re.compile(r"(\.tar)?\.[A-Za-z0-9]{1,8}$")
_UNFINISHED = re.compile(r"\.part(ial|\.json(\.new)?)?$", re.IGNORECASE)
"""What the names of unfinished downloads end in: no product may take such a name from another's."""


def shelf(product: Product, *, site: str, version: int = 1) -> PurePosixPath:
    """Return a product's place, relative to the archive: `site/level/title`, without suffix.

    `version` above 1 tells apart what would lie in the same place: a reprocessed product stands beside the first.
    """
    name = safe(product.title)
    return PurePosixPath(safe(site), safe(product.level or "unknown"), name if version == 1 else f"{name}.v{version}")


def suffix(asset: Asset) -> str:
    """Return the suffix of an asset's file, from its media type, else from its address, else none."""
    if asset.type:
        kind = asset.type.split(";")[0].strip().lower()
        if kind in _SUFFIXES:
            return _SUFFIXES[kind]
    found = _EXTENSION.search(urlsplit(asset.href).path)
    return found.group(0).lower() if found and not _UNFINISHED.search(found.group(0)) else ""


def file_name(asset: Asset) -> str:
    """Return what an asset's file is called in the directory of its product."""
    return f"{safe(asset.key)}{suffix(asset)}"


def member_path(name: str) -> PurePosixPath:
    """Return where a member of an archive lies in the directory of its product."""
    return PurePosixPath(*(safe(part) for part in name.split("/") if part not in ("", ".")))


def safe(name: str) -> str:
    """Return a file name for a name: itself when it is plain and short, else its plain letters and a hash of it."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")
    if kept and kept == name and len(kept) <= 120 and not _UNFINISHED.search(kept):
        return kept
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{kept[:80].rstrip('.-') or 'product'}-{digest}"
