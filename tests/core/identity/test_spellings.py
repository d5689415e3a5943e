"""Products as people name them."""

from __future__ import annotations

import pytest

from watcher.core.identity.spellings import essential, spellings


@pytest.mark.parametrize(
    "text",
    ["X", "X.SAFE", "X.safe/", "archive/Pornic/X.SAFE.zip", "X.zip.part", r"C:\\eo\\X.SEN3", "X.v2.tgz", "X.stac.json"],
)
def test_whatever_is_around_a_name_it_may_be_meant(text: str) -> None:
    assert spellings(text)[0] == text
    assert {"X", "X.SAFE", "X.SEN3"} <= set(spellings(text))
    assert essential(text) == "X"
