"""The files of a STAC Item: which of them to download, which to show, and what is known of each.

STAC Item 1.0/1.1 assets, with the file extension's size and checksum (a multihash).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from watcher.model import Asset
from watcher.names import nonempty

_ALGORITHMS = {"11": ("sha1", 20), "12": ("sha256", 32), "13": ("sha512", 64), "20": ("sha384", 48)}
_ARCHIVES = (
    "application/zip",
    "application/x-tar",
    "application/tar",
    "application/gzip",
    "application/x-gzip",
)
_IMAGES = ("image/jpeg", "image/jpg", "image/png", "image/webp")


class File(msgspec.Struct, gc=False):
    """A STAC Asset."""

    href: Any = None
    type: Any = None
    roles: Any = None
    alternate: Any = None
    size: Any = msgspec.field(name="file:size", default=None)
    checksum: Any = msgspec.field(name="file:checksum", default=None)


def wanted(files: Mapping[str, File], keys: Collection[str]) -> tuple[Asset, ...]:
    """Choose the assets to download: those named; with no names the product's archive, if it has exactly one.

    An archive is a zip or tar by its media type, or by its name where it has none. Bands are never taken unasked:
    a Sentinel-2 item has some twenty, and who wants them says so. Only http and https can be fetched, so `s3://`
    is left out.
    """
    if keys:
        # CDSE writes `Product` in one collection, `product` in another.
        spelt = {key.lower(): key for key in files}
        own = [key if key in files else spelt.get(key.lower(), "") for key in keys]
        return tuple(_asset(key, files[key]) for key in own if key in files and http(files[key].href))
    archives = [(key, file) for key, file in files.items() if _archive(file) and http(file.href)]
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
    return Asset(key=key, href=file.href, type=nonempty(file.type), size=size, checksum=digest(file.checksum))


def _archive(file: File) -> bool:
    kind = nonempty(file.type)
    if kind is not None and kind != "application/octet-stream":
        return _packs(kind)
    return urlsplit(str(file.href)).path.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))


@lru_cache(maxsize=256)
def _packs(kind: str) -> bool:
    return kind.partition(";")[0].rstrip().lower() in _ARCHIVES


def quicklook(files: Mapping[str, File]) -> str | None:
    """Choose the picture to show: the thumbnail, else the overview, if it is one that mail readers show."""
    for role in ("thumbnail", "overview"):
        for file in files.values():
            shown = isinstance(file.roles, list) and role in file.roles and nonempty(file.type) in _IMAGES
            if shown and http(file.href):
                return str(file.href)
    return None


def http(href: object) -> bool:
    """Say whether a file lies where it can be fetched."""
    return isinstance(href, str) and href[:8].lower().startswith(("https://", "http://"))
