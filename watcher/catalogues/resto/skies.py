"""What a cloud cover of 0 is worth: a clear sky, or resto 2.0's word for what it does not know.

Its database does know: what has no cover matches no interval of covers. So where new products show 0, one more question
tells clear ones and unknown ones apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from watcher.catalogues.resto.answers import Feature
from watcher.catalogues.resto.values import number
from watcher.catalogues.resto.walk import Window
from watcher.core.unread import NothingRead, beside, odd_of
from watcher.errors import CatalogueError, HttpError, Unreachable
from watcher.model import Page

CLEAR = {"cloudCover": "[0,0]"}
"""The parameter that asks for clear skies alone."""

_NOT_NOW = (408, 425, 429, 503)
_SECOND = timedelta(seconds=1)
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Nothing was acquired before or will be after; what has no time is often given the first there is, or the last."""


class Odd(CatalogueError):
    """The server listed clouds where it was asked for clear skies."""

    permanent = True


def told_apart(
    pages: Iterator[Page], clear: Callable[[Window], Iterator[Page]], plain: Callable[[Window], object]
) -> Iterator[Page]:
    """Yield pages in which a cover of 0 stands for a clear sky only. `clear` lists those that have one, in a window.

    A server that does not answer that, though it does what is `plain` there, is asked once. Raises `CatalogueError` if
    there is no answer at all, or not now, as where there was one for an earlier page: what is read of a product stays
    as it is.
    """
    answers, answered = True, False
    for page in pages:
        shown = [one for one in page if one.cloud == 0.0]
        times = {one.id: one.acquired for one in shown if one.acquired is not None and _FIRST < one.acquired < _LAST}
        if times and answers:
            # Servers that show whole seconds may keep fractions.
            window = (min(times.values()), max(times.values()) + _SECOND)
            skies = _listed(clear, window)
            if isinstance(skies, CatalogueError) and not skies.permanent:
                plain(window)  # or all of it fails, and is asked for again
                skies = _listed(clear, window)
            if isinstance(skies, CatalogueError):
                if answered and not skies.permanent:
                    raise skies
                answers = False
            else:
                answered = True
                unknown = times.keys() - skies
                page = beside([replace(one, cloud=None) if one.id in unknown else one for one in page], odd_of(page))
        yield page


def clouded(feature: Feature[object]) -> bool:
    """Say whether a feature shows anything but a clear sky."""
    return number(getattr(feature.properties, "cloud", None)) != 0.0


def _listed(clear: Callable[[Window], Iterator[Page]], window: Window) -> set[str] | CatalogueError:
    """Return the ids of what is clear; or why there is no answer: the question is refused for good, or failed."""
    try:
        return {product.id for page in clear(window) for product in page}
    except NothingRead:
        return set()
    except CatalogueError as error:
        if isinstance(error, Unreachable) or (isinstance(error, HttpError) and error.status in _NOT_NOW):
            raise
        return error
