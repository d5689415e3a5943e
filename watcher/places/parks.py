"""Parks and regions by name: a table of boxes drawn by hand around them, to a tenth of a degree or so.

None of the boxes is an official outline, and watcher says so. A park is found by its whole name, by its name in the
languages of its table, and without the words that only say that it is a park.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib import resources

import msgspec

from watcher.places.boxes import box
from watcher.places.gazetteer import key
from watcher.places.place import Place

_PARK = re.compile(
    r"(?i)\b(?:national|provincial|regional)? ?parks?\b|\bNP\b|\b(?:game|national|biosphere) reserve\b"
    r"|\bparc (?:national|naturel r[ée]gional)(?: (?:de la|des|du|de) | de l\W| d\W|\b)"
    r"|\bparque nacional(?: (?:de la|del|de) |\b)|\bparco nazionale(?: (?:della|delle|dei|del|di) |\b)|\bnationalpark\b"
)


class Park(msgspec.Struct, frozen=True):
    """A row of the table: its place, and the keys that it is found by."""

    place: Place
    keys: frozenset[str]


def named(name: str) -> list[Place]:
    """Return the parks and regions of that name."""
    wanted = {key(name), key(without_park(name))} - {""}
    return [park.place for park in every() if wanted & park.keys]


def without_park(name: str) -> str:
    """Return a name without the words for a park: `Kruger` of `Kruger NP`, `Écrins` of `Parc national des Écrins`."""
    return " ".join(_PARK.sub(" ", name).split())


@cache
def every() -> tuple[Park, ...]:
    """Read the table."""
    text = (resources.files("watcher.places") / "parks.csv").read_text(encoding="utf-8")
    return tuple(_park(row) for row in csv.DictReader(text.splitlines()))


def _park(row: dict[str, str]) -> Park:
    west, south, east, north = (float(row[edge]) for edge in ("west", "south", "east", "north"))
    names = [row["name"], *filter(None, row["aliases"].split("|"))]
    place = Place(
        name=row["name"],
        geometry=box(west, south, east, north),
        origin=f"watcher's table of parks and regions, approximate box {west:g},{south:g},{east:g},{north:g}",
        kind=row["kind"],
        country=row["country"],
        point=((west + east) / 2, (south + north) / 2),
    )
    return Park(place, frozenset({key(name) for name in names} | {key(without_park(name)) for name in names} - {""}))
