"""What is being fetched: a file beside the database, which counts only while whoever wrote it downloads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from watcher.decoding import decoder


class Going(msgspec.Struct, frozen=True):
    """A download that is under way: bytes that are there and in all, if that is known, and bytes a second.

    `storing` is one that is proven, and on its way into the archive.
    """

    title: str
    done: int
    total: int | None
    rate: float
    storing: bool = False

    @property
    def left(self) -> float | None:
        """The seconds that it will take at this rate; `None` where nobody can say."""
        return None if self.total is None or not self.rate else max(0, self.total - self.done) / self.rate


_read = decoder(tuple[Going, ...]).decode


def put(path: Path, going: Sequence[Going]) -> None:
    """Write what is under way, in the place of what was. Raises `OSError`."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(msgspec.json.encode(going))
    new.replace(path)


def get(path: Path) -> Sequence[Going]:
    """Read what is under way; nothing where nothing is written, or nothing that can be read."""
    try:
        return _read(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return ()
