"""A question to a catalogue, and what becomes of it: the words of planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from watcher.core.questions.joining import joined
from watcher.model import Query, Watch


class Way(StrEnum):
    """How a question says where: everywhere, many places, one, or everywhere for an hour, to learn what there is."""

    SWEEP = "sweep"
    PLACES = "places"
    PLACE = "place"
    SOUNDING = "sounding"


class Load(msgspec.Struct, frozen=True):
    """What past polls measured of a collection; `None` where they did not.

    `everywhere` and `place` are products a day that the catalogue learns of, in all and at one place; `held` is how
    many it lists for a place that is read again; `late` counts products by the minutes that they were behind the
    cursor; `sounded` is when `everywhere` was measured last; `failed` says that a sweep failed today.
    """

    everywhere: float | None = None
    place: float | None = None
    held: float | None = None
    late: Mapping[int, int] = {}
    sounded: datetime | None = None
    failed: bool = False


class Ask(msgspec.Struct, frozen=True):
    """A question, and the watches that its answer serves.

    `whole` says that a complete answer lists everything the watches have in that collection, so that what it does
    not list is no longer there. `far` says that it goes as far behind the cursor as is needed once a day. `recent` says
    that a first look goes back only so far in acquisition, and has to know besides what the catalogue learnt lately.
    `besides` says that a question only adds to what another one lists. `requests` is what it is expected to cost, `why`
    the reason for asking so.
    """

    query: Query
    watches: Sequence[Watch]
    whole: bool
    way: Way = Way.PLACE
    places: int = 1
    requests: int = 1
    far: bool = True
    why: str = ""
    recent: bool = False
    besides: bool = False


def newest(cursor: datetime | None, learnt: datetime | None, *, now: datetime) -> datetime | None:
    """Move a cursor to a newer value that was stored; a value from the future moves nothing."""
    if learnt is None or learnt > now + timedelta(minutes=5):
        return cursor
    return learnt if cursor is None else max(cursor, learnt)


def halves(ask: Ask) -> list[Ask]:
    """Split a question for many places in two, so that one that a server chokes on does not hide the others."""
    groups: dict[int, list[Watch]] = {}
    for watch in ask.watches:
        groups.setdefault(watch.site.number, []).append(watch)
    if ask.way is not Way.PLACES or len(groups) < 2:
        return []
    sites = list(groups.values())
    middle = len(sites) // 2
    parts = []
    for half in (sites[:middle], sites[middle:]):
        ((_, geometry),) = joined([watches[0].site.geometry or b"" for watches in half], most=len(half))
        parts.append(
            msgspec.structs.replace(
                ask,
                query=msgspec.structs.replace(ask.query, geometry=geometry),
                watches=[watch for watches in half for watch in watches],
                places=len(half),
                way=Way.PLACES if len(half) > 1 else Way.PLACE,
                why="a part of a question that failed",
            )
        )
    return parts
