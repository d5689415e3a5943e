"""What a subscription promises, in a sentence."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from tests.given import ACQUIRED, L1C, L2A, NOW, subscription
from watcher.core.agreements.promise import promise
from watcher.model import ARRIVALS, FOR_GOOD, Event, Rhythm

SITES = {1: "Pornic", 2: "Litchfield", **{n: f"Site {n}" for n in range(3, 10)}}
PARIS = "Europe/Paris"
ALL = "at once of every product at every site"


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, ALL),
        ({"levels": (L2A,), "sites": (1,)}, "at once of L2A at Pornic"),
        ({"levels": (L1C, L2A), "sites": (1, 2)}, "at once of L1C and L2A at Litchfield and Pornic"),
        ({"sites": ()}, "at once of every product at no site that is left"),
        ({"tags": ("dry", "north")}, "at once of every product at sites tagged dry or north"),
        ({"sites": (1,), "tags": ("dry",)}, "at once of every product at Pornic and sites tagged dry"),
        (
            {"sites": tuple(range(1, 10))},
            "at once of every product at Litchfield, Pornic, Site 3, Site 4 and 5 more sites",
        ),
        ({"events": (Event.NEW,)}, "at once of new products at every site"),
        ({"events": (Event.NEW, Event.REVISED), "levels": (L2A,)}, "at once of new and revised L2A at every site"),
        ({"events": (Event.HEALTH,)}, "at once of watcher's own health"),
        ({"events": (*ARRIVALS, Event.HEALTH)}, f"{ALL}, and of watcher's own health"),
        ({"max_cloud": 20.0}, f"{ALL}, cloud ≤ 20 % (unknown passes)"),
        (
            {"max_cloud": 12.5, "unknown_cloud": False, "min_coverage": 60.0, "acquired_since": ACQUIRED},
            f"{ALL}, cloud ≤ 12.5 % (unknown is refused), coverage ≥ 60 %, acquired since 2015-05-30 11:12 UTC",
        ),
        (
            {"collections": ("S2*",), "platforms": ("A", "B")},
            f"{ALL}, collection S2*, platform A or B",
        ),
        ({"rhythm": Rhythm("hour")}, "hourly of every product at every site"),
        ({"rhythm": Rhythm("day", zone=PARIS)}, "daily at 08:00 Europe/Paris of every product at every site"),
        (
            {"rhythm": Rhythm("week", time(7, 30), 4, PARIS, (time(22), time(7)))},
            "weekly on Friday at 07:30 Europe/Paris of every product at every site; quiet 22:00\u201307:00",
        ),
        (
            {"rhythm": Rhythm(zone=PARIS, quiet=(time(22), time(7)))},
            f"{ALL}; quiet 22:00\u201307:00 Europe/Paris",
        ),
        (
            {"fields": ("acquired", "link"), "still": True, "muted": FOR_GOOD},
            f"{ALL}; columns acquired, link; a word once a week though nothing came; muted",
        ),
        (
            {"muted": NOW + timedelta(hours=1), "rhythm": Rhythm(zone=PARIS)},
            f"{ALL}; muted until 2015-06-12 09:00 Europe/Paris",
        ),
        ({"muted": NOW}, ALL),
    ],
)
def test_a_subscription_is_said_back(terms: dict[str, object], said: str) -> None:
    assert promise(subscription(**terms), "team", SITES, now=NOW) == f"team hears {said}"
