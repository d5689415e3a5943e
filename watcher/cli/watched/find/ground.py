"""Where a sentence means, by names of the ground: offline, and never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.core.sentences import Sentence
    from watcher.places.place import Place
    from watcher.places.understand import Understood

_ARTICLE = re.compile(r"(?i)(?:the|la|les?|los|las|el|al)\s+|l['’]")  # noqa: RUF001 - as people write it
_PARTING = re.compile(r"(?i)\s*[,;&+]\s*|\s+(?:and|et|or|ou)\s+")
_INSIDE = re.compile(r"(?i)\s+(?:in|en|au|aux)\s+")
_MOST_DROPPED = 4


class Spot(msgspec.Struct, frozen=True):
    """A place to look at: `words` of the sentence that say it, with its code in these collections of a catalogue."""

    words: str
    place: Place
    code: str | None = None
    collections: Sequence[str] | None = None


class Spots(msgspec.Struct, frozen=True):
    """The places of a sentence, and the words that turned out to be of none."""

    spots: Sequence[Spot]
    left: Sequence[str] = ()
    remarks: Sequence[str] = ()


def on_ground(sentence: Sentence, pick: int | None = None) -> Spots:
    """Resolve the places of a sentence offline; raises `UsageError` where that is not certain.

    `pick` takes that one of the places that a text may be.
    """
    spots = [cell(grid) for grid in sentence.grids]
    left: list[str] = []
    remarks: list[str] = []
    places, asides = hinted(sentence)
    for words in places:
        found = resolved(words, pick)
        spots += found.spots
        left += found.left
        remarks += found.remarks
    return Spots([_widened(spot, sentence.radius) for spot in spots], [*left, *asides], remarks)


def hinted(sentence: Sentence) -> tuple[list[str], list[str]]:
    """Join a country or region that is said later to the place; return what is left of the asides too."""
    from watcher.places.countries import hint

    places, asides = list(sentence.places), list(sentence.asides)
    if len(places) == 1 and "," not in places[0] and (where := next((a for a in asides if hint(a)), None)):
        asides.remove(where)
        places[0] = f"{places[0]}, {where}"
    return places, asides


def cell(grid: str) -> Spot:
    """Return the ground of a cell (`MGRS-31TCJ`, `WRS2-198030`); raises `UsageError` when there is no such cell."""
    from watcher.places.choice import chosen
    from watcher.places.understand import understand

    system, _, code = grid.partition("-")
    text = f"{code[:3]}/{code[3:]}" if system.startswith("WRS") else code
    return Spot(text, chosen(understand(text)))


def resolved(words: str, pick: int | None) -> Spots:
    """Find what words name: a place, several, or a place at one end of them."""
    from watcher.places.understand import understand

    readings = [understand(text) for text in _spellings(words)]
    whole = next((one for one in readings if one.exact and one.places), None)
    if whole is None or not whole.sure:
        several = [understand(text) for text in _PARTING.split(words) if text.strip()]
        if len(several) > 1 and all(one.sure for one in several):
            return Spots([_spot(one, None) for one in several])
    if whole is None and not any(one.places for one in readings):
        for text, dropped in _shorter(words):
            shorter = next((one for each in _spellings(text) if (one := understand(each)).sure), None)
            if shorter is not None:
                return Spots([_spot(shorter, pick)], [dropped], shorter.remarks if pick is None else ())
    first = whole or next((one for one in readings if one.places), readings[0])
    return Spots([_spot(first, pick)], remarks=first.remarks if pick is None else ())


def middle(place: Place) -> tuple[float, float]:
    """Return the longitude and latitude that a place's name stands for, else the middle of its ground."""
    import shapely

    centre = shapely.from_geojson(place.geometry).centroid
    return place.point or (centre.x, centre.y)


def _widened(spot: Spot, radius: float | None) -> Spot:
    """Take what lies so many kilometres around a place's point, or its middle, instead of its ground."""
    if radius is None or spot.place.geometry is None:
        return spot
    from watcher.places.boxes import around

    ground = around(*middle(spot.place), radius)
    return msgspec.structs.replace(spot, place=msgspec.structs.replace(spot.place, geometry=ground, grid=None))


def _spellings(words: str) -> list[str]:
    """Return the ways to write a place: as it stands, without its article, with its country behind a comma."""
    bare = _ARTICLE.sub("", words, count=1) if _ARTICLE.match(words) else words
    return list(dict.fromkeys((words, bare, *(_INSIDE.sub(", ", text) for text in (words, bare)))))


def _shorter(words: str) -> Iterator[tuple[str, str]]:
    """Yield words without some at the end or the beginning, the longest first, and those that are left out."""
    parts = words.split()
    for length in range(len(parts) - 1, max(len(parts) - 1 - _MOST_DROPPED, 0), -1):
        yield " ".join(parts[:length]), " ".join(parts[length:])
        yield " ".join(parts[-length:]), " ".join(parts[:-length])


def _spot(understood: Understood, pick: int | None) -> Spot:
    from watcher.core.sentences.echo import near
    from watcher.places.choice import chosen

    if not understood.places:
        remarks = "".join(f"\n{remark}" for remark in understood.remarks)
        slips = [meant for word in understood.text.split() if (meant := near(word))]
        raise UsageError(
            f'"{understood.text}" is no place that watcher knows{remarks}',
            hint=(f"did you mean {' or '.join(slips)}? Else " if slips else "")
            + "name a town, a park, a Take5 site, a tile (31TCJ) or a path and row (198/030)",
        )
    place = chosen(understood, pick)
    if place.geometry is None:
        raise UsageError(
            f"{place.name} is a {place.kind} whose coordinates are not known",
            hint="name a town, a tile (31TCJ) or a path and row (198/030) there",
        )
    return Spot(understood.text, place)
