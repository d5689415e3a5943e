"""The sites of the demo catalogue: real Take5 names over roughly the ground they covered.

Three are the heroes of the story (Litchfield, Pornic, Mooreesburg); the others are there so that a name can
be a prefix of two codes (`Toul…`, `Sudmipy…`), be spelt almost right, or exist in both collections
(`Belgium`, `EBelgium`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, time


@dataclass(frozen=True)
class Site:
    """One site as the server files it.

    `code` is its `zone_geo`; `centre` is (longitude, latitude) in WGS84 degrees; `first` is its first
    acquisition, `passes` how many follow at five days, `overpass` their UTC time of day; `cover` is (land
    use, percent).
    """

    code: str
    collection: str
    place: tuple[str, str, str | None, str]
    """Continent, country, region (`None` where the server's gazetteer has none), state."""
    centre: tuple[float, float]
    first: date
    passes: int
    overpass: time
    cover: tuple[tuple[str, float], tuple[str, float]]

    @property
    def hemisphere(self) -> str:
        """`Northern` or `Southern`."""
        return "Northern" if self.centre[1] >= 0 else "Southern"

    def bounds(self, drift: float) -> tuple[float, float, float, float]:
        """West, south, east, north of a scene of 60 km that drifted `drift` degrees along the track's side."""
        lon, lat = self.centre
        half = 0.3 / math.cos(math.radians(lat))
        west = round(lon - half + drift, 9)
        return west, round(lat - 0.27, 2), round(west + 2 * half, 9), round(lat + 0.27, 2)


def _spot5(
    code: str,
    place: tuple[str, str, str | None, str],
    centre: tuple[float, float],
    day: int,
    overpass: time,
    cover: tuple[tuple[str, float], tuple[str, float]],
) -> Site:
    return Site(code, "SPOT5", place, centre, date(2015, 4, day), 17, overpass, cover)


def _spot4(code: str, place: tuple[str, str, str | None, str], centre: tuple[float, float], first: date) -> Site:
    cover = (("Cultivated Area", 71.2), ("Forest", 21.4))
    return Site(code, "SPOT4", place, centre, first, 3, time(10, 41), cover)


_FIELDS = (("Cultivated Area", 68.9), ("Forest", 24.3))
_MIDI = ("Europe", "France", "Midi-Pyrénées")

LITCHFIELD = _spot5(
    "Litchfield",
    ("Oceania", "Australia", None, "Northern Territory"),
    (130.8, -13.2),
    8,
    time(1, 34),
    (("Forest", 67.76), ("Herbaceous Area", 32.23)),
)
PORNIC = _spot5(
    "Pornic",
    ("Europe", "France", "Pays de la Loire", "Loire-Atlantique"),
    (-2.1, 47.1),
    10,
    time(11, 12),
    (("Cultivated Area", 50.26), ("Water", 49.73)),
)
MOOREESBURG = _spot5(
    "Mooreesburg",
    ("Africa", "South Africa", None, "Western Cape"),
    (18.66, -33.15),
    9,
    time(8, 41),
    (("Cultivated Area", 69.28), ("Herbaceous Area", 29.89)),
)

HEROES = (LITCHFIELD, PORNIC, MOOREESBURG)

SITES = (
    *HEROES,
    _spot5("ToulouseFrance", (*_MIDI, "Haute-Garonne"), (1.44, 43.6), 11, time(10, 58), _FIELDS),
    _spot5("ToulaRussia", ("Europe", "Russia", "Central", "Tula"), (37.62, 54.2), 12, time(8, 35), _FIELDS),
    _spot5("AuchFrance", (*_MIDI, "Gers"), (0.59, 43.65), 11, time(11, 2), _FIELDS),
    _spot5("LombardyItalia", ("Europe", "Italy", "Lombardia", "Pavia"), (9.0, 45.2), 12, time(10, 28), _FIELDS),
    _spot5("Belgium", ("Europe", "Belgium", "Walloon", "Namur"), (4.98, 50.63), 10, time(10, 46), _FIELDS),
    _spot4("SudmipyE", (*_MIDI, "Haute-Garonne"), (1.6, 43.5), date(2013, 2, 17)),
    _spot4("SudmipyO", (*_MIDI, "Gers"), (0.8, 43.4), date(2013, 2, 16)),
    _spot4("EBelgium", ("Europe", "Belgium", "Walloon", "Namur"), (4.98, 50.63), date(2013, 3, 18)),
)
