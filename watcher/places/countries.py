"""The country or region that people add to a name: `Toulouse, FR`, `Paris, Texas`, `SouthAfrica : Mooreesburg`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from watcher.places import gazetteer
from watcher.places.gazetteer import Country, Region, key


class Hint(msgspec.Struct, frozen=True):
    """Words that were read as countries, or as first-level divisions, or may be either (`CA`, `Georgia`)."""

    text: str
    countries: frozenset[str]
    regions: frozenset[tuple[str, str]]

    def holds(self, region: Region) -> bool:
        """Return whether a region is meant."""
        return region.country in self.countries or (region.country, region.code) in self.regions

    def allows(self, country: str | None) -> bool:
        """Return whether a place in that country, or one of several (`Kenya/Ethiopia`), may be meant."""
        own = {code for name in (country or "").split("/") for code in codes(name)}
        return bool(own & (self.countries | {code for code, _ in self.regions}))


class Reading(msgspec.Struct, frozen=True):
    """One way to read a text: a name, and where it is said to be; `unknown` is what stands there and is no place."""

    name: str
    hints: Sequence[Hint] = ()
    unknown: str | None = None


def readings(text: str) -> Iterator[Reading]:
    """Yield the ways to read a text, the likeliest first; the whole of it may be a name in any case."""
    yield Reading(text)
    country, colon, name = (part.strip() for part in text.partition(":"))
    if colon and country and name:
        yield _reading(name, [country])
        return
    name, *where = (part.strip() for part in re.split(r"[,;()]", text))
    if where := [part for part in where if part]:
        yield _reading(name, where)
        return
    words = text.split()
    for count in range(len(words) - 1, 0, -1):
        # Two letters at the end of words may be anything; as a code they are written in capitals.
        last = " ".join(words[count:])
        found = hint(last)
        if found is not None and (len(last) > 3 or last.isupper()):
            yield Reading(" ".join(words[:count]), [found])


def hint(text: str) -> Hint | None:
    """Read words as a country (ISO code, or name in seven languages) or a first-level division; `None` for neither."""
    wanted = key(text)
    letters = text.strip().upper().replace(".", "")
    # Codes that are letters are known to people (TX, ON, VD), numbers are GeoNames' own.
    coded = [region for region in gazetteer.regions() if region.code == letters and letters.isalpha()]
    regions = frozenset((region.country, region.code) for region in [*gazetteer.regions_called(text), *coded])
    countries = codes(text)
    return Hint(text, countries, regions) if wanted and (countries or regions) else None


def codes(text: str) -> frozenset[str]:
    """Return the ISO 3166-1 alpha-2 codes of the countries that are called or written so."""
    wanted, letters = key(text), text.strip().upper().replace(".", "")
    return frozenset(each.code for each in gazetteer.countries() if _is(each, wanted, letters))


def _is(country: Country, wanted: str, letters: str) -> bool:
    return letters in (country.code, country.code3) or wanted in country.keys


def _reading(name: str, where: Sequence[str]) -> Reading:
    hints = [(part, hint(part)) for part in where]
    unknown = next((part for part, found in hints if found is None), None)
    return Reading(name, [found for _, found in hints if found is not None], unknown)
