"""What is to be fetched, as the parts of this package hand it on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from watcher.model import Asset
from watcher.transfer.archives import is_archive
from watcher.transfer.sums import Checksum


class Errand(msgspec.Struct, frozen=True):
    """What is to be fetched, and under which conditions.

    `name` is what the file will be called, `known` the catalogue's checksum if it can be computed here. `reserve` is
    the free space to leave on the disk, in bytes; `patience` the seconds over which a slow server is judged; `told`
    hears how far it is: bytes so far, and in all if that is known.
    """

    asset: Asset
    name: str
    known: Checksum | None
    reserve: int
    patience: float
    told: Callable[[int, int | None], None]
    stop: threading.Event

    @property
    def algorithms(self) -> set[str]:
        """The digests to compute."""
        return {"sha256"} if self.known is None else {"sha256", self.known.algorithm}

    @property
    def archive(self) -> bool:
        """Whether the asset ought to be a zip or tgz file."""
        return is_archive(self.asset, self.name)
