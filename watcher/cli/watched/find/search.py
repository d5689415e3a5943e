"""Looking for what a sentence asks: live in a catalogue, within bounds, or in what was already seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from watcher.core.sentences.sentence import Kind
from watcher.core.unread import odd_of
from watcher.errors import CatalogueError, HttpError, UsageError, WatcherError
from watcher.model import Level, Product, Query, Site, Watch

if TYPE_CHECKING:
    from watcher.cli.watched.find.ground import Spot, Spots
    from watcher.core.sentences import Interval, Sentence
    from watcher.plugins import Catalogue
    from watcher.wiring import Parts

MOST = 5000
"""So many products are read for one question; a longer answer is cut off, and that is said."""


_REFUSED = (400, 404, 410, 422)
"""What a server answers that does not know a collection, or has it no more."""


class Hit(msgspec.Struct, frozen=True):
    """A product that fits, where it is listed, and the watched site if it was seen at one."""

    catalogue: str
    product: Product
    site: str | None = None


Questions = Sequence[tuple[str, Level | None]]
"""Collections, each with the level to ask for."""


class NoCollection(UsageError):
    """A catalogue has nothing of what is asked."""


class Plan(msgspec.Struct, frozen=True):
    """What to ask a catalogue; `days` is how far back it is asked if no date was given."""

    named: str
    source: Catalogue
    spots: Spots
    questions: Questions
    windows: Sequence[Interval]
    days: int | None


class Haul(msgspec.Struct):
    """What was found: each product once, how many do not tell of what, which questions were cut off, what failed."""

    hits: dict[tuple[str, str, str], Hit] = {}
    silent: Counter[Kind] = msgspec.field(default_factory=Counter)
    cut: list[str] = []
    problems: list[CatalogueError] = []

    def newest(self) -> list[Hit]:
        """Return them by acquisition, the newest first, those without a date last."""
        hits = sorted(self.hits.values(), key=lambda hit: hit.product.title)
        dated = [hit for hit in hits if hit.product.acquired is not None]
        dated.sort(key=lambda hit: str(hit.product.acquired), reverse=True)
        return dated + [hit for hit in hits if hit.product.acquired is None]


def fitting(parts: Parts, names: Sequence[str], sentence: Sentence) -> tuple[dict[str, Questions], list[NoCollection]]:
    """Return the catalogues that may hold what is asked, with their questions, and why others do not."""
    found: dict[str, Questions] = {}
    others: list[NoCollection] = []
    for named in names:
        try:
            found[named] = questions(named, parts.catalogues.catalogue(named), sentence)
        except NoCollection as error:
            others.append(error)
    return found, others


def elsewhere(parts: Parts, sentence: Sentence) -> list[str]:
    """Name the catalogues whose collections say that they hold what is asked."""
    from watcher.core.identity.missions import named_in

    names = []
    for named in parts.config.known():
        try:
            pairs = questions(named, parts.catalogues.catalogue(named), sentence)
        except WatcherError:
            continue  # a catalogue that cannot be built now is no way out
        if not (sentence.platforms or sentence.instruments) or any(named_in(collection) for collection, _ in pairs):
            names.append(named)
    return names


def plan(
    parts: Parts,
    named: str,
    asked: Questions,
    sentence: Sentence,
    pick: int | None,
    *,
    now: datetime,
    lookback: timedelta,
) -> Plan:
    """Say what to ask a catalogue: without a date the `lookback`, or all that a catalogue of sites has.

    Raises `UsageError` where the place is not certain, or none is said to a catalogue too large for that.
    """
    from watcher.cli.watched.find.place import in_catalogue

    source = parts.catalogues.catalogue(named)
    spots = in_catalogue(parts, named, source, sentence, [collection for collection, _ in asked], pick)
    capability = source.capability()
    if not spots.spots and not (capability.codes or capability.sweeps):
        raise UsageError(f"{named} cannot be searched without a place", hint="say where, or look in what was --seen")
    if sentence.acquired:
        return Plan(named, source, spots, asked, sentence.acquired, None)
    if capability.codes:
        return Plan(named, source, spots, asked, [(None, None)], None)
    return Plan(named, source, spots, asked, [(now - lookback, None)], round(lookback / timedelta(days=1)))


def questions(named: str, source: Catalogue, sentence: Sentence) -> Questions:
    """Return the collections that may hold what is asked, each with the level to ask for.

    Raises `NoCollection` when there is none.
    """
    from watcher.core.sentences.sieve import broad, holds

    pairs = [
        (collection, None if level is not None and broad(level) else level)
        for level in sentence.levels or (None,)
        for each in ([level, *(f"{level}{letter}" for letter in "ABC")] if level and broad(level) else [level])
        for collection in source.collections_of(each)
        if holds(collection, sentence, catalogue=named)
    ]
    pairs = list(dict.fromkeys(pairs))
    if not pairs:
        wanted = [*sentence.collections, *sentence.levels, *sentence.platforms, *sentence.instruments]
        raise NoCollection(
            f"no collection of {named} is said to hold {' '.join(wanted)}",
            hint=f"it has: {', '.join(source.collections_of(None))}",
        )
    return pairs


def live(parts: Parts, plan: Plan, sentence: Sentence, haul: Haul) -> None:
    """Ask a catalogue, and add what fits to the haul; raises `CatalogueError` where it fails.

    A collection that it refuses is one of the haul's problems, and leaves the others their turn.
    """
    for spot in plan.spots.spots or (None,):
        for collection, level in plan.questions:
            if spot is not None and spot.collections is not None and collection not in spot.collections:
                continue
            for interval in plan.windows:
                query = Query(
                    collection=collection,
                    level=level,
                    code=spot.code if spot else None,
                    geometry=None if spot is None or spot.code else spot.place.geometry,
                    acquired=_whole_seconds(interval),
                )
                try:
                    _ask(parts, plan, query, spot, sentence, haul)
                except HttpError as error:
                    if error.status not in _REFUSED:
                        raise
                    haul.problems.append(error)


def _ask(parts: Parts, plan: Plan, query: Query, spot: Spot | None, sentence: Sentence, haul: Haul) -> None:
    read = 0
    for page in plan.source.search(query, parts.catalogues.http(plan.named)):
        there = page if spot is None else _there(page, spot, plan.named)
        _keep(haul, plan.named, there, sentence)
        read += len(page)
        if odd := odd_of(page):
            said = f"{len(odd)} of the items that {plan.named} lists in {query.collection} cannot be read"
            haul.problems.append(CatalogueError(f"{said}: {odd[0].told}", hint="all others are shown"))
        if read >= MOST:
            haul.cut.append(f"{plan.named} {query.collection}")
            return


def seen(parts: Parts, sentence: Sentence, spots: Spots, catalogues: Sequence[str], haul: Haul) -> None:
    """Add what fits of that which was seen at watched sites."""
    from watcher.store import listings

    starts = [start for start, _ in sentence.acquired]
    since = None if None in starts else min((start for start in starts if start), default=None)
    for one in listings.listing(parts.db(), site=None, level=None, since=since):
        if catalogues and one.catalogue not in catalogues:
            continue
        if spots.spots and not any(
            one.site == spot.code if spot.code else list(_there([one.product], spot, one.catalogue, known=True))
            for spot in spots.spots
        ):
            continue
        _keep(haul, one.catalogue, [one.product], sentence, site=one.site)


def _keep(haul: Haul, named: str, found: Iterable[Product], sentence: Sentence, *, site: str | None = None) -> None:
    from watcher.core.sentences.sieve import fits

    for product in found:
        key = (named, product.collection, product.id)
        fit, silent = fits(product, sentence, catalogue=named)
        if fit and key not in haul.hits:
            haul.hits[key] = Hit(named, product, site)
            haul.silent.update(silent)


def _there(page: Sequence[Product], spot: Spot, named: str, *, known: bool = False) -> Iterator[Product]:
    """Yield those of a page that lie at a place: as a poll would judge it."""
    from watcher.core.ground.matching import matches

    site = Site(0, spot.place.name, spot.place.geometry, spot.place.country, spot.place.origin, grid=spot.place.grid)
    watch = Watch(0, site, named, "", None, code=None if known else spot.code)
    return (listing.product for listing in matches(page, [watch], one_place=not known))


def _whole_seconds(interval: Interval) -> Interval:
    """Round the end up: catalogues of sites know no fractions, and what is beyond is left out here."""
    start, end = interval
    if end is not None and end.microsecond:
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    return start, end
