"""Look whether a catalogue still is what it was: its collections, how it describes products, whether it is heard.

Nothing is written. A server that fails here has been told of already, by the look that its own kind takes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from watcher.core.health.drift import drift, renamed
from watcher.core.health.silence import FACTOR, silence
from watcher.core.unread import odd_of
from watcher.errors import CatalogueError
from watcher.model import Finding, Product, Query, Watch
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.store import history, polls, unread, watching

_COMPARED = 5
_SECOND = timedelta(seconds=1)
_HISTORY = timedelta(days=400)
"""A year, and what its seasons hide."""


def look(db: sqlite3.Connection, name: str, catalogue: Catalogue, http: Http, *, now: datetime) -> Iterator[Finding]:
    """Compare a catalogue with what is configured, watched and recorded of it."""
    watched = watching.watches(db, catalogue=name)
    yield from collections(catalogue, http, watched)
    yield from descriptions(db, catalogue, http, watched)
    yield from unreadable(db, name)
    yield from silences(db, name, now=now)


def collections(catalogue: Catalogue, http: Http, watched: Sequence[Watch]) -> Iterator[Finding]:
    """Say which of the configured and the watched collections the catalogue has no more, and what may have become."""
    wanted = [*dict.fromkeys([*catalogue.collections_of(None), *(watch.collection for watch in watched)])]
    try:
        offered = [holding.collection for holding in catalogue.discover(http)]
    except CatalogueError as error:
        yield Finding("collections", False, f"they cannot be listed: {error}", error.hint)
        return
    missing = renamed(wanted, offered)
    for collection, near in missing.items():
        places = sorted({watch.site.name for watch in watched if watch.collection == collection})
        yield Finding(
            f"collection {collection}",
            False,
            "it is gone or renamed" + (f", and watched at {', '.join(places)}" if places else ""),
            (
                f"is it {' or '.join(near)} now? Put that into the configuration"
                if near
                else "the catalogue has no other"
            )
            + (", add the sites again with --collection, and check once more" if places else ""),
        )
    if not missing:
        told = f"all {len(wanted)} that are configured or watched are among its {len(offered)}"
        yield Finding("collections", True, told)


def descriptions(
    db: sqlite3.Connection, catalogue: Catalogue, http: Http, watched: Sequence[Watch]
) -> Iterator[Finding]:
    """Ask again for the newest products seen in each collection, and compare what is said of them then and now."""
    done: set[tuple[str, str | None]] = set()
    for watch in watched:
        recorded = [] if (watch.collection, watch.level) in done else history.newest(db, watch, limit=_COMPARED)
        if recorded:
            done.add((watch.collection, watch.level))
            yield _described(catalogue, http, watch, recorded)


def _described(catalogue: Catalogue, http: Http, watch: Watch, recorded: Sequence[Product]) -> Finding:
    subject = f"{watch.collection} {watch.level or ''}".strip()
    acquired = sorted(product.acquired for product in recorded if product.acquired is not None)
    question = Query(
        watch.collection,
        level=watch.level if catalogue.capability().codes else None,
        code=watch.code,
        geometry=watch.site.geometry if watch.code is None else None,
        acquired=(acquired[0] - _SECOND, acquired[-1] + _SECOND),
    )
    try:
        pages = list(catalogue.search(question, http))
    except CatalogueError as error:
        return Finding(subject, False, f"its newest products cannot be asked for: {error}", error.hint)
    listed = [product for page in pages for product in page]
    odd = [one for page in pages for one in odd_of(page)]
    found = drift(recorded, listed)
    if odd and not found.gone:
        text = f"{len(odd)} of the {len(listed) + len(odd)} items listed with its newest products cannot be read"
        hint = "tell its provider; a newer eo-watcher may read the new shape"
        return Finding(subject, False, f"{text}: {odd[0].told}", hint)
    if not found.compared:
        text = f"none of the {len(recorded)} newest products seen at {watch.site.name} is listed under its id any more"
        others = f"though {len(listed)} others are: did it rename its products?" if listed else "nor anything else then"
        return Finding(subject, False, f"{text}, {others}", "poll it, and look at watcher products")
    of = f"{found.compared} of its newest products"
    if found.gone:
        return Finding(
            subject,
            False,
            f"its answers have another shape than those recorded: {of} no longer have {', '.join(found.gone)}",
            "what is gone can neither be filtered by nor verified; a newer eo-watcher may read the new shape",
        )
    lost = f"; no longer listed: {', '.join(found.lost)}" if found.lost else ""
    return Finding(subject, True, f"{of} are described as they were recorded{lost}")


def unreadable(db: sqlite3.Connection, name: str) -> Iterator[Finding]:
    """Say of which collections polls were listed what they could not read."""
    for one in unread.standing(db, name):
        what = f"{one.count:,} items that its polls were listed" if one.count != 1 else "an item that a poll was listed"
        text = f"{what} cannot be read, since {one.since:%Y-%m-%d %H:%M} UTC: {one.first.told}"
        hint = "tell its provider, or report it to watcher: watcher status --json shows it"
        yield Finding(f"items of {one.collection}", False, text, hint)


def silences(db: sqlite3.Connection, name: str, *, now: datetime) -> Iterator[Finding]:
    """Say of which collections nothing new has come for longer than their history explains."""
    looks = polls.looks(db, name)
    for collection, times in history.published(db, name, since=now - _HISTORY).items():
        # A collection that we could not ask has not been silent.
        quiet = silence(times, now=looks[collection][1]) if collection in looks else None
        if quiet is None:
            continue
        text = f"nothing new for {_days(quiet.lasted)}; 95 % of its gaps were up to {_days(quiet.usual)}"
        hint = f"more than {FACTOR:g} times that is odd: has the catalogue stopped, moved, or renamed the collection?"
        yield Finding(f"silence of {collection}", not quiet.odd, text, hint if quiet.odd else None)


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):.1f} days"
