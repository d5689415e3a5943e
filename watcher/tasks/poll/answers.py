"""One question, and its answer written page by page with all that follows from it."""

from __future__ import annotations

from msgspec.structs import replace

from watcher.core.asking import Ask, Way, newest
from watcher.core.auditing import late, spans
from watcher.core.decide import Known, Listing, acquisitions, decide
from watcher.core.gauging import Gauge
from watcher.core.matching import matches
from watcher.core.revisions import recognised
from watcher.errors import CatalogueError
from watcher.model import Page
from watcher.store import acquisitions as relatives
from watcher.store import audits, downloads, measures, products, sites, subscriptions
from watcher.store.connection import writing
from watcher.tasks.poll.endings import compare, take_away
from watcher.tasks.poll.visit import Answer, Visit, announce, too_much


def ask_one(visit: Visit, ask: Ask) -> Answer:
    """Ask one question, write its answer page by page, and once it is complete what follows from that."""
    db, tally = visit.db, visit.tally
    with writing(db):
        collection = sites.collection_number(db, visit.name, ask.query.collection)
    # Whoever asks after that value was stored anywhere in the collection is told all that came before it: so what is
    # seldom news at one place keeps up with the others.
    answer = Answer(Gauge(ask, now=visit.started), tally.reached.get(ask.query.collection))
    # Where all of a site is read again, nearly all of it is known: that need be neither described nor looked up.
    numbers = {watch.site.number for watch in ask.watches}
    site = min(numbers) if ask.whole and len(numbers) == 1 and not ask.query.brief else None
    familiar = products.familiar(db, site, collection) if site is not None else {}
    query = replace(ask.query, known={identity: token for identity, (token, _) in familiar.items()})
    spent = visit.http.asked, visit.http.received
    pages = 0
    try:
        for page in visit.catalogue.search(query, visit.http):
            pages += 1
            tally.listed += len(page)
            answer.gauge.listed += len(page)
            fresh = [p for p in page if p.withdrawn is not None or query.known.get(p.id) != p.revision]
            if len(fresh) < len(page):
                unchanged = [p for p in page if p.withdrawn is None and query.known.get(p.id) == p.revision]
                answer.listed.update(*(familiar[product.id][1] for product in unchanged))
                answer.levels.update(product.level for product in unchanged)
                answer.sites |= numbers
            if fresh and ask.watches:
                _write(visit, collection, fresh, ask, answer)
            elif fresh:
                answer.gauge.take(fresh, (), ())
            moment = visit.now()
            for learnt in {product.learnt for product in page}:
                answer.cursor = newest(answer.cursor, learnt, now=moment)
            visit.alive()
        if answer.absent:
            _describe(visit, collection, ask, answer)
    except CatalogueError as error:
        with writing(db):
            _measure(visit, collection, ask, answer, spent, pages, error)
        raise
    with writing(db):
        _conclude(visit, collection, ask, answer)
        _measure(visit, collection, ask, answer, spent, pages, None)
    if answer.cursor is not None and not visit.again:
        tally.reached[ask.query.collection] = answer.cursor
    return answer


def _conclude(visit: Visit, collection: int, ask: Ask, answer: Answer) -> None:
    """Write what follows from a complete answer: what is gone, the baseline, the cursor, and what was counted."""
    db, now = visit.db, visit.now()
    silent = compare(visit, collection, ask, answer) if ask.whole else set()
    for watch in ask.watches:
        if watch.site.number in silent:
            continue
        looked = sites.advance(
            db,
            watch,
            cursor=None if visit.again else answer.cursor,
            whole_from=ask.query.acquired[0],
            whole=ask.whole,
            far=ask.far and not visit.again,
            now=now,
        )
        visit.tally.baselined += looked and watch.baselined is None
        if looked and ask.whole:
            audits.counted(
                db,
                watch,
                answer.count(watch),
                lacking=answer.lacking[watch.number],
                mended=answer.mended[watch.number],
                whole_from=ask.query.acquired[0],
                now=now,
            )


def _describe(visit: Visit, collection: int, ask: Ask, answer: Answer) -> None:
    """Ask for the description of what a brief answer names and nobody here has seen; what comes is told as ever."""
    found = answer.absent
    for span in spans([listing.product.acquired for listing in found], ask.query.acquired):
        query = replace(ask.query, brief=False, acquired=span)
        answer.listed |= ask_one(visit, replace(ask, query=query, whole=False)).listed
    known = products.known(visit.db, collection, [listing.product for listing in found])
    for listing in found:
        lacking = _new(listing, known.get(listing.product.id))
        for watch in listing.watches:
            (answer.lacking if lacking else answer.mended)[watch.number] += 1
        visit.tally.lacking += lacking
        visit.tally.mended += not lacking


def _measure(
    visit: Visit,
    collection: int,
    ask: Ask,
    answer: Answer,
    spent: tuple[int, int],
    pages: int,
    error: CatalogueError | None,
) -> None:
    """Note what a question was like, for the next ones to be chosen by; one that had no answer only what it cost."""
    gauge, http, now = answer.gauge, visit.http, visit.now()
    way = "whole" if ask.whole else "sweep" if ask.way in (Way.SWEEP, Way.SOUNDING) else "places"
    measure = measures.Measure(
        way=way,
        places=ask.places,
        listed=gauge.listed,
        fresh=gauge.fresh,
        seconds=gauge.seconds(visit.before and visit.before[1]),
        requests=max(http.asked - spent[0], pages, 1),
        size=http.received - spent[1],
        answered=error is None,
        too_much=error is not None and too_much(error),
    )
    measures.note(visit.db, collection, measure, now=now)
    measures.appear(visit.db, collection, gauge.appeared, now=now)


def _write(visit: Visit, collection: int, page: Page, ask: Ask, answer: Answer) -> None:
    """Write one page and all that follows from it: one transaction."""
    db, now = visit.db, visit.now()
    deleted = [product for product in page if product.withdrawn is not None]
    if deleted:
        page = [product for product in page if product.withdrawn is None]
    with writing(db):
        listed = found = matches(page, visit.around.sorted(ask), one_place=ask.way is Way.PLACE)
        known = products.known(db, collection, [listing.product for listing in found])
        if ask.query.brief:
            answer.absent += [listing for listing in found if _new(listing, known.get(listing.product.id))]
            found = [listing for listing in found if not _new(listing, known.get(listing.product.id))]
        decision = decide(
            found,
            known,
            subscriptions.every(db),
            first_number=products.first_free(db),
            download_levels=visit.download_levels,
            kin=relatives.kin(db, acquisitions(found, known)),
            collection=collection,
            once=visit.once,
        )
        products.record(db, collection, decision, now=now)
        audits.late(db, late(decision, found, before=visit.before, now=now))
        announce(visit, decision.arrivals, ask.watches, now=now)
        names = {watch.site.number: watch.site.name for watch in ask.watches}
        downloads.want_also(db, decision.fetched, sites=names, now=now)
        downloads.want_late(db, decision.offered, now=now)
        if deleted:
            take_away(visit, collection, ask, deleted, now=now)
    answer.listed |= decision.listed
    answer.sites.update(watch.site.number for listing in listed for watch in listing.watches)
    answer.counts.update(watch.number for listing in listed for watch in listing.watches)
    answer.gauge.take(page, found, {product.id for _, product in decision.revisions})


def _new(listing: Listing, known: Known | None) -> bool:
    return known is None or recognised(list(known.tokens), listing.product.revision) is None
