"""How far behind its cursor a question asks again, and what that costs.

Catalogues publish out of order and late, so a question for news begins before the newest value that was stored. Three
days catch nearly all of it, and cost nothing where they fit on the page that is asked for anyway. Where they do not,
most questions go back only as far as lateness was measured to reach, three hours at least, and one a day goes back
the three days, so that nothing is lost by a measurement of calmer times.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

OVERLAP = timedelta(days=3)
"""How far behind its cursor a question asks again where nothing was measured, and at least once a day. Some servers
stamp local time as UTC. What is known already costs a look-up."""

LEAST = timedelta(hours=3)
"""How far behind its cursor every question asks again, however punctual a catalogue has been."""

REREAD = timedelta(hours=18)
"""After so long a question goes back `OVERLAP` again: with intervals of six hours that is once a day."""

MOST_REQUESTS = 150
MOST_PRODUCTS = 30_000
"""No question is meant to be longer, in requests and in products: adapters give up soon after."""

_NEARLY = 0.99
"""How much of the most a question is planned to list."""

_ENOUGH = 200
"""So many products have to be measured before lateness is believed."""

_DAY = timedelta(days=1)


def requests(products: float, page: int) -> int:
    """Return how many requests list so many products."""
    return max(1, ceil(products / page))


def span(rate: float, time: timedelta) -> float:
    """Return how many products come in that time, at `rate` a day."""
    return rate * (time / _DAY)


def overlap(late: Mapping[int, int]) -> timedelta:
    """Return how far behind the cursor lateness was measured to reach: 99.9 %, a quarter more, and half an hour.

    `late` counts products by the minutes that they were behind the cursor when they were first seen. Between `LEAST`
    and `OVERLAP`; `OVERLAP` where too little was measured.
    """
    total = sum(late.values())
    if total < _ENOUGH:
        return OVERLAP
    seen = 0
    minutes = 0
    for minutes in sorted(late):
        seen += late[minutes]
        if seen >= 0.999 * total:
            break
    return min(max(LEAST, 1.25 * timedelta(minutes=minutes) + timedelta(minutes=30)), OVERLAP)


def onward(
    cursor: datetime | None, newest: datetime | None, *, since: datetime, looked: datetime | None
) -> datetime | None:
    """Return where a cursor is once an answer was complete: at the newest value stored, unless that is far ahead.

    What lies more than `OVERLAP` behind a cursor is not asked for again, and servers under load answer a part, or
    nothing, as if it were all. So what was missed during a long pause is looked at twice before a cursor passes it:
    `looked` is when it was last asked for as far back as once a day, `since` where the pause began.
    """
    known = since if looked is None else max(since, looked)
    if newest is None or newest - known <= OVERLAP:
        return newest
    # However rarely polls come, what the one before has looked at is behind the cursor now.
    return cursor if looked is None else max(looked, cursor or looked)


def reach(rate: float, age: timedelta, page: int, *, usual: timedelta, due: bool) -> tuple[timedelta, bool]:
    """Choose how far behind its cursor a question goes, and say whether that is as far as the daily one has to go.

    `rate` is the products a day that it would list, `age` how old its cursor is, `usual` the overlap, and `due` says
    that the daily one is. It goes `OVERLAP` back when it is due, and whenever that takes no further request; less where
    the answer would be longer than adapters read.
    """
    widest = OVERLAP
    if rate > 0:
        days = _NEARLY * min(MOST_PRODUCTS, MOST_REQUESTS * page) / rate - age / _DAY
        widest = max(LEAST, min(days, OVERLAP / _DAY) * _DAY)
    usual = min(usual, widest)
    free = requests(span(rate, age + widest), page) == requests(span(rate, age + usual), page)
    return (widest, True) if due or free else (usual, usual == widest)
