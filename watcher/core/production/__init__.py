"""Acquisitions and how far each of them is processed, from the products that were listed at one site.

Products are of one acquisition if their acquisition keys are the same but for the level. Where a name is in no known
convention, it is the same platform and cell of a grid, seen within seconds; if that fits two, it is taken for neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

from watcher.core.identity.missions import PLATFORMS
from watcher.model import Level
from watcher.names import fold

NEAR = timedelta(seconds=5)
"""Catalogues that say the same time of acquisition differ by less: one rounds it, the next cuts it off."""

RECENT = timedelta(days=400)
"""What was acquired longer ago tells of other times: orbits and processors change."""

Clock = Literal["published", "updated", "seen"]
"""What says when a product was there: its time of publication, its last change, or the poll that found it."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """A product as a step of the production: which level of which acquisition was there, and since when.

    `acquisition` is its acquisition key, `collection` the number of its collection. `there` is by `clock`; both are
    `None` for what was there before anybody looked, and that the catalogue gives no time. `again` says that there is a
    newer processing, `gone` that it is no longer listed.
    """

    collection: int
    level: Level | None
    acquired: datetime | None
    there: datetime | None = None
    clock: Clock | None = None
    acquisition: str | None = None
    title: str = ""
    platform: str | None = None
    instrument: str | None = None
    grid: str | None = None
    cloud: float | None = None
    again: bool = False
    gone: bool = False


class Acquisition(msgspec.Struct, frozen=True):
    """What was seen at once: when, by which satellite, where (a tile, scene or site; `""` is unknown), and its steps.

    `key` is the same at each look.
    """

    key: str
    acquired: datetime
    platform: str
    place: str
    steps: Sequence[Step]

    def level(self, level: Level | None, collections: Iterable[int]) -> list[Step]:
        """Return its products of a level in these collections."""
        return [step for step in self.steps if step.level == level and step.collection in collections]


def acquisitions(steps: Iterable[Step]) -> list[Acquisition]:
    """Return the acquisitions that products are of, oldest first. One whose time is not known is left out."""
    named: dict[str, list[Step]] = defaultdict(list)
    nameless: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        if step.acquired is None:
            continue
        name = _name(step)
        if name is not None:
            named[name].append(step)
        else:
            nameless[_platform(step.platform) or "", step.grid or ""].append(step)
    found = [_named(name, group) for name, group in named.items()]
    for (platform, grid), alike in nameless.items():
        for group in _at_once(alike):
            first = min(step.acquired for step in group if step.acquired is not None)
            key = f"{first.astimezone(UTC):%Y%m%dT%H%M%S}/{platform or 'unknown'}/{grid}"
            found.append(_acquisition(key, platform, grid.rpartition("-")[2], group))
    return sorted(_matched(found), key=lambda one: (one.acquired, one.key))


def _name(step: Step) -> str | None:
    """Return the acquisition key without its level, and without the mode of the instrument.

    The L1C may be named by another one than the L2A: XSTHPAN and XS.
    """
    parts = (step.acquisition or "").split("/")
    if len(parts) != 4:
        return None
    time, sensor, place, _ = parts
    return f"{time}/{sensor.partition('-')[0]}/{place}"


def _named(name: str, steps: Sequence[Step]) -> Acquisition:
    _, word, place = name.split("/")
    # Some names have a product where others have the platform; then it is what the catalogue says.
    platform = PLATFORMS.get(fold(word)) or next((said for step in steps if (said := _platform(step.platform))), word)
    return _acquisition(name, platform, place, steps)


@lru_cache(maxsize=256)
def _platform(text: str | None) -> str | None:
    """Return a platform as its operators write it; another as it is said, `None` for none."""
    return PLATFORMS.get(fold(text), text.upper()) if text else None


def _acquisition(key: str, platform: str, place: str, steps: Sequence[Step]) -> Acquisition:
    first = min(step.acquired for step in steps if step.acquired is not None)
    return Acquisition(key, first, platform, place, steps)


def _at_once(steps: Iterable[Step]) -> list[list[Step]]:
    """Put together what was seen within seconds."""
    groups: list[list[Step]] = []
    last: datetime | None = None
    for time, _, step in sorted((step.acquired, index, step) for index, step in enumerate(steps) if step.acquired):
        if last is not None and time - last <= NEAR:
            groups[-1].append(step)
        else:
            groups.append([step])
        last = time
    return groups


def _matched(found: Sequence[Acquisition]) -> list[Acquisition]:
    """Put together acquisitions that no two levels share, where time and place leave no doubt that they are one."""
    lone = sorted((one for one in found if len({step.level for step in one.steps}) == 1), key=lambda one: one.acquired)
    partners: dict[str, list[Acquisition]] = defaultdict(list)
    for index, one in enumerate(lone):
        for other in lone[index + 1 :]:
            if other.acquired - one.acquired > NEAR:
                break
            if one.platform == other.platform and _fits(one, other):
                partners[one.key].append(other)
                partners[other.key].append(one)
    merged: set[str] = set()
    result = []
    for one in found:
        if one.key in merged:
            continue
        mates = partners[one.key]
        if len(mates) == 1 and len(partners[mates[0].key]) == 1:
            other = mates[0]
            merged.add(other.key)
            key = min(one.key, other.key)
            result.append(_acquisition(key, one.platform, one.place or other.place, [*one.steps, *other.steps]))
        else:
            result.append(one)
    return result


def _fits(one: Acquisition, other: Acquisition) -> bool:
    if {step.level for step in one.steps} == {step.level for step in other.steps}:
        return False
    return not one.place or not other.place or one.place == other.place
