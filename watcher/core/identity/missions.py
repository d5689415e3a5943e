"""Satellites and instruments by the names that people, products and catalogues give them.

A platform is written here as its operators write it ("SENTINEL-2A", "LANDSAT-8", "SPOT-5"); a name that another begins
with is its family ("SENTINEL-2", "LANDSAT"). Names are compared folded to letters and digits: `Landsat 8`,
`LANDSAT_8`, `landsat8`, `L8` and `LC08` are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from watcher.model import Level, Product, level
from watcher.names import fold


def _table() -> dict[str, str]:
    numbered = {
        "SENTINEL-1": ("ABCD", ["sentinel1", "s1"]),
        "SENTINEL-2": ("ABCD", ["sentinel2", "s2"]),
        "SENTINEL-3": ("ABCD", ["sentinel3", "s3"]),
        "SENTINEL-5P": ("", ["sentinel5p", "s5p", "sentinel5precursor"]),
        "SENTINEL-6": ("AB", ["sentinel6", "s6"]),
        "PLEIADES-1": ("AB", ["pleiades1", "phr1"]),
    }
    table = {"sentinel": "SENTINEL", "sentinels": "SENTINEL", "landsat": "LANDSAT", "landsats": "LANDSAT"}
    for name, (letters, aliases) in numbered.items():
        for alias in aliases:
            table[alias] = name
            table |= {alias + letter.lower(): name + letter for letter in letters}
    for number in range(1, 10):
        table |= {f"landsat{number}": f"LANDSAT-{number}", f"landsat0{number}": f"LANDSAT-{number}"}
        for letter in "coetm":
            table[f"l{letter}0{number}"] = f"LANDSAT-{number}"
        if number >= 5:
            table[f"l{number}"] = f"LANDSAT-{number}"
    table |= {f"spot{number}": f"SPOT-{number}" for number in range(1, 8)}
    table |= {f"ers{number}": f"ERS-{number}" for number in (1, 2)}
    single = {
        "SPOT": "spot",
        "PLEIADES": "pleiades phr",
        "PLEIADES-NEO": "pleiadesneo pneo",
        "VENUS": "venus venμs",
        "TERRA": "terra eosam1",
        "AQUA": "aqua eospm1",
        "SUOMI-NPP": "suominpp snpp suomi npp",
        "NOAA-20": "noaa20 jpss1 n20",
        "NOAA-21": "noaa21 jpss2 n21",
        "ENVISAT": "envisat",
        "PROBA-V": "probav",
        "ALOS-2": "alos2",
        "RADARSAT-2": "radarsat2",
        "TERRASAR-X": "terrasarx",
        "COSMO-SKYMED": "cosmoskymed",
        "RAPIDEYE": "rapideye",
        "PLANETSCOPE": "planetscope",
        "IKONOS": "ikonos",
        "NISAR": "nisar",
        "SWOT": "swot",
        "PRISMA": "prisma",
        "ENMAP": "enmap",
        "ECOSTRESS": "ecostress",
    }
    return table | {alias: name for name, aliases in single.items() for alias in aliases.split()}


PLATFORMS = _table()
"""Folded name → platform or family."""

_INSTRUMENTS: dict[str, tuple[str, ...]] = {
    "MSI": ("SENTINEL-2",),
    "OLI": ("LANDSAT-8", "LANDSAT-9"),
    "TIRS": ("LANDSAT-8", "LANDSAT-9"),
    "TM": ("LANDSAT-4", "LANDSAT-5"),
    "ETM": ("LANDSAT-7",),
    "MSS": ("LANDSAT",),
    "HRV": ("SPOT-1", "SPOT-2", "SPOT-3"),
    "HRVIR": ("SPOT-4",),
    "HRG": ("SPOT-5",),
    "NAOMI": ("SPOT-6", "SPOT-7"),
    "VSSC": ("VENUS",),
    "OLCI": ("SENTINEL-3",),
    "SLSTR": ("SENTINEL-3",),
    "SRAL": ("SENTINEL-3",),
    "TROPOMI": ("SENTINEL-5P",),
    "MODIS": ("TERRA", "AQUA"),
    "VIIRS": ("SUOMI-NPP", "NOAA-20", "NOAA-21"),
    "ASTER": ("TERRA",),
    "MERIS": ("ENVISAT",),
    "ASAR": ("ENVISAT",),
    "SAR": (),
}
_ALSO = {"etmplus": "ETM", "etm+": "ETM", "olitirs": "OLI", "csar": "SAR", "radar": "SAR"}
INSTRUMENTS = (
    {name.lower(): name for name in _INSTRUMENTS}
    | {f"{name.lower()}{number}": f"{name}{number}" for name in ("HRV", "HRVIR", "HRG") for number in (1, 2)}
    | _ALSO
)
"""Folded name → instrument; a number behind it is one of two cameras."""

COLLECTIONS = {
    "hls": "HLS",
    "hlsl30": "HLSL30",
    "hlss30": "HLSS30",
    "take5": "TAKE5",
    "swh": "SWH",
    "spotworldheritage": "SWH",
    "muscate": "MUSCATE",
    "maja": "MAJA",
    "grd": "GRD",
    "slc": "SLC",
}
"""Folded word → what a collection's or a product's name holds."""

_LEVEL = re.compile(r"(?:l|n|level|niveau)?([0-4][a-d])|(?:l|level|niveau)([0-4])|(n1|l[12](?:tp|gt|gs|sp|sr))")

_BEGINNINGS = {
    "mod": ("TERRA",),
    "myd": ("AQUA",),
    "mcd": ("TERRA", "AQUA"),
    "vnp": ("SUOMI-NPP",),
    "vj1": ("NOAA-20",),
    "vj2": ("NOAA-21",),
}
"""How NASA's names of products and collections begin, folded → platforms."""


def level_of(word: str) -> Level | None:
    """Read a level that is one word (`L2A`, `level-2a`, `N2A`, `2A`, `L2`, `L2SP`); `None` for what is none."""
    match = _LEVEL.fullmatch(fold(word))
    if match is None:
        return None
    return level(match[3] or f"L{match[1] or match[2]}")


def carried(instrument: str) -> tuple[str, ...]:
    """Return the platforms that carry an instrument; none where it does not tell."""
    return _INSTRUMENTS.get(instrument.rstrip("12"), ())


def within(platform: str, family: str) -> bool:
    """Say whether a platform is that one or of that family: "SENTINEL-2A" of "SENTINEL-2", "LANDSAT-8" of "LANDSAT"."""
    rest = platform[len(family) :]
    apart = rest.startswith("-") or (family[-1].isdigit() and rest.isalpha())
    return platform.startswith(family) and (not rest or apart)


@lru_cache(maxsize=1024)
def named(word: str) -> str | None:
    """Return the platform or family that a word names, in whatever spelling; `*` at its end is whichever of it.

    Any other pattern names none: "sentinel-2[!a]" is all but that one.
    """
    bare = word.rstrip("*?")
    return None if set("*?[") & set(bare) else PLATFORMS.get(fold(bare))


def is_from(platform: str, wanted: str) -> bool:
    """Say whether two names are of one platform, or the first of the family that is wanted: "sentinel-2a" of "S2"."""
    family, one = named(wanted), named(platform)
    return family is not None and one is not None and within(one, family)


def platform_of(product: Product) -> str | None:
    """Return the platform of a product, by its own word or its name; `None` where neither says."""
    said = PLATFORMS.get(fold(product.platform)) if product.platform else None
    named = next(iter(named_in("_".join(re.split(r"[\W_]+", product.title)[:3]))), None)
    if said is None or (named is not None and within(named, said)):
        return named or said
    return said


def named_in(name: str) -> tuple[str, ...]:
    """Return the platforms that a collection's or product's name holds, in its order.

    `sentinel-2-l2a`, `THEIA_REFLECTANCE_LANDSAT8_L2A`, `S2A_MSIL2A_…`, `LC08_L2SP_…`, `SWH_SPOT123_L1`, `HLS.S30.T…`.
    """
    parts = [fold(part) for part in re.split(r"[\W_]+", name) if part]
    found: list[str] = []
    index = 0
    while index < len(parts):
        words = {length: "".join(parts[index : index + length]) for length in (3, 2, 1) if index + length <= len(parts)}
        length = next((length for length, word in words.items() if word in PLATFORMS), 0)
        found += [PLATFORMS[words[length]]] if length else _begun(parts[index])
        index += length or 1
    whole = "".join(parts)
    found += [name for prefix, names in _BEGINNINGS.items() if whole.startswith(prefix) for name in names]
    if whole.startswith("hls"):
        found += ["SENTINEL-2"] if "s30" in whole else []
        found += ["LANDSAT-8", "LANDSAT-9"] if "l30" in whole else []
    return tuple(dict.fromkeys(found))


def _begun(word: str) -> list[str]:
    """Return the platforms that a word begins with: `spot123`, `landsat57`, `venusvm05`, `s2st`."""
    if match := re.fullmatch(r"(landsat|spot)([1-9]+)", word):
        return [f"{match[1].upper()}-{digit}" for digit in match[2]]
    if match := re.match(r"(landsat|spot|venus|sentinel[1-6]|s[1-3])(?=[a-z]{2})", word):
        return [PLATFORMS[match[1]]]
    return []


def may_hold(collection: str, platforms: Iterable[str]) -> bool:
    """Say whether a collection of that name may hold products of one of these platforms: unless it names others."""
    named = named_in(collection)
    wanted = tuple(platforms)
    return not named or not wanted or any(within(a, b) or within(b, a) for a in named for b in wanted)


def has_instrument(said: str, wanted: str) -> bool:
    """Say whether a product's instrument, as its catalogue writes it, is or holds the one that is wanted."""
    parts = [fold(part) for part in re.split(r"[^\w+]+|_", said) if part]
    pattern = re.compile(rf"(c|oli)?{re.escape(wanted.lower())}(tirs|plus|[0-9])*")
    return any(pattern.fullmatch(part) for part in [*parts, "".join(parts)])
