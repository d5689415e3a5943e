"""What a catalogue took away: by what complete looks no longer list, and by what its own feed of deletions says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from watcher.core.decide import Known
from watcher.model import Product


def vanished(listed: Collection[int], seen: Iterable[tuple[int, bool]]) -> tuple[list[int], list[int]]:
    """Compare a complete listing with what was seen: return what is missing for the first time, and what is withdrawn.

    `seen` gives the newest revision of each product at the site and whether the last complete look missed it too.
    Withdrawn takes two complete looks, because a reprocessed product is gone for a moment before it is back.
    """
    gone = [(revision, before) for revision, before in seen if revision not in listed]
    return [revision for revision, before in gone if not before], [revision for revision, before in gone if before]


class Gone(msgspec.Struct, frozen=True):
    """A revision that a catalogue says it took away, a site that saw it, and why. `known` says that it is missed."""

    site: int
    revision: int
    cause: str
    known: bool


def taken_away(deleted: Iterable[Product], known: Mapping[str, Known]) -> list[Gone]:
    """Return what a feed of deletions says of the products that were seen, once for each site that saw them.

    One of two that have the same name may have been deleted as a duplicate while the other stays: that proves nothing,
    and complete looks will tell.
    """
    return [
        Gone(site, revision, product.withdrawn, record.missing)
        for product in deleted
        if product.withdrawn
        and "duplicate" not in product.withdrawn.casefold()
        and (record := known.get(product.id)) is not None
        for site, revision in record.sites.items()
    ]
