"""How far the production is at a site: of how many acquisitions a level is there, how long it took, what is awaited.

A line is one level of one collection. What an L2A is made from, the L1C, is in the same collection or in another one;
then it is taken to be that which has most of the L2A's acquisitions. Only acquisitions count that its watch looks at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median

import msgspec

from watcher.core.production import RECENT, Acquisition, Clock, Step
from watcher.core.production.backlog import Pace, pace
from watcher.core.production.delays import Curve, censored, truncated
from watcher.core.production.overdue import Forecast, Limit, Past, Wait, forecast, past
from watcher.model import FOR_GOOD, Level

MADE_FROM: Mapping[str, Level] = {"L2A": Level("L1C")}
"""Which level a level is made from. Others are not awaited: of a synthesis nobody knows when it is to come."""

_LATELY = 10


class Looked(msgspec.Struct, frozen=True):
    """That a collection is looked at for a level (`None`: all) at a site.

    `since` is the earliest acquisition that is looked at (`None`: all), `began` when its baseline was complete and
    `until` when it was last looked at with success; `None` before the first time.
    """

    collection: int
    level: Level | None
    since: datetime | None
    began: datetime | None
    until: datetime | None


class Took(msgspec.Struct, frozen=True):
    """How long something took: in all (`curve`), in the middle of the ten that came last, and by which clocks."""

    curve: Curve = Curve()
    lately: float | None = None
    clocks: Mapping[Clock, int] = {}


class Awaited(msgspec.Struct, frozen=True):
    """An acquisition whose next level is not there: what it is made from, since when that is (`None`: not known).

    `age` is for how many seconds it has been, `limit` when it is overdue, `forecast` when it is expected.
    """

    acquisition: Acquisition
    source: Step
    since: datetime | None = None
    age: float | None = None
    limit: Limit | None = None
    forecast: Forecast | None = None

    @property
    def overdue(self) -> bool:
        """Whether it is later than its history explains."""
        return self.limit is not None and self.age is not None and self.limit.passed(self.age)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The production of one level in one collection (by number), looked at since it `began` and `until` now.

    `there` acquisitions have the level, `again` of them a newer processing. `sources` have the level that it is made
    from, in the collection `source`, and `made` of those have both; `source` is `None` where that is not watched, and
    nothing is known to be awaited. `first` is how long the source took after the acquisition, `then` the level after
    its source, and `whole` the level after the acquisition. `past` are the waits of what was acquired not long ago.
    """

    collection: int
    level: Level
    began: datetime | None
    until: datetime | None
    there: int
    again: int
    whole: Took
    source: int | None = None
    sources: int = 0
    made: int = 0
    first: Took = Took()
    then: Took = Took()
    past: Past | None = None
    awaited: Sequence[Awaited] = ()
    pace: Pace | None = None


def progress(found: Sequence[Acquisition], looked: Sequence[Looked], *, level: Level | None = None) -> list[Line]:
    """Return the lines of a site, of one level or of all: those with products, and those that are watched.

    What another line is made from is told of there, unless it is asked for.
    """
    pairs = {(step.collection, step.level) for one in found for step in one.steps if step.level is not None}
    pairs |= {(look.collection, look.level) for look in looked if look.level is not None}
    wanted = sorted(pair for pair in pairs if level in (None, pair[1]))
    made = [_line(found, looked, *pair) for pair in wanted if pair[1] in MADE_FROM]
    sources = {(line.source, MADE_FROM[line.level]) for line in made if line.source is not None}
    others = [_line(found, looked, *pair) for pair in wanted if pair[1] not in MADE_FROM and pair not in sources]
    return sorted([*made, *others], key=lambda line: (line.collection, line.level))


def _line(found: Sequence[Acquisition], looked: Sequence[Looked], collection: int, level: Level) -> Line:
    look = next((one for one in looked if one.collection == collection and one.level in (None, level)), None)
    since, until = (look.since, look.until) if look is not None else (None, None)
    seen = [one for one in found if since is None or one.acquired >= since]
    reached = {one.key: steps for one in seen if (steps := one.level(level, {collection}))}
    present = {key: steps for key, steps in reached.items() if not all(step.gone for step in steps)}
    firsts = {key: _first(steps) for key, steps in reached.items()}
    line = Line(
        collection=collection,
        level=level,
        began=look.began if look is not None else None,
        until=until,
        there=len(present),
        again=sum(any(step.again for step in steps) for steps in present.values()),
        whole=_after_acquisition([(one.acquired, firsts[one.key]) for one in seen if one.key in firsts], until),
    )
    source = _source(seen, reached.keys(), collection, level)
    if source is None:
        return line
    origins = [(one, _first(listed)) for one in seen if (listed := _listed(one.level(MADE_FROM[level], {source})))]
    made = sum(one.key in present for one, _ in origins)
    line = msgspec.structs.replace(line, source=source, sources=len(origins), made=made)
    return line if until is None else _with_source(line, source, origins, firsts, until)


def _listed(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if not step.gone]


def _with_source(
    line: Line,
    source: int,
    origins: Sequence[tuple[Acquisition, Step]],
    firsts: Mapping[str, Step],
    until: datetime,
) -> Line:
    """Add what is known from the level that a line is made from: the delays after it, and what is awaited."""
    if source != line.collection:
        # Its collection may hold more satellites than are processed here.
        platforms = {one.platform for one, _ in origins if one.key in firsts}
        origins = [(one, step) for one, step in origins if one.platform in platforms]
    both = [(step, firsts[one.key]) for one, step in origins if one.key in firsts]
    waiting = [(one, step) for one, step in origins if one.key not in firsts]
    came = [step.there for step in firsts.values() if step.there is not None]
    recent = [(one, step) for one, step in origins if until - one.acquired <= RECENT]
    history = past(_waits(recent, firsts, max(came, default=until)))
    return msgspec.structs.replace(
        line,
        sources=len(origins),
        first=_after_acquisition([(one.acquired, step) for one, step in origins], until),
        then=_after_source(both, [step for _, step in waiting], until),
        past=history,
        awaited=tuple(_awaited(one, step, history, until) for one, step in waiting),
        pace=pace(came, since=min((step.there for _, step in origins if step.there), default=None), now=until),
    )


def _source(seen: Sequence[Acquisition], reached: Collection[str], collection: int, level: Level) -> int | None:
    """Return in which collection that is which a level is made from: its own, else the one with most in common."""
    made_from = MADE_FROM.get(level)
    shared: Counter[int] = Counter()
    for one in seen:
        for number in {step.collection for step in one.steps if step.level == made_from}:
            if number == collection:
                return collection
            shared[number] += one.key in reached
    return max(shared, key=lambda number: (shared[number], -number), default=None) if shared.total() else None


def _waits(origins: Iterable[tuple[Acquisition, Step]], firsts: Mapping[str, Step], last: datetime) -> Iterable[Wait]:
    """Yield how long each acquisition waited for its level, as it was when something last came."""
    for one, step in origins:
        end = firsts.get(one.key)
        if step.there is None or (end is not None and end.there is None) or (end is None and step.there >= last):
            continue
        until = last if end is None or end.there is None else end.there
        yield Wait((until - step.there).total_seconds(), end is not None, step.cloud)


def _awaited(one: Acquisition, step: Step, history: Past, until: datetime) -> Awaited:
    if step.there is None:
        return Awaited(one, step)
    age = max(0.0, (until - step.there).total_seconds())
    return Awaited(one, step, step.there, age, history.limit(step.cloud), forecast(history.of(step.cloud), age))


def _first(steps: Sequence[Step]) -> Step:
    """Return the product that was there first, of those of which that is known."""
    return min(steps, key=lambda step: step.there or FOR_GOOD)


def _after_acquisition(reached: Iterable[tuple[datetime, Step]], until: datetime | None) -> Took:
    """Measure delays after the acquisition. One that has not come is not known of."""
    known = [(acquired, step) for acquired, step in reached if step.there is not None]
    pairs = [
        ((step.there - acquired).total_seconds(), ((until or step.there) - acquired).total_seconds())
        for acquired, step in known
        if step.there is not None
    ]
    return _took(truncated(pairs), [(delay, step) for (delay, _), (_, step) in zip(pairs, known, strict=True)])


def _after_source(both: Iterable[tuple[Step, Step]], waiting: Iterable[Step], until: datetime) -> Took:
    """Measure delays after what a level is made from. Where that came later, it took no time."""
    known = [
        (max(0.0, (end.there - start.there).total_seconds()), end)
        for start, end in both
        if start.there is not None and end.there is not None
    ]
    ages = [(until - step.there).total_seconds() for step in waiting if step.there is not None]
    return _took(censored((delay for delay, _ in known), ages), known)


def _took(curve: Curve, known: Sequence[tuple[float, Step]]) -> Took:
    newest = sorted(known, key=lambda one: one[1].there or FOR_GOOD)[-_LATELY:]
    lately = median(delay for delay, _ in newest) if curve.known else None
    return Took(curve, lately, Counter(step.clock for _, step in known if step.clock is not None))
