"""Processing levels: the words of people and servers, and the names that they all become. One table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NewType

Level = NewType("Level", str)
"""How far a product is processed: L1A, L1C, L2A, L3A…, or a server's own word when it has none of ours."""

# Words without blanks, hyphens and underscores, in capitals. What is a digit and a letter behind LEVEL, N or L needs
# no line here. L1C is radiance or reflectance at the top of the atmosphere on a map, L2A at the surface.
_NAMES = {
    # SPOT (Take5), SPOT World Heritage and Venµs, as MUSCATE and resto write them
    "N1": "L1C",
    "N1TUILE": "L1C",
    "N1SCENE": "L1C",
    "REFLECTANCETOA": "L1C",
    "REFLECTANCE": "L2A",
    # Sentinel-2: ESA's product types, also PEPS's; 2AP was the pilot of 2017
    "S2MSI1A": "L1A",
    "S2MSI1B": "L1B",
    "S2MSI1C": "L1C",
    "S2MSI2A": "L2A",
    "S2MSI2AP": "L2A",
    "MSIL1C": "L1C",
    "MSIL2A": "L2A",
    # Landsat: precise, systematic with relief, systematic; then surface reflectance with and without temperature
    "L1TP": "L1C",
    "L1GT": "L1C",
    "L1GS": "L1C",
    "L1T": "L1C",
    "L1G": "L1C",
    "L2SP": "L2A",
    "L2SR": "L2A",
    # HLS: gridded and normalised, level 3 to NASA. L3A is something else, the synthesis of a month.
    "HLSL30": "L3",
    "HLSS30": "L3",
}
_PLAIN = re.compile(r"(?:LEVEL|NIVEAU|L)?(\d[A-Z]?)|N(\d[A-Z])")


def level(text: str) -> Level:
    """Read a processing level as people and servers write it (`LEVEL2A`, `N2A`, `l2a`, `level-2a`, `L2SP`).

    A level with no name of ours (`L2G`, `L2B-SNOW`, `GRD`) passes through as written, so that it can be watched by its
    own name; one that begins like ours does so in capitals.
    """
    word = text.strip()
    folded = re.sub(r"[\s_-]", "", word).upper()
    if folded in _NAMES:
        return Level(_NAMES[folded])
    if match := _PLAIN.fullmatch(folded):
        return Level(f"L{match[1] or match[2]}")
    return Level(word.upper() if re.match(r"[Ll]\d", word) else word)


def may_hold(collections: Mapping[str, str], wanted: str | None) -> list[str]:
    """Name the collections that hold a level, or may; each is given with its own, "" where its products say theirs."""
    return [name for name, held in collections.items() if wanted is None or not held or level(held) == level(wanted)]
