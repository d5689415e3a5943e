"""Processing levels: the words of people and servers, and ours."""

from __future__ import annotations

import pytest

from watcher.levels import level


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("1A N1A L1A LEVEL1A level-1a S2MSI1A", "L1A"),
        ("1B LEVEL1B S2MSI1B", "L1B"),
        ("1C N1C N1 N1_TUILE N1_SCENE LEVEL1C Level-1C level_1c S2MSI1C MSIL1C REFLECTANCETOA", "L1C"),
        ("L1TP L1GT L1GS L1T l1tp", "L1C"),
        ("2A N2A l2a LEVEL2A Level-2A NIVEAU2A S2MSI2A S2MSI2Ap MSIL2A REFLECTANCE", "L2A"),
        ("L2SP L2SR l2sp", "L2A"),
        ("3A N3A L3A LEVEL3A", "L3A"),
        ("1 L1 LEVEL1 Level-1", "L1"),
        ("2 L2 LEVEL2", "L2"),
        ("2G L2G", "L2G"),
        ("3 L3 HLSS30 HLSL30 hlss30", "L3"),
        ("L2B LEVEL2B", "L2B"),
        ("L2B-SNOW l2b-snow", "L2B-SNOW"),
    ],
)
def test_the_words_of_servers_and_people_become_one_name(words: str, name: str) -> None:
    assert {word: level(word) for word in words.split()} == dict.fromkeys(words.split(), name)


@pytest.mark.parametrize("word", ["GRD", "IW_GRDH_1S", "Level zero", "geocoded", "ARD", "N", "LEVEL"])
def test_a_level_without_a_name_of_ours_passes_through_and_can_be_watched_by_its_own(word: str) -> None:
    assert level(f" {word} ") == word
