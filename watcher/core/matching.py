"""Which of the listed products lie at which watched sites.

Servers ignore filters with a 200, so each product that comes back is checked against what was asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.decide import Listing
from watcher.model import Level, Page, Product, Watch


def matches(page: Page, watches: Sequence[Watch]) -> list[Listing]:
    """Match a page against the watches of one question, which share a collection.

    A watch with a code matches by it, any other by intersection of its site's geometry with the footprint (both
    WGS84, longitude first); a product without a footprint, or with one that cannot be read, is taken at the
    server's word.
    """
    by_code = [watch for watch in watches if watch.code is not None]
    by_ground = [watch for watch in watches if watch.code is None and watch.site.geometry is not None]
    anywhere = [watch for watch in watches if watch.code is None and watch.site.geometry is None]
    touched = _touched(page, by_ground) if by_ground else [()] * len(page)
    coded: dict[tuple[str | None, Level | None], list[Watch]] = {}
    listings = []
    for product, ground in zip(page, touched, strict=True):
        kind = (product.code, product.level)
        found = coded.get(kind)
        if found is None:
            found = coded[kind] = [w for w in by_code if product.code == w.code and _level(w, product)]
        if ground or anywhere:
            found = found + [w for w in (*ground, *anywhere) if _level(w, product)]
        if found:
            listings.append(Listing(product, found))
    return listings


def _level(watch: Watch, product: Product) -> bool:
    return watch.level is None or product.level == watch.level


def _touched(page: Page, watches: Sequence[Watch]) -> list[Sequence[Watch]]:
    import shapely

    footprints = shapely.from_geojson([product.geometry for product in page], on_invalid="ignore")
    unknown = shapely.is_missing(footprints) | shapely.is_empty(footprints)
    sites = {w.site.number: w.site for w in watches if w.site.geometry}
    touched: list[list[Watch]] = [[] for _ in page]
    for number, site in sites.items():
        ground = shapely.from_geojson(site.geometry)
        shapely.prepare(ground)
        here = [w for w in watches if w.site.number == number]
        for index, hit in enumerate(shapely.intersects(ground, footprints) | unknown):
            if hit:
                touched[index].extend(here)
    return list(touched)
