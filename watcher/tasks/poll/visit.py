"""A visit to a catalogue: what every question of it needs, and what has come of it so far."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.core.decide import Arrival, Listing
from watcher.core.questions.asking import Ask, halves
from watcher.core.questions.gauging import Gauge
from watcher.core.questions.planning import LOOKBACK
from watcher.core.unread import NothingRead
from watcher.credentials import redact
from watcher.errors import CatalogueError, HttpError, Unreachable, WatcherError
from watcher.model import Level, Watch
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.store import approvals, deliveries, downloads, products
from watcher.store.around import Around
from watcher.store.downloads import Revisions

MOST = 500
"""So many downloads may come of one poll without being asked for."""

_LOST = 2
"""So many questions in a row without any answer, and the catalogue counts as unreachable."""

_NAMED = 3
"""So many sites are named where a question failed."""

_REFUSED = (400, 413, 414, 422)
"""What servers answer to a question that is too much for them."""


class Tally:
    """What a visit has done so far. `reached` is the newest value that was stored of each collection.

    `unanswered` are the collections of which something was not answered, or not asked. `odd` is what could not be read.
    `found`, `mended` and `lacking` are the ids of what a reconcile found: see `Answer`.
    """

    def __init__(self, reached: dict[str, datetime]) -> None:
        self.listed = self.arrived = self.baselined = self.asked = 0
        self.found: set[str] = set()
        self.mended: set[str] = set()
        self.lacking: set[str] = set()
        self.unanswered: set[str] = set()
        self.odd: set[str] = set()
        self.passing = False
        self.not_before: datetime | None = None
        self.reached = reached
        self._problems: dict[str, list[str]] = {}

    def fail(self, text: str, *, where: str | None = None, passing: bool = True) -> None:
        """Note what went wrong, and `where`; `passing` says that it may be well when it is tried again."""
        self.passing |= passing
        places = self._problems.setdefault(redact(text), [])  # a server may repeat what it was sent
        if where is not None and where not in places:
            places.append(where)

    @property
    def problem(self) -> str | None:
        """What failed, each thing once with the places; `None` if nothing did."""
        told = (f"{_several(places)}: {text}" if places else text for text, places in self._problems.items())
        return "; ".join(told) or None


class Terms(msgspec.Struct, frozen=True):
    """On which terms a catalogue is asked, by a poll and by a reconcile.

    `download_levels` come home where a watch does not say. `lookback` is how far back polls read where a catalogue can
    neither be asked for news nor be read whole. `once` tells of an acquisition from the first catalogue to have it;
    otherwise from each. If more downloads are wanted than `approve_above`, they wait for approval, and health is told.
    `revisions` says which processings of an acquisition are wanted on disk.
    """

    download_levels: Collection[Level] = ()
    lookback: timedelta = LOOKBACK
    once: bool = True
    approve_above: int = MOST
    revisions: Revisions = "latest"


USUAL = Terms()


class Visit(msgspec.Struct):
    """What every question needs. `looks` are when the last look at each collection that went well began and ended.

    One that is `again` counts what was ever listed, and moves no cursor.
    """

    db: sqlite3.Connection
    name: str
    catalogue: Catalogue
    http: Http
    now: Callable[[], datetime]
    terms: Terms
    alive: Callable[[], None]
    started: datetime
    looks: Mapping[str, tuple[datetime, datetime]]
    around: Around
    tally: Tally
    again: bool = False

    def before(self, ask: Ask) -> tuple[datetime, datetime] | None:
        """Return when the last look at the collection of a question that went well began and ended."""
        return self.looks.get(ask.query.collection)


class Answer:
    """What an answer listed.

    Revisions, ids where they are counted, the sites where they lie, what it cost, the newest value to take a cursor
    from, how many products it listed for each watch and how many of each level that were known to be there; `gone` are
    the watches of which it no longer listed something. What a brief answer names may be `absent` here: of that, for
    each watch, the ids of what was `found` then, of what was `mended` as polls had passed it over, and of what is
    `lacking` as it could not be read. `odd` are the ids of what cannot be read in this answer, `unread` of what could
    not be before, `unnamed` is how many were listed that cannot, and have no id.
    """

    def __init__(self, gauge: Gauge, reached: datetime | None) -> None:
        self.gauge = gauge
        self.listed: set[int] = set()
        self.ids: set[str] = set()
        self.sites: set[int] = set()
        self.cursor = reached
        self.pages, self.spent = 0, (0, 0)
        self.counts: Counter[int] = Counter()
        self.levels: Counter[Level | None] = Counter()
        self.gone: set[int] = set()
        self.absent: dict[str, Listing] = {}
        self.odd: set[str] = set()
        self.unread: set[str] = set()
        self.unnamed = 0
        self.found: defaultdict[int, set[str]] = defaultdict(set)
        self.mended: defaultdict[int, set[str]] = defaultdict(set)
        self.lacking: defaultdict[int, set[str]] = defaultdict(set)

    def count(self, watch: Watch) -> int:
        """Return how many products a watch was listed."""
        return self.counts[watch.number] + sum(n for level, n in self.levels.items() if watch.level in (None, level))


def ask_all(
    visit: Visit, asks: Sequence[Ask], work: Callable[[Visit, Ask], object], *, stop: threading.Event | None
) -> Exception | None:
    """Ask one question after the other; one that fails leaves the others their turn, unless nobody answers at all.

    Returns a defect in reading an answer, to be raised once all is written.
    """
    tally, queue = visit.tally, deque(asks)
    lost = 0
    defect: Exception | None = None
    while queue:
        if stop is not None and stop.is_set():
            tally.fail("stopped before all was asked")
            break
        ask = queue.popleft()
        tally.asked += 1
        try:
            work(visit, ask)
            lost = 0
        except CatalogueError as error:
            parts = halves(ask) if too_much(error) else []
            queue.extendleft(reversed(parts))
            lost = lost + 1 if isinstance(error, Unreachable) and not parts else 0
            if not parts:
                _fail(tally, ask, error, now=visit.now())
            if lost >= _LOST or tally.not_before:
                break
        except WatcherError:
            raise
        except Exception as error:  # noqa: BLE001 - an adapter's code began here; the caller raises it
            tally.fail(f"{type(error).__name__}: {error}")
            tally.unanswered.add(ask.query.collection)
            defect = defect or error
    tally.unanswered.update(ask.query.collection for ask in queue)
    return defect


def announce(visit: Visit, arrivals: list[Arrival], watches: Collection[Watch], *, now: datetime) -> None:
    """Write arrivals, and what is owed and wanted because of them."""
    if not arrivals:
        return
    written = products.arrive(visit.db, arrivals, now=now)
    visit.tally.arrived += len(written)
    deliveries.owe(visit.db, written, now=now)
    names = {watch.site.number: watch.site.name for watch in watches}
    downloads.want(visit.db, (arrival for _, arrival in written), sites=names, now=now, revisions=visit.terms.revisions)
    approvals.hold(visit.db, wanted=now)


def _fail(tally: Tally, ask: Ask, error: CatalogueError, *, now: datetime) -> None:
    complain(tally, ask, error)
    if isinstance(error, HttpError) and error.retry_after:
        tally.not_before = now + timedelta(seconds=error.retry_after)


def too_much(error: CatalogueError) -> bool:
    """Say whether asking for less may help: not where the server is down, busy, forbids, or has another shape."""
    if isinstance(error, HttpError):
        return error.status in _REFUSED
    return error.permanent if isinstance(error, Unreachable) else not isinstance(error, NothingRead)


def complain(tally: Tally, ask: Ask, error: CatalogueError) -> None:
    """Note which question failed, for which sites, and why."""
    names = sorted({watch.site.name for watch in ask.watches})
    text = f"{error} [{error.hint}]" if error.hint else str(error)
    where = f"{ask.query.collection} ({_several(names) or 'everywhere'})"
    tally.unanswered.add(ask.query.collection)
    tally.fail(text, where=where, passing=not error.permanent)


def _several(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[:2])} and {len(names) - 2} more"
