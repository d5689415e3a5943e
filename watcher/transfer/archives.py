"""Archives: told by their first bytes, and read to their end.

Nothing is ever unpacked. A product's archive is opened by people's tools, though, so one that would write
outside its directory or blow up is refused here.
"""

from __future__ import annotations

import os
import threading
from urllib.parse import urlsplit

from watcher.model import Asset
from watcher.transfer import tars, zips
from watcher.transfer.tars import is_tar as is_tar

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"

_GZIP_TYPES = ("gzip", "x-gtar", "x-tgz", "x-compressed")
_GZIP_ENDINGS = (".tgz", ".gz")
_TYPES = ("zip", "zip-compressed", "x-tar", "application/tar", *_GZIP_TYPES)


def is_archive(asset: Asset, name: str) -> bool:
    """Say whether an asset ought to be a zip, tgz or tar file, by its type, its address or its name to be."""
    return _looks(asset, name, _TYPES, (".zip", ".tar", *_GZIP_ENDINGS))


def is_gzip(asset: Asset, name: str) -> bool:
    """Say whether an asset ought to be a gzip file."""
    return _looks(asset, name, _GZIP_TYPES, _GZIP_ENDINGS)


def _looks(asset: Asset, name: str, types: tuple[str, ...], endings: tuple[str, ...]) -> bool:
    kind = (asset.type or "").split(";")[0].strip().lower()
    return kind.endswith(types) or any(text.lower().endswith(endings) for text in (name, urlsplit(asset.href).path))


def proof(fd: int, *, whole: bool, stop: threading.Event) -> str | None:
    """Check the archive behind `fd`; return what it proved to be, ``zip``, ``tgz`` or ``tar``, or `None` if neither.

    Its structure is read always, its contents against their checksums if `whole` (a tar has none, but for its headers);
    of a tgz both only if `whole`, since its structure cannot be read without inflating all of it.
    Raises `TransferError` for an archive that is broken (another try may help) or malicious (`permanent`), and when
    `stop` is set.
    """
    first = os.pread(fd, tars.BLOCK, 0)
    if first.startswith(ZIP):
        zips.check(fd, whole=whole, stop=stop)
        return "zip"
    if first.startswith(GZIP):
        if whole:
            tars.check_packed(fd, stop)
        return "tgz"
    if is_tar(first):
        tars.check(fd, stop)
        return "tar"
    return None
