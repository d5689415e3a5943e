"""What else is known of an acquisition: its other processings, and the same product in other catalogues.

An acquisition is told of once at a site, from the first catalogue to have it. What replaces what is told as a revision.
Both are judged by what is certain; where the names leave it open, the product is told of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from watcher.core.identity.acquisitions import Processing, newer, processing, same
from watcher.model import Event, Level, Product


class Kin(msgspec.Struct, frozen=True):
    """A revision of the same acquisition and level, in this collection or another.

    `seen` are the sites where it was listed; `told` those where people heard of it or it was there at the baseline,
    and where it still is. `level` and `cloud` are what filters judge. `wanted` says that its files are at home or on
    their way, `replaced` that its own collection has a newer processing.
    """

    number: int
    collection: int
    id: str
    processing: Processing | None
    level: Level | None = None
    cloud: float | None = None
    seen: frozenset[int] = frozenset()
    told: frozenset[int] = frozenset()
    wanted: bool = False
    replaced: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What a product is at a site: an event, or `None` for no news; and who has told of its acquisition there."""

    event: Event | None
    told_by: Sequence[Kin] = ()


def judge(
    product: Product, kin: Sequence[Kin], *, collection: int, site: int, before: str | None, once: bool
) -> Verdict:
    """Judge a revision that a site sees for the first time; `before` is the token of the last one of its id there.

    In its own collection, an older processing or the same one listed twice is no news, and a newer one revises; any
    other is a part of the acquisition that was not there. What other collections have told of is told `once`, unless
    this is newer, or this collection has more parts of it.
    """
    this = processing(product)
    here = [one for one in kin if one.collection == collection and one.id != product.id and site in one.seen]
    told = (
        [one for one in kin if one.collection != collection and site in one.told and not one.replaced] if once else []
    )
    alike = [one for one in told if this is not None and one.processing and one.processing.chain == this.chain]
    if before is not None:
        was = processing(msgspec.structs.replace(product, revision=before))
        known = _known(this, alike) if newer(this, was) else []
    elif any(newer(one.processing, this) or same(one.processing, this) for one in here):
        return Verdict(None)
    elif any(newer(this, one.processing) for one in here):
        known = _known(this, alike)
    elif alike and all(newer(this, one.processing) for one in alike):
        known = []
    elif told and _parts(told) > len({one.id for one in here if not one.replaced}):
        return Verdict(None, told)
    else:
        return Verdict(Event.NEW)
    return Verdict(None, known) if known else Verdict(Event.REVISED)


def _known(this: Processing | None, told: Sequence[Kin]) -> Sequence[Kin]:
    """Return who has told of this processing, or of a newer one."""
    sure = [one for one in told if this and this.version and one.processing and one.processing.version]
    return [one for one in sure if not newer(this, one.processing)]


def _parts(told: Sequence[Kin]) -> int:
    """Count the products of the collection that has told of the most."""
    ids: dict[int, set[str]] = defaultdict(set)
    for one in told:
        ids[one.collection].add(one.id)
    return max(map(len, ids.values()))
