"""What a cloud cover of 0 is worth: a clear sky, or resto 2.0's word for what it does not know.

Its database does know: what has no cover matches no interval of covers. So where new products show 0, one more question
tells clear ones and unknown ones apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta

from msgspec.structs import replace

from watcher.catalogues.resto.features import Feature, number
from watcher.catalogues.resto.walk import Window
from watcher.errors import CatalogueError, Unreachable
from watcher.model import Page

CLEAR = {"cloudCover": "[0,0]"}
"""The parameter that asks for clear skies alone."""

_SECOND = timedelta(seconds=1)


class Odd(CatalogueError):
    """The server listed clouds where it was asked for clear skies."""


def told_apart(pages: Iterator[Page], clear: Callable[[Window], Iterator[Page]]) -> Iterator[Page]:
    """Yield pages in which a cover of 0 stands for a clear sky only. `clear` lists those that have one, in a window.

    A server that does not answer that is asked once. Raises `Unreachable` if there is no answer at all.
    """
    answers = True
    for page in pages:
        if answers and (span := _span(page)) is not None:
            skies = _listed(clear(span))
            answers = skies is not None
            if skies is not None:
                page = [replace(one, cloud=None) if one.cloud == 0.0 and one.id not in skies else one for one in page]
        yield page


def clouded(feature: Feature[object]) -> bool:
    """Say whether a feature shows anything but a clear sky."""
    return number(getattr(feature.properties, "cloud", None)) != 0.0


def _span(page: Page) -> Window | None:
    """Return when what shows a cover of 0 was acquired; `None` where nothing does."""
    acquired = [one.acquired for one in page if one.cloud == 0.0 and one.acquired is not None]
    # Servers that show whole seconds may keep fractions.
    return (min(acquired), max(acquired) + _SECOND) if acquired else None


def _listed(pages: Iterator[Page]) -> Collection[str] | None:
    try:
        return {product.id for page in pages for product in page}
    except Unreachable:
        raise
    except CatalogueError:
        # It does not know the parameter, or chokes on it: what it shows is all that there is to know.
        return None
