"""The archive: where products lie once they are whole.

A *place* is a product's path in it, without its root: one of a file, or of a directory with several. Tasks know no
more of the archive than `Archive` says.

* `disk` - one of directories;
* `bucket` - one of objects: `objects` is the way to them, `refusals` what they say when they are refused, `upload` puts
  a file there whole, `spool` is where it lies until then;
* `lot` - what is wanted at a place.

Where a place is can be said without loading what brings files there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from watcher.archive.disk import Disk
from watcher.archive.lot import Lot, Tell
from watcher.core.archive.sidecars import File
from watcher.model import Finding

if TYPE_CHECKING:
    from watcher.transfer.rate import Rate

__all__ = ["Archive", "Disk", "Lot", "Tell"]


def whereabouts(shelves: Archive, place: str, archive: str | None) -> str:
    """Return where a product lies that was stored in an archive, this one or one that was here before."""
    return shelves.shown(place) if archive in (None, shelves.shown("")) else f"{archive}/{place}"


class Archive(Protocol):
    """Where products lie. It can be pickled, and threads may share it."""

    @property
    def disk(self) -> Path:
        """The directory that downloads are written to: it may not be there yet."""

    @property
    def kind(self) -> str:
        """Say what that directory is to it, in a word."""

    def shown(self, place: str) -> str:
        """Return where a place is, for people and programs: an absolute path, or an address."""

    def workplace(self, place: str) -> Path:
        """Return the path that a product of that place is fetched to, and proven at."""

    def found(
        self, lot: Lot, *, tell: Tell, stop: threading.Event, rate: Rate | None = None
    ) -> tuple[File, ...] | None:
        """Return the files of a lot that need not be fetched; `None` where they do, or where fetching will tell.

        `tell` hears how far that is looked into; what is read for it keeps to `rate`. Raises `AnotherFile` when another
        file is in its place, `NoArchive` when the archive takes nothing now.
        """

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
        """Put what lies proven at the workplace where it belongs, and what is said of it beside it, last.

        Done again after a crash it changes nothing. Returns whether a product lay elsewhere until now. `tell` hears how
        far it is. What goes over a network keeps to `rate`. Raises `TransferError`, or `NoSpace`.
        """

    def sidecar(self, place: str) -> str | None:
        """Return where it is said what a product is, as `shown` does; `None` where nothing is said."""

    def describe(self, place: str, files: tuple[File, ...], sidecar: bytes) -> None:
        """Put beside a product that is there what is said of it. Raises `TransferError`, or `NoSpace`."""

    def mounted(self) -> None:
        """Raise `TransferError` when there is nothing in an archive that something was stored in: nothing is lost."""

    def there(self, place: str) -> bool:
        """Say whether there is anything of a product whose files are not known."""

    def examine(self, place: str, file: File, *, deep: bool, stop: threading.Event) -> None:
        """Look whether a file is there and has its size; `deep` reads it and compares its SHA-256.

        Raises `Lost` or `Rotten`, or another `TransferError` when told to stop, or when nothing can be said.
        """

    def set_aside(self, place: str, file: File) -> None:
        """Give a file that is not what it was another name: ``<name>.rotten``. Raises `TransferError`."""

    def remove(self, place: str, files: Sequence[File]) -> None:
        """Remove a product, and what lies beside it. What is not there is no error. Raises `TransferError`."""

    def forget(self, place: str) -> None:
        """Remove what was begun of a product that nobody wants any more, and is not there. Raises `TransferError`."""

    def withdraw(self, place: str, files: Sequence[File], *, moved: bool) -> None:
        """Remove files that a product no longer has, and what lies beside them if it `moved` to another place.

        What else lies there stays, such as what was set aside. Raises `TransferError`.
        """

    def listing(self) -> Iterator[tuple[str, int]]:
        """Yield the place and the bytes of each file in it, but for what is its own. Raises `TransferError`."""

    def check(self) -> Iterator[Finding]:
        """Try what the archive has to do, beside the room on its disk."""
