"""An archive of directories."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from watcher.archive.lot import Lot, Tell
from watcher.core.archive.sidecars import File, sidecar_name
from watcher.model import Finding

if TYPE_CHECKING:
    from watcher.transfer.rate import Rate


class Disk(msgspec.Struct, frozen=True):
    """The directory `root`, an absolute path: a product is fetched to where it will lie."""

    root: Path

    @property
    def disk(self) -> Path:
        """Products are written where they lie."""
        return self.root

    @property
    def kind(self) -> str:
        """What it is called."""
        return "archive"

    def shown(self, place: str) -> str:
        """Return the path of a place."""
        return str(self.root / place)

    def workplace(self, place: str) -> Path:
        """Return the path of a place: until it is whole a product has another name there."""
        return self.root / place

    def found(
        self, lot: Lot, *, tell: Tell, stop: threading.Event, rate: Rate | None = None
    ) -> tuple[File, ...] | None:
        """Leave it to fetching, which keeps what is there already."""
        del lot, tell, stop, rate
        return None  # of two answers this is one

    def settle(
        self,
        lot: Lot,
        files: tuple[File, ...],
        sidecar: bytes | None,
        *,
        tell: Tell,
        stop: threading.Event,
        rate: Rate | None = None,
    ) -> bool:
        """Put beside a product what is said of it: it lies where it belongs already."""
        del files, tell, stop, rate
        if sidecar is not None:
            self._describe(lot.place, sidecar)
        return False

    def sidecar(self, place: str) -> str | None:
        """Return the path of what lies beside a product."""
        path = self._beside(place)
        return str(path) if path.exists() else None

    def describe(self, place: str, files: tuple[File, ...], sidecar: bytes) -> None:
        """Put beside a product what is said of it."""
        del files
        self._describe(place, sidecar)

    def mounted(self) -> None:
        """Raise `TransferError` when the directory is empty, as if its disk were not mounted."""
        from watcher.transfer.examine import mounted

        mounted(self.root)

    def there(self, place: str) -> bool:
        """Say whether a directory is there."""
        path = self.root / place
        return path.is_dir() and not path.is_symlink()

    def examine(self, place: str, file: File, *, deep: bool, stop: threading.Event) -> None:
        """Look at a file as `watcher.transfer.examine.examine` does."""
        from watcher.transfer.examine import examine

        examine(self._path(place, file), size=file.size, checksum=file.checksum, deep=deep, stop=stop)

    def set_aside(self, place: str, file: File) -> None:
        """Rename a file, if it is still there. Raises `TransferError`."""
        from watcher.transfer.directories import named

        path = self._path(place, file)
        with named(path, "renamed"), suppress(FileNotFoundError):
            path.rename(path.with_name(f"{path.name}.rotten"))

    def remove(self, place: str, files: Sequence[File]) -> None:
        """Remove a file or directory, what lies beside it, and the directories that are empty then."""
        del files
        from watcher.transfer.remove import remove

        path = self.root / place
        remove(self.root, path, sidecar_name(path.name))

    def forget(self, place: str) -> None:
        """Remove what has the name of what is unfinished. Raises `TransferError`."""
        from watcher.transfer.remove import forget

        forget(self.workplace(place))

    def withdraw(self, place: str, files: Sequence[File], *, moved: bool) -> None:
        """Remove files, what lies beside them if their product moved, and the directories that are empty then."""
        from watcher.transfer.remove import withdraw

        for file in files:
            withdraw(self.root, self._path(place, file))
        if moved:
            withdraw(self.root, self._beside(place))

    def listing(self) -> Iterator[tuple[str, int]]:
        """Walk through the directory, and follow no link."""
        from watcher.transfer.examine import sizes

        yield from sizes(self.root)

    def check(self) -> Iterator[Finding]:
        """Find nothing beside what is said of its disk."""
        yield from ()

    def _describe(self, place: str, sidecar: bytes) -> None:
        from watcher.transfer.beside import put_beside

        put_beside(self._beside(place), sidecar)

    def _path(self, place: str, file: File) -> Path:
        return self.root / place / file.name if file.name else self.root / place

    def _beside(self, place: str) -> Path:
        path = self.root / place
        return path.with_name(sidecar_name(path.name))
