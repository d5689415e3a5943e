"""When a sensor sees a site again, by when it did before.

Orbits repeat after whole days: of the passes of one satellite over one place, each comes again at the same minute, so
many days later. The period is the one whose days brought most passes; where the name of a product or the cell of a grid
tells the orbit, it is learnt for each orbit alone. A pass that brought nothing is history, too: it is how often a pass
brings something.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from watcher.core.production import Acquisition, Step
from watcher.core.production.passes import Pass, Sensor, passes

LONGEST = 40
"""No period of more days is looked for."""

FEWEST = 4
"""Of fewer passes, nothing is foretold."""

CERTAIN = 0.99
"""A pass is missed, or an orbit left, when history explains it less than once in a hundred times."""

_DAY = timedelta(days=1)
_SAME_TIME = timedelta(minutes=30)
_LEAST_SPREAD = timedelta(minutes=1)
_OFTEN = 0.4
_BETTER = 1.25


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """A pass that comes again: every `period` days at the same time of day, give or take `spread`, `last` then.

    Of `own` times (hits, chances) it brought something after the first; `hits` and `chances` are those of all tracks of
    this instrument here: one ground segment makes products of all of them. `brought` is what the last pass did.
    """

    sensor: Sensor
    period: int
    last: datetime
    brought: Step
    spread: timedelta
    own: tuple[int, int]
    hits: int = 0
    chances: int = 0
    places: tuple[str, ...] = ()

    @property
    def chance(self) -> float:
        """How likely a pass brings something (Laplace's rule of succession: nothing is certain)."""
        return (self.hits + 1) / (self.chances + 2)

    def after(self, time: datetime) -> Iterator[datetime]:
        """Yield when it passes, later than `time` and than its last pass, without end."""
        step = self.period * _DAY
        turn = max(1, -int(-(time - self.last) // step)) if time > self.last else 1
        while True:
            at = self.last + turn * step
            if at > time:
                yield at
            turn += 1

    def left(self, now: datetime, *, settled: timedelta) -> bool:
        """Say whether so many passes have brought nothing that it flies another orbit, or none.

        `settled` is how long after a pass its products are there, if they come at all.
        """
        missed = int((now - settled - self.last) / (self.period * _DAY))
        return missed > 1 and _so_many_misses(*self.own, missed) < 1 - CERTAIN


def _so_many_misses(hits: int, chances: int, missed: int) -> float:
    """Return how likely so many misses in a row are after these hits, if nothing has changed (Pólya's urn)."""
    likely = 1.0
    for turn in range(missed):
        likely *= (chances - hits + 1 + turn) / (chances + 2 + turn)
        if likely < (1 - CERTAIN) / 100:
            break
    return likely


def tracks(acquisitions: Iterable[Acquisition]) -> tuple[list[Track], list[Sensor]]:
    """Return what comes again over a site, and the sensors of which there is not enough history to say so."""
    found: list[Track] = []
    unknown: list[Sensor] = []
    for sensor, seen in sorted(passes(acquisitions).items()):
        learnt = _learn(sensor, seen)
        if learnt:
            found += learnt
        else:
            unknown.append(sensor)
    return _pooled(found), unknown


def _pooled(found: Iterable[Track]) -> list[Track]:
    """Let each track know how often the passes of its instrument brought something."""
    groups: dict[str, list[Track]] = defaultdict(list)
    for track in found:
        groups[track.sensor.instrument or track.sensor.platform].append(track)
    return [
        msgspec.structs.replace(track, hits=sum(one.own[0] for one in alike), chances=sum(one.own[1] for one in alike))
        for alike in groups.values()
        for track in alike
    ]


def _learn(sensor: Sensor, passes: Sequence[Pass]) -> list[Track]:
    """Find the period that explains the passes; nothing if there is none, or there are too few."""
    best: tuple[float, int, list[list[Pass]]] | None = None
    if len(passes) < FEWEST:
        return []
    span = (passes[-1].at - passes[0].at) / _DAY
    for period in range(1, min(LONGEST, int(span / (FEWEST - 1) + 0.1)) + 1):
        phases = [phase for phase in _phases(passes, period) if len(phase) >= FEWEST - 1]
        explained = sum(map(len, phases))
        if explained < 0.8 * len(passes):
            continue
        hits, chances = _count(phases, period)
        share = hits / chances
        # A multiple of the period explains as much; it is taken only if it does so clearly better.
        if share >= _OFTEN and (best is None or share > _BETTER * best[0]):
            best = (share, period, phases)
        if best is not None and _BETTER * best[0] >= 1:
            break
    if best is None:
        return []
    return [_track(sensor, best[1], phase) for phase in best[2]]


def _track(sensor: Sensor, period: int, phase: Sequence[Pass]) -> Track:
    off = [abs(_off(one.at - other.at, period)) for one, other in pairwise(phase)]
    places = tuple(sorted({place for one in phase[-FEWEST:] for place in one.places}))
    return Track(
        sensor=sensor,
        period=period,
        last=phase[-1].at,
        brought=phase[-1].brought,
        spread=max(_LEAST_SPREAD, *off),
        own=_count([phase], period),
        places=places,
    )


def _count(phases: Iterable[Sequence[Pass]], period: int) -> tuple[int, int]:
    """Return how many passes followed on the first of each phase, and how many might have."""
    hits = chances = 0
    for phase in phases:
        hits += len(phase) - 1
        chances += round((phase[-1].at - phase[0].at) / (period * _DAY))
    return hits, chances


def _phases(passes: Sequence[Pass], period: int) -> list[list[Pass]]:
    """Sort passes by where in the period they come."""
    cycle, start, near = period * 86400.0, passes[0].at.timestamp(), _SAME_TIME.total_seconds()
    placed = sorted([((one.at.timestamp() - start) % cycle, index) for index, one in enumerate(passes)])
    phases: list[list[int]] = []
    before = -cycle
    for offset, index in placed:
        if offset - before <= near:
            phases[-1].append(index)
        else:
            phases.append([index])
        before = offset
    if len(phases) > 1 and cycle - before <= near:
        phases[0] += phases.pop()
    return [[passes[index] for index in sorted(phase)] for phase in phases]


def _off(gap: timedelta, period: int) -> timedelta:
    """Return by how much a gap is no multiple of the period."""
    cycle = period * _DAY
    return gap - round(gap / cycle) * cycle
