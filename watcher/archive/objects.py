"""The objects of a bucket, through obstore: whoever asks for one can be told to stop within a second."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from watcher.archive.opening import opened
from watcher.archive.refusals import NotOffered, NotThere, Taken, problem
from watcher.config import BucketPlace, BucketTable
from watcher.errors import TransferError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_T = TypeVar("_T")

_STEP = 0.2
_AT_ONCE = 4
"""Parts of one object that are under way together."""


class Seen(msgspec.Struct, frozen=True):
    """An object: its size in bytes, its entity tag without quotes, and what was said of it when it was put there."""

    size: int
    etag: str
    said: Mapping[str, str]


class Objects(msgspec.Struct, frozen=True):
    """The objects below an address, by the rest of their names. It can be pickled, and threads may share it.

    Each call raises `TransferError` (`NoArchive` where the bucket, or the way to it, is at fault), `ConfigError` where
    obstore is not installed, and `CredentialError` where a secret cannot be read.
    """

    place: BucketPlace
    table: BucketTable

    def shown(self, name: str) -> str:
        """Return the address of an object."""
        return f"{self.place.url}/{name}" if name else self.place.url

    def head(self, name: str, *, stop: threading.Event) -> Seen | None:
        """Look at an object; `None` when there is none."""

        def ask() -> Seen:
            got = self._store().get(name, options={"head": True})
            said = {str(key): str(value) for key, value in got.attributes.items()}
            return Seen(got.meta["size"], (got.meta["e_tag"] or "").strip('"').lower(), said)

        try:
            return self._done(name, "asked for", ask, stop)
        except NotThere:
            return None

    def read(self, name: str, size: int, *, stop: threading.Event) -> Iterator[bytes]:
        """Yield the first `size` bytes of an object, in ranges; raises `NotThere` for one that is gone or shorter."""
        step = max(self.table.part_size, 8 << 20)
        for start in range(0, size, step):
            length = min(step, size - start)
            piece = self._done(name, "read", lambda s=start, n=length: self._range(name, s, n), stop)  # type: ignore[misc]
            if len(piece) != length:
                raise NotThere(f"{self.shown(name)} ends after {start + len(piece):,} of {size:,} bytes")
            yield piece

    def _range(self, name: str, start: int, length: int) -> bytes:
        return bytes(self._store().get_range(name, start=start, length=length))

    def names(self, beginning: str, *, stop: threading.Event, most: int | None = None) -> list[str]:
        """Return the names of the objects in the directory `beginning` ("" is all), perhaps only the first of them."""

        def ask() -> list[str]:
            store, found = self._store(), []
            for page in store.list(prefix=beginning or None, chunk_size=most or 1000):
                found += [str(one["path"]) for one in page]
                if most is not None and len(found) >= most:
                    break
            return found

        return self._done(beginning, "listed", ask, stop)

    def sizes(self, *, stop: threading.Event) -> list[tuple[str, int]]:
        """Return the names of all objects, and their bytes."""

        def ask() -> list[tuple[str, int]]:
            return [(str(one["path"]), int(one["size"])) for page in self._store().list() for one in page]

        return self._done("", "listed", ask, stop)

    def put(self, name: str, content: bytes, *, said: Mapping[str, str], create: bool, stop: threading.Event) -> None:
        """Put an object by one request. With `create` one that is there stays, and `Taken` is raised."""

        def ask(mode: Any) -> None:
            self._store().put(name, content, attributes=dict(said), mode=mode, use_multipart=False)

        if not create:
            self._done(name, "written", lambda: ask("overwrite"), stop)
            return
        try:
            self._done(name, "written", lambda: ask("create"), stop)
        except NotOffered:
            # A store that has no conditional writes: what was there a moment ago is not overwritten.
            self.absent(name, stop=stop)
            self._done(name, "written", lambda: ask("overwrite"), stop)

    def put_parts(
        self, name: str, pieces: Iterator[bytes], part: int, *, said: Mapping[str, str], stop: threading.Event
    ) -> None:
        """Put an object in parts of `part` bytes: it is there once `pieces` ended, and not at all when they raise."""

        def guarded() -> Iterator[bytes]:
            for piece in pieces:
                if stop.is_set():
                    raise TransferError("stopped")
                yield piece

        def ask() -> None:
            self._store().put(
                name,
                guarded(),
                attributes=dict(said),
                use_multipart=True,
                chunk_size=part,
                max_concurrency=_AT_ONCE,
            )

        self._done(name, "written", ask, stop)

    def absent(self, name: str, *, stop: threading.Event) -> None:
        """Raise `Taken` if there is an object of that name."""
        if self.head(name, stop=stop) is not None:
            raise Taken(f"{self.shown(name)} is there already")

    def rename(self, name: str, new: str, *, stop: threading.Event) -> None:
        """Give an object another name, in the place of what has it."""
        self._done(name, "renamed", lambda: self._store().rename(name, new), stop)

    def delete(self, name: str, *, stop: threading.Event) -> None:
        """Remove an object; one that is not there is no error."""
        with suppress(NotThere):
            self._done(name, "removed", lambda: self._store().delete(name), stop)

    def _store(self) -> ObjectStore:
        return opened(self.place, self.table, os.getpid())

    def _done(self, name: str, what: str, ask: Callable[[], _T], stop: threading.Event) -> _T:
        """Do something in a thread that is left behind when told to stop: a request cannot be interrupted."""
        self._store()
        done: list[_T] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                done.append(ask())
            except BaseException as error:  # noqa: BLE001  # raised below, by who waits
                failed.append(error)

        thread = threading.Thread(target=work, name=f"{what} {name}"[:60], daemon=True)
        thread.start()
        thread.join(_STEP / 4)
        while thread.is_alive():
            if stop.is_set():
                thread.join(_STEP)
                if thread.is_alive():
                    raise TransferError("stopped")
                break
            thread.join(_STEP)
        if failed:
            raise problem(failed[0], self.shown(name), what) from failed[0]
        return done[0]
