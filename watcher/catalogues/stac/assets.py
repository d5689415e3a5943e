"""The files of a STAC Item: which of them to download, which to show, and what is known of each.

STAC Item 1.0/1.1 assets, with the file extension's size and checksum (a multihash).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from watcher.core.archive.checksums import multihash
from watcher.core.archive.picking import picked
from watcher.errors import UsageError
from watcher.model import Asset
from watcher.names import nonempty, path, plain

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


def wanted(files: Mapping[str, File], words: Collection[str]) -> tuple[Asset, ...]:
    """Choose the assets to download: those named; with no names the product's archive, if it has exactly one.

    A name is an asset's key, a pattern of keys (`B0?`, `*_60m`), or `role:` and a role (`role:data`); an asset that
    several of them name is taken once. An archive is a zip or tar by its media type, or by its name where it has none.
    Bands are never taken unasked: a Sentinel-2 item has some twenty, and who wants them says so. Only http and https
    can be fetched, so `s3://` is left out.
    """
    if words:
        chosen: dict[str, None] = {}
        for word in words:
            chosen.update(dict.fromkeys(_named(files, word)))
        return tuple(_asset(key, files[key]) for key in chosen if http(files[key].href))
    archives = [(key, file) for key, file in files.items() if _archive(file) and http(file.href)]
    return (_asset(*archives[0]),) if len(archives) == 1 else ()


def chosen(files: Mapping[str, File], words: Collection[str], title: str) -> tuple[Asset, ...]:
    """Choose as `wanted` does. Raises `UsageError` for a name of no asset, or of none that can be fetched."""
    title = plain(title)
    for word in words:
        keys = _named(files, word)
        if not keys:
            raise UsageError(f'no asset of {title} is "{plain(word)}"', hint=_known(files))
        if not any(http(files[key].href) for key in keys):
            place = plain(str(files[keys[0]].href))
            raise UsageError(
                f"the asset {plain(keys[0])} of {title} is at {place}, which is no http address",
                hint="for one in a bucket, the setting `s3` of the catalogue names the endpoint that has it",
            )
    return wanted(files, words)


def _known(files: Mapping[str, File]) -> str:
    roles = {nonempty(role) for file in files.values() if isinstance(file.roles, list) for role in file.roles}
    said = [f"its assets are {', '.join(files)}"] if files else ["it has no assets"]
    named = [f"role:{role}" for role in sorted(filter(None, roles))]
    return plain("; ".join(said + ([f"their roles are {', '.join(named)}"] if named else [])), limit=2000)


def _named(files: Mapping[str, File], word: str) -> Sequence[str]:
    if word in files:
        return [word]
    if word.startswith("role:"):
        role = word.removeprefix("role:")
        return [key for key, file in files.items() if isinstance(file.roles, list) and role in file.roles]
    # CDSE writes `Product` in one collection, `product` in another.
    return picked(files, word)


def _asset(key: str, file: File) -> Asset:
    size = file.size if isinstance(file.size, int) and file.size > 0 else None
    known = multihash(file.checksum)
    return Asset(key, file.href, nonempty(file.type), size, str(known) if known else None)


def _archive(file: File) -> bool:
    kind = nonempty(file.type)
    if kind is not None and kind != "application/octet-stream":
        return _packs(kind)
    return path(str(file.href)).lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))


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
