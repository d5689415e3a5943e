"""One place of those that a text may mean: the one that is sure, the one that was picked, or a list to pick from."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from watcher.errors import UsageError
from watcher.places import gazetteer
from watcher.places.place import Place, address, described
from watcher.places.understand import Understood

LISTED = 10
"""How many places a list has before it says only how many more there are."""

ELSE = "say where it is: --bbox W,S,E,N, --point LON,LAT[,KM] or --geometry FILE|WKT"


def chosen(understood: Understood, pick: int | None = None) -> Place:
    """Return the place meant; raises `UsageError` with the numbered list when that is not certain."""
    places = understood.places
    if pick is not None and places:
        if not 1 <= pick <= len(places):
            raise UsageError(
                f'"{understood.text}" may be {len(places)} places, so there is no --pick {pick}',
                hint=f"give a number from 1 to {len(places)}",
            )
        return places[pick - 1]
    if understood.sure:
        return places[0]
    if not places:
        unknown = f'"{understood.text}" is no place that watcher knows' if understood.text else "no place is named"
        if any(map(str.isalpha, understood.text)) and not any(map(_latin, understood.text)):
            unknown += ", by its name in Latin letters"
        raise UsageError(" ".join(understood.remarks) or unknown, hint=ELSE)
    remarks = "".join(f"\n{remark}" for remark in understood.remarks)
    if understood.exact:
        any_of = f"any of {len(places)} places:" if len(places) > 1 else "this place, but that is not sure:"
        raise UsageError(f'"{understood.text}" may be {any_of}{_numbered(places)}{remarks}', hint=_way(places))
    raise UsageError(
        f'"{understood.text}" is not a known place. Did you mean{_numbered(places)}{remarks}', hint=_way(places)
    )


def listed(places: Sequence[Place], *, but: Place | None = None) -> list[str]:
    """Return a line for each place, numbered as `chosen` picks them; `but` one that needs none."""
    lines = [f"  {number}. {described(place)}" for number, place in enumerate(places, 1) if place is not but]
    more = len(lines) - LISTED
    return lines[:LISTED] + ([f"  … and {more} more: name the country or the region too"] if more > 0 else [])


def _latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN ")


def _numbered(places: Sequence[Place]) -> str:
    return "".join(f"\n{line}" for line in listed(places))


def _way(places: Sequence[Place]) -> str:
    first, *others = places
    written = _written(first, [other for other in others if other.kind == first.kind])
    return "--pick 1" + (f', or "{written}"' if written else "")


def _written(place: Place, others: Sequence[Place]) -> str | None:
    """Write a place as briefly as tells it from the others; `None` if its address does not."""
    if place.country is None or place.kind != "town":
        return None
    if all(other.country != place.country for other in others):
        return f"{place.name}, {gazetteer.code(place.country)}"
    if place.region is None or any(address(other) == address(place) for other in others):
        return None
    return address(place)
