"""The spool: where products lie, proven, until they are in the bucket."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

import msgspec

from watcher.archive.lot import Lot
from watcher.core.archive.sidecars import File
from watcher.decoding import decoder
from watcher.transfer.beside import put_beside
from watcher.transfer.remove import forget, remove

_END = ".proven.json"


class _Record(msgspec.Struct, frozen=True):
    """Which lot it is that lies there, and its files."""

    mark: str
    files: tuple[File, ...]


_read_record = decoder(_Record).decode


class Spool(msgspec.Struct, frozen=True):
    """The directory `root`: the same places as in the bucket, each with a record beside it once it is proven."""

    root: Path

    def path(self, place: str) -> Path:
        """Return the path of a place."""
        return self.root / place

    def file(self, place: str, file: File) -> Path:
        """Return the path of a product's file."""
        return self.root / place / file.name if file.name else self.root / place

    def note(self, lot: Lot, files: tuple[File, ...]) -> None:
        """Record that a lot lies there, proven: so it need not be fetched again. Raises `TransferError`."""
        content = msgspec.json.encode(_Record(lot.mark, files))
        put_beside(self.path(lot.place).with_name(_record(lot.place)), content)

    def proven(self, lot: Lot) -> tuple[File, ...] | None:
        """Return the files of a lot that was proven and lies there; what is left of another one is removed."""
        try:
            content = self.path(lot.place).with_name(_record(lot.place)).read_bytes()
        except OSError:
            return None
        try:
            record = _read_record(content)
        except msgspec.MsgspecError:
            record = None
        if record is None or record.mark != lot.mark or not all(self._there(lot.place, file) for file in record.files):
            self.clear(lot.place)
            return None
        return record.files

    def waiting(self) -> bool:
        """Say whether anything that was proven waits for the bucket."""
        # Not by rglob, which fails on a directory that another thread has just removed.
        return any(name.endswith(_END) for _, _, names in os.walk(self.root) for name in names)

    def clear(self, place: str) -> None:
        """Remove what lies at a place, and its record, first."""
        remove(self.root, self.path(place), _record(place))

    def forget(self, place: str) -> None:
        """Remove what lies at a place, and what was begun of it."""
        forget(self.path(place))
        self.clear(place)

    def _there(self, place: str, file: File) -> bool:
        try:
            found = self.file(place, file).lstat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == file.size


def _record(place: str) -> str:
    return f"{PurePosixPath(place).name}{_END}"
