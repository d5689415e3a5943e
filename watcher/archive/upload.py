"""One proven file becomes an object: whole under its name, or not there."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from watcher.archive.objects import Objects, Seen
from watcher.archive.refusals import NotThere, Taken
from watcher.core.archive.sidecars import File
from watcher.errors import TransferError
from watcher.transfer.adopt import AnotherFile

_PARTS = 10_000
"""The most parts that S3 takes of one object."""

_COPIED = 5 << 30
"""The bytes of the largest object that S3 copies by one request, as obstore does to rename one."""


class Stale(TransferError):
    """The file is no longer what it was when it was proven."""


def held(
    objects: Objects,
    name: str,
    path: Path,
    file: File,
    *,
    said: Mapping[str, str],
    read: Callable[[int], None],
    stop: threading.Event,
) -> bool:
    """Say whether a file is an object already, by the object's bytes: what was put down with it is no proof of them.

    One of ours that is not what was sent is removed: whoever sent it was stopped before it had looked. Raises
    `AnotherFile` when one is there that is not ours, and `Stale` as `upload` does.
    """
    seen = objects.head(name, stop=stop)
    if seen is None:
        return False
    if seen.size == file.size and seen.said.get("sha256") in (None, said["sha256"]):
        reading = _Reading(path, file, part_of(file.size, objects.table.part_size), lambda _: read(0))
        for _ in reading.pieces():
            if stop.is_set():
                raise TransferError("stopped")
        if _is(objects, name, seen, file, reading.tag(), read=read, stop=stop):
            return True
    if not _ours(seen, said):
        raise another(objects, name)
    objects.delete(name, stop=stop)
    return False


def sha256(
    objects: Objects,
    name: str,
    size: int,
    *,
    stop: threading.Event,
    read: Callable[[int], None] = lambda _: None,
) -> str:
    """Read an object back, and return its digest. `read` hears how many bytes came with each piece."""
    digest = hashlib.sha256()
    for piece in objects.read(name, size, stop=stop):
        digest.update(piece)
        read(len(piece))
    return digest.hexdigest()


def part_of(size: int, usual: int) -> int:
    """Return the bytes of a part: the usual, or more where there would be too many."""
    return max(usual, -(-size // _PARTS))


def upload(
    objects: Objects,
    name: str,
    path: Path,
    file: File,
    *,
    said: Mapping[str, str],
    sent: Callable[[int], None],
    read: Callable[[int], None],
    stop: threading.Event,
) -> None:
    """Put a file into the bucket, where there is no object of that name yet, and hold what is there then against it.

    The file is hashed while it is sent: one that is no longer what was proven never becomes an object, and `Stale` is
    raised. What the store's entity tag does not prove is read back; what is ours and not right is removed again. `sent`
    hears how many bytes were handed over with each piece, `read` how many were read back. Raises `AnotherFile` when
    somebody else has put one there.
    """
    part = part_of(file.size, objects.table.part_size)
    reading = _Reading(path, file, part, sent)
    try:
        if file.size <= part:
            content = b"".join(reading.pieces())
            objects.put(name, content, said=said, create=True, stop=stop)
        else:
            objects.put_parts(name, _last(reading, objects, name, stop), part, said=said, stop=stop)
    except Taken:
        pass  # by somebody else, or by a request of ours that was thought lost
    _hold(objects, name, file, reading.tag(), said=said, read=read, stop=stop)


def rename(objects: Objects, name: str, new: str, *, stop: threading.Event) -> None:
    """Give an object another name. What S3 cannot copy at once is read and sent anew. Raises `NotThere`."""
    seen = objects.head(name, stop=stop) if objects.place.scheme == "s3" else None
    if seen is None or seen.size <= _COPIED:
        objects.rename(name, new, stop=stop)
        return
    pieces = objects.read(name, seen.size, stop=stop)
    objects.put_parts(new, pieces, part_of(seen.size, objects.table.part_size), said=seen.said, stop=stop)
    objects.delete(name, stop=stop)


def _last(reading: _Reading, objects: Objects, name: str, stop: threading.Event) -> Iterator[bytes]:
    """Yield the pieces; before the last is handed over, look once more whether the name is free."""
    yield from reading.pieces()
    # The parts cannot be made one object on a condition. We are in the thread that sends: its own request is allowed.
    if objects.head(name, stop=stop) is not None:
        raise Taken(f"{objects.shown(name)} is there already")


def _hold(
    objects: Objects,
    name: str,
    file: File,
    tag: str,
    *,
    said: Mapping[str, str],
    read: Callable[[int], None],
    stop: threading.Event,
) -> None:
    seen = objects.head(name, stop=stop)
    if seen is None:
        raise TransferError(f"{objects.shown(name)} is not there, although its store said that it is")
    if _is(objects, name, seen, file, tag, read=read, stop=stop):
        return
    if not _ours(seen, said):
        raise another(objects, name)
    objects.delete(name, stop=stop)
    raise TransferError(
        f"{objects.shown(name)} was not what was sent, and is removed again",
        hint="it is sent again later; does the store, or something on the way, change what is written?",
    )


def _is(
    objects: Objects,
    name: str,
    seen: Seen,
    file: File,
    tag: str,
    *,
    read: Callable[[int], None],
    stop: threading.Event,
) -> bool:
    """Say whether an object is a file, by the entity tag that it would have, or else by its bytes."""
    if seen.size != file.size:
        return False
    if seen.etag == tag:
        return True
    with suppress(NotThere):
        return f"sha256:{sha256(objects, name, file.size, stop=stop, read=read)}" == file.checksum
    return False


def _ours(seen: Seen, said: Mapping[str, str]) -> bool:
    return all(seen.said.get(key) == value for key, value in said.items())


def another(objects: Objects, name: str) -> AnotherFile:
    """Return what to raise where an object is another file than the one that is to be there."""
    return AnotherFile(
        f"{objects.shown(name)} is there already, and is another file",
        hint="move it away to fetch this one",
        permanent=True,
    )


class _Reading:
    """A file read piece by piece, as it is sent: hashed as a whole, and in parts as the entity tags of S3 are."""

    def __init__(self, path: Path, file: File, part: int, sent: Callable[[int], None]) -> None:
        self._path, self._file, self._part, self._sent = path, file, part, sent
        self._parts: list[bytes] = []

    def pieces(self) -> Iterator[bytes]:
        """Yield the parts of the file; raises `Stale` at its end if it is not what was proven."""
        whole, count = hashlib.sha256(), 0
        try:
            with self._path.open("rb") as file:
                while piece := file.read(min(self._part, self._file.size - count)):
                    count += len(piece)
                    whole.update(piece)
                    self._parts.append(hashlib.md5(piece, usedforsecurity=False).digest())
                    if count == self._file.size:
                        self._prove(whole.hexdigest(), count)
                    yield piece
                    self._sent(len(piece))
        except OSError as error:
            raise Stale(f"{self._path} cannot be read: {error.strerror or error}") from error
        self._prove(whole.hexdigest(), count)

    def tag(self) -> str:
        """Return the entity tag that S3 gives what was sent: an MD5, or that of the MD5s of the parts, and how many."""
        if len(self._parts) == 1 and self._file.size <= self._part:
            return self._parts[0].hex()
        if not self._parts:
            return hashlib.md5(b"", usedforsecurity=False).hexdigest()
        return f"{hashlib.md5(b''.join(self._parts), usedforsecurity=False).hexdigest()}-{len(self._parts)}"

    def _prove(self, digest: str, count: int) -> None:
        if count != self._file.size or f"sha256:{digest}" != self._file.checksum:
            raise Stale(f"{self._path} is no longer what it was when it was proven: it is fetched again")
