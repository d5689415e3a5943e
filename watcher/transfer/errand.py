"""What is to be fetched, on which terms, and what came, as the parts of this package hand it on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from watcher.core.archive.checksums import Checksum
from watcher.model import Asset
from watcher.transfer.archives import is_archive
from watcher.transfer.rate import Rate
from watcher.transfer.tally import Tally


class Terms(msgspec.Struct, frozen=True):
    """The terms on which files are fetched.

    `reserve` is the free space to leave on the disk, in bytes; `patience` the seconds over which a server that sends
    less than 1 KiB a second is given up. `rate` is how fast all transfers that share it may be together.

    `streams` is over how many connections one large file may come at once, where the server lets it be proven that all
    of them bring the same file. `spare` has a permit for each connection beyond the first of a transfer: transfers
    that share it take no more of them together. `tally` counts what is received.
    """

    reserve: int = 0
    patience: float = 60.0
    streams: int = 1
    spare: threading.Semaphore | None = None
    rate: Rate | None = None
    tally: Tally | None = None


class Errand(msgspec.Struct, frozen=True):
    """What is to be fetched.

    `name` is what the file will be called, `known` the catalogue's checksum if it can be computed here. `told` hears
    how far it is: bytes so far, and in all if that is known.
    """

    asset: Asset
    name: str
    known: Checksum | None
    terms: Terms
    told: Callable[[int, int | None], None]
    stop: threading.Event

    @property
    def algorithms(self) -> set[str]:
        """The digests to compute."""
        return {"sha256"} if self.known is None else {"sha256", self.known.algorithm}

    @property
    def archive(self) -> bool:
        """Whether the asset ought to be a zip, tgz or tar file."""
        return is_archive(self.asset, self.name)

    def alone(self) -> Errand:
        """Return the same errand for one connection."""
        return msgspec.structs.replace(self, terms=msgspec.structs.replace(self.terms, streams=1))


class Received(msgspec.Struct, frozen=True):
    """What came: how many bytes now, the size of all if something said it, the digests of all; whether by several."""

    count: int
    total: int | None
    digests: dict[str, str]
    several: bool = False
