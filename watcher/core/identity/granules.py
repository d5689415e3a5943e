"""What the name of a product says, in the conventions of those who make Earth-observation products.

A name tells the platform, the place, the time and the level of an acquisition in the same words wherever the product is
offered, while catalogues spell the properties as they like: `datetime` alone is the start of the datatake in one, the
middle of the tile in the next, and the publication in a third.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec


class Granule(msgspec.Struct, frozen=True, gc=False):
    """What a name says. Texts are empty where it says nothing.

    `maker` is whose convention it is, which is also the chain of processing; `sensor` the platform and instrument;
    `place` the tile, scene or orbit, `tiled` says that it is a tile of the Military Grid Reference System; `time` the
    digits of the acquisition, of which `exact` says that they are the same wherever this acquisition is named in this
    convention; `version` orders processings, as `nominal` does: 0 is near real time; `made` are the digits of the time
    of processing, `word` is how people call the processing.
    """

    maker: str
    sensor: str
    place: str
    time: str
    level: str
    version: tuple[int, ...] = ()
    nominal: int = 1
    made: str = ""
    word: str = ""
    tiled: bool = False
    exact: bool = True


def read(name: str) -> Granule | None:
    """Read the name of a product; `None` when it is in no convention known here, down to its last letter."""
    for pattern, reading in _CONVENTIONS.get(name[:2], ()):
        match = pattern.fullmatch(name)
        if match is not None:
            return reading(match)
    return None


_END = r"(?:\.(?:SAFE|SEN3|nc|hdf|h5|zip|tgz|tar))?"
_TIME = r"\d{8}T\d{6}"
_TILE = r"\d\d[C-HJ-NP-X][A-HJ-NP-Z][A-HJ-NP-V]"
_LOOSE = _TILE.replace(r"\d\d", r"\d{1,2}")


def numbers(text: str | None) -> tuple[int, ...]:
    """Read a version of two numbers (`02.09`, `2-0`, `V2-2`); nothing from anything else."""
    match = re.fullmatch(r"[VvN]?(\d{1,2})[.-](\d{1,2})", text or "")
    return (int(match[1]), int(match[2])) if match else ()


# Sentinel-2: ESA's compact name (the baseline is left out by Planetary Computer) and the two of Earth Search.
_S2 = re.compile(
    rf"(?P<sensor>S2[A-D])_MSI(?P<level>L1C|L2A)_(?P<time>{_TIME})(?:_N(?P<version>\d{{4}}))?_R\d{{3}}_T(?P<tile>{_TILE})"
    rf"_(?P<made>{_TIME}){_END}"
)
_S2_DAY = re.compile(rf"(?P<sensor>S2[A-D])_(?P<tile>{_LOOSE})_(?P<time>\d{{8}})_\d_(?P<level>L1C|L2A)")
_S2_STRIP = re.compile(rf"(?P<sensor>S2[A-D])_T(?P<tile>{_LOOSE})_(?P<time>{_TIME})_(?P<level>L1C|L2A)")


def _s2(name: re.Match[str]) -> Granule:
    sensor, level, time, version, tile, made = name.groups()
    return Granule(
        "esa-s2",
        sensor,
        tile,
        time,
        level,
        version=(int(version[:2]), int(version[2:])) if version else (),
        made=made,
        word=f"N{version}" if version else "",
        tiled=True,
    )


def _s2_named_anew(name: re.Match[str]) -> Granule:
    # The time is the start of a datastrip, or a day.
    tile = name["tile"].rjust(5, "0")
    return Granule("esa-s2", name["sensor"], tile, name["time"], name["level"], tiled=True, exact=False)


# MUSCATE (THEIA, GEODES): Sentinel-2, Landsat, SPOT, Venµs; and its form of 2013 to 2016, with a day for a time.
_MUSCATE = re.compile(
    r"(?P<platform>SENTINEL2[A-D]|LANDSAT\d|SPOT\d|VENUS)(?P<sensor>(?:-[A-Z0-9]+)*)_(?P<day>\d{8})-(?P<clock>\d{6})-\d{3}"
    r"_(?P<level>L\d[A-Z](?:-[A-Z]+)?)_(?P<place>[A-Za-z0-9-]+)_[A-Z](?:_V(?P<version>\d+-\d+))?" + _END
)
_TAKE5 = re.compile(
    r"(?P<platform>SPOT\d|LANDSAT\d)_(?P<sensor>[A-Z0-9]+_[A-Z0-9]+)_(?P<day>\d{8})"
    r"_(?P<level>N1_TUILE|N1_SCENE|N\d[A-Z])_(?P<place>[A-Za-z0-9-]+)" + _END
)
_TAKE5_LEVELS = {"N1_TUILE": "L1C", "N1_SCENE": "L1C-SCENE"}


def _muscate(name: re.Match[str]) -> Granule:
    platform, place = name["platform"].replace("SENTINEL", "S"), name["place"].upper()
    tile = re.fullmatch(rf"T({_TILE})", place) if platform.startswith("S2") else None
    return Granule(
        "muscate",
        # These two have one instrument, which is named or not.
        platform if platform == "VENUS" or tile else platform + name["sensor"],
        tile[1] if tile else place,
        f"{name['day']}T{name['clock']}",
        name["level"],
        version=numbers(name["version"]),
        word=f"V{name['version']}" if name["version"] else "",
        tiled=tile is not None,
        exact=tile is None,
    )


def _take5(name: re.Match[str]) -> Granule:
    platform, sensor, day, word, place = name.groups()
    level = _TAKE5_LEVELS.get(word) or f"L{word[1:]}"
    # A site in one piece is called so or not, by the same server.
    place = place.removesuffix("D0000B0000").upper()
    return Granule("muscate", f"{platform}-{sensor.replace('_', '-')}", place, day, level)


# Landsat Collection 1 and 2 (USGS LSDS-1618); Earth Search and Planetary Computer leave the processing date out.
# Surface temperature has items of its own at USGS: another product of the same acquisition.
_LANDSAT = re.compile(
    r"(?P<sensor>L[COTEM]\d\d)_(?P<level>L1TP|L1GT|L1GS|L2SP|L2SR)_(?P<place>\d{6})_(?P<day>\d{8})(?:_(?P<made>\d{8}))?"
    r"_(?P<collection>\d\d)_(?P<tier>RT|T1|T2)(?:_(?P<kind>SR|ST))?" + _END
)


def _landsat(name: re.Match[str]) -> Granule:
    made = name["made"] or ""
    return Granule(
        "landsat",
        name["sensor"],
        name["place"],
        name["day"],
        ("L1C" if name["level"][1] == "1" else "L2A") + ("-ST" if name["kind"] == "ST" else ""),
        version=(int(name["collection"]),),
        nominal=0 if name["tier"] == "RT" else 1,
        made=made,
        word=f"collection {int(name['collection'])} {name['tier']}" + (f" of {made}" if made else ""),
    )


# HLS of NASA; version 1 had a day for a time.
_HLS = re.compile(
    rf"HLS\.(?P<sensor>L30|S30)\.T(?P<tile>{_TILE})\.(?P<year>\d{{4}})(?P<day>\d{{3}})(?P<clock>T\d{{6}})?\.v(?P<version>\d+\.\d+)"
    + _END
)


def _hls(name: re.Match[str]) -> Granule:
    date = datetime(max(int(name["year"]), 1), 1, 1, tzinfo=UTC) + timedelta(days=int(name["day"]) - 1)
    return Granule(
        "hls",
        name["sensor"],
        name["tile"],
        f"{date:%Y%m%d}{name['clock'] or ''}",
        "HLS",
        version=numbers(name["version"]),
        word=f"v{name['version']}",
        tiled=True,
    )


# Sentinel-1 (without its checksum at Earth Search and Planetary Computer), Sentinel-3 and Sentinel-5P.
_S1 = re.compile(
    rf"(?P<sensor>S1[A-D])_(?P<kind>[A-Z0-9]{{2}}_[A-Z]{{3}}[FHM_]_[0-2][SA][A-Z]{{2}})_(?P<time>{_TIME}_{_TIME})_"
    r"\d{6}_[0-9A-F]{6}(?:_[0-9A-F]{4})?" + _END
)
_S3 = re.compile(
    rf"(?P<sensor>S3[A-D])_(?P<kind>[A-Z]{{2}}_\d_.{{6}})_(?P<time>{_TIME})_{_TIME}_(?P<made>{_TIME})_\d{{4}}_"
    r"(?P<cycle>\d{3}_\d{3}_.{4})_.{3}_._(?P<timely>NR|ST|NT)_(?P<version>.{3})" + _END
)
_S5P = re.compile(
    rf"S5P_(?P<timely>NRTI|OFFL|RPRO)_(?P<kind>.{{10}})_(?P<time>{_TIME})_{_TIME}_(?P<orbit>\d{{5}})_(?P<collection>\d\d)_"
    rf"(?P<version>\d{{6}})_(?P<made>{_TIME})" + _END
)
_TIMELY = {"NR": 0, "ST": 1, "NT": 2, "NRTI": 0, "OFFL": 1, "RPRO": 2}


def _s1(name: re.Match[str]) -> Granule:
    return Granule("esa-s1", name["sensor"], "", name["time"], name["kind"])


def _s3(name: re.Match[str]) -> Granule:
    framed = "____" not in name["cycle"]
    return Granule(
        "esa-s3",
        name["sensor"],
        # A frame of an orbit is always the same one; a stripe begins where the reception did.
        name["cycle"] if framed else "",
        "" if framed else name["time"],
        name["kind"],
        version=(int(name["version"]),) if name["version"].isdigit() else (),
        nominal=_TIMELY[name["timely"]],
        made=name["made"],
        word=f"{name['timely']} {name['version']} of {name['made'][:8]}",
    )


def _s5p(name: re.Match[str]) -> Granule:
    # A near-real-time product is five minutes of the orbit that the nominal one covers.
    slices = name["timely"] == "NRTI"
    return Granule(
        "esa-s5p",
        "S5P",
        name["orbit"],
        name["time"] if slices else "",
        name["kind"],
        version=(int(name["collection"]), int(name["version"])),
        nominal=_TIMELY[name["timely"]],
        made=name["made"],
        word=f"{name['timely']} {name['collection']} {name['version']}",
    )


# MODIS and VIIRS of NASA's land archives, by tile or by granule of five minutes.
_MODIS = re.compile(
    r"(?P<kind>[A-Z][A-Z0-9]{4,11}(?:_L2)?)\.A(?P<time>\d{7}(?:\.\d{4})?)(?:\.(?P<tile>h\d\dv\d\d))?\.(?P<version>\d{3})"
    r"\.(?P<made>\d{13})(?P<near>\.NRT)?" + _END
)


def _modis(name: re.Match[str]) -> Granule:
    return Granule(
        "modis",
        name["kind"],
        name["tile"] or "",
        name["time"],
        "MODIS",
        version=(int(name["version"]),),
        nominal=0 if name["near"] else 1,
        made=name["made"],
        word=f"{name['version']} of {name['made'][:7]}" + (" (near real time)" if name["near"] else ""),
    )


_Convention = tuple[re.Pattern[str], Callable[[re.Match[str]], Granule]]
_OF_MUSCATE: tuple[_Convention, ...] = ((_TAKE5, _take5), (_MUSCATE, _muscate))
_OF_MODIS: tuple[_Convention, ...] = ((_MODIS, _modis),)

_CONVENTIONS: dict[str, tuple[_Convention, ...]] = {
    "S2": ((_S2, _s2), (_S2_STRIP, _s2_named_anew), (_S2_DAY, _s2_named_anew)),
    "S1": ((_S1, _s1),),
    "S3": ((_S3, _s3),),
    "S5": ((_S5P, _s5p),),
    "HL": ((_HLS, _hls),),
    **dict.fromkeys(("SE", "SP", "LA", "VE"), _OF_MUSCATE),
    **dict.fromkeys(("LC", "LO", "LT", "LE", "LM"), ((_LANDSAT, _landsat),)),
    **dict.fromkeys(("MO", "MY", "MC", "VN", "VJ"), _OF_MODIS),
}
"""By the first two letters of a name."""
