"""Which questions to ask a catalogue, so that the answers serve all its watches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.model import Capability, Level, Query, Watch

OVERLAP = timedelta(days=3)
"""How far behind its cursor a poll asks again: catalogues publish out of order and late, and some stamp local time as
UTC. What is known already costs a look-up."""

BEGINNING = timedelta(days=1)
"""How far before its baseline a watch without a cursor asks: our clock, unlike a cursor, is not the catalogue's."""

LOOKBACK = timedelta(days=90)
"""How far back in acquisition a poll looks where a catalogue can neither be asked for news nor be read whole."""


class Ask(msgspec.Struct, frozen=True):
    """A question, and the watches that its answer serves.

    `whole` says that a complete answer lists everything the watches have in that collection, so that what it does
    not list is no longer there.
    """

    query: Query
    watches: Sequence[Watch]
    whole: bool


def plan(
    watches: Sequence[Watch], capability: Capability, *, now: datetime, lookback: timedelta = LOOKBACK
) -> list[Ask]:
    """Choose the questions: one for each collection, place and level; what has no baseline yet is asked apart.

    If it can (`capability.learns`), a question asks for what the catalogue learnt since the oldest cursor, less
    `OVERLAP`; since the baseline, less `BEGINNING`, where that found nothing to take a cursor from. Else it reads
    everything again: the whole of a place where the catalogue holds sites (`capability.codes`), else what was acquired
    within the `lookback`; in both since the watch's start, if it has one.
    """
    groups: dict[_Group, list[Watch]] = {}
    for watch in watches:
        incremental = capability.learns and watch.baselined is not None
        reads_all = capability.codes or incremental
        group = _Group(
            collection=watch.collection,
            place=watch.code if watch.code is not None else watch.site.number,
            level=watch.level if capability.codes else None,
            incremental=incremental,
            start=watch.since if reads_all else watch.since or now - lookback,
        )
        groups.setdefault(group, []).append(watch)
    asks = []
    for group, members in groups.items():
        first = members[0]
        query = Query(
            collection=group.collection,
            level=group.level,
            code=first.code,
            geometry=first.site.geometry if first.code is None else None,
            learnt_since=min(map(_learnt, members)) if group.incremental else None,
            acquired=(group.start, None),
        )
        asks.append(Ask(query, members, whole=not group.incremental))
    return asks


def _learnt(watch: Watch) -> datetime:
    """Return since when a baselined watch has to hear what the catalogue learnt."""
    if watch.cursor is not None:
        return watch.cursor - OVERLAP
    if watch.baselined is None:
        raise ValueError(f"watch {watch.number} has no baseline yet: it cannot ask for news")
    return watch.baselined - BEGINNING


class _Group(msgspec.Struct, frozen=True):
    collection: str
    place: str | int
    level: Level | None
    incremental: bool
    start: datetime | None


def newest(cursor: datetime | None, learnt: datetime | None, *, now: datetime) -> datetime | None:
    """Move a cursor to a newer value that was stored; a value from the future moves nothing."""
    if learnt is None or learnt > now + timedelta(minutes=5):
        return cursor
    return learnt if cursor is None else max(cursor, learnt)
