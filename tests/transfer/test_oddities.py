"""Whatever a server does, what has its final name is a file that was published, whole.

`python -m bench faults` tries all of it in all combinations, and prints what happened.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transfer.oddities import ODDITIES, UNKNOWABLE, tried
from watcher.transfer import segments

SOME = [
    ("zip", "nothing", True, 3),
    ("zip", "nothing", False, 1),
    ("tif", "size", True, 1),
    ("tif", "nothing", False, 3),
    ("tif", "checksum", True, 3),
    ("zip", "checksum of the other", True, 1),
]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LEAST", 40_000)
    monkeypatch.setattr(segments, "MOST", 60_000)


@pytest.mark.parametrize("oddity", ODDITIES)
def test_nothing_but_a_published_version_comes_home(oddity: str, tmp_path: Path) -> None:
    for kind, known, half, streams in SOME:
        if kind == "tif" and known != "checksum" and oddity in UNKNOWABLE:
            continue
        ended = tried(oddity, kind, known, tmp_path, half=half, streams=streams)
        assert ended.well, (kind, known, half, streams, ended)
        assert ended.said.isprintable()


@pytest.mark.parametrize(
    "oddity",
    [
        "well behaved",
        "no ETag",
        "another ETag each time",
        "replaced after the third answer",
        "in chunks",
        "ranges ignored, but said",
        "the last byte beyond the end",
        "all to the end behind a short length",
        "a part that begins elsewhere",
        "no range is good enough",
        "early hints",
    ],
)
def test_a_server_that_is_only_odd_serves_its_file(oddity: str, tmp_path: Path) -> None:
    for half, streams in ((False, 1), (True, 1), (False, 3), (True, 3)):
        assert tried(oddity, "zip", "nothing", tmp_path, half=half, streams=streams).home
