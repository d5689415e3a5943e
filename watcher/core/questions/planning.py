"""Which questions to ask a catalogue, so that the answers serve all its watches at the least cost.

There are three ways to hear what is new at many places: one sweep lists what the catalogue learnt everywhere, and the
places are matched here; one question joins as many places as the server takes; or each place is asked for alone. What a
sweep lists is known from past polls, and is measured by a sounding (an hour of it) where it is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.core.questions.asking import Ask, Load
from watcher.core.questions.choosing import Choice
from watcher.core.questions.places import Place, Where, gathered
from watcher.core.questions.reach import REREAD
from watcher.model import Capability, Watch

LOOKBACK = timedelta(days=90)
"""How far back in acquisition a poll looks where a catalogue can neither be asked for news nor be read whole."""


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
    watches, less an overlap (see `watcher.core.questions.reach`); since the baseline, less a day, where that found
    nothing to take a cursor from. Else it reads everything again: the whole of a place where the catalogue holds sites
    (`capability.codes`), else what was acquired within the `lookback`; in both since the watch's start, if it has one.

    `loads` is what was measured, by collection.
    """
    groups: dict[Where, list[Watch]] = {}
    for watch in watches:
        news = capability.learns and watch.baselined is not None
        where = Where(
            collection=watch.collection,
            place=watch.code if watch.code is not None else watch.site.number,
            level=watch.level if capability.codes and watch.code is not None else None,
            news=news,
            start=None if news else watch.since if capability.codes else watch.since or now - lookback,
        )
        groups.setdefault(where, []).append(watch)
    collections: dict[str, list[Place]] = {}
    for where, members in groups.items():
        place = gathered(where, members, now=now, levels=capability.codes)
        collections.setdefault(where.collection, []).append(place)
    asks: list[Ask] = []
    for collection, places in collections.items():
        load = (loads or {}).get(collection) or Load()
        asks += Choice(capability, load, now).asks(places)
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
            recent=False,
        )
        for ask in plan(begun, capability, now=now, loads=loads)
        if ask.whole
    ]


def awake(watches: Sequence[Watch], resting: Collection[str]) -> list[Watch]:
    """Leave out the collections that need not be asked yet.

    One is asked all the same if a place of it was never asked for as far back as once a day: it is new, or was paused.
    """
    waiting = {watch.collection for watch in watches if watch.reread is None}
    return [watch for watch in watches if watch.collection in waiting or watch.collection not in resting]


def settled(watches: Iterable[Watch], *, now: datetime, due: bool) -> list[Watch]:
    """Return watches as they will be once all have been looked at, to plan a usual day; `due` for its one long poll."""
    return [
        msgspec.structs.replace(
            watch, baselined=watch.baselined or now, cursor=now, reread=now - REREAD if due else now
        )
        for watch in watches
    ]
