"""What of an answer cannot be read as a product, set aside so that it does not hide the others.

Servers change, and their databases hold odd rows: one item of a hundred without an id, or with `null` where an object
belongs. An answer of several items of which none can be read is another matter: then it is the shape that changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Finding, OddPage, Page, Product, Unread
from watcher.names import plain

LONGEST = 64 * 1024
"""So much of an item is kept."""

_SPARE = 4096
"""So much more is there until it was redacted: of a secret at the edge no part is to stay."""

T = TypeVar("T")


def reading(
    page: Any, item: Any, *, under: str, named: Sequence[str] = ("id",), sound: Callable[[Any], object] | None = None
) -> Callable[[bytes | bytearray], tuple[Any, Sequence[Unread]]]:
    """Make what decodes a page, and each item on its own where not all can be: it returns the page, and the others.

    `page` is a struct, generic in the items that it has `under` a field; an item's id is `named` by these keys. `sound`
    raises `ValueError` for an item that is none. What is no page is refused as msgspec does.
    """
    whole, loose, one, name = decoder(page[item]), decoder(page[msgspec.Raw]), decoder(item), naming(*named)

    def each(raw: bytes) -> Any:
        read = one.decode(raw)
        if sound is not None:
            sound(read)
        return read

    def decode(body: bytes | bytearray) -> tuple[Any, Sequence[Unread]]:
        try:
            read = whole.decode(body)
            if sound is not None:
                for it in getattr(read, under) or ():
                    sound(it)
        except ValueError:  # msgspec's are, too
            read = loose.decode(body)
        else:
            return read, ()
        items, odd = apart(getattr(read, under) or (), each, name)
        if items or odd:
            setattr(read, under, items)
        return read, odd

    return decode


def naming(*keys: str) -> Callable[[bytes], str]:
    """Make what finds the id of an item, which lies under these keys of its JSON; "" where there is none."""
    kind: Any = Any
    for key in reversed(keys):
        kind = msgspec.defstruct("Named", [("it", kind, msgspec.field(name=key, default=None))])
    decode = decoder(kind).decode

    def name(raw: bytes) -> str:
        try:
            said = decode(raw)
        except (ValueError, RecursionError):
            return ""
        for _ in keys:
            said = getattr(said, "it", None)
        # Under another one no product was ever recorded.
        return said if isinstance(said, str) and said.isprintable() and said.strip(".") else ""

    return name


def apart(
    items: Iterable[msgspec.Raw], decode: Callable[[bytes], T], name: Callable[[bytes], str]
) -> tuple[list[T], list[Unread]]:
    """Decode the items of a page each on its own; what is refused (also with a `ValueError`) is set aside."""
    read: list[T] = []
    odd: list[Unread] = []
    for item in items:
        raw = bytes(item)
        try:
            read.append(decode(raw))
        except (ValueError, RecursionError) as error:
            odd.append(set_aside(raw, str(error), name))
    return read, distinct(odd)


def set_aside(raw: bytes, problem: str, name: Callable[[bytes], str]) -> Unread:
    """Return an item as one that cannot be read; `name` finds its id."""
    kept = raw[: LONGEST + _SPARE].decode("utf-8", "ignore" if len(raw) > LONGEST + _SPARE else "replace")
    return Unread(name(raw), plain(problem), kept, blake2b(raw, digest_size=16).hexdigest())


def distinct(odd: Iterable[Unread]) -> list[Unread]:
    """Return what one answer listed so that those that are wholly alike, and have no id, are as many as they are."""
    times: Counter[str] = Counter()
    found: list[Unread] = []
    for one in odd:
        before = times[one.digest]
        times[one.digest] += not one.id
        found.append(msgspec.structs.replace(one, digest=f"{one.digest}-{before}") if before else one)
    return found


def first_time(odd: Iterable[Unread], seen: set[str]) -> list[Unread]:
    """Return what was not set aside before in this answer, each once; `seen` remembers it."""
    fresh = {one.mark: one for one in odd if one.mark not in seen}
    seen.update(fresh)
    return list(fresh.values())


def beside(products: Sequence[Product], odd: Sequence[Unread]) -> Page:
    """Return a page of these products, and of what was set aside beside them."""
    return OddPage(products, odd) if odd else products


def odd_of(page: Page) -> Sequence[Unread]:
    """Return what was set aside of a page."""
    return page.odd if isinstance(page, OddPage) else ()


def shapeless(odd: Sequence[Unread]) -> bool:
    """Say whether an answer of which nothing else was listed has another shape; one item alone may just be odd."""
    return len(odd) > 1 or any(not one.id for one in odd)


class NothingRead(CatalogueError):
    """Of all that an answer listed nothing can be read."""


def nothing_read(url: str, odd: Sequence[Unread]) -> NothingRead:
    """Say that of all that an answer listed nothing can be read."""
    return NothingRead(
        f"{url} lists what cannot be read, {len(odd)} of {len(odd)} items: {odd[0].told}",
        hint=f"a newer eo-watcher may read this shape; the first begins with {odd[0].raw[:120]!a}",
        permanent=True,
    )


def told(subject: str, odd: Sequence[Unread], *, size: int) -> Finding:
    """Say in `watcher check` what cannot be read of so many items that were listed."""
    text = f"{len(odd)} of the {size} listed cannot be read: {odd[0].told}"
    others = "its provider can mend that; the others are read all the same"
    return Finding(subject, False, text, others if len(odd) < size else "a newer eo-watcher may read them")
