"""What of an answer cannot be read as a product, set aside so that it does not hide the others.

Servers change, and their databases hold odd rows: one item of a hundred without an id, or with `null` where an object
belongs. An answer of several items of which none can be read is another matter: then it is the shape that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import OddPage, Page, Product, Unread
from watcher.names import plain

LONGEST = 64 * 1024
"""So many bytes of an item are kept."""

T = TypeVar("T")


class _Named(msgspec.Struct):
    id: Any = None


_named = decoder(_Named).decode


def apart(items: Iterable[msgspec.Raw], decode: Callable[[bytes], T]) -> tuple[list[T], list[Unread]]:
    """Decode the items of a page each on its own; what is refused (also with a `ValueError`) is set aside."""
    read: list[T] = []
    odd: list[Unread] = []
    for item in items:
        raw = bytes(item)
        try:
            read.append(decode(raw))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            odd.append(set_aside(raw, str(error)))
    return read, odd


def set_aside(raw: bytes, problem: str) -> Unread:
    """Return an item as one that cannot be read."""
    kept = raw[:LONGEST].decode("utf-8", "ignore" if len(raw) > LONGEST else "replace")
    return Unread(_id(raw), plain(problem), kept, blake2b(raw, digest_size=16).hexdigest())


def beside(products: Sequence[Product], odd: Sequence[Unread]) -> Page:
    """Return a page of these products, and of what was set aside beside them."""
    return OddPage(products, odd) if odd else products


def odd_of(page: Page) -> Sequence[Unread]:
    """Return what was set aside of a page."""
    return page.odd if isinstance(page, OddPage) else ()


def shapeless(odd: Sequence[Unread]) -> bool:
    """Say whether an answer of which nothing else was listed has another shape; one item alone may just be odd."""
    return len(odd) > 1 or any(not one.id for one in odd)


def nothing_read(url: str, odd: Sequence[Unread]) -> CatalogueError:
    """Say that of all that an answer listed nothing can be read."""
    return CatalogueError(
        f"{url} lists what cannot be read, {len(odd)} of {len(odd)} items: {odd[0].told}",
        hint=f"a newer eo-watcher may read this shape; the first begins with {odd[0].raw[:120]!a}",
        permanent=True,
    )


def _id(raw: bytes) -> str:
    try:
        said = _named(raw).id
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
    # Under another one no product was ever recorded.
    return said if isinstance(said, str) and said.isprintable() and said.strip(".") else ""
