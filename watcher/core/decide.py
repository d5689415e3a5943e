"""What follows from what a catalogue lists: the one place where it is decided what is new.

Pure. A poll gives it a page, what is known of the page's products and of their acquisitions, and who wants to hear; it
returns all that is to be written, so that one transaction can write it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from watcher.core.audience import Audience, Owed
from watcher.core.filters import accepts, wanted
from watcher.core.ground.footprints import coverage
from watcher.core.identity.acquisitions import key, newer, processing
from watcher.core.identity.kin import Kin, Verdict, judge
from watcher.core.identity.revisions import completes, recognised
from watcher.model import Event, Level, Product, Watch


class Listing(msgspec.Struct, frozen=True, gc=False):
    """A product that was listed, and the watches, at least one, whose site and level it matches."""

    product: Product
    watches: Sequence[Watch]


class Known(msgspec.Struct, gc=False):
    """What is known of a product: its revisions by token, oldest first, and the newest that each site has seen."""

    tokens: dict[str, int]
    sites: dict[int, int]
    missing: bool = False


class Arrival(msgspec.Struct, frozen=True):
    """What happened at a site, to which revision, who is to hear of it, and whether its files are wanted.

    `cause` is why a catalogue says that it took the product away, `coverage` how much of the site the product covers,
    in percent.
    """

    site: int
    revision: int
    event: Event
    owed: Sequence[Owed]
    download: bool
    cause: str | None = None
    coverage: float | None = None


class Decision(msgspec.Struct, frozen=True):
    """All that follows from a page. Revisions and sightings are given by number.

    `completed` are revisions that were known and whose description gained something, `offered` those among them
    whose files a watch wants, which may have had none when they arrived; `returned` are sightings that had been
    missing, `back` those of them that are listed. `replaced` are revisions that a newer processing under another id
    replaces, with its number; `fetched` are revisions and sites whose files are wanted though another catalogue has
    told of the acquisition. `keys` are the acquisitions of `revisions` and `completed`, by number.
    """

    revisions: list[tuple[int, Product]]
    completed: list[tuple[int, Product]]
    offered: list[tuple[int, Watch]]
    sightings: list[tuple[int, int]]
    returned: list[int]
    arrivals: list[Arrival]
    listed: set[int]
    replaced: list[tuple[int, int]] = msgspec.field(default_factory=list)
    fetched: list[tuple[int, int]] = msgspec.field(default_factory=list)
    keys: dict[int, str | None] = msgspec.field(default_factory=dict)
    back: list[int] = msgspec.field(default_factory=list)


def acquisitions(listed: Iterable[Listing], known: Mapping[str, Known]) -> list[str | None]:
    """Return the acquisition, by key, of each listing that says something new: what else is known of it must be told.

    `None` stands for a listing that does not, or whose acquisition cannot be known.
    """
    return [key(one.product) if not known or news(one, known.get(one.product.id)) else None for one in listed]


def news(listing: Listing, record: Known | None) -> bool:
    """Say whether a listing has a revision that is not known, or newer than what a site of it has seen."""
    number = None if record is None else record.tokens.get(listing.product.revision)
    if record is None or number is None:
        return True
    return any(record.sites.get(watch.site.number, 0) < number for watch in listing.watches)


def decide(
    listed: Sequence[Listing],
    known: Mapping[str, Known],
    audience: Audience,
    *,
    first_number: int,
    download_levels: Collection[Level],
    keys: Sequence[str | None] | None = None,
    kin: Mapping[str, Sequence[Kin]] | None = None,
    collection: int = 0,
    once: bool = True,
) -> Decision:
    """Decide what is new in a page.

    `known` is keyed by product id and has no entry for a product never seen; `first_number` is the first free
    revision number. `keys` are what `acquisitions` returned, found out here if not given, `kin` the other products of
    those, by key; `collection` is the number of the page's own. `once` tells of an acquisition once at each site,
    whichever catalogue has it first. A watch without a baseline remembers what it finds and announces it only if it was
    asked to.
    """
    keys = acquisitions(listed, known) if keys is None else keys
    if not known and not kin and _only_remembered(listed, keys):
        return _remembered(listed, keys, first_number)
    page = _Page(audience, first_number, download_levels, kin or {}, collection, once)
    for listing, acquisition in zip(listed, keys, strict=True):
        product = listing.product
        record = known.get(product.id) or page.records.get(product.id)
        if record is None:
            record = page.records[product.id] = Known({}, {})
        first_free = page.number
        revision = page.recognise(listing, acquisition, record)
        page.decision.listed.update(record.tokens.values())
        if record.missing:
            record.missing = False
            page.decision.returned.extend(record.tokens.values())
            if revision != first_free:
                page.decision.back.append(revision)
        unseen = [site for site in {w.site.number for w in listing.watches} if record.sites.get(site, 0) < revision]
        if not (unseen or revision == first_free):
            continue
        others = page.others(acquisition)
        for site in unseen:
            before = record.sites.get(site)
            record.sites[site] = revision
            page.sees(revision, site)
            page.arrive(listing, record, site, before, others)
        if revision == first_free:
            page.replace(product, revision, others)
            page.remember(acquisition, product, revision, record)
        elif not any(one.number == revision for one in others):
            page.remember(acquisition, product, revision, record)  # the sites that saw it were removed since
    return page.decision


def _only_remembered(listed: Sequence[Listing], keys: Sequence[str | None]) -> bool:
    """Say whether nothing on a page, of which nothing is known, has to do with anything else there or with anybody."""
    watches = {watch.number: watch for one in listed for watch in one.watches}
    if any(watch.baselined is not None or watch.announce for watch in watches.values()):
        return False
    named = [acquisition for acquisition in keys if acquisition is not None]
    return len({one.product.id for one in listed}) == len(listed) and len(set(named)) == len(named)


def _remembered(listed: Sequence[Listing], keys: Sequence[str | None], first_number: int) -> Decision:
    """Decide on such a page, as most of a baseline are, in a quarter of the time."""
    numbers = range(first_number, first_number + len(listed))
    places = {watch.site.number for one in listed for watch in one.watches}
    if len(places) == 1:
        (site,) = places
        sightings = [(number, site) for number in numbers]
    else:
        sightings = [
            (number, site)
            for number, one in zip(numbers, listed, strict=True)
            for site in dict.fromkeys([watch.site.number for watch in one.watches])
        ]
    return Decision(
        revisions=list(zip(numbers, [one.product for one in listed], strict=True)),
        completed=[],
        offered=[],
        sightings=sightings,
        returned=[],
        arrivals=[],
        listed=set(numbers),
        keys=dict(zip(numbers, keys, strict=True)),
    )


class _Page:
    """A page that is being decided on: what follows so far, and what its earlier products make known to later ones."""

    def __init__(
        self,
        audience: Audience,
        first_number: int,
        download_levels: Collection[Level],
        kin: Mapping[str, Sequence[Kin]],
        collection: int,
        once: bool,
    ) -> None:
        self.decision = Decision([], [], [], [], [], [], set())
        self.records: dict[str, Known] = {}
        self.number = self._first = first_number
        self._audience, self._levels = audience, download_levels
        self._kin, self._collection, self._once = kin, collection, once
        self._fresh: dict[str, list[tuple[int, Product, Known]]] = {}
        self._sights: dict[int, frozenset[int]] = {}

    def recognise(self, listing: Listing, acquisition: str | None, record: Known) -> int:
        """Return the number of the revision that is listed, a new one if it is not known."""
        product = listing.product
        if product.revision in record.tokens:
            return record.tokens[product.revision]
        if record.tokens and (text := recognised(list(record.tokens), product.revision)) is not None:
            revision = record.tokens[text]
            if text == next(reversed(record.tokens)) and completes(text, product.revision):
                del record.tokens[text]
                record.tokens[product.revision] = revision
                self.decision.completed.append((revision, product))
                self.decision.keys[revision] = acquisition
                wanting = (w for w in listing.watches if wanted(w, product, self._levels))
                self.decision.offered.extend((revision, watch) for watch in wanting)
            return revision
        revision = record.tokens[product.revision] = self.number
        self.decision.revisions.append((revision, product))
        self.decision.keys[revision] = acquisition
        self.number += 1
        return revision

    def sees(self, revision: int, site: int) -> None:
        """Note that a site sees a revision, which other sites may have seen long ago."""
        self.decision.sightings.append((revision, site))
        if revision < self._first:
            self._sights[revision] = self._sights.get(revision, frozenset()) | {site}

    def arrive(self, listing: Listing, record: Known, site: int, before: int | None, others: Sequence[Kin]) -> None:
        """Judge what a revision is at a site that sees it for the first time, and who is to hear of it."""
        product, revision = listing.product, record.sites[site]
        if others:
            token = next((text for text, number in record.tokens.items() if number == before), None)
            verdict = judge(product, others, collection=self._collection, site=site, before=token, once=self._once)
        else:
            verdict = _NEW if before is None else _REVISED
        again = before is not None or (verdict.event is Event.REVISED and self._seen(others, site))
        accepting = [w for w in listing.watches if w.site.number == site and accepts(w, product, again=again)]
        if not accepting or (verdict.event is None and not verdict.told_by):
            return
        event = verdict.event or Event.NEW
        covered = coverage(accepting[0].site.geometry, product.geometry)
        owed = self._audience.owed(site, product, event=event, coverage=covered)
        download = any(wanted(watch, product, self._levels) for watch in accepting)
        if verdict.told_by:
            # What others told may not have passed everybody's filter.
            told = [replace(product, level=one.level, cloud=one.cloud) for one in verdict.told_by]
            told_to = (self._audience.owed(site, one, event=event, coverage=covered) for one in told)
            heard = {to.address for owed_to in told_to for to in owed_to}
            owed = [to for to in owed if to.address not in heard]
            asked_for = any(watch.download for watch in accepting)
            download = download and (asked_for or not _at_home(product, verdict.told_by))
        if verdict.event is not None or owed:
            self.decision.arrivals.append(Arrival(site, revision, event, owed, download, coverage=covered))
        elif download:
            self.decision.fetched.append((revision, site))

    def replace(self, product: Product, revision: int, others: Sequence[Kin]) -> None:
        """Note what a new revision replaces under other ids, or what replaces it."""
        for one in others:
            if one.collection == self._collection and one.id != product.id:
                this = processing(product)
                if newer(this, one.processing):
                    self.decision.replaced.append((one.number, revision))
                elif newer(one.processing, this):
                    self.decision.replaced.append((revision, one.number))

    def remember(self, acquisition: str | None, product: Product, revision: int, record: Known) -> None:
        """Let the products that follow on the page know of one that nothing was known of."""
        if acquisition is not None:
            self._fresh.setdefault(acquisition, []).append((revision, product, record))

    def others(self, acquisition: str | None) -> Sequence[Kin]:
        """Return what is known of an acquisition, from before and from this page."""
        if acquisition is None:
            return ()
        known, fresh = self._kin.get(acquisition, ()), self._fresh.get(acquisition, ())
        if not known and not fresh:
            return ()
        seen = [
            replace(one, seen=one.seen | sites) if (sites := self._sights.get(one.number)) else one for one in known
        ]
        return [*seen, *(_related(*one, self._collection) for one in fresh)]

    def _seen(self, others: Sequence[Kin], site: int) -> bool:
        return any(one.collection == self._collection and site in one.seen for one in others)


_NEW, _REVISED = Verdict(Event.NEW), Verdict(Event.REVISED)


def _related(revision: int, product: Product, record: Known, collection: int) -> Kin:
    seen = frozenset(record.sites)
    return Kin(revision, collection, product.id, processing(product), product.level, product.cloud, seen)


def _at_home(product: Product, others: Sequence[Kin]) -> bool:
    """Say whether the files of the same product, from another catalogue, are at home or on their way."""
    this = processing(product)
    return any(one.wanted and one.processing and this and one.processing.chain == this.chain for one in others)
