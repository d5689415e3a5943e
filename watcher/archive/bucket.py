"""An archive that is a bucket: products are proven in a spool on disk, and are objects once they are whole."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from watcher.archive.lot import Lot, Tell, listed
from watcher.archive.objects import Objects
from watcher.archive.refusals import NotThere
from watcher.archive.said import COMPLETE, put_down, say, say_again, taken_up, unsay, word_of
from watcher.archive.spool import Spool
from watcher.archive.upload import Stale, another, held, rename, sha256, upload
from watcher.core.archive.checksums import checksum
from watcher.core.archive.sidecars import File, sidecar_name
from watcher.errors import NoArchive, TransferError, WatcherError
from watcher.model import Finding
from watcher.transfer.adopt import AnotherFile
from watcher.transfer.examine import Lost, Rotten
from watcher.transfer.rate import Rate
from watcher.transfer.sums import new

_STEP = 1 << 16
"""Bytes after which somebody hears how far it is."""

_IN_VAIN = 3600.0
"""Seconds before a product of which much was sent in vain is sent again: a full bucket refuses it only at its end."""


class Bucket(msgspec.Struct, frozen=True):
    """The objects below an address, and the spool.

    A place is an object, or the beginning of the names of several. These are whole once there is what is said of them,
    which is put last: the sidecar, or without one ``<place>.complete.json``. Each object has with it the SHA-256 of its
    bytes, how they were verified, and the mark of its lot.
    """

    objects: Objects
    spool: Spool

    @property
    def disk(self) -> Path:
        """The directory of the spool."""
        return self.spool.root

    @property
    def kind(self) -> str:
        """What the disk is to it."""
        return "spool"

    def shown(self, place: str) -> str:
        """Return the address of a place."""
        return self.objects.shown(place)

    def workplace(self, place: str) -> Path:
        """Return the path of a place in the spool."""
        return self.spool.path(place)

    def found(
        self, lot: Lot, *, tell: Tell, stop: threading.Event, rate: Rate | None = None
    ) -> tuple[File, ...] | None:
        """Return the files of a lot that lies in the spool, or in the bucket.

        An object of which it is not said that it is whole is read, if there is a checksum to compare it with: ours, or
        the catalogue's. Raises `NoArchive` while the bucket takes nothing, so that the spool does not fill up.
        """
        files = self.spool.proven(lot)
        if files is not None:
            return files
        if self.spool.waiting():
            self._try(stop)
        return self._object(lot, tell, stop, rate or Rate()) if lot.whole else self._directory(lot, stop)

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
        """Put what lies proven in the spool into the bucket, then what is said of it, and empty the spool.

        An object that is there already, and the same, is left alone. Raises `AnotherFile` when one is another file:
        before anything is sent, if it is there then.
        """
        if not all(self.spool.file(lot.place, file).exists() for file in files):
            say(self.objects, lot, files, sidecar, stop)  # it was found in the bucket
            return False
        self.spool.note(lot, files)
        try:
            sent = self._send(lot, files, tell, stop, rate or Rate())
            say(self.objects, lot, files, sidecar, stop)
        except (Stale, AnotherFile):
            self.spool.clear(lot.place)  # it is of no use any more
            raise
        self.spool.clear(lot.place)
        return sent

    def _send(self, lot: Lot, files: tuple[File, ...], tell: Tell, stop: threading.Event, rate: Rate) -> bool:
        """Send what is not in the bucket yet; say whether anything was."""
        total, done, went = sum(file.size for file in files), 0, 0

        def sent(count: int) -> None:
            nonlocal done, went
            for some in _steps(count):
                rate.give(some, stop)
                done, went = done + some, went + some
                tell(done, total)

        def read(count: int) -> None:
            for some in _steps(count):
                rate.take(some, stop)
                tell(done, total)

        missing = []
        for file in files:
            name, path = _name(lot.place, file), self.spool.file(lot.place, file)
            if held(self.objects, name, path, file, said=put_down(lot, file), read=read, stop=stop):
                done += file.size
            else:
                missing.append((name, path, file))
        for name, path, file in missing:
            try:
                upload(self.objects, name, path, file, said=put_down(lot, file), sent=sent, read=read, stop=stop)
            except NoArchive as error:
                if went > self.objects.table.part_size:
                    error.retry_after = _IN_VAIN
                raise
            went = 0
        return bool(missing)

    def sidecar(self, place: str) -> str | None:
        """Return the address of what is said of a product."""
        name = sidecar_name(place)
        return self.shown(name) if self.objects.head(name, stop=threading.Event()) is not None else None

    def describe(self, place: str, files: tuple[File, ...], sidecar: bytes) -> None:
        """Put what is said of a product last, with the mark that its objects have; what was found there has none."""
        stop, digest = threading.Event(), listed(files)
        seen = self.objects.head(_name(place, files[0]), stop=stop)
        mark = digest if seen is None else seen.said.get("product", digest)
        say_again(self.objects, place, sidecar, {"product": mark, "files": digest}, stop)

    def mounted(self) -> None:
        """Raise `TransferError` when there is no object below the address, or no bucket."""
        if not self.objects.names("", stop=threading.Event(), most=1):
            raise TransferError(
                f"the archive {self.shown('')} is empty",
                hint="is it the right one? Nothing was noted, and nothing was changed",
            )

    def there(self, place: str) -> bool:
        """Say whether any object's name begins with a place."""
        return bool(self.objects.names(place, stop=threading.Event(), most=1))

    def examine(self, place: str, file: File, *, deep: bool, stop: threading.Event) -> None:
        """Look at an object: it is there, has its size and the SHA-256 that was put down; `deep` reads it back."""
        name = _name(place, file)
        url = self.shown(name)
        seen = self.objects.head(name, stop=stop)
        if seen is None:
            raise Lost(f"{url} is not there")
        if seen.size != file.size:
            raise Rotten(f"{url} has {seen.size:,} bytes instead of {file.size:,}")
        known = seen.said.get("sha256")
        if known is not None and f"sha256:{known}" != file.checksum:
            raise Rotten(f"{url} is not what it was: its SHA-256 is {known} instead of {file.checksum[7:]}")
        if not deep:
            return
        try:
            digest = sha256(self.objects, name, file.size, stop=stop)
        except NotThere as error:
            raise Lost(f"{url} is not there") from error
        if f"sha256:{digest}" != file.checksum:
            raise Rotten(f"{url} is not what it was: its SHA-256 is {digest} instead of {file.checksum[7:]}")

    def set_aside(self, place: str, file: File) -> None:
        """Rename an object, if it is still there; what said that its product is whole leaves first."""
        stop = threading.Event()
        unsay(self.objects, place, stop)
        try:
            rename(self.objects, _name(place, file), f"{_name(place, file)}.rotten", stop=stop)
        except NotThere:
            return

    def remove(self, place: str, files: Sequence[File]) -> None:
        """Remove the objects of a product, what says that it is whole first."""
        stop = threading.Event()
        unsay(self.objects, place, stop)
        names = [_name(place, file) for file in files] or self.objects.names(place, stop=stop)
        for name in names:
            self.objects.delete(name, stop=stop)

    def forget(self, place: str) -> None:
        """Remove what is unfinished in the spool, and what waits there. Raises `TransferError`."""
        self.spool.forget(place)

    def withdraw(self, place: str, files: Sequence[File], *, moved: bool) -> None:
        """Remove the objects that are these files, what said that their product is whole first if it moved."""
        stop = threading.Event()
        if moved:
            unsay(self.objects, place, stop)
        for file in files:
            self.objects.delete(_name(place, file), stop=stop)

    def listing(self) -> Iterator[tuple[str, int]]:
        """List the objects."""
        for name, size in self.objects.sizes(stop=threading.Event()):
            if not name.endswith(COMPLETE):
                yield name, size

    def check(self) -> Iterator[Finding]:
        """Write a small object of our own, read it and remove it."""
        stop = threading.Event()
        try:
            self.objects.names("", stop=stop, most=1)
            self._try(stop)
        except WatcherError as error:
            yield Finding("archive", False, str(error), error.hint)
        else:
            yield Finding("archive", True, f"{self.shown('')}: an object was written, read and removed there")

    def _object(self, lot: Lot, tell: Tell, stop: threading.Event, rate: Rate) -> tuple[File, ...] | None:
        seen = self.objects.head(lot.place, stop=stop)
        if seen is None:
            return None
        ours, (asset,) = taken_up(lot, "", seen), lot.assets
        if ours is not None:
            last = word_of(self.objects, lot.place, stop)
            if last is not None and last.said.get("files") == listed((ours,)):
                return (ours,)
        known = checksum(asset.checksum if ours is None else ours.checksum)
        if ours is None and known is None:
            if asset.size is not None and seen.size != asset.size:
                raise another(self.objects, lot.place)
            return None  # what is fetched will tell
        assert known is not None  # noqa: S101  # ours has one
        digests = {name: new(name) for name in {"sha256", known.algorithm}}
        done = 0
        for piece in self.objects.read(lot.place, seen.size, stop=stop):
            for digest in digests.values():
                digest.update(piece)
            for some in _steps(len(piece)):
                rate.take(some, stop)
                done += some
                tell(done, seen.size)
        if digests[known.algorithm].hexdigest() == known.digest:
            return (ours or File("", seen.size, f"sha256:{digests['sha256'].hexdigest()}", known.algorithm),)
        if ours is None:
            raise another(self.objects, lot.place)
        self.objects.delete(lot.place, stop=stop)  # whoever sent it was stopped before this was seen
        return None

    def _directory(self, lot: Lot, stop: threading.Event) -> tuple[File, ...] | None:
        last = word_of(self.objects, lot.place, stop)
        if last is None or last.said.get("product") != lot.mark:
            return None
        files = []
        for name in self.objects.names(lot.place, stop=stop):
            seen = self.objects.head(name, stop=stop)
            if seen is not None and (file := taken_up(lot, name.removeprefix(f"{lot.place}/"), seen)) is not None:
                files.append(file)
        return tuple(files) if files and listed(tuple(files)) == last.said.get("files") else None

    def _try(self, stop: threading.Event) -> None:
        """Write, read and remove a small object; raises as `Objects` does when one of them cannot be done."""
        name, content = f".watcher-{secrets.token_hex(8)}", b"watcher check\n"
        self.objects.put(name, content, said={}, create=True, stop=stop)
        try:
            came = b"".join(self.objects.read(name, len(content), stop=stop))
        finally:
            self.objects.delete(name, stop=stop)
        if came != content:
            raise TransferError(f"{self.shown(name)} was not what was written", hint="what changes it?")


def _steps(count: int) -> Iterator[int]:
    """Cut what was sent or read at once into what is waited for at once, where there is a limit."""
    for start in range(0, max(1, count), _STEP):
        yield min(_STEP, count - start)


def _name(place: str, file: File) -> str:
    return f"{place}/{file.name}" if file.name else place
