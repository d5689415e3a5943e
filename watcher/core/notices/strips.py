"""Which quicklooks a notice shows: at each site the newest, beside the last clear look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from watcher.core.identity.acquisitions import key, observation
from watcher.core.wording import Told, known_cloud, safe_link
from watcher.model import Event, Product
from watcher.names import plain

MOST = 6
"""So many pictures go with a notice."""

LARGEST = 18_000
"""So many bytes has one at most: with `MOST` of them a mail grows by less than 150 KB, encoded as they are in it."""


class Shot(msgspec.Struct, frozen=True):
    """A quicklook: where it lies, of which catalogue, and of which processing."""

    catalogue: str
    url: str
    revision: str


class Frame(msgspec.Struct, frozen=True):
    """A place in a filmstrip: the picture, and what to say of it. `before` is the look from before."""

    shot: Shot
    words: str
    before: bool = False


def strips(sites: Sequence[Sequence[Told]]) -> list[list[Frame]]:
    """Choose for each site, of whose arrivals the newest come first, its frames in the order of acquisition.

    Every site has its newest before any has a second; there are `MOST` in all, and one of each acquisition.
    """
    news = [_news(arrivals) for arrivals in sites]
    shown: list[list[tuple[Told, Frame]]] = [[] for _ in sites]
    before: dict[int, Frame] = {}
    left = MOST
    for turn in range(MOST):
        for number, candidates in enumerate(news):
            if turn >= len(candidates) or left <= 0:
                continue
            arrival, frame = candidates[turn]
            shown[number].append((arrival, frame))
            left -= 1
            if turn == 0 and left > 0 and arrival.clear is not None:
                old = _frame(*arrival.clear, before=True)
                if old is not None and all(old.shot != new.shot for _, new in candidates):
                    before[number] = old
                    left -= 1
    return [
        [*([before[number]] if number in before else []), *(frame for _, frame in reversed(strip))]
        for number, strip in enumerate(shown)
    ]


def held(strip: Sequence[Frame], pictures: Mapping[Shot, bytes]) -> list[Frame]:
    """Return the frames that there are pictures for: none, if all that is left is a look from before."""
    there = [frame for frame in strip if frame.shot in pictures]
    return there if any(not frame.before for frame in there) else []


def _news(arrivals: Sequence[Told]) -> list[tuple[Told, Frame]]:
    found: dict[str, tuple[Told, Frame]] = {}
    for arrival in arrivals:
        product = arrival.product
        frame = None if arrival.event is Event.WITHDRAWN else _frame(arrival.catalogue, product)
        if frame is not None:
            acquisition = key(product)
            known = observation(acquisition) if acquisition else str(product.acquired or product.id)
            found.setdefault(known, (arrival, frame))
    return list(found.values())


def _frame(catalogue: str, product: Product, *, before: bool = False) -> Frame | None:
    url = safe_link(product.quicklook)
    if url is None:
        return None
    cloud = known_cloud(product)
    words = [
        f"{product.acquired:%Y-%m-%d}" if product.acquired else "acquisition unknown",
        plain(product.level or "", limit=20),
        plain(product.platform or "", limit=40),
        "cloud unknown" if cloud is None else f"cloud {cloud:.0f} %",
    ]
    told = ", ".join(word for word in words if word)
    return Frame(Shot(catalogue, url, product.revision), f"{'before' if before else 'new'}: {told}", before)
