"""What lies in the archive beside its products: what was fetched by hand, set aside, begun, or put there by others."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import msgspec

from watcher.archive import Archive
from watcher.core.archive.sidecars import sidecar_name
from watcher.store import archive

_BEGUN = re.compile(r"\.part(ial|\.json)?(/|$)")


class Besides(msgspec.Struct, frozen=True):
    """Files of one sort, and their bytes: `where` is a directory of what is fetched by hand, or what they are."""

    where: str
    count: int
    size: int


def besides(db: sqlite3.Connection, shelves: Archive, *, by_hand: Sequence[str]) -> list[Besides]:
    """Read the whole archive, and count what is of no product that is home or wanted, nor said of one.

    That of the most bytes comes first. `by_hand` are its directories of what is fetched by hand. Raises `TransferError`
    where it cannot be read.
    """
    held = archive.places(db, shelves.shown(""))
    said = {sidecar_name(place) for place in held}
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for place, size in shelves.listing():
        if place not in said and not _of_a_product(place, held):
            where = _sort(place, by_hand)
            counts[where] += 1
            sizes[where] += size
    return [Besides(where, counts[where], size) for where, size in sizes.most_common()]


def _of_a_product(place: str, held: dict[str, set[str]]) -> bool:
    if place in held:
        return True
    for above in PurePosixPath(place).parents:
        files = held.get(str(above))
        if files is not None:
            return not files or place.removeprefix(f"{above}/") in files
    return False


def _sort(place: str, by_hand: Sequence[str]) -> str:
    first = place.partition("/")[0]
    if first in by_hand:
        return f"{first}/"
    if place.endswith(".rotten"):
        return ".rotten"
    return "begun" if _BEGUN.search(place) else "others"
