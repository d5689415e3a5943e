"""Two catalogues that have the same products: who was first, and where else a product is."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher


@pytest.fixture
def twice(home: Path, watcher: Watcher, scene: Scene) -> Path:
    """A site that is watched in two catalogues, of which the second was asked after the first."""
    config = home / "config.toml"
    text = config.read_text(encoding="utf-8")
    other = f'[catalogues.mirror]\nkind = "resto"\nurl = "{scene.catalogue.url}"\ncollections = ["SPOT5"]\ngap = 0\n'
    config.write_text(text.replace("[poll]", f"{other}[poll]"), encoding="utf-8")
    for name in ("take5", "mirror"):
        assert watcher("add-site", "Pornic", "--catalogue", name, "--level", "L2A").code == 0
    assert watcher("subscribe", f"mbox://{home}/mail", "--site", "Pornic").code == 0
    watcher("poll")
    scene.play()
    assert watcher("poll", "--catalogue", "take5").code == 0
    assert watcher("poll", "--catalogue", "mirror").code == 0
    return home


def test_nothing_is_compared_before_two_catalogues_have_something(watcher: Watcher) -> None:
    said = watcher("race")
    assert (said.code, said.out) == (0, "No acquisition was seen in two catalogues yet, with a time to compare by.\n")
    assert json.loads(watcher("race", "--json").out) == {"acquisitions": [], "catalogues": []}


def test_an_acquisition_in_two_catalogues_is_told_of_once_and_listed_with_the_other(
    twice: Path, watcher: Watcher
) -> None:
    seen = json.loads(watcher("products", "--site", "Pornic", "--json").out)
    arrived = [one for one in seen if one["event"]]
    assert {one["event"] for one in arrived} == {"new", "revised"}
    assert {one["catalogue"] for one in arrived} == {"take5"}
    assert all(one["also"] == ["mirror"] for one in arrived)
    heading, *lines = watcher("products", "--site", "Pornic").out.splitlines()
    assert "ALSO IN" in heading
    assert any(line.rstrip().endswith("take5") for line in lines)
    assert '"also"' not in watcher("products", "--csv").out
    watcher("notify")
    with closing(sqlite3.connect(twice / "state" / "watcher.db")) as db:
        (sent,) = db.execute("SELECT count(sent) FROM deliveries").fetchone()
    assert sent == len(arrived)
    assert "also in mirror" in (twice / "mail").read_text(encoding="utf-8")


def test_the_race_names_the_first_and_the_lag_of_the_others(twice: Path, watcher: Watcher) -> None:
    said = json.loads(watcher("race", "Pornic", "--level", "L2A", "--json").out)
    assert {name for one in said["acquisitions"] for name in one["first"]} <= {"take5", "mirror"}
    assert all(len(one["catalogues"]) == 2 for one in said["acquisitions"])
    assert {one["catalogue"]: one["shared"] for one in said["catalogues"]} == dict.fromkeys(
        ("take5", "mirror"), len(said["acquisitions"])
    )
    text = watcher("race", "Pornic").out
    assert re.search(r"SPOT5_HRG\d_XS_\d{8}_N2A_PornicD0000B0000", text)
    assert "several catalogues" in text
    assert watcher("race", "--since", "2099-01-01").out.startswith("No acquisition")
    assert watcher("race", "Atlantis").code == 2
