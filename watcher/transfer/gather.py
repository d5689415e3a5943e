"""Several files as one directory, which has its name only when all of them are in it and proven."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from watcher.errors import TransferError
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer.adopt import AnotherFile
from watcher.transfer.directories import named, opened
from watcher.transfer.errand import Terms
from watcher.transfer.home import Progress, fetch
from watcher.transfer.verify import Verified


class Gathered(msgspec.Struct, frozen=True):
    """A directory that is home: what is known of each of its files, by its path in it."""

    files: Mapping[str, Verified]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files.values())

    @property
    def fetched(self) -> int:
        """The bytes that were received now."""
        return sum(file.fetched for file in self.files.values())

    @property
    def how(self) -> str:
        """How its files are known to be whole, each way once."""
        return ", ".join(dict.fromkeys(file.how for file in self.files.values()))

    @property
    def checksum(self) -> str:
        """``list-sha256:hex``: the digest of what ``sha256sum`` prints of the files in the order of their paths."""
        lines = (f"{file.checksum.removeprefix('sha256:')}  {path}\n" for path, file in sorted(self.files.items()))
        return f"list-sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def fetch_files(
    http: Http,
    files: Mapping[str, Asset],
    path: Path,
    *,
    terms: Terms | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Gathered:
    """Bring files to a directory, each under its name there; otherwise as `fetch`.

    Until all are proven the directory is called ``<path>.partial``. One that has its name already is whole, and was
    left by a crash: its files are checked and kept.
    """
    total = sum(asset.size or 0 for asset in files.values()) or None
    home: dict[str, Verified] = {}
    with gathering(path, files) as (directory, fresh):
        for name, asset in files.items():
            done = sum(file.size for file in home.values())

            def tell(file: Progress, done: int = done) -> None:
                if progress is not None:
                    progress(Progress(done + file.done, total or file.total))

            target = directory / name
            try:
                home[name] = fetch(http, asset, target, terms=terms, progress=tell, stop=stop)
            except AnotherFile:
                if not fresh:
                    raise
                with named(target):  # it is ours, and of another time
                    target.unlink()
                home[name] = fetch(http, asset, target, terms=terms, progress=tell, stop=stop)
    return Gathered(home)


@contextmanager
def gathering(path: Path, names: Collection[str]) -> Iterator[tuple[Path, bool]]:
    """Give a directory to put files of these names into, and whether it is a new one.

    It is called ``<path>.partial``, and gets its name for good when the ``with`` statement ends without an error; what
    an earlier try has left in it under other names is removed then.
    """
    if path.is_dir():
        yield path, False
        return
    partial = path.with_name(f"{path.name}.partial")
    yield partial, True
    with named(path):
        _clear(partial, {partial / name for name in names})
        above = opened(path.parent)
        try:
            if path.is_symlink() or path.exists():
                raise TransferError(f"{path} is there already, and is another file", permanent=True)
            os.rename(partial.name, path.name, src_dir_fd=above, dst_dir_fd=above)
            os.fsync(above)
        finally:
            os.close(above)


def _clear(partial: Path, keep: Collection[Path]) -> None:
    for place, directories, files in os.walk(partial, topdown=False):
        for name in files:
            if Path(place, name) not in keep:
                Path(place, name).unlink()
        for name in directories:
            inner = Path(place, name)
            if inner.is_symlink():
                inner.unlink()
            elif not any(inner.iterdir()):
                inner.rmdir()
