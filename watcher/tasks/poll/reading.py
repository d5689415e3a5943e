"""An answer, read whole and written page by page: each page with all that follows from it in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext

from msgspec.structs import replace

from watcher.core.audience import Audience
from watcher.core.decide import Known, Listing, acquisitions, decide, news
from watcher.core.ground.matching import matches
from watcher.core.health.auditing import late, recorded
from watcher.core.questions.asking import Ask, Way, newest
from watcher.core.questions.gauging import Gauge
from watcher.core.unread import LONGEST, odd_of
from watcher.credentials import redact
from watcher.errors import CatalogueError
from watcher.model import Page, Unread
from watcher.store import acquisitions as relatives
from watcher.store import approvals, audits, downloads, measures, products, subscriptions, unread
from watcher.store.connection import Behind, writing
from watcher.tasks.poll.endings import returned, take_away
from watcher.tasks.poll.visit import Answer, Visit, announce, too_much


def read(visit: Visit, collection: int, ask: Ask) -> Answer:
    """Read a complete answer, and write it page by page. Raises `CatalogueError` when it was not complete."""
    # Whoever asks after that value was stored anywhere in the collection is told all that came before it: so what is
    # seldom news at one place keeps up with the others.
    answer = Answer(Gauge(ask, now=visit.started), visit.tally.reached.get(ask.query.collection))
    answer.spent = visit.http.asked, visit.http.received
    answer.unread = unread.ids(visit.db, collection)
    # Where all of a site is read again, nearly all of it is known: that need be neither described nor looked up.
    numbers = {watch.site.number for watch in ask.watches}
    site = min(numbers) if ask.whole and len(numbers) == 1 and not ask.query.brief else None
    familiar = products.familiar(visit.db, site, collection) if site is not None else {}
    query = replace(ask.query, known={identity: token for identity, (token, _) in familiar.items()})
    try:
        # Asked for news, a catalogue may acknowledge a page when it is asked for the next.
        with Behind() if query.learnt_since is None else nullcontext() as behind:
            for page in visit.catalogue.search(query, visit.http):
                odd = odd_of(page)
                answer.pages += 1
                answer.gauge.listed += len(page) + len(odd)
                visit.tally.listed += 0 if ask.besides else len(page) + len(odd)
                fresh = page
                if query.known:
                    fresh = [p for p in page if p.withdrawn is not None or query.known.get(p.id) != p.revision]
                if len(fresh) < len(page):
                    unchanged = [p for p in page if p.withdrawn is None and query.known.get(p.id) == p.revision]
                    answer.listed.update(*(familiar[product.id][1] for product in unchanged))
                    answer.levels.update(product.level for product in unchanged if product.id not in answer.ids)
                    answer.sites |= numbers
                mended = _mended(page, odd, ask, answer) if odd or answer.unread else ()
                if (fresh or odd or mended) and ask.watches:
                    _write(visit, collection, fresh, ask, answer, behind, odd=odd, mended=mended)
                elif fresh:
                    answer.gauge.take(fresh, (), ())
                moment = visit.now()
                for learnt in {product.learnt for product in page}:
                    answer.cursor = newest(answer.cursor, learnt, now=moment)
                if ask.whole or visit.again:
                    answer.ids.update([product.id for product in page])
                visit.alive()
    except CatalogueError as error:
        with writing(visit.db):
            measure(visit, collection, ask, answer, error)
        raise
    return answer


def measure(visit: Visit, collection: int, ask: Ask, answer: Answer, error: CatalogueError | None) -> None:
    """Note what a question was like, for the next ones to be chosen by; one that had no answer only what it cost."""
    gauge, http, now = answer.gauge, visit.http, visit.now()
    way = "whole" if ask.whole else "sweep" if ask.way in (Way.SWEEP, Way.SOUNDING) else "places"
    before = visit.before(ask)
    found = measures.Measure(
        way=way,
        places=ask.places,
        listed=gauge.listed,
        fresh=gauge.fresh,
        seconds=gauge.seconds(before and before[1]),
        requests=max(http.asked - answer.spent[0], answer.pages, 1),
        size=http.received - answer.spent[1],
        # What is asked for besides is listed twice.
        answered=error is None and not ask.besides,
        too_much=error is not None and too_much(error),
    )
    measures.note(visit.db, collection, found, now=now)
    measures.appear(visit.db, collection, gauge.appeared, now=now)


def _mended(page: Page, odd: Sequence[Unread], ask: Ask, answer: Answer) -> Collection[str]:
    """Note what of a page cannot be read; return the ids of what can be again. A brief answer says nothing of that.

    Of one that is listed in two versions both have to be read.
    """
    answer.odd.update(one.id for one in odd if one.id)
    if ask.query.brief:
        return ()
    mended = {product.id for product in page if product.id in answer.unread and product.id not in answer.odd}
    answer.unread -= mended
    return mended


def _write(
    visit: Visit,
    collection: int,
    page: Page,
    ask: Ask,
    answer: Answer,
    behind: Behind | None,
    *,
    odd: Sequence[Unread] = (),
    mended: Collection[str] = (),
) -> None:
    """Write one page and all that follows from it: one transaction."""
    db, now = visit.db, visit.now()
    deleted = [product for product in page if product.withdrawn is not None]
    if deleted:
        page = [product for product in page if product.withdrawn is None]
    with writing(db, behind=behind):
        listed = found = matches(page, visit.around.sorted(ask), one_place=ask.way is Way.PLACE)
        known = products.known(db, collection, [listing.product for listing in found])
        if ask.query.brief:
            found = _recorded(ask, found, known, answer)
        # Of most pages all is known: who wants to hear of it need not be looked up.
        fresh = any(news(one, known.get(one.product.id)) for one in found)
        keys = acquisitions(found, known)
        decision = decide(
            found,
            known,
            subscriptions.audience(db, now=now) if fresh else Audience((), now=now),
            first_number=products.first_free(db),
            download_levels=visit.terms.download_levels,
            keys=keys,
            kin=relatives.kin(db, {key for key in keys if key is not None}),
            collection=collection,
            once=visit.terms.once,
        )
        again = returned(visit, decision.back)  # before it is written that nothing misses them
        products.record(db, collection, decision, now=now)
        audits.late(db, late(decision, found, known, before=visit.before(ask), now=now))
        announce(visit, [*decision.arrivals, *again], ask.watches, now=now)
        names = {watch.site.number: watch.site.name for watch in ask.watches}
        downloads.want_also(db, decision.fetched, sites=names, now=now)
        downloads.want_late(db, decision.offered, now=now)
        approvals.hold(db, wanted=now)
        if deleted:
            take_away(visit, collection, ask, deleted, now=now)
        if odd:
            _set_aside(visit, collection, odd, answer)
        if mended:
            unread.read_well(db, collection, mended)
    answer.listed |= decision.listed
    answer.sites.update([watch.site.number for listing in listed for watch in listing.watches])
    if ask.whole:
        # A page may list a product twice, and so may two pages of one answer.
        first = {one.product.id: one for one in listed if one.product.id not in answer.ids}
        answer.counts.update([watch.number for listing in first.values() for watch in listing.watches])
    answer.gauge.take(page, found, {product.id for _, product in decision.revisions})


def _set_aside(visit: Visit, collection: int, odd: Sequence[Unread], answer: Answer) -> None:
    """Write down what of a page cannot be read. What is known of it is listed all the same, where it was seen."""
    told = [replace(one, raw=redact(one.raw)[:LONGEST], problem=redact(one.problem)) for one in odd]
    unread.note(visit.db, collection, told, now=visit.now())
    visit.tally.odd.update(one.digest for one in odd)
    answer.unnamed += sum(not one.id for one in odd)
    for record in products.named(visit.db, collection, [one.id for one in odd if one.id]).values():
        answer.listed.update(record.tokens.values())
        answer.sites.update(record.sites)


def _recorded(ask: Ask, listed: list[Listing], known: Mapping[str, Known], answer: Answer) -> list[Listing]:
    """Return what a brief answer lists that is recorded, as the revision that it is: it describes nothing itself.

    The rest is put down as absent, and what could not be read before; what is known of it is listed all the same. What
    only others watch there is theirs.
    """
    asked = {watch.number for watch in ask.watches}
    found = []
    for one in listed:
        listing = replace(one, watches=[watch for watch in one.watches if watch.number in asked])
        record = known.get(listing.product.id)
        text = recorded(listing, record)
        if text is not None and listing.product.id not in answer.unread:
            found.append(replace(listing, product=replace(listing.product, revision=text)))
        elif listing.watches:
            answer.absent[listing.product.id] = listing
        answer.listed.update(record.tokens.values() if record else ())
    return found
