"""Tar and tgz files: whole to their end, and harmless by their names and sizes."""

from __future__ import annotations

import io
import os
import tarfile
import threading
import zlib
from pathlib import PurePosixPath
from typing import IO, Self, cast

from watcher.errors import TransferError
from watcher.transfer.zips import MOST_NAMES, MOST_RATIO, check_name

BLOCK = 512
_STEP = 1024 * 1024


def is_tar(first: bytes) -> bool:
    """Say whether this is the header of a tar: its checksum is right (POSIX.1-1988, ustar)."""
    if len(first) < BLOCK:
        return False
    try:
        said = int(first[148:156].strip(b"\0 ") or b"x", 8)
    except ValueError:
        return False
    return said == sum(first[:148]) + 8 * 32 + sum(first[156:BLOCK])


def check(fd: int, stop: threading.Event) -> None:
    """Read the headers of the tar file behind `fd`; errors as of `archives.proof`."""
    size = os.fstat(fd).st_size
    with open(fd, "rb", closefd=False) as file:
        file.seek(0)
        end = _members(file, "tar", stop, seekable=True)
    if end > size:
        raise TransferError(f"the tar file is broken: it ends after {size} of {end} bytes")


def check_packed(fd: int, stop: threading.Event) -> None:
    """Inflate the tgz file behind `fd` to its end, and read the headers of the tar in it, if there is one."""
    with _Inflated(fd, stop) as inflated:
        buffered = io.BufferedReader(inflated, _STEP)
        if is_tar(buffered.peek(BLOCK)[:BLOCK]):
            _members(cast("IO[bytes]", buffered), "tgz", stop, seekable=False)
        while buffered.read(_STEP):  # its checksum is at the end
            pass


def _members(file: IO[bytes], kind: str, stop: threading.Event, *, seekable: bool) -> int:
    """Look at each member, and return where the last of them ends."""
    count = end = 0
    try:
        with tarfile.open(fileobj=file, mode="r:" if seekable else "r|", bufsize=_STEP, tarinfo=_Header) as archive:
            for member in archive:
                count += 1
                archive.members = []  # type: ignore[attr-defined]  # or it would keep them all
                _check(member, kind)
                end = member.offset_data + (member.size if member.isreg() else 0)
                if count > MOST_NAMES:
                    raise TransferError(f"the {kind} file has more than {MOST_NAMES} names", permanent=True)
                if stop.is_set():
                    raise TransferError("stopped")
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise TransferError(f"the {kind} file is broken: {error}") from error
    return end


def _check(member: tarfile.TarInfo, kind: str) -> None:
    check_name(member.name, kind)
    if member.issym() or member.islnk():
        # A link within the product is harmless, and some have them: to the directory of another mask.
        base = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
        depth = 0
        for part in (*base.parts, *PurePosixPath(member.linkname).parts):
            depth += -1 if part == ".." else 1
            if depth < 0 or part == "/":
                raise TransferError(
                    f"the {kind} file has a link that leads out of it: {member.name[:80]!r}", permanent=True
                )
    elif not (member.isreg() or member.isdir()):
        raise TransferError(f"the {kind} file has a device in it: {member.name[:80]!r}", permanent=True)


class _Header(tarfile.TarInfo):
    """A header that is right. To `tarfile` a broken one is the end of the tape, and hides what other tools find."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """Read the next one."""
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if type(error).__name__ in ("InvalidHeaderError", "TruncatedHeaderError"):
                raise tarfile.ReadError(str(error)) from error
            raise  # the end, with or without the zeros that mark it


class _Inflated(io.RawIOBase):
    """What is in a gzip file (RFC 1952), with a limit to how much larger it may be; its checksums are compared."""

    def __init__(self, fd: int, stop: threading.Event) -> None:
        self._fd, self._stop = fd, stop
        self._inflate = zlib.decompressobj(wbits=31)
        self._at, self._unpacked, self._rest, self._padding = 0, 0, b"", False
        self._limit = MOST_RATIO * os.fstat(fd).st_size + _STEP

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`; 0 at the end. Raises `TransferError` for one that is broken, or blows up."""
        while True:
            if self._stop.is_set():
                raise TransferError("stopped")
            if not self._rest:
                self._rest = os.pread(self._fd, _STEP, self._at)
                self._at += len(self._rest)
                if not self._rest:
                    if not self._inflate.eof:
                        raise TransferError("the tgz file is broken: it ends in the middle")
                    return 0
            if self._inflate.eof:  # members may follow one another, or zeros that fill a tape's block
                self._padding = self._padding or not self._rest.strip(b"\0")
                if self._padding:
                    self._rest = b""
                    continue
                self._inflate = zlib.decompressobj(wbits=31)
            try:
                some = self._inflate.decompress(self._rest, len(buffer))
            except zlib.error as error:
                raise TransferError(f"the tgz file is broken: {error}") from error
            self._rest = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            self._unpacked += len(some)
            if self._unpacked > self._limit:
                raise TransferError(
                    f"the tgz file would unpack to more than {MOST_RATIO} times its size", permanent=True
                )
            if some:
                buffer[: len(some)] = some
                return len(some)
