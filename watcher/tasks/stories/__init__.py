"""The story of one product: who listed it, what the watches made of it, who heard of it, and where its files are."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from watcher.core.stories import Judged, judged
from watcher.model import Event, Product, Watch
from watcher.store import polls, products, stories, watching
from watcher.store.stories import Arrived, Files, Other, Sighted
from watcher.tasks.stories.hearing import Hearer, People, hearers


class There(msgspec.Struct, frozen=True):
    """An arrival, and who heard of it."""

    arrival: Arrived
    hearers: Sequence[Hearer]


class Here(msgspec.Struct, frozen=True):
    """A product at a site: what its watches make of it, what it arrived as, and what else of its acquisition did."""

    site: str
    missing: datetime | None
    watches: Sequence[Judged]
    arrivals: Sequence[There]
    others: Sequence[Other]

    @property
    def taken(self) -> bool:
        """Whether a watch announces it, by the terms of today."""
        return any(one.refused is None for one in self.watches)


class Story(msgspec.Struct, frozen=True):
    """A revision of a product: when it was first `seen`, by which `poll`, and what followed.

    Without a `poll` it was found when everything was listed again, or, if polls of that time are `forgotten`, by one
    that nobody remembers.
    """

    revision: int
    catalogue: str
    product: Product
    seen: datetime
    poll: polls.Poll | None
    forgotten: bool
    replaced: str | None
    sites: Sequence[Here]
    files: Files | None


def story(
    db: sqlite3.Connection,
    revision: int,
    people: People,
    *,
    at: int | None = None,
    only: Collection[int] | None = None,
    now: datetime,
) -> Story:
    """Tell of one revision, at all sites that saw it or `at` one, to all people or `only` some subscriptions."""
    catalogue, product = products.one(db, revision)
    seen, replaced = stories.seen(db, revision)
    poll, oldest = polls.at(db, catalogue, seen), polls.oldest(db, catalogue)
    places = [one for one in stories.sighted(db, revision) if at in (None, one.site)]
    watches = watching.watches(
        db, catalogue=catalogue, collection=product.collection, at=[one.site for one in places], paused=True
    )
    return Story(
        revision,
        catalogue,
        product,
        seen,
        poll,
        poll is None and (oldest is None or oldest > seen),
        replaced,
        [_here(db, revision, product, one, watches, people, only=only, seen=seen, now=now) for one in places],
        stories.files(db, revision),
    )


def _here(
    db: sqlite3.Connection,
    revision: int,
    product: Product,
    place: Sighted,
    watches: Sequence[Watch],
    people: People,
    *,
    only: Collection[int] | None,
    seen: datetime,
    now: datetime,
) -> Here:
    again = place.again or any(one.event is Event.REVISED for one in place.arrivals)
    here = [watch for watch in watches if watch.site.number == place.site]
    watched = any(watch.level in (None, product.level) for watch in here)
    return Here(
        place.name,
        place.missing,
        [judged(watch, product, seen=seen, again=again) for watch in here],
        [
            There(one, hearers(db, people, product, place.site, one, only=only, watched=watched, now=now))
            for one in place.arrivals
        ],
        stories.others(db, revision, place.site),
    )
