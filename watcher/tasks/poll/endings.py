"""What a catalogue no longer has: by its own word, or because a complete answer does not list it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from watcher.core.decide import Arrival
from watcher.core.filters import accepts
from watcher.core.ground.footprints import coverage
from watcher.core.health.auditing import APART
from watcher.core.questions.asking import Ask
from watcher.core.withdrawals import taken_away, vanished
from watcher.errors import CatalogueError
from watcher.model import Event, Page, Watch
from watcher.store import acquisitions as relatives
from watcher.store import products, subscriptions, watching
from watcher.tasks.poll.visit import Answer, Visit, announce, complain


def take_away(visit: Visit, collection: int, ask: Ask, deleted: Page, *, now: datetime) -> None:
    """Tell of what the catalogue says that it took away, wherever it was seen: such a record has often no place."""
    db = visit.db
    gone = taken_away(deleted, products.known(db, collection, deleted))
    if not gone:
        return
    replaced = relatives.replaced(db, {one.revision for one in gone})
    at = {one.site for one in gone}
    around = watching.watches(db, catalogue=visit.name, collection=ask.query.collection, at=at, paused=True)
    told = [
        _withdrawal(visit, one.site, around, one.revision, cause=one.cause)
        for one in gone
        if one.revision not in replaced
    ]
    announce(visit, told, ask.watches, now=now)
    for one in gone:
        if not one.known:
            products.miss(db, one.site, [one.revision], now=now)


def returned(visit: Visit, revisions: Sequence[int]) -> list[Arrival]:
    """Return what those who heard that a revision was withdrawn are to hear of it, now that it is listed again."""
    lost = products.back(visit.db, revisions) if revisions else []
    if not lost:
        return []
    audience = subscriptions.audience(visit.db, now=visit.now())
    found = []
    for site, revision, covered, heard in lost:
        _, product = products.one(visit.db, revision)
        everybody = audience.owed(site, product, event=Event.RETURNED, coverage=covered)
        if owed := [to for to in everybody if to.address in heard]:
            found.append(Arrival(site, revision, Event.RETURNED, owed, False, coverage=covered))
    return found


def compare(visit: Visit, collection: int, ask: Ask, answer: Answer) -> set[int]:
    """Conclude what is no longer there; return the sites of which nothing is concluded, as all of them seems gone.

    What was listed without an id that can be read may be anything that is missed: then nothing is gone.
    """
    db, now, start = visit.db, visit.now(), ask.query.acquired[0]
    around = visit.around.watches(ask)
    silent: set[int] = set()
    # What another watch of this site missed in this very poll was missed by one look, not by two.
    before = visit.started - APART if visit.again else visit.started
    seen = {
        watch.number: products.seen(db, watch, collection, besides=answer.listed, since=start, before=before)
        for watch in ask.watches
    }
    for watch in ask.watches:
        if len(seen[watch.number]) > answer.unnamed and watch.site.number not in answer.sites | silent:
            silent.add(watch.site.number)
            error = CatalogueError(
                f"{watch.site.name}: {ask.query.collection} lists nothing, where {len(seen[watch.number])} products"
                " were seen before",
                hint="nothing is concluded from it; if they are really gone, remove the site",
            )
            complain(visit.tally, ask, error)
    if answer.unnamed:
        return silent
    for watch in ask.watches:
        if watch.site.number not in silent:
            missing, withdrawn = vanished(answer.listed, seen[watch.number])
            products.miss(db, watch.site.number, missing, now=now)
            if missing:
                answer.gone.add(watch.number)
            gone = [_withdrawal(visit, watch.site.number, around, revision) for revision in withdrawn]
            announce(visit, gone, ask.watches, now=now)
    return silent


def _withdrawal(
    visit: Visit, site: int, around: Collection[Watch], revision: int, *, cause: str | None = None
) -> Arrival:
    db = visit.db
    _, product = products.one(db, revision)
    here = [w for w in around if w.site.number == site and w.level in (None, product.level)]
    told = any(accepts(watch, product, again=True) for watch in here)
    if told and visit.terms.once and not relatives.told(db, revision, site):
        # Nobody heard of it from this catalogue, and another one still has the acquisition.
        told = not relatives.also(db, revision, site)
    if not told:
        return Arrival(site, revision, Event.WITHDRAWN, (), False, cause)
    covered = coverage(here[0].site.geometry, product.geometry)
    audience = subscriptions.audience(db, now=visit.now())
    owed = audience.owed(site, product, event=Event.WITHDRAWN, coverage=covered)
    return Arrival(site, revision, Event.WITHDRAWN, owed, False, cause, covered)
