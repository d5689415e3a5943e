"""What must have been told, by the plainest means: a list of what was listed when, and one of who looked when.

A watcher is asked for no more than this: what was published at a place after its baseline, and was listed there
throughout two good polls, has been told there once; what was there before has not; nor has anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any

PUNCTUAL = timedelta(hours=3)
"""What every question goes back behind its cursor: so late a product may always be."""

Key = tuple[int, int, int]
"""Scene, edition, version."""


@dataclass
class Span:
    """That a product was listed, from one tick until another (`None`: still).

    `newest` is when another edition of its scene came, `touched` when its record changed; `late` is how much older it
    was by its stamp.
    """

    key: Key
    places: Sequence[str]
    late: timedelta
    since: int
    until: int | None = None
    newest: int | None = None
    touched: list[int] = field(default_factory=list)

    @property
    def product(self) -> tuple[int, int]:
        return self.key[:2]


@dataclass
class Look:
    """One poll: from when until when, at which sites, and whether it went well and was told no lie."""

    begin: int
    end: int
    sites: frozenset[str]
    good: bool


@dataclass
class Site:
    """A watched site: where it is, and the poll that was its baseline."""

    name: str
    place: str
    baseline: Look | None = None


@dataclass(frozen=True)
class Told:
    """An arrival: what happened to which revision, and when it was first read."""

    event: str
    revision: int
    tick: int


Telling = Mapping[tuple[str, Key], Sequence[Told]]
"""What was told, by site and processing."""


@dataclass(frozen=True)
class Verdict:
    """How many arrivals were told, and which are missing; told twice, or wrongly; told later than they could be."""

    announced: int
    missed: list[str]
    doubled: list[str]
    late: list[str]


def judge(spans: Sequence[Span], sites: Sequence[Site], looks: Sequence[Look], told: Telling, notices: int) -> Verdict:
    """Compare what was told with what happened; `notices`: after how many good polls what is gone is told of, or 0."""
    missed: list[str] = []
    doubled: list[str] = []
    late: list[str] = []
    by_key = _grouped(spans, lambda span: span.key)
    by_product = _grouped(spans, lambda span: span.product)
    for site in sites:
        good = [look for look in looks if look.good and site.name in look.sites]
        mine = {key: list(events) for (name, key), events in told.items() if name == site.name}
        for key, listings in by_key.items():
            events = [one for one in mine.get(key, ()) if one.event not in ("withdrawn", "returned")]
            what = f"{site.name} {key}"
            due = _due(listings, site, good)
            if len(events) > 1:
                doubled.append(f"{what} told {len(events)} times")
            if events and not _allowed(listings, site):
                doubled.append(f"{what} was there before its baseline, or is elsewhere")
            if due is not None and not events:
                missed.append(what)
            elif due is not None and events[0].tick > due:
                late.append(what)
        doubled += _twice_new(site, mine)
        for product, listings in by_product.items():
            events = [one for key, ones in mine.items() if key[:2] == product for one in ones]
            gone = [one for one in events if one.event == "withdrawn"]
            what = f"{site.name} {product}"
            if gone and not (notices and _was_gone(listings)):
                doubled.append(f"{what} told as withdrawn, and never was")
            doubled += [f"{what} told as returned, and never withdrawn" for one in events if one.event == "returned"][
                len(gone) :
            ]
            if not gone and notices and _must_be_withdrawn(listings, by_product, site, good, events, notices):
                missed.append(f"{what} withdrawn")
    return Verdict(sum(map(len, told.values())), missed, doubled, late)


def _due(listings: Sequence[Span], site: Site, good: Sequence[Look]) -> int | None:
    """Return by when a processing must have been told at a site; `None` when it need not."""
    base = site.baseline
    if base is None or site.place not in listings[0].places or listings[0].since <= base.end:
        return None
    for span in listings:
        seeing = [look for look in good if look is not base and _throughout(span, look)]
        # What is stamped later than every question goes back is only found by the one of once a day.
        if len(seeing) > 1 and (span.late <= PUNCTUAL or span.until is None):
            return seeing[1].end
    return None


def _throughout(span: Span, look: Look) -> bool:
    """Say whether it was listed, and the newest of its scene, during all of a poll, and was left alone."""
    ends = [tick for tick in (span.until, span.newest) if tick is not None]
    alone = not any(look.begin < tick < look.end for tick in span.touched)
    return span.since < look.begin and all(tick > look.end for tick in ends) and alone


def _allowed(listings: Sequence[Span], site: Site) -> bool:
    base = site.baseline
    return base is not None and site.place in listings[0].places and listings[-1].since > base.begin


def _twice_new(site: Site, mine: Mapping[Key, Sequence[Told]]) -> Iterator[str]:
    """Find scenes that were told as new twice: a newer processing revises."""
    for scene, keys in groupby(sorted(mine), key=lambda key: key[0]):
        if sum(one.event == "new" for key in keys for one in mine[key]) > 1:
            yield f"{site.name} ({scene}) told as new twice"


def _was_gone(listings: Sequence[Span]) -> bool:
    """Say whether a product was ever not listed since it was first."""
    ends = [span.until for span in listings]
    return ends[-1] is not None or any(end != after.since for end, after in zip(ends, listings[1:], strict=False))


def _must_be_withdrawn(
    listings: Sequence[Span],
    by_product: Mapping[tuple[int, int], Sequence[Span]],
    site: Site,
    good: Sequence[Look],
    events: Sequence[Told],
    notices: int,
) -> bool:
    """Say whether a site knew a product that is gone, that nothing replaces, and that enough polls have not found."""
    until, base = listings[-1].until, site.baseline
    if until is None or base is None or site.place not in listings[0].places:
        return False
    if any(scene == listings[0].key[0] and edition > listings[0].key[1] for scene, edition in by_product):
        return False
    there = any(_throughout(span, base) for span in listings)
    return (bool(events) or there) and sum(look.begin > until for look in good) >= notices


def _grouped(spans: Sequence[Span], by: Any) -> dict[Any, list[Span]]:
    found: dict[Any, list[Span]] = {}
    for span in spans:
        found.setdefault(by(span), []).append(span)
    return found
