"""The ``.part`` file: one writer, resumable, published under its final name without overwriting another."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from watcher.core.archive.spans import Spans
from watcher.decoding import decoder
from watcher.errors import InHand, TransferError
from watcher.transfer.directories import named, opened

_TRIES = 100
"""So often a directory is made again that others remove for being empty."""

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the bytes of a ``.part`` belong to.

    `href` is without its query, which may be a signature; `total` is the size that was announced;
    `etag` is a strong one (RFC 9110 §8.8.1) or `None`; `boot` tells whether the machine ran on since. `spans` are the
    bytes that several streams have written; `None` where the file was written by one, from its start to its end.
    """

    href: str
    total: int | None = None
    size: int | None = None
    checksum: str | None = None
    etag: str | None = None
    boot: str = ""
    spans: Spans | None = None


_read_record = decoder(Record).decode


class Part:
    """A ``.part`` file that this process alone writes, in a directory that is held open."""

    def __init__(self, path: Path, directory: int, file: int) -> None:
        self.path, self.directory, self.file = path, directory, file
        self.name = f"{path.name}.part"
        self.beginning = path.with_name(self.name)
        self.size = os.fstat(file).st_size

    def record(self) -> Record | None:
        """Return what was recorded of it; `None` when nothing was, or not legibly."""
        try:
            fd = os.open(f"{self.name}.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.directory)
        except OSError:
            return None
        with os.fdopen(fd, "rb") as file:
            try:
                return _read_record(file.read(65536))
            except msgspec.DecodeError:
                return None

    def begin(self, record: Record) -> None:
        """Empty it, and record what its bytes will belong to, before the first of them is written."""
        self.truncate()
        self.note(record)

    def note(self, record: Record) -> None:
        """Record what its bytes belong to.

        It need not last: after a crash of the machine only what a checksum proves is gone on with.
        """
        new = f"{self.name}.json.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with named(self.beginning):
            fd = os.open(new, flags, 0o644, dir_fd=self.directory)
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(record))
            os.rename(new, f"{self.name}.json", src_dir_fd=self.directory, dst_dir_fd=self.directory)

    def truncate(self) -> None:
        """Empty it."""
        with named(self.beginning):
            os.ftruncate(self.file, 0)
        os.lseek(self.file, 0, os.SEEK_SET)
        self.size = 0

    def extend(self) -> None:
        """Go on writing at its end."""
        os.lseek(self.file, 0, os.SEEK_END)

    def write(self, piece: bytes | memoryview) -> None:
        """Append; raises `NoSpace` when the disk is full. What was written stays."""
        view = memoryview(piece)
        with named(self.beginning):
            while view:
                count = os.write(self.file, view)
                self.size += count
                view = view[count:]

    def write_at(self, piece: bytes | memoryview, at: int) -> None:
        """Write somewhere, as one of several streams; otherwise as `write`. `size` is theirs to keep."""
        view = memoryview(piece)
        with named(self.beginning):
            while view:
                count = os.pwrite(self.file, view, at)
                at += count
                view = view[count:]

    def published(self) -> int | None:
        """Return the size of the file under the final name; `None` when there is none."""
        try:
            status = os.stat(self.path.name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            raise TransferError(f"{self.path} is there already, and is no file", permanent=True)
        return status.st_size

    def open_published(self) -> int:
        """Open the file under the final name for reading; the caller closes it."""
        with named(self.path):
            return os.open(self.path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.directory)

    def publish(self) -> bool:
        """Make it durable and give it its final name; `False` when another file has that name already."""
        with named(self.path):
            os.fsync(self.file)
            try:
                # A link, since a rename would replace what somebody else has put there.
                os.link(
                    self.name,
                    self.path.name,
                    src_dir_fd=self.directory,
                    dst_dir_fd=self.directory,
                    follow_symlinks=False,
                )
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
                    raise
                if self.published() is not None:  # no links here; the lock keeps other watchers away
                    return False
                os.rename(self.name, self.path.name, src_dir_fd=self.directory, dst_dir_fd=self.directory)
            os.fsync(self.directory)
        self.remove()
        return True

    def remove(self) -> None:
        """Remove it, and what was recorded of it."""
        for name in (self.name, f"{self.name}.json", f"{self.name}.json.new"):
            with named(self.path), suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.directory)


@contextmanager
def part_of(path: Path) -> Iterator[Part]:
    """Open and lock the ``.part`` of a path; its directory is made where it is missing.

    Raises `TransferError` when another process writes it. An empty one is not left behind.
    """
    with named(path):
        directory, file = _taken(path)
    try:
        try:
            part = Part(path, directory, file)
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise TransferError(f"{path}.part is no file", hint="move it away", permanent=True)
            yield part
        finally:
            left = os.fstat(file)
            if stat.S_ISREG(left.st_mode) and left.st_nlink and not left.st_size:
                part.remove()
            os.close(file)
    finally:
        os.close(directory)


def _taken(path: Path) -> tuple[int, int]:
    """Open its directory, and in it the file, locked."""
    for left in reversed(range(_TRIES)):
        try:
            directory = opened(path.parent)
            try:
                return directory, _locked(f"{path.name}.part", directory, path)
            except BaseException:
                os.close(directory)
                raise
        except FileNotFoundError:
            # Whoever took the last file out of the directory has removed it, too, since it was opened.
            if not left:
                raise
    raise AssertionError  # the last try returns, or raises


def _locked(name: str, directory: int, path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        file = os.open(name, flags, 0o644, dir_fd=directory)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.fstat(file)
            if mine.st_nlink > 1:
                # Interrupted between its link and its unlink: it is the published file, never to be written.
                os.unlink(name, dir_fd=directory)
            elif mine.st_nlink == 1:
                there = os.stat(name, dir_fd=directory, follow_symlinks=False)
                if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
                    return file
        except BlockingIOError as error:
            os.close(file)
            raise InHand(f"{path} is being fetched by another process") from error
        except FileNotFoundError:
            pass  # removed by its last writer since it was opened: make a new one
        except BaseException as error:
            os.close(file)
            if isinstance(error, OSError) and error.errno in _NO_LOCKS:
                raise TransferError(
                    f"{path.parent} lies on a file system without locks ({error.strerror}): two could write one file",
                    hint="mount it with locks (NFS: without nolock), or set download.archive to another directory",
                ) from error
            raise
        os.close(file)
