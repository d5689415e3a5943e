"""Zip and tgz files: told by their first bytes, and read to their end.

Nothing is ever unpacked. A product's archive is opened by people's tools, though, so one that would write
outside its directory or blow up is refused here.
"""

from __future__ import annotations

import os
import stat
import threading
import zipfile
import zlib
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from watcher.errors import TransferError
from watcher.model import Asset

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"

MOST_NAMES = 50_000
MOST_RATIO = 200

_STEP = 1024 * 1024
_GZIP_TYPES = ("gzip", "x-gtar", "x-tgz", "x-compressed")
_GZIP_ENDINGS = (".tgz", ".gz")


def is_archive(asset: Asset, name: str) -> bool:
    """Say whether an asset ought to be a zip or tgz file, by its type, its address or its name to be."""
    return _looks(asset, name, ("zip", *_GZIP_TYPES), (".zip", *_GZIP_ENDINGS))


def is_gzip(asset: Asset, name: str) -> bool:
    """Say whether an asset ought to be a gzip file."""
    return _looks(asset, name, _GZIP_TYPES, _GZIP_ENDINGS)


def _looks(asset: Asset, name: str, types: tuple[str, ...], endings: tuple[str, ...]) -> bool:
    kind = (asset.type or "").split(";")[0].strip().lower()
    return kind.endswith(types) or any(text.lower().endswith(endings) for text in (name, urlsplit(asset.href).path))


def proof(fd: int, *, whole: bool, stop: threading.Event) -> str | None:
    """Check the archive behind `fd`, and return what it proved to be: ``zip``, ``tgz``, or `None` if neither.

    Its structure is read always, its contents against their checksums if `whole`. Raises `TransferError` for
    an archive that is broken (another try may help) or malicious (`permanent`), and when `stop` is set.
    """
    first = os.pread(fd, 4, 0)
    if first == ZIP:
        _check_zip(fd, whole=whole, stop=stop)
        return "zip"
    if first[:2] == GZIP:
        if whole:
            _check_gzip(fd, stop)
        return "tgz"
    return None


def _check_zip(fd: int, *, whole: bool, stop: threading.Event) -> None:
    try:
        with open(fd, "rb", closefd=False) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_names(members, os.fstat(fd).st_size)
            for member in members if whole else ():
                _read(archive, member, stop)
    except (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError, ValueError, OSError) as error:
        raise TransferError(f"the zip file is broken: {error}") from error


def _check_names(members: list[zipfile.ZipInfo], size: int) -> None:
    if len(members) > MOST_NAMES:
        raise TransferError(f"the zip file has {len(members)} names, more than {MOST_NAMES}", permanent=True)
    if sum(member.file_size for member in members) > MOST_RATIO * size:
        raise TransferError(f"the zip file would unpack to more than {MOST_RATIO} times its size", permanent=True)
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
            raise TransferError(
                f"the zip file would write outside its directory: {member.filename[:80]!r}", permanent=True
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise TransferError(f"the zip file has a link in it: {member.filename[:80]!r}", permanent=True)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, stop: threading.Event) -> None:
    try:
        file = archive.open(member)
    except NotImplementedError:
        return  # packed in a way that Python cannot unpack; its place in the directory has been checked
    with file:
        while file.read(_STEP):  # zipfile compares the CRC at the end
            if stop.is_set():
                raise TransferError("stopped")


def _check_gzip(fd: int, stop: threading.Event) -> None:
    inflate = zlib.decompressobj(wbits=31)
    at, unpacked, limit = 0, 0, MOST_RATIO * os.fstat(fd).st_size + _STEP
    padding = False
    while piece := os.pread(fd, _STEP, at):
        at += len(piece)
        while piece:
            if stop.is_set():
                raise TransferError("stopped")
            if inflate.eof:  # members may follow one another, or zeros that fill a tape's block
                padding = not piece.strip(b"\0")
                if padding:
                    break
                inflate = zlib.decompressobj(wbits=31)
            try:
                unpacked += len(inflate.decompress(piece, 4 * _STEP))
            except zlib.error as error:
                raise TransferError(f"the tgz file is broken: {error}") from error
            if unpacked > limit:
                raise TransferError(
                    f"the tgz file would unpack to more than {MOST_RATIO} times its size", permanent=True
                )
            piece = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
    if not inflate.eof:
        raise TransferError("the tgz file is broken: it ends in the middle")
