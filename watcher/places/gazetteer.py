"""Towns by name: 234,908 places of 500 people and more, offline. Contains GeoNames data, CC BY 4.0 (see NOTICE).

`gazetteer.zip` holds columns, one member each, in which a place has the same row everywhere; a question unpacks the
columns that it needs, and makes objects of the rows that it found. `data/gazetteer.py` makes the file and says what
is in each column. Only the command line loads this: the service has no use for names.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import accumulate
from zipfile import ZipFile

import msgspec

from watcher.names import fold

CREDIT = "Contains GeoNames data (geonames.org), CC BY 4.0."


class Town(msgspec.Struct, frozen=True):
    """A populated place: `country` is ISO 3166-1 alpha-2, `region` its first-level division, degrees WGS84.

    `alias` is the key that found it when that is not its own name; `population` is 0 where GeoNames has none.
    """

    name: str
    country: str
    region: str | None
    longitude: float
    latitude: float
    population: int
    alias: str | None = None


class Region(msgspec.Struct, frozen=True):
    """A first-level division: its country (ISO 3166-1 alpha-2), GeoNames' code in it, its name if it has one."""

    country: str
    code: str
    name: str | None


class Country(msgspec.Struct, frozen=True):
    """A country: ISO 3166-1 alpha-2 and alpha-3, its English name, and the keys of its names in seven languages."""

    code: str
    code3: str
    name: str
    keys: frozenset[str]


Within = Callable[[Region], bool]
"""Whether places of that region are asked for."""

# Letters that are no base letter with a mark, as people write them who lack the key. U+0131 is the dotless i.
_PLAIN = str.maketrans(
    {"\u0131": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
)


def key(name: str) -> str:
    """Return what a name is looked up by: letters and digits only, without case and accents."""
    return fold(name).translate(_PLAIN)


def towns(wanted: str, within: Within | None = None) -> list[Town]:
    """Return the places of that key: those that bear the name first, then those it is another name of; by size."""
    if not wanted.isalnum():
        return []
    bearing = [_town(row) for row in _rows("keys", f"\n{wanted}\n")]
    called = [_town(row, alias=wanted) for row in _rows("aliases", f" {wanted} ")]
    return _kept(bearing, within) + _kept(called, within)


def beginning(wanted: str, within: Within | None = None) -> list[Town]:
    """Return the places whose own key begins like this, by size."""
    return _kept([_town(row) for row in _rows("keys", f"\n{wanted}")] if wanted.isalnum() else [], within)


@cache
def keys() -> Sequence[str]:
    """Return every key once, names and aliases: what a misspelt name is held against."""
    return list(dict.fromkeys([*_member("keys").decode().split(), *_member("aliases").decode().split()]))


@cache
def countries() -> Sequence[Country]:
    """Return every country."""
    rows = (line.split("\t") for line in _member("countries.tsv").decode().splitlines())
    return [Country(code, code3, name, frozenset(other.split())) for code, code3, name, other in rows]


@cache
def country(code: str) -> str:
    """Return the English name of a country, its code if it has none here."""
    return next((each.name for each in countries() if each.code == code), code)


@cache
def code(name: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a country by its English name; raises `KeyError` for none of that name."""
    return {each.name: each.code for each in countries()}[name]


def regions() -> Sequence[Region]:
    """Return every first-level division that has a place."""
    return _regions()[1]


def regions_called(name: str) -> Sequence[Region]:
    """Return the first-level divisions of that name."""
    return _called().get(key(name), [])


def nearest(longitude: float, latitude: float) -> tuple[Town, float]:
    """Return the place that is nearest to a position in degrees, and how far it is in kilometres (haversine)."""
    import numpy as np

    rows = _regions()[0][-1]

    def degrees(column: str, offset: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        planes = np.frombuffer(_member(column), np.uint8).reshape(-1, rows)
        values = sum(plane.astype(np.int64) << 8 * place for place, plane in enumerate(planes))
        return np.radians((np.asarray(values) - offset) / 1e5)

    east, north = degrees("longitude", 18_000_000), degrees("latitude", 9_000_000)
    here_east, here_north = np.radians((longitude, latitude))
    chord = np.sin((north - here_north) / 2) ** 2
    chord += np.cos(north) * np.cos(here_north) * np.sin((east - here_east) / 2) ** 2
    row = int(chord.argmin())
    return _town(row), 2 * 6371.0088 * float(np.arcsin(np.sqrt(chord[row])))


def _kept(found: list[Town], within: Within | None) -> list[Town]:
    if within is not None:
        asked = {(each.country, each.name) for each in regions() if within(each)}
        found = [town for town in found if (town.country, town.region) in asked]
    return sorted(found, key=lambda town: -town.population)


def _rows(column: str, wanted: str) -> Iterator[int]:
    """Yield the rows whose line in a column has these bytes: the lines before it are counted, not read."""
    lines, needle = _member(column), wanted.encode()
    row = counted = 0
    at = lines.find(needle)
    while at >= 0:
        row += lines.count(b"\n", counted, at)
        yield row
        counted, at = at, lines.find(needle, at + 1)


def _town(row: int, *, alias: str | None = None) -> Town:
    starts, all_regions = _regions()
    region = all_regions[bisect_right(starts, row) - 1]
    return Town(
        _name(row),
        region.country,
        region.name,
        (_number("longitude", row) - 18_000_000) / 1e5,
        (_number("latitude", row) - 9_000_000) / 1e5,
        _number("population", row),
        alias,
    )


def _name(row: int) -> str:
    # A name that is its key with a capital is left out.
    return _line("names", row) or _line("keys", row).capitalize()


def _line(column: str, row: int) -> str:
    return _lines(column)[row + 1].decode()


def _number(column: str, row: int) -> int:
    """Return a number of a column that has the lowest byte of every row first, then the next byte of every row."""
    return int.from_bytes(_member(column)[row :: _regions()[0][-1]], "little")


@cache
def _regions() -> tuple[list[int], list[Region]]:
    rows = [line.split("\t") for line in _member("regions.tsv").decode().splitlines()]
    starts = list(accumulate((int(count) for *_, count in rows), initial=0))
    return starts, [Region(country, code, name or None) for country, code, name, _ in rows]


@cache
def _called() -> dict[str, list[Region]]:
    called: dict[str, list[Region]] = {}
    for region in regions():
        if region.name:
            called.setdefault(key(region.name), []).append(region)
    return called


@cache
def _lines(column: str) -> list[bytes]:
    return _member(column).split(b"\n")


@cache
def _member(name: str) -> bytes:
    with (resources.files("watcher.places") / "gazetteer.zip").open("rb") as file, ZipFile(file) as archive:
        return archive.read(name)
