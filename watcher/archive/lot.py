"""A product for a place of the archive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from watcher.core.archive.sidecars import File
from watcher.model import Asset

Tell = Callable[[int, int], None]
"""Hears how far something is: bytes so far, and in all."""


class Lot(msgspec.Struct, frozen=True):
    """What is to lie at a place: the `assets` of a product, or of the one that it has the `members` named.

    Several are a `directory`, and one is if it says so.
    """

    place: str
    assets: tuple[Asset, ...]
    members: tuple[str, ...] = ()
    directory: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is one file, and no directory."""
        return len(self.assets) == 1 and not self.members and not self.directory

    @property
    def mark(self) -> str:
        """A text that another lot does not have: what its files are, but for the signatures in their addresses."""
        from watcher.transfer.resume import address

        said = [(one.key, address(one), one.size, one.checksum) for one in self.assets]
        return hashlib.sha256(msgspec.json.encode((said, self.members))).hexdigest()[:32]


def listed(files: tuple[File, ...]) -> str:
    """Return the digest of what ``sha256sum`` prints of files in the order of their names: one text for all of them."""
    lines = (f"{file.checksum.removeprefix('sha256:')}  {file.name}\n" for file in sorted(files, key=lambda f: f.name))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
