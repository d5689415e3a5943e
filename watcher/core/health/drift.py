"""Whether a catalogue still says what it said: its collections by name, and the facts that we read of its products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from watcher.model import Product

FACTS = (
    "level",
    "acquired",
    "published",
    "updated",
    "cloud",
    "platform",
    "instrument",
    "geometry",
    "code",
    "grid",
    "link",
    "quicklook",
    "file",
    "type",
    "size",
    "checksum",
)
"""What may be known of a product: its own fields, and `file`, `type`, `size` and `checksum` of what is downloaded."""


class Drift(msgspec.Struct, frozen=True):
    """How the same products are described then and now.

    `compared` are the products that were found again, `lost` those that were not; `gone` are the facts that each of
    the former had and that none of them has now.
    """

    compared: int
    lost: Sequence[str]
    gone: Sequence[str]


def drift(recorded: Sequence[Product], listed: Iterable[Product]) -> Drift:
    """Compare products as they were recorded with what their catalogue lists of them now, by their ids."""
    now = {product.id: facts(product) for product in listed}
    found = [product for product in recorded if product.id in now]
    had = [facts(product) for product in found]
    gone = [
        fact
        for fact in FACTS
        if had and all(fact in facts for facts in had) and not any(fact in now[product.id] for product in found)
    ]
    return Drift(len(found), [product.title for product in recorded if product.id not in now], gone)


def facts(product: Product) -> frozenset[str]:
    """Name what is known of a product."""
    said = {fact for fact in FACTS if getattr(product, fact, None) is not None}
    said |= {"file"} if product.assets else set()
    for fact in ("type", "size", "checksum"):
        if any(getattr(asset, fact) is not None for asset in product.assets):
            said.add(fact)
    return frozenset(said)


def renamed(wanted: Iterable[str], offered: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return which of these collections a catalogue does not offer, each with the names that come nearest, best first.

    Names are compared by their parts, whatever their order: catalogues rename by putting another word in front.
    """
    from rapidfuzz import fuzz, process

    known = set(offered)
    return {
        name: [
            near
            for near, _, _ in process.extract(
                name, offered, scorer=fuzz.token_set_ratio, processor=_parts, limit=3, score_cutoff=60
            )
        ]
        for name in dict.fromkeys(wanted)
        if name not in known
    }


def _parts(name: str) -> str:
    return "".join(letter if letter.isalnum() else " " for letter in name).lower()
