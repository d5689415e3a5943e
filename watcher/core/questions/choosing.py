"""Which questions to ask about one collection: the cheapest that answer for all its places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil

from msgspec.structs import replace

from watcher.core.questions.asking import Ask, Load, Way
from watcher.core.questions.joining import joined
from watcher.core.questions.places import Place
from watcher.core.questions.reach import MOST_PRODUCTS, MOST_REQUESTS, overlap, reach, requests, span
from watcher.model import Capability, Level, Query

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


class Choice:
    """How to ask about one collection: what it can be asked, and what was measured of it."""

    def __init__(self, capability: Capability, load: Load, now: datetime) -> None:
        self.can, self.load, self.now = capability, load, now
        self.usual = overlap(load.late)
        self.often = _NEWS if load.place is None else load.place

    def asks(self, places: list[Place]) -> list[Ask]:
        """Return the questions that answer for all these places."""
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

    def _swept(self, places: Sequence[Place]) -> int:
        """Return how many of the places, those with the newest cursors, one sweep had better answer for.

        Each further place takes the sweep further back, and is worth it as long as asking the others apart costs more.
        """
        if self.load.everywhere is None or self.load.failed or not (self.can.sweeps and self.can.learns):
            return 0
        areas, alone = self._kinds(places)
        best, least = 0, self._requests(areas, alone)
        due = False
        for index, place in enumerate(places):
            due = due or place.due
            areas, alone = (areas - 1, alone) if place.joins else (areas, alone - 1)
            if index + 1 < len(places) and places[index + 1].since == place.since:
                continue
            rest = self._requests(areas, alone)
            cost, products = self._cost(self.load.everywhere, place.since, due=due)
            if cost + rest < least and cost <= MOST_REQUESTS and products <= MOST_PRODUCTS:
                best, least = index + 1, cost + rest
        return best

    def _cost(self, rate: float, since: datetime, *, due: bool) -> tuple[int, float]:
        age = max(self.now - since, timedelta(0))
        back, _ = reach(rate, age, self.can.page, usual=self.usual, due=due)
        products = span(rate, age + back)
        return requests(products, self.can.page), products

    def _apart(self, places: Sequence[Place]) -> int:
        """Return how many requests hear what is new at these places, when they are not swept."""
        return self._requests(*self._kinds(places))

    def _kinds(self, places: Sequence[Place]) -> tuple[int, int]:
        """Count the places that may be joined to one question, and those that may not."""
        areas = sum(place.joins for place in places)
        return areas, len(places) - areas

    def _requests(self, areas: int, alone: int) -> int:
        each = requests(span(self.often * min(areas, self.can.places), self.usual), self.can.page)
        return ceil(areas / self.can.places) * each + alone

    def _unknown(self) -> bool:
        stale = self.load.sounded is None or self.now - self.load.sounded >= SOUND_AGAIN
        return self.can.learns and self.can.sweeps and stale and not self.load.failed

    def _sounding(self, collection: str) -> Ask:
        query = Query(collection=collection, learnt_since=self.now - SOUNDING, brief=True)
        return Ask(query, [], whole=False, way=Way.SOUNDING, places=0, why="measures how much a sweep would list")

    def _sweep(self, places: Sequence[Place]) -> Ask:
        rate = self.load.everywhere or 0.0
        ask = self._news(places, rate, geometry=None, code=None)
        why = f"lists {rate:,.0f} products a day; asking by place would take {self._apart(places):,} requests"
        return replace(ask, way=Way.SWEEP, why=why)

    def _by_place(self, places: Sequence[Place], *, behind: bool) -> Iterable[Ask]:
        why = "too far behind for the sweep: it catches up by itself" if behind else self._alone()
        top = max((place.since for place in places), default=self.now)
        for band in _banded(places, top):
            for group, geometry in self._joined(band, most=self.can.places):
                ask = self._news(group, self.often * len(group), geometry=geometry, code=group[0].watches[0].code)
                if len(group) == 1:
                    yield replace(ask, why=why)
                else:
                    yield replace(ask, way=Way.PLACES, why=why if behind else self._together())

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

    def _whole(self, places: Sequence[Place]) -> Iterable[Ask]:
        """Read places again: those that begin at the same time may be joined, as far as one answer can list them."""
        held = _HELD if self.load.held is None else self.load.held
        most = max(1, int(min(MOST_PRODUCTS, MOST_REQUESTS * self.can.page) / max(held, 1.0)))
        same: dict[tuple[datetime | None, Level | None], list[Place]] = {}
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
                watches = [watch for place in group for watch in place.watches]
                # What was acquired before that, and published a moment ago, would be taken for news by the next poll.
                recent = self.can.learns and start is not None and any(watch.since is None for watch in watches)
                yield Ask(
                    query,
                    watches,
                    whole=True,
                    way=Way.PLACES if len(group) > 1 else Way.PLACE,
                    places=len(group),
                    requests=requests(held * len(group), self.can.page) + recent,
                    why=self._reading(first),
                    recent=recent,
                )

    def _reading(self, place: Place) -> str:
        if place.watches[0].baselined is None:
            return "the first look"
        return "the catalogue cannot say what is new: what it has is read again"

    def _joined(self, places: Sequence[Place], *, most: int) -> Iterable[tuple[list[Place], bytes | None]]:
        """Group places into questions, with the geometry of each; a code is asked for alone."""
        areas = [place for place in places if most > 1 and place.joins]
        if len(areas) < 2:
            areas = []
        taken = set(map(id, areas))
        for place in places:
            if id(place) not in taken:
                first = place.watches[0]
                yield [place], first.site.geometry if first.code is None else None
        for indices, geometry in joined([p.watches[0].site.geometry or b"" for p in areas], most=most):
            yield [areas[index] for index in indices], geometry

    def _news(self, places: Sequence[Place], rate: float, *, geometry: bytes | None, code: str | None) -> Ask:
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


def _banded(places: Sequence[Place], top: datetime) -> list[list[Place]]:
    """Part places, so that one that is far behind takes no others back with it."""
    bands: dict[int, list[Place]] = {}
    for place in places:
        bands.setdefault(sum(top - place.since > edge for edge in _BANDS), []).append(place)
    return list(bands.values())
