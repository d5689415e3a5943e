"""Zip files: whole by their directory and the checksums of their members, and harmless by their names and sizes."""

from __future__ import annotations

import os
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from watcher.errors import TransferError

MOST_NAMES = 50_000
MOST_RATIO = 200
MOST_DIRECTORY = 64 * 2**20
"""Bytes of a directory: those of 50,000 names have some 5 MB."""

BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError, ValueError, OSError, struct.error)
"""What `zipfile` raises for one that is broken."""

_STEP = 1024 * 1024
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


def check(fd: int, *, whole: bool, stop: threading.Event) -> None:
    """Read the directory of the zip file behind `fd`, and its members if `whole`; errors as of `archives.proof`."""
    size = os.fstat(fd).st_size
    check_directory(lambda at, count: os.pread(fd, count, at), size)
    try:
        with open(fd, "rb", closefd=False) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            check_members(members, size)
            for member in members if whole else ():
                _read(archive, member, stop)
    except BROKEN as error:
        raise TransferError(f"the zip file is broken: {error}") from error


def check_directory(read: Callable[[int, int], bytes], size: int) -> None:
    """Look at how large the directory of a zip file says to be, before it is read.

    `read(at, count)` gives bytes of it. Raises `TransferError` (`permanent`) for one that is too large to be honest.
    """
    tail = read(max(0, size - 65_557), min(size, 65_557))  # its end, and the longest comment
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        return  # which zipfile says better
    count, length = struct.unpack_from("<10xHL", tail, at)
    if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR_64:
        (where,) = struct.unpack_from("<8xQ", tail, at - 20)
        large = read(min(where, size), 56)
        if large[:4] == _END_64 and len(large) == 56:
            count, length = struct.unpack_from("<32xQQ", large)
    if count > MOST_NAMES or length > MOST_DIRECTORY:
        raise TransferError(
            f"the zip file has {count} names in a directory of {length} bytes, more than {MOST_NAMES}", permanent=True
        )


def check_members(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Raise `TransferError` (`permanent`) for a zip file of `size` bytes that would do harm when it is unpacked."""
    if len(members) > MOST_NAMES:
        raise TransferError(f"the zip file has {len(members)} names, more than {MOST_NAMES}", permanent=True)
    if sum(member.file_size for member in members) > MOST_RATIO * size:
        raise TransferError(f"the zip file would unpack to more than {MOST_RATIO} times its size", permanent=True)
    if sum(member.compress_size for member in members) > size:
        raise TransferError("the zip file has members that lie in each other", permanent=True)
    for member in members:
        if not member.filename:
            raise TransferError("the zip file is broken: a member has no name")
        check_name(member.filename, "zip")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "a link" if kind == stat.S_IFLNK else "a device"
            raise TransferError(f"the zip file has {what} in it: {member.filename[:80]!r}", permanent=True)


def check_name(name: str, kind: str) -> None:
    """Raise `TransferError` (`permanent`) for a name that leads out of the directory in which it is unpacked."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")) or "\0" in name:
        raise TransferError(f"the {kind} file would write outside its directory: {name[:80]!r}", permanent=True)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, stop: threading.Event) -> None:
    try:
        file = archive.open(member)
    except NotImplementedError:
        return  # packed in a way that Python cannot unpack; its place in the directory has been checked
    with file:
        while file.read(_STEP):  # zipfile compares the CRC at the end
            if stop.is_set():
                raise TransferError("stopped")
