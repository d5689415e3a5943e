"""What `watcher check` says of CMR, and what it holds: found by asking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.catalogues.cmr.deletions import deletions
from watcher.catalogues.cmr.questions import Question, Sheet, ask, concept, get
from watcher.core.moments import moment
from watcher.core.unread import nothing_read, told
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.levels import level
from watcher.model import Finding, Holding
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.cmr import Kind
    from watcher.net import Http

NEVER = datetime(2200, 1, 1, tzinfo=UTC)
_SAMPLE = 20


class _Collection(msgspec.Struct):
    meta: dict[str, Any]
    umm: dict[str, Any]


class _Collections(msgspec.Struct):
    items: list[_Collection]


_decode = decoder(_Collections).decode


def holdings(kind: Kind, http: Http) -> Iterator[Holding]:
    """Ask CMR to describe the collections configured."""
    idents = {name: concept(kind, http, name) for name in kind.collections}
    url = f"{kind.url.rstrip('/')}/collections.umm_json"
    asked = [("concept_id[]", ident) for ident in dict.fromkeys(idents.values())]
    answer = get(http, url, [*asked, ("page_size", "2000"), ("include_granule_counts", "true")])
    try:
        listed = _decode(json_body(answer)).items
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CatalogueError(f"{url} answered what is no list of collections: {error}") from error
    described = {str(one.meta.get("concept-id")): one for one in listed}
    for name, held in kind.collections.items():
        one = described.get(idents[name])
        if one is None:
            continue
        count = one.meta.get("granule-count")
        first, last = _span(one.umm.get("TemporalExtents"))
        yield Holding(
            collection=name,
            title=str(one.umm.get("EntryTitle") or ""),
            levels=(level(held),) if held else (),
            first=first,
            last=last,
            count=count if isinstance(count, int) else None,
        )


def look(kind: Kind, http: Http) -> Iterator[Finding]:
    """Look at each collection."""
    for name in kind.collections:
        try:
            yield from _collection(kind, http, name)
        except CatalogueError as error:
            yield Finding(name, False, str(error), error.hint)


def _collection(kind: Kind, http: Http, name: str) -> Iterator[Finding]:
    ident = concept(kind, http, name)
    question = Question(concept=ident, page_size=1)
    newest = ask(kind, http, msgspec.structs.replace(question, descending=True))
    if newest.odd:
        newest = ask(kind, http, msgspec.structs.replace(question, descending=True, page_size=_SAMPLE))
        yield told(name, newest.odd, size=len(newest.ids))
        if not newest.granules:
            raise nothing_read(kind.url, newest.odd)
    if not newest.granules:
        yield Finding(name, False, f"CMR lists no granule of {ident}", "is it the collection's concept id?")
        return
    last = newest.granules[0]
    yield Finding(name, True, f"{ident} has {newest.hits} granules; the newest revision is {last.meta.revision_date}")
    for find in (_since, _order, _paging, _count, *([_deleted] if kind.deletions else [])):
        try:
            yield find(kind, http, name, question, newest)
        except CatalogueError as error:
            yield Finding(name, False, str(error), error.hint)


def _since(kind: Kind, http: Http, name: str, question: Question, _: Sheet) -> Finding:
    future = ask(kind, http, msgspec.structs.replace(question, since=NEVER))
    deaf = bool(future.hits or future.ids)
    text = "filtering by revision_date changes nothing" if deaf else "what it learnt since a time can be asked for"
    return Finding(name, not deaf, text, "nothing it lists can be trusted until it filters" if deaf else None)


def _order(kind: Kind, http: Http, name: str, question: Question, newest: Sheet) -> Finding:
    oldest = ask(kind, http, msgspec.structs.replace(question, page_size=_SAMPLE))
    ends = [moment(sheet.granules[0].meta.revision_date) for sheet in (oldest, newest) if sheet.granules]
    well = newest.hits < 2 or (len(ends) == 2 and None not in ends and _before(ends[0], ends[1]))
    if well:
        return Finding(name, True, "its answers are sorted by revision date")
    return Finding(name, False, "it does not sort by revision date as asked", "its pages are proven by the count alone")


def _paging(kind: Kind, http: Http, name: str, question: Question, _: Sheet) -> Finding:
    oldest = ask(kind, http, question)
    if oldest.hits < 2:
        return Finding(name, True, "it has one page")
    hint = "what does not fit on a page cannot be read"
    if oldest.after is None:
        return Finding(name, False, "it gives no CMR-Search-After to go on from", hint)
    second = ask(kind, http, question, after=oldest.after)
    if second.ids and second.ids != oldest.ids:
        return Finding(name, True, "its pages lead on by CMR-Search-After")
    return Finding(name, False, "CMR-Search-After leads nowhere", hint)


def _count(kind: Kind, http: Http, name: str, question: Question, newest: Sheet) -> Finding:
    latest = ask(kind, http, msgspec.structs.replace(question, descending=True, page_size=_SAMPLE))
    middle = latest.granules[len(latest.granules) // 2] if latest.granules else newest.granules[0]
    since = moment(middle.meta.revision_date)
    lately = ask(kind, http, msgspec.structs.replace(question, since=since, page_size=2000))
    listed = len(lately.ids)
    if lately.hits == listed or listed == 2000:
        return Finding(name, True, f"its count is that of what it lists ({lately.hits})")
    return Finding(name, False, f"it counts {lately.hits} granules and lists {listed}", "no answer can be proven whole")


def _deleted(kind: Kind, http: Http, name: str, question: Question, newest: Sheet) -> Finding:
    if newest.answered is None:
        return Finding(name, True, "what it deleted is not asked for: it does not say what time it is there")
    since = newest.answered - timedelta(days=7)
    given = level(kind.collections[name]) if kind.collections[name] else None
    gone = deletions(kind, http, question.concept, since=since, now=newest.answered, name=name, level_given=given)
    return Finding(name, True, f"what it deleted is listed ({len(gone)} in the last 7 days; a year at most is kept)")


def _before(first: datetime | None, last: datetime | None) -> bool:
    return first is not None and last is not None and first <= last


def _span(extents: Any) -> tuple[datetime | None, datetime | None]:
    match extents:
        case [{"RangeDateTimes": [{"BeginningDateTime": first, **rest}, *_], **more}, *_]:
            return moment(first), None if more.get("EndsAtPresentFlag") else moment(rest.get("EndingDateTime"))
    return None, None
