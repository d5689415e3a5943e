"""Which files of a product come home: all that the sites ask for on whose ground it lies."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from watcher.core.filters import accepts, wanted
from watcher.core.ground.matching import matches
from watcher.model import Level, Product, Watch

Wishes = tuple[tuple[str, ...], ...]
"""Choices of assets, each once; an empty one is what the settings of the catalogue choose."""


def wishes(product: Product, site: str, watches: Sequence[Watch], download_levels: Collection[Level]) -> Wishes:
    """Return what is wanted of a product by the watches of its collection; nothing where no site has a choice.

    It is fetched once, for a `site`, so what counts is where it lies and not who has seen it so far: a site that is
    paused, or whose poll failed, finds its files there. Where none wants it, as of one that was asked for by hand, the
    choices of all of them count.
    """
    here = [watch for listing in matches([product], watches, one_place=False) for watch in listing.watches]
    here += [w for w in watches if w.site.name == site and w.level in (None, product.level) and w not in here]
    wanting = [w for w in here if wanted(w, product, download_levels) and accepts(w, product, again=True)]
    found = tuple(dict.fromkeys(watch.assets for watch in wanting or here))
    return found if any(found) else ()
