"""Who passed over a site, and when: acquisitions that were seen at once, put together by sensor and orbit."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from watcher.core.identity.missions import INSTRUMENTS
from watcher.core.production import Acquisition, Step
from watcher.model import FOR_GOOD
from watcher.names import fold

_ONE_PASS = timedelta(minutes=20)


class Sensor(msgspec.Struct, frozen=True, order=True):
    """Who passes: a platform and its instrument, on an orbit (`orbit 51`, `path 198`); `""` is not known."""

    platform: str
    instrument: str = ""
    orbit: str = ""

    @property
    def words(self) -> str:
        """Name it for people."""
        return ", ".join(part for part in (f"{self.platform} {self.instrument}".strip(), self.orbit) if part)


class Pass(msgspec.Struct, frozen=True):
    """One pass over a site: when it was first seen in it, what came of it, and the places (tiles, scenes) seen."""

    at: datetime
    brought: Step
    places: tuple[str, ...] = ()


def passes(acquisitions: Iterable[Acquisition]) -> dict[Sensor, list[Pass]]:
    """Put the acquisitions together that were seen in one pass, oldest first, by sensor."""
    every = list(acquisitions)
    instruments: dict[str, set[str]] = defaultdict(set)
    for one in every:
        instruments[one.platform].add(_instrument(one))
    groups: dict[tuple[str, str], list[list[Acquisition]]] = defaultdict(list)
    for one in sorted(every, key=lambda one: one.acquired):
        # What one catalogue leaves out, another says: it is the only one that this platform has here.
        known = instruments[one.platform] - {""}
        instrument = next(iter(known)) if len(known) == 1 else _instrument(one)
        group = groups[one.platform, instrument]
        if group and one.acquired - group[-1][0].acquired <= _ONE_PASS:
            group[-1].append(one)
        else:
            group.append([one])
    found: dict[Sensor, list[Pass]] = defaultdict(list)
    for (platform, instrument), seen in groups.items():
        for together in seen:
            orbit = next((word for one in together if (word := _orbit(one))), "")
            places = tuple(sorted({one.place for one in together if one.place}))
            brought = min(together[0].steps, key=lambda step: step.there or FOR_GOOD)
            found[Sensor(platform or "unknown", instrument, orbit)].append(Pass(together[0].acquired, brought, places))
    return found


def _instrument(one: Acquisition) -> str:
    """Return the instrument; the number of one of two cameras (HRG1, HRG2) is left out: either may see the next."""
    said = next((step.instrument for step in one.steps if step.instrument), "")
    return INSTRUMENTS.get(fold(said), said.upper()).rstrip("0123456789")


_RELATIVE = re.compile(r"S2[A-D]_MSIL\w\w_\d{8}T\d{6}(?:_N\d{4})?_R(\d{3})_")


def _orbit(one: Acquisition) -> str:
    for step in one.steps:
        if match := _RELATIVE.match(step.title):
            return f"orbit {int(match[1])}"
        if step.grid is not None and step.grid.startswith("WRS"):
            return f"path {int(step.grid[5:8])}"
    return ""
