"""The directory of feeds: each file is put there whole, if it is another than before; only what is ours is removed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from watcher.core.feeds.feed import ATOM, CALENDAR, GEOJSON, JSON, STAC
from watcher.errors import StoreError
from watcher.names import key

_NOTE = ".watcher-feeds.json"
_FOLDER = re.compile(r"sites/[a-z0-9]+(-[a-z0-9]+)*")
_ITEM = re.compile(r"[A-Za-z0-9_-]+-[0-9a-f]{8}\.json")


class Wrote(msgspec.Struct, frozen=True):
    """What came of it: the sites that were written of, and the files written, left as they were, and removed."""

    sites: int = 0
    written: int = 0
    same: int = 0
    removed: int = 0


def folder(site: str) -> str:
    """Return where the feeds of a site lie: its name in letters, digits and hyphens, and a digest if that says less."""
    name = key(site)
    if re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", name) and len(name) <= 60:
        return f"sites/{name.replace(' ', '-')}"
    word = re.sub(r"[^a-z0-9]+", "-", name)[:60].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"sites/{word}-{digest}" if word else f"sites/{digest}"


class Files:
    """The files below a directory; `wrote` counts what was done to them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.wrote = Wrote()

    def put(self, name: str, content: bytes) -> None:
        """Put a file there, all at once."""
        with self._naming():
            if self._write(name, content):
                self.wrote = msgspec.structs.replace(self.wrote, written=self.wrote.written + 1)
            else:
                self.wrote = msgspec.structs.replace(self.wrote, same=self.wrote.same + 1)

    def tidy(self, name: str, wanted: Collection[str]) -> None:
        """Remove the items in a directory that are no longer wanted."""
        with self._naming():
            for path in sorted((self._directory / name).glob("*.json")):
                if path.name not in wanted and _ITEM.fullmatch(path.name):
                    self._unlink(path)
            self._sweep(self._directory / name)

    def remove(self, name: str) -> None:
        """Remove the feeds of a site that is no more; what is not ours stays."""
        if not _FOLDER.fullmatch(name):
            return
        self.tidy(f"{name}/items", ())
        at = self._directory / name
        with self._naming():
            for file in (ATOM, JSON, GEOJSON, CALENDAR, STAC):
                if (at / file).exists():
                    self._unlink(at / file)
            self._sweep(at)
            for path in (at / "items", at):
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()

    def kept(self) -> bytes:
        """Return the note that was kept, empty if there is none."""
        with self._naming():
            try:
                return (self._directory / _NOTE).read_bytes()
            except FileNotFoundError:
                return b""

    def keep(self, note: bytes) -> None:
        """Keep a note of what was written."""
        with self._naming():
            self._write(_NOTE, note)

    def _write(self, name: str, content: bytes) -> bool:
        path = self._directory / name
        try:
            if path.read_bytes() == content:
                return False
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(beside, flags, 0o666), "wb") as file:
                file.write(content)
            beside.replace(path)
        except OSError:
            # Half a file would take the space that a full disk has not.
            beside.unlink(missing_ok=True)
            raise
        return True

    def _sweep(self, at: Path) -> None:
        """Remove what a process that was killed did not finish."""
        for path in at.glob(".*.new"):
            path.unlink()

    def _unlink(self, path: Path) -> None:
        path.unlink()
        self.wrote = msgspec.structs.replace(self.wrote, removed=self.wrote.removed + 1)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"the feeds in {self._directory} cannot be written: {error.strerror or error}",
                hint="look at the directory, its owner and its disk; [feeds] names it",
                permanent=False,
            ) from error
