"""Whether a file that has the final name already is the one that is wanted."""

from __future__ import annotations

import os
import threading
from email.utils import parsedate_to_datetime

import httpx

from watcher.errors import TransferError
from watcher.net import Http
from watcher.transfer.errand import Errand
from watcher.transfer.part import Part
from watcher.transfer.ranges import length
from watcher.transfer.sums import digests_of
from watcher.transfer.verify import Verified, proven

_LONG_BEFORE = 3600.0
"""Seconds that no two clocks should differ by."""


class AnotherFile(TransferError):
    """What has the final name already is not the file that is wanted."""


def adopted(part: Part, errand: Errand) -> Verified | None:
    """Look at a file that has the final name already, most likely since before a crash.

    Returns `None` when there is none, or when the catalogue says nothing to compare it with. Raises `AnotherFile` when
    it is one.
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


def unchanged(http: Http, part: Part, errand: Errand) -> Verified | None:
    """Ask the server whether a file that has the final name already, of which the catalogue says nothing, is its own.

    It is when it has the length that the server announces, and the server's was changed last an hour or more before
    ours was written. `None` when there is none, or when the server does not say so: then the digest of a download will
    tell.
    """
    there = part.published()
    if there is None:
        return None
    file = part.open_published()
    try:
        written = os.fstat(file).st_mtime
        terms = errand.terms
        with http.stream(errand.asset.href, patience=terms.patience, stop=errand.stop) as response:
            modified = _modified(response)
            same = response.status_code == 200 and length(response) == there
            if not same or modified is None or modified > written - _LONG_BEFORE:
                return None
        digests = digests_of(file, there, errand.algorithms, errand.stop)
        how = proven(file, errand, digests, sized=True)
    except TransferError:
        if errand.stop.is_set():
            raise
        return None
    finally:
        os.close(file)
    part.truncate()
    return Verified(there, f"sha256:{digests['sha256']}", how, 0)


def _modified(response: httpx.Response) -> float | None:
    try:
        return parsedate_to_datetime(response.headers["last-modified"]).timestamp()
    except (KeyError, ValueError):
        return None


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


def _other(part: Part) -> AnotherFile:
    return AnotherFile(
        f"{part.path} is there already, and is another file",
        hint="move it away to fetch this one",
        permanent=True,
    )
