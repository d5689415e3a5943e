"""One question, and what follows once its answer is complete: what is gone, the baseline, the cursor, the count."""

from __future__ import annotations

from msgspec.structs import replace

from watcher.core.filters import LATE
from watcher.core.health.auditing import passed_over, spans
from watcher.core.questions.asking import Ask, newest
from watcher.core.questions.reach import onward
from watcher.errors import CatalogueError
from watcher.model import Query
from watcher.store import audits, products, watching
from watcher.store.connection import writing
from watcher.tasks.poll.endings import compare
from watcher.tasks.poll.reading import measure, read
from watcher.tasks.poll.visit import Answer, Visit


def ask_one(visit: Visit, ask: Ask) -> None:
    """Ask one question, write its answer page by page, and once it is complete what follows from that."""
    db, tally = visit.db, visit.tally
    with writing(db):
        collection = watching.collection_number(db, visit.name, ask.query.collection)
    answer = read(visit, collection, ask)
    try:
        _describe(visit, collection, ask, answer)
        if ask.recent:
            _remember(visit, collection, ask, answer)
    except CatalogueError as error:
        with writing(db):
            measure(visit, collection, ask, answer, error)
        raise
    with writing(db):
        _conclude(visit, collection, ask, answer)
        measure(visit, collection, ask, answer, None)
    if answer.cursor is not None and not visit.again:
        tally.reached[ask.query.collection] = answer.cursor


def _conclude(visit: Visit, collection: int, ask: Ask, answer: Answer) -> None:
    """Write what follows from a complete answer: what is gone, the baseline, the cursor, and what was counted."""
    db, tally, now = visit.db, visit.tally, visit.now()
    silent = compare(visit, collection, ask, answer) if ask.whole else set()
    if ask.whole:
        visit.around.changed()
    for watch in ask.watches:
        if watch.site.number in silent:
            continue
        cursor = None if visit.again else answer.cursor
        if not ask.whole and (since := watch.cursor or watch.baselined) is not None:
            cursor = onward(watch.cursor, cursor, since=since, looked=watch.reread)
        looked = watching.advance(
            db,
            watch,
            cursor=cursor,
            whole_from=ask.query.acquired[0],
            whole=ask.whole,
            far=ask.far and not visit.again,
            now=now,
        )
        tally.baselined += looked and watch.baselined is None
        if looked and ask.whole:
            mended, lacking = answer.mended[watch.number], answer.lacking[watch.number]
            tally.found |= answer.found[watch.number]
            tally.mended |= mended
            tally.lacking |= lacking
            audits.counted(
                db,
                watch,
                answer.count(watch),
                lacking=len(lacking),
                mended=len(mended),
                gone=watch.number in answer.gone,
                whole_from=ask.query.acquired[0],
                now=now,
            )


def _describe(visit: Visit, collection: int, ask: Ask, answer: Answer) -> None:
    """Ask for the description of what a brief answer names and nobody here has seen; what comes is told as ever."""
    if not answer.absent:
        return
    listed = [listing.product for listing in answer.absent.values()]
    before = products.known(visit.db, collection, listed)
    described: set[str] = set()
    odd: set[str] = set()
    for span in spans([product.acquired for product in listed], ask.query.acquired):
        part = _besides(visit, collection, ask, replace(ask.query, brief=False, acquired=span))
        answer.listed |= part.listed
        described |= part.ids
        odd |= part.odd
    after = products.known(visit.db, collection, listed)
    can = visit.catalogue.capability()
    for listing in answer.absent.values():
        product = listing.product
        for watch in listing.watches:
            was, now = (
                known[product.id].sites.get(watch.site.number) if product.id in known else None
                for known in (before, after)
            )
            if product.id in odd - described:
                answer.counts[watch.number] -= 1  # what is set aside is nowhere counted, and told of by itself
            elif product.id not in described:
                answer.lacking[watch.number].add(product.id)
            elif now is None:
                answer.counts[watch.number] -= 1  # by its full description it does not lie there
            elif now != was:
                answer.found[watch.number].add(product.id)
                if passed_over(product, watch, can, now=visit.started, lookback=visit.terms.lookback):
                    answer.mended[watch.number].add(product.id)


def _remember(visit: Visit, collection: int, ask: Ask, answer: Answer) -> None:
    """Read what the catalogue learnt lately at these places, whenever it was acquired.

    It goes back as far as what was acquired long ago may be news: what comes to light there later was not there yet.
    """
    lately = replace(ask.query, acquired=(None, None), learnt_since=visit.started - LATE)
    part = _besides(visit, collection, ask, lately)
    answer.cursor = newest(answer.cursor, part.cursor, now=visit.now())


def _besides(visit: Visit, collection: int, ask: Ask, query: Query) -> Answer:
    """Ask another question about the places of one, and write what it lists."""
    besides = replace(ask, query=query, whole=False, recent=False, besides=True)
    part = read(visit, collection, besides)
    with writing(visit.db):
        measure(visit, collection, besides, part, None)
    return part
