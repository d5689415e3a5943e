"""Whether a file is what was published, and how that is known."""

from __future__ import annotations

import os
import threading

import msgspec

from watcher.errors import TransferError
from watcher.transfer.archives import proof
from watcher.transfer.errand import Errand
from watcher.transfer.part import Part
from watcher.transfer.sums import digests_of


class Verified(msgspec.Struct, frozen=True):
    """A file that is home.

    `checksum` is ``sha256:hex`` of all of it, `size` in bytes; `how` is the strongest proof that it is what
    was published: the algorithm of the catalogue's checksum (``md5``, ``sha256``…), else ``zip`` or ``tgz``
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
            f"the {known.algorithm} is {digests[known.algorithm]}, but the catalogue says {known.digest}",
            hint="the file may have been replaced since the catalogue was read: it is tried again later",
        )
    if errand.archive:
        try:
            proof(fd, whole=False, stop=errand.stop)
        except TransferError as error:
            raise TransferError(f"{error}, although its {known.algorithm} is right", permanent=True) from error
    return known.algorithm


def adopted(part: Part, errand: Errand) -> Verified | None:
    """Look at a file that has the final name already, most likely since before a crash.

    Returns `None` when there is none, or when nothing is known to compare it with: then the digest of a
    download will be. Raises `TransferError` when it is another file.
    """
    there, size = part.published(), errand.asset.size
    if there is None or (errand.known is None and size is None):
        return None
    if errand.known is None and there != size:
        raise _other(part)
    digests = _published_digests(part, there, errand.algorithms, errand.stop)
    file = part.open_published()
    try:
        how = proven(file, errand, digests, sized=True)
    except TransferError as error:
        if errand.stop.is_set():
            raise
        raise _other(part) from error
    finally:
        os.close(file)
    part.truncate()
    return Verified(there, f"sha256:{digests['sha256']}", how, 0)


def same_as_published(part: Part, home: Verified, stop: threading.Event) -> None:
    """Raise `TransferError` unless the file under the final name is the one that was just fetched."""
    if f"sha256:{_published_digests(part, home.size, {'sha256'}, stop)['sha256']}" != home.checksum:
        raise _other(part)


def _published_digests(part: Part, size: int, algorithms: set[str], stop: threading.Event) -> dict[str, str]:
    file = part.open_published()
    try:
        if os.fstat(file).st_size != size:
            raise _other(part)
        return digests_of(file, size, algorithms, stop)
    finally:
        os.close(file)


def _other(part: Part) -> TransferError:
    return TransferError(
        f"{part.path} is there already, and is another file",
        hint="move it away to fetch this one",
        permanent=True,
    )
