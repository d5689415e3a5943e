"""Whether a file is what was published, and how that is known."""

from __future__ import annotations

import msgspec

from watcher.errors import TransferError
from watcher.transfer.archives import proof
from watcher.transfer.errand import Errand


class Verified(msgspec.Struct, frozen=True):
    """A file that is home.

    `checksum` is ``sha256:hex`` of all of it, `size` in bytes; `how` is the strongest proof that it is what
    was published: the algorithm of the catalogue's checksum (``md5``, ``sha256``…), else ``zip``, ``tgz`` or ``tar``
    for an archive that was read to its end, else ``size``, else ``unverified``. `fetched` counts the bytes
    received now.
    """

    size: int
    checksum: str
    how: str
    fetched: int


def proven(fd: int, errand: Errand, digests: dict[str, str], *, sized: bool) -> str:
    """Return how the file behind `fd` is known to be whole; `sized` says that its size is as announced.

    Raises `TransferError` when it is not, or when told to stop. An archive that has the catalogue's checksum and
    still is none was published so: then trying again cannot help.
    """
    known = errand.known
    if known is None:
        return proof(fd, whole=True, stop=errand.stop) or ("size" if sized else "unverified")
    if digests[known.algorithm] != known.digest:
        raise TransferError(
            f"the {known.algorithm} is {digests[known.algorithm]}, but it was listed with {known.digest}",
            hint="the file may have been replaced since it was listed",
        )
    if errand.archive:
        try:
            proof(fd, whole=False, stop=errand.stop)
        except TransferError as error:
            raise TransferError(f"{error}, although its {known.algorithm} is right", permanent=True) from error
    return known.algorithm
