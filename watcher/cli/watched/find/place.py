"""Where a sentence means: a site by its catalogue's code, else ground. Neither is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from watcher.cli.watched.find.ground import Spot, Spots, cell, hinted, on_ground, resolved
from watcher.errors import UsageError
from watcher.names import fold, plain

if TYPE_CHECKING:
    from watcher.core.sentences import Sentence
    from watcher.model import Candidate
    from watcher.places.place import Place
    from watcher.plugins import Catalogue
    from watcher.wiring import Parts


def in_catalogue(
    parts: Parts, named: str, source: Catalogue, sentence: Sentence, collections: Sequence[str], pick: int | None
) -> Spots:
    """Resolve the places of a sentence for a catalogue: by its own codes first, where it has such."""
    by_code = source.capability().codes and sentence.radius is None and sentence.places and collections
    if not by_code:
        return on_ground(sentence, pick)
    places, asides = hinted(sentence)
    spots = [cell(grid) for grid in sentence.grids]
    left, remarks = [*asides], list[str]()
    for words in places:
        found, near = source.locate(words, parts.catalogues.http(named), collections=collections)
        if found:
            spots.append(_coded(named, words, found, pick))
            continue
        ground = _agreed(named, words, near, pick)
        left += ground.left
        for spot in ground.spots:
            shorter = spot.words != words
            known = (
                source.locate(spot.words, parts.catalogues.http(named), collections=collections)[0] if shorter else ()
            )
            spots.append(_coded(named, spot.words, known, pick) if known else spot)
            remarks += [] if known else ground.remarks
    return Spots(spots, left, remarks)


def stored(parts: Parts, sentence: Sentence, pick: int | None) -> Spots:
    """Resolve the places of a sentence among the watched sites first; these have their name as `code`."""
    from watcher.places.place import Place
    from watcher.store import sites

    known = {fold(site.name): site for site in sites.every(parts.db())}
    places, asides = hinted(sentence)
    if sentence.grids or sentence.radius or not places or not all(fold(words) in known for words in places):
        return on_ground(sentence, pick)
    watched = [(words, known[fold(words)]) for words in places]
    spots = [
        Spot(
            words,
            Place(
                name=site.name, geometry=site.geometry, origin=site.origin, kind="watched site", country=site.country
            ),
            site.name,
        )
        for words, site in watched
    ]
    return Spots(spots, asides)


def described(place: Place, language: str) -> str:
    """Write a place as the echo of a sentence has it: `Paris, Texas, United States (town, 40 x 40 km)`."""
    from watcher.core.sentences.echo import kind
    from watcher.places.extent import size
    from watcher.places.place import address

    reach = [size(place.geometry)] if place.geometry else []
    return f"{address(place)} ({', '.join([kind(place.kind, language), *reach])})"


def _coded(named: str, words: str, candidates: Sequence[Candidate], pick: int | None) -> Spot:
    from watcher.places.place import Place

    codes = sorted({candidate.code for candidate in candidates})
    if pick is not None and not 1 <= pick <= len(codes):
        raise UsageError(
            f'"{words}" may be {len(codes)} sites of {named}, so there is no --pick {pick}',
            hint=f"give a number from 1 to {len(codes)}",
        )
    if len(codes) > 1 and pick is None:
        numbered = "".join(f"\n  {number}. {plain(code)}" for number, code in enumerate(codes, 1))
        raise UsageError(
            f'"{words}" may be any of {len(codes)} sites of {named}:{numbered}', hint=f'--pick 1, or "{codes[0]}"'
        )
    code = codes[(pick or 1) - 1]
    those = [candidate for candidate in candidates if candidate.code == code]
    place = Place(
        name=code,
        geometry=those[0].geometry,
        origin=f"{named} {code}",
        kind=f"site of {named}",
        country=next((candidate.country for candidate in those if candidate.country), None),
    )
    return Spot(words, place, code, [candidate.collection for candidate in those])


def _agreed(named: str, words: str, near: Sequence[str], pick: int | None) -> Spots:
    """Take the ground that words name, unless they are rather a slip for a site of the catalogue."""
    from watcher.places import spelling

    slips = spelling.slips(words, near)
    if slips and pick is None:
        raise UsageError(
            f'{named} knows no site called "{words}"', hint=f"did you mean {' or '.join(map(plain, slips))}?"
        )
    return resolved(words, pick)
