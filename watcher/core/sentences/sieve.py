"""Which products a sentence asks for. Servers ignore filters with a 200, and cannot be asked for all of them."""

from __future__ import annotations

from watcher.core.identity.missions import carried, has_instrument, may_hold, platform_of, within
from watcher.core.sentences.sentence import Kind, Sentence
from watcher.model import Level, Product
from watcher.names import fold


def fits(product: Product, sentence: Sentence, *, catalogue: str = "") -> tuple[bool, frozenset[Kind]]:
    """Say whether a product is what a sentence asks for, the place apart, and of what it does not tell.

    What a product does not tell keeps nothing out. `catalogue` is a name that the words of a collection may mean too.
    """
    judged = {
        Kind.PLATFORM: _platform(product, sentence),
        Kind.INSTRUMENT: _instrument(product, sentence),
        Kind.COLLECTION: _collection(product, sentence, catalogue),
        Kind.LEVEL: _level(product.level, sentence),
        Kind.ACQUIRED: _acquired(product, sentence),
        Kind.CLOUD: _cloud(product, sentence),
        Kind.GRID: _grid(product, sentence),
    }
    return False not in judged.values(), frozenset(kind for kind, verdict in judged.items() if verdict is None)


def holds(collection: str, sentence: Sentence, *, catalogue: str = "") -> bool:
    """Say whether a collection of that name may hold what a sentence asks for."""
    instruments = [carried(name) for name in sentence.instruments]
    carrying = [] if () in instruments else [platform for found in instruments for platform in found]
    named = [word for word in sentence.collections if fold(word) in fold(f"{catalogue} {collection}")]
    return (
        may_hold(collection, sentence.platforms)
        and may_hold(collection, carrying)
        and (bool(named) or not sentence.collections)
    )


def broad(level: Level) -> bool:
    """Say whether a level is a whole family: "L2" is also L2A and L2SP."""
    return len(level) == 2 and level.startswith("L")


def _platform(product: Product, sentence: Sentence) -> bool | None:
    if not sentence.platforms:
        return True
    platform = platform_of(product)
    if platform is None:
        return None
    if any(within(platform, wanted) for wanted in sentence.platforms):
        return True
    return None if any(within(wanted, platform) for wanted in sentence.platforms) else False


def _instrument(product: Product, sentence: Sentence) -> bool | None:
    if not sentence.instruments:
        return True
    if product.instrument:
        return any(has_instrument(product.instrument, wanted) for wanted in sentence.instruments)
    platform = platform_of(product)
    if platform is None or not all(carried(wanted) for wanted in sentence.instruments):
        return None
    return any(within(platform, one) for wanted in sentence.instruments for one in carried(wanted)) and None


def _collection(product: Product, sentence: Sentence, catalogue: str) -> bool:
    name = fold(f"{catalogue} {product.collection} {product.title}")
    return not sentence.collections or any(fold(word) in name for word in sentence.collections)


def _level(level: Level | None, sentence: Sentence) -> bool | None:
    if not sentence.levels:
        return True
    if level is None:
        return None
    return any(level == wanted or (broad(wanted) and level.startswith(wanted)) for wanted in sentence.levels)


def _acquired(product: Product, sentence: Sentence) -> bool | None:
    if not sentence.acquired:
        return True
    then = product.acquired
    if then is None:
        return None
    return any((not start or then >= start) and (not end or then <= end) for start, end in sentence.acquired)


def _cloud(product: Product, sentence: Sentence) -> bool | None:
    if sentence.min_cloud is None and sentence.max_cloud is None:
        return True
    if product.cloud is None:
        return None
    least = 0.0 if sentence.min_cloud is None else sentence.min_cloud
    most = 100.0 if sentence.max_cloud is None else sentence.max_cloud
    return least <= product.cloud <= most


def _grid(product: Product, sentence: Sentence) -> bool | None:
    same = [grid for grid in sentence.grids if product.grid and grid[:4] == product.grid[:4]]
    return product.grid in same if same else True
