"""Which of the listed products lie at which watched sites.

Servers ignore filters with a 200, so each product that comes back is checked against what was asked. All sites stand
in one tree of their bounds (an STRtree), so that a page costs the same few milliseconds for one site and for ten
thousand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from watcher.core.decide import Listing
from watcher.core.ground.footprints import around, footprints
from watcher.model import Page, Product, Site, Watch


class Watched(msgspec.Struct, frozen=True):
    """Watches of one collection, sorted for matching: by site, by code, by cell, and their sites' ground in a tree."""

    by_site: Mapping[int, Sequence[Watch]]
    by_code: Mapping[str, Sequence[Watch]]
    anywhere: Sequence[Watch]
    by_cell: Mapping[str, Sequence[int]]
    cells: Mapping[int, str]
    ground: _Ground | None


def watched(watches: Iterable[Watch]) -> Watched:
    """Sort watches for `matches`. The tree is used again for as long as the sites, and their ground, are the same."""
    by_site: dict[int, list[Watch]] = {}
    by_code: dict[str, list[Watch]] = {}
    anywhere: list[Watch] = []
    sites: dict[int, Site] = {}
    for watch in watches:
        if watch.code is not None:
            by_code.setdefault(watch.code, []).append(watch)
        elif watch.site.geometry is None:
            anywhere.append(watch)
        else:
            by_site.setdefault(watch.site.number, []).append(watch)
            sites[watch.site.number] = watch.site
    cells = {number: site.grid for number, site in sites.items() if site.grid is not None}
    by_cell: dict[str, list[int]] = {}
    for number, cell in cells.items():
        by_cell.setdefault(cell, []).append(number)
    ground = _ground([(number, site.geometry or b"") for number, site in sites.items()]) if sites else None
    return Watched(by_site, by_code, anywhere, by_cell, cells, ground)


def matches(page: Page, watches: Sequence[Watch] | Watched, *, one_place: bool = True) -> list[Listing]:
    """Match a page against watches that share a collection; a product that none of them means is left out.

    A watch with a code matches by it, any other by intersection of its site's geometry with the footprint (both WGS84,
    longitude first). A site and a product that each name a cell of the same reference grid match only if it is the same
    cell: neighbours overlap, and are not meant. What was acquired before a watch's start is none of its business.

    A product without a footprint, or with one that cannot be read, is taken at the server's word when the question was
    for `one_place`. For many places or everywhere there is no such word: then a footprint that cannot be read counts as
    the box around what coordinates it has, and a product without any matches by code and cell alone, which is what a
    server would have answered for each place.
    """
    known = watches if isinstance(watches, Watched) else watched(watches)
    touched = _touched(page, known, one_place=one_place)
    listings = []
    for product, sites in zip(page, touched, strict=True):
        found = [*known.by_code.get(product.code, ())] if product.code is not None else []
        for number in sites:
            found += known.by_site[number]
        found += known.anywhere
        means = [watch for watch in found if _means(watch, product)]
        if means:
            listings.append(Listing(product, means))
    return listings


def _means(watch: Watch, product: Product) -> bool:
    if watch.level is not None and product.level != watch.level:
        return False
    return watch.since is None or product.acquired is None or product.acquired >= watch.since


def _touched(page: Page, known: Watched, *, one_place: bool) -> Sequence[Sequence[int]]:
    """Return the numbers of the sites that each product touches."""
    if known.ground is None or not page:
        return [()] * len(page)
    shapes = footprints([product.geometry for product in page])
    blank = [index for index, void in enumerate(_void(shapes)) if void]
    if not one_place:
        for index in blank:
            shapes[index] = around(page[index].geometry)
    touched = known.ground.under(shapes)
    if one_place:
        for index in blank:
            touched[index] = list(known.by_site)
    if known.cells:
        for index, product in enumerate(page):
            if product.grid is not None:
                touched[index] = _by_cell(touched[index], product.grid, known)
    return touched


def _by_cell(sites: Iterable[int], grid: str, known: Watched) -> list[int]:
    same = known.by_cell.get(grid, ())
    others = [n for n in sites if n not in same and not _same_family(known.cells.get(n), grid)]
    return [*same, *others]


def _same_family(one: str | None, other: str) -> bool:
    return one is not None and one.partition("-")[0] == other.partition("-")[0]


def _void(shapes: Any) -> list[bool]:
    import shapely

    void: list[bool] = (shapely.is_missing(shapes) | shapely.is_empty(shapes)).tolist()
    return void


class _Ground:
    """The ground of sites, as a tree of prepared geometries."""

    def __init__(self, sites: Sequence[tuple[int, bytes]]) -> None:
        import shapely

        self._numbers = [number for number, _ in sites]
        self._tree = shapely.STRtree(footprints([geometry for _, geometry in sites]))

    def under(self, shapes: Any) -> list[list[int]]:
        """Return, for each footprint, the numbers of the sites that it intersects."""
        touched: list[list[int]] = [[] for _ in shapes]
        for index, place in self._tree.query(shapes, predicate="intersects").T.tolist():
            touched[index].append(self._numbers[place])
        return touched


_KEPT = 1000
"""The tree of so many sites is kept for the next poll. That of more takes some ten megabytes, and is quickly made."""

_alive: WeakValueDictionary[bytes, _Ground] = WeakValueDictionary()
_kept: deque[_Ground] = deque(maxlen=4)


def _ground(sites: Sequence[tuple[int, bytes]]) -> _Ground:
    """Return the tree of these sites: the one that somebody still has, if there is one."""
    digest = blake2b()
    for number, geometry in sites:
        digest.update(b"%d %d " % (number, len(geometry)))
        digest.update(geometry)
    key = digest.digest()
    found = _alive.get(key)
    if found is None:
        found = _alive[key] = _Ground(sites)
    if len(sites) <= _KEPT and found not in _kept:
        _kept.append(found)
    return found
