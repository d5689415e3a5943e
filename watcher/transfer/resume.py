"""Whether a ``.part`` is the beginning of the file that is wanted."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from watcher.core.archive.spans import Spans, prefix, within
from watcher.model import Asset
from watcher.net.hops import link
from watcher.net.reach import shown
from watcher.transfer.errand import Errand
from watcher.transfer.part import Part, Record


class Kept(msgspec.Struct, frozen=True):
    """What is there of a file: what its bytes belong to, how many the file has, and which of them are there."""

    record: Record
    total: int
    spans: Spans

    @property
    def whole(self) -> bool:
        """Say whether nothing is missing."""
        return prefix(self.spans) == self.total


def resumable(part: Part, errand: Errand) -> Kept | None:
    """Return what is there of a ``.part`` that may be gone on with, `None` for one to start again.

    It must be of the same file: either the catalogue's checksum has not changed and will prove it, or the server can
    (a strong ETag, RFC 9110 §13.1.5) and the machine has not crashed since, which may leave holes in a file.
    """
    record, asset = part.record(), errand.asset
    if record is None or record.total is None or not 0 < part.size <= record.total:
        return None
    if record.checksum != asset.checksum:
        return None
    if errand.known is None:
        same = record.href == address(asset) and record.size == asset.size
        if not same or record.etag is None or record.boot != boot():
            return None
    spans = within(((0, part.size),) if record.spans is None else record.spans, part.size)
    return Kept(record, record.total, spans) if spans else None


def address(asset: Asset) -> str:
    """Return an asset's address without its query, which may be a signature."""
    return shown(link(asset.href))


@lru_cache(maxsize=1)
def boot() -> str:
    """Return what tells one start of the machine from the next."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""  # not Linux: every start counts as the same
