"""Which questions to ask a catalogue, so that the answers serve all its watches at the least cost.

There are three ways to hear what is new at many places: one sweep lists what the catalogue learnt everywhere, and the
places are matched here; one question joins as many places as the server takes; or each place is asked for alone. What a
sweep lists is known from past polls, and is measured by a sounding (an hour of it) where it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil

import msgspec

from watcher.core.asking import Ask, Load, Way
from watcher.core.joining import joined
from watcher.core.reach import MOST_PRODUCTS, MOST_REQUESTS, REREAD, overlap, reach, requests, span
from watcher.model import Capability, Level, Query, Watch

BEGINNING = timedelta(days=1)
"""How far before its baseline a watch without a cursor asks: our clock, unlike a cursor, is not the catalogue's."""

LOOKBACK = timedelta(days=90)
"""How far back in acquisition a poll looks where a catalogue can neither be asked for news nor be read whole."""

SOUNDING = timedelta(hours=1)
"""How far back a sounding asks."""

SOUND_AGAIN = timedelta(days=7)
"""How long what was measured of sweeps is believed."""

_NEWS = 2.0
"""Products a day at one place, where nothing was measured."""

_HELD = 200.0
"""Products that are listed for one place when it is read again, where nothing was measured."""

_BANDS = (timedelta(days=3), timedelta(days=30))
"""Places are joined with those whose cursors are about as old."""


def plan(
    watches: Sequence[Watch],
    capability: Capability,
    *,
    now: datetime,
    lookback: timedelta = LOOKBACK,
    loads: Mapping[str, Load] | None = None,
) -> list[Ask]:
    """Choose the questions. What has no baseline yet is asked apart; so is what is far behind, where it is cheaper.

    If it can (`capability.learns`), a question asks for what the catalogue learnt since the oldest cursor among its
    watches, less an overlap (see `watcher.core.reach`); since the baseline, less `BEGINNING`, where that found nothing
    to take a cursor from. Else it reads everything again: the whole of a place where the catalogue holds sites
    (`capability.codes`), else what was acquired within the `lookback`; in both since the watch's start, if it has one.

    `loads` is what was measured, by collection.
    """
    groups: dict[_Where, list[Watch]] = {}
    for watch in watches:
        news = capability.learns and watch.baselined is not None
        where = _Where(
            collection=watch.collection,
            place=watch.code if watch.code is not None else watch.site.number,
            level=watch.level if capability.codes and watch.code is not None else None,
            news=news,
            start=None if news else watch.since if capability.codes else watch.since or now - lookback,
        )
        groups.setdefault(where, []).append(watch)
    collections: dict[str, list[_Place]] = {}
    for where, members in groups.items():
        place = _place(where, members, now=now, levels=capability.codes)
        collections.setdefault(where.collection, []).append(place)
    asks: list[Ask] = []
    for collection, places in collections.items():
        load = (loads or {}).get(collection) or Load()
        asks += _Planning(capability, load, now).asks(places)
    return asks


def reconciliation(
    watches: Sequence[Watch], capability: Capability, *, now: datetime, loads: Mapping[str, Load] | None = None
) -> list[Ask]:
    """Choose the questions that list, by identity alone, everything that watches with a baseline cover.

    As `plan` does where a catalogue cannot say what is new; but from the watch's start, or from where its baseline
    began to look if it has none.
    """
    begun = [
        msgspec.structs.replace(watch, baselined=None, cursor=None, since=watch.since or watch.looked_from)
        for watch in watches
        if watch.baselined is not None
    ]
    originals = {watch.number: watch for watch in watches}
    return [
        msgspec.structs.replace(
            ask,
            query=msgspec.structs.replace(ask.query, brief=True, acquired=(ask.watches[0].since, None)),
            watches=[originals[watch.number] for watch in ask.watches],
            why="all that was ever listed is counted",
        )
        for ask in plan(begun, capability, now=now, loads=loads)
        if ask.whole
    ]


def settled(watches: Iterable[Watch], *, now: datetime, due: bool) -> list[Watch]:
    """Return watches as they will be once all have been looked at, to plan a usual day; `due` for its one long poll."""
    return [
        msgspec.structs.replace(
            watch, baselined=watch.baselined or now, cursor=now, reread=now - REREAD if due else now
        )
        for watch in watches
    ]


class _Where(msgspec.Struct, frozen=True):
    """What the watches of one place share; `start` is from which acquisition on it is read again."""

    collection: str
    place: str | int
    level: Level | None
    news: bool
    start: datetime | None


class _Place(msgspec.Struct, frozen=True):
    """What one question for one place would serve.

    `level` is theirs, if they share one and the catalogue can be asked for it; `cursor` and `begun` are the oldest
    cursor, and from where the watches without one ask; `due` says that one of them was not asked about as far back as
    `OVERLAP` for a day.
    """

    where: _Where
    watches: list[Watch]
    level: Level | None
    cursor: datetime | None
    begun: datetime | None
    due: bool

    @property
    def since(self) -> datetime:
        return min(time for time in (self.cursor, self.begun) if time is not None)

    @property
    def somewhere(self) -> bool:
        """Say whether what is listed everywhere can be matched with it."""
        first = self.watches[0]
        return first.code is not None or first.site.geometry is not None


def _place(where: _Where, watches: list[Watch], *, now: datetime, levels: bool) -> _Place:
    wanted = {watch.level for watch in watches} if levels else {None}
    cursors = [watch.cursor for watch in watches if watch.cursor is not None]
    begun = [watch.baselined - BEGINNING for watch in watches if watch.cursor is None and watch.baselined is not None]
    due = any(watch.reread is None or now - watch.reread >= REREAD for watch in watches)
    level = wanted.pop() if len(wanted) == 1 else None
    return _Place(where, watches, level, min(cursors, default=None), min(begun, default=None), due)


class _Planning:
    """The questions to one collection."""

    def __init__(self, capability: Capability, load: Load, now: datetime) -> None:
        self.can, self.load, self.now = capability, load, now
        self.usual = overlap(load.late)
        self.often = _NEWS if load.place is None else load.place

    def asks(self, places: list[_Place]) -> list[Ask]:
        news = sorted((p for p in places if p.where.news), key=lambda p: p.since, reverse=True)
        again = [place for place in places if not place.where.news]
        able = [place for place in news if place.somewhere]
        unable = [place for place in news if not place.somewhere]
        swept = self._swept(able)
        asks = [self._sweep(able[:swept])] if swept else []
        asks += self._by_place(able[swept:] + unable, behind=bool(swept))
        asks += self._whole(again)
        if not swept and self._unknown() and self._apart(able + again) > 1:
            asks.append(self._sounding(places[0].where.collection))
        return asks

    def _swept(self, places: Sequence[_Place]) -> int:
        """Return how many of the places, those with the newest cursors, one sweep had better answer for.

        Each further place takes the sweep further back, and is worth it as long as asking the others apart costs more.
        """
        if self.load.everywhere is None or self.load.failed or not (self.can.sweeps and self.can.learns):
            return 0
        best, least = 0, self._apart(places)
        due = False
        for index, place in enumerate(places):
            due = due or place.due
            if index + 1 < len(places) and places[index + 1].since == place.since:
                continue
            rest = self._apart(places[index + 1 :])
            cost, products = self._cost(self.load.everywhere, place.since, due=due)
            if cost + rest < least and cost <= MOST_REQUESTS and products <= MOST_PRODUCTS:
                best, least = index + 1, cost + rest
        return best

    def _cost(self, rate: float, since: datetime, *, due: bool) -> tuple[int, float]:
        age = max(self.now - since, timedelta(0))
        back, _ = reach(rate, age, self.can.page, usual=self.usual, due=due)
        products = span(rate, age + back)
        return requests(products, self.can.page), products

    def _apart(self, places: Sequence[_Place]) -> int:
        """Return how many requests hear what is new at these places, when they are not swept."""
        areas = sum(place.watches[0].code is None for place in places) if self.can.places > 1 else 0
        joined = min(areas, self.can.places)
        each = requests(span(self.often * joined, self.usual), self.can.page)
        return ceil(areas / self.can.places) * each + len(places) - areas

    def _unknown(self) -> bool:
        stale = self.load.sounded is None or self.now - self.load.sounded >= SOUND_AGAIN
        return self.can.learns and self.can.sweeps and stale and not self.load.failed

    def _sounding(self, collection: str) -> Ask:
        query = Query(collection=collection, learnt_since=self.now - SOUNDING, brief=True)
        return Ask(query, [], whole=False, way=Way.SOUNDING, places=0, why="measures how much a sweep would list")

    def _sweep(self, places: Sequence[_Place]) -> Ask:
        rate = self.load.everywhere or 0.0
        ask = self._news(places, rate, geometry=None, code=None)
        why = f"lists {rate:,.0f} products a day; asking by place would take {self._apart(places):,} requests"
        return msgspec.structs.replace(ask, way=Way.SWEEP, why=why)

    def _by_place(self, places: Sequence[_Place], *, behind: bool) -> Iterable[Ask]:
        why = "too far behind for the sweep: it catches up by itself" if behind else self._alone()
        top = max((place.since for place in places), default=self.now)
        for band in _banded(places, top):
            for group, geometry in self._joined(band, most=self.can.places):
                ask = self._news(group, self.often * len(group), geometry=geometry, code=group[0].watches[0].code)
                if len(group) == 1:
                    yield msgspec.structs.replace(ask, why=why)
                else:
                    yield msgspec.structs.replace(ask, way=Way.PLACES, why=why if behind else self._together())

    def _alone(self) -> str:
        if self.can.codes:
            return "the catalogue is asked by its own code of the place"
        return "the server takes one place at a time" if self.can.places < 2 else "no other place to join"

    def _together(self) -> str:
        text = f"the server takes {self.can.places} places at once"
        if self.load.failed:
            return f"{text}, and a sweep failed today"
        if self.load.everywhere is not None:
            return f"{text}; a sweep would list {self.load.everywhere:,.0f} products a day"
        return text

    def _whole(self, places: Sequence[_Place]) -> Iterable[Ask]:
        """Read places again: those that begin at the same time may be joined, as far as one answer can list them."""
        held = _HELD if self.load.held is None else self.load.held
        most = max(1, int(min(MOST_PRODUCTS, MOST_REQUESTS * self.can.page) / max(held, 1.0)))
        same: dict[tuple[datetime | None, Level | None], list[_Place]] = {}
        for place in places:
            same.setdefault((place.where.start, place.level), []).append(place)
        for (start, level), alike in same.items():
            for group, geometry in self._joined(alike, most=min(most, self.can.places)):
                first = group[0]
                query = Query(
                    collection=first.where.collection,
                    level=level,
                    code=first.watches[0].code,
                    geometry=geometry,
                    acquired=(start, None),
                )
                yield Ask(
                    query,
                    [watch for place in group for watch in place.watches],
                    whole=True,
                    way=Way.PLACES if len(group) > 1 else Way.PLACE,
                    places=len(group),
                    requests=requests(held * len(group), self.can.page),
                    why=self._reading(first),
                )

    def _reading(self, place: _Place) -> str:
        if place.watches[0].baselined is None:
            return "the first look"
        return "the catalogue cannot say what is new: what it has is read again"

    def _joined(self, places: Sequence[_Place], *, most: int) -> Iterable[tuple[list[_Place], bytes | None]]:
        """Group places into questions, with the geometry of each; a code is asked for alone."""
        areas = [p for p in places if most > 1 and p.watches[0].code is None and p.watches[0].site.geometry]
        if len(areas) < 2:
            areas = []
        taken = set(map(id, areas))
        for place in places:
            if id(place) not in taken:
                first = place.watches[0]
                yield [place], first.site.geometry if first.code is None else None
        for indices, geometry in joined([p.watches[0].site.geometry or b"" for p in areas], most=most):
            yield [areas[index] for index in indices], geometry

    def _news(self, places: Sequence[_Place], rate: float, *, geometry: bytes | None, code: str | None) -> Ask:
        """Ask for what the catalogue learnt since the oldest cursor of these places, at `rate` products a day."""
        since = min(place.since for place in places)
        age = max(self.now - since, timedelta(0))
        back, far = reach(rate, age, self.can.page, usual=self.usual, due=any(place.due for place in places))
        moments = [place.cursor - back for place in places if place.cursor is not None]
        moments += [place.begun for place in places if place.begun is not None]
        levels = {place.level for place in places}
        starts = [watch.since for place in places for watch in place.watches]
        query = Query(
            collection=places[0].where.collection,
            level=levels.pop() if len(levels) == 1 else None,
            code=code,
            geometry=geometry,
            learnt_since=min(moments),
            acquired=(None if None in starts else min(start for start in starts if start is not None), None),
        )
        return Ask(
            query,
            [watch for place in places for watch in place.watches],
            whole=False,
            places=len(places),
            requests=requests(span(rate, self.now - min(moments)), self.can.page),
            far=far,
        )


def _banded(places: Sequence[_Place], top: datetime) -> list[list[_Place]]:
    """Part places, so that one that is far behind takes no others back with it."""
    bands: dict[int, list[_Place]] = {}
    for place in places:
        bands.setdefault(sum(top - place.since > edge for edge in _BANDS), []).append(place)
    return list(bands.values())
