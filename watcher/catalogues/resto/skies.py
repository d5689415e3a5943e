"""What a cloud cover of 0 is worth: a clear sky, or resto 2.0's word for what it does not know.

Its database does know: what has no cover matches no interval of covers. So where new products show 0, one more question
tells clear ones and unknown ones apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from watcher.catalogues.resto.answers import Feature
from watcher.catalogues.resto.values import number
from watcher.catalogues.resto.walk import Window
from watcher.core.unread import beside, odd_of
from watcher.errors import CatalogueError, HttpError, Unreachable
from watcher.model import Page

CLEAR = {"cloudCover": "[0,0]"}
"""The parameter that asks for clear skies alone."""

_NOT_NOW = (429, 503)
_SECOND = timedelta(seconds=1)
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Nothing was acquired before or will be after; what has no time is often given the first there is, or the last."""


class Odd(CatalogueError):
    """The server listed clouds where it was asked for clear skies."""


def told_apart(pages: Iterator[Page], clear: Callable[[Window], Iterator[Page]]) -> Iterator[Page]:
    """Yield pages in which a cover of 0 stands for a clear sky only. `clear` lists those that have one, in a window.

    A server that does not answer that is asked once. Raises `CatalogueError` if there is no answer at all, or
    not now.
    """
    answers = True
    for page in pages:
        shown = [one for one in page if one.cloud == 0.0]
        times = {one.id: one.acquired for one in shown if one.acquired is not None and _FIRST < one.acquired < _LAST}
        if times and answers:
            # Servers that show whole seconds may keep fractions.
            skies = _listed(clear((min(times.values()), max(times.values()) + _SECOND)))
            answers = skies is not None
            unknown = times.keys() - (times.keys() if skies is None else skies)
            page = beside([replace(one, cloud=None) if one.id in unknown else one for one in page], odd_of(page))
        yield page


def clouded(feature: Feature[object]) -> bool:
    """Say whether a feature shows anything but a clear sky."""
    return number(getattr(feature.properties, "cloud", None)) != 0.0


def _listed(pages: Iterator[Page]) -> Collection[str] | None:
    try:
        return {product.id for page in pages for product in page}
    except CatalogueError as error:
        if isinstance(error, Unreachable) or (isinstance(error, HttpError) and error.status in _NOT_NOW):
            raise
        # It does not know the parameter, or chokes on it: what it shows is all that there is to know.
        return None
