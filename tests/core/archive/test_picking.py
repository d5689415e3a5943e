"""Some of many names."""

from __future__ import annotations

import pytest

from watcher.core.archive.picking import picked, picked_paths

BANDS = ["B02", "B03", "B8A", "SCL", "B02_10m"]
PATHS = [
    "S2A_L2A/S2A_FRE_B2.tif",
    "S2A_L2A/S2A_FRE_B8A.tif",
    "S2A_L2A/S2A_SRE_B2.tif",
    "S2A_L2A/MASKS/S2A_CLM_R1.tif",
    "S2A_L2A/MASKS/deep/S2A_EDG.tif",
    "S2A_L2A/MTD_ALL.xml",
]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("B02", ["B02"]),
        ("b02", ["B02"]),
        ("B0?", ["B02", "B03"]),
        ("*_10m", ["B02_10m"]),
        ("B[0-2]*", ["B02", "B03", "B02_10m"]),
        ("B0", []),
        ("", []),
    ],
)
def test_names_are_picked_by_pattern_whatever_their_case(pattern: str, names: list[str]) -> None:
    assert picked(BANDS, pattern) == names


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        ("*_FRE_B*.tif", [0, 1]),
        ("MASKS/*", [3, 4]),
        ("S2A_L2A/MASKS/*", [3, 4]),
        ("/S2A_L2A/MTD_ALL.xml", [5]),
        ("MTD_ALL.xml", [5]),
        ("mtd_all.XML", [5]),
        ("ASKS/*", []),
        ("TD_ALL.xml", []),
        ("*", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_paths_are_picked_from_any_directory_on(pattern: str, places: list[int]) -> None:
    assert picked_paths(PATHS, pattern) == [PATHS[at] for at in places]
