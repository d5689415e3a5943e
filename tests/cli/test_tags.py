"""Sites are grouped by tags, and meant by them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Watcher


def tags(watcher: Watcher) -> dict[str, list[str]]:
    return {row["site"]: row["tags"] for row in json.loads(watcher("sites", "--json").out)}


def test_a_site_is_tagged_as_it_is_added_and_again(watcher: Watcher) -> None:
    said = watcher("add-site", "Pornic", "--tag", "Coast", "--tag", "north")
    assert said.code == 0
    assert "It is tagged coast, north.\n" in said.out
    watcher("add-site", "Pornic", "--tag", "wet")
    assert tags(watcher) == {"Pornic": ["coast", "north", "wet"]}
    listed = watcher("sites").out.splitlines()
    assert listed[0].endswith("TAGS")
    assert listed[1].endswith("coast, north, wet")


def test_a_tag_is_given_and_taken_by_itself(watcher: Watcher) -> None:
    watcher("add-site", "Pornic")
    assert "TAGS" not in watcher("sites").out
    assert watcher("tag-site", "pornic", "coast", "Dry Season").out == "Pornic is tagged coast, dry season.\n"
    assert watcher("tag-site", "Pornic", "--remove", "COAST").out == "Pornic is tagged dry season.\n"
    refused = watcher("tag-site", "Pornic", "wet", "--remove", "coast")
    assert refused.code == 2
    assert "its tags are dry season" in refused.err
    assert tags(watcher) == {"Pornic": ["dry season"]}
    assert watcher("tag-site", "Pornic", "--remove", "dry season").out == "Pornic has no tag.\n"


def test_who_hears_of_a_tag_hears_of_a_site_that_gets_it_later(watcher: Watcher, home: Path) -> None:
    said = watcher("subscribe", f"mbox://{home}/mail", "--tag", "coast")
    assert 'No site is tagged "coast" yet: watcher tag-site NAME coast' in said.out
    assert "Nobody is told of it yet" in watcher("add-site", "Litchfield", "--announce-existing").out
    assert "Nobody is told of it yet" not in watcher("add-site", "Pornic", "--announce-existing", "--tag", "Coast").out
    watcher("poll")
    watcher("notify")
    mail = (home / "mail").read_text()
    assert "Pornic" in mail
    assert "Litchfield" not in mail
    watcher("remove-site", "Pornic")
    assert "hears of nothing" not in watcher("status").out


def test_a_tag_that_nobody_has_is_answered_with_the_nearest(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic", "--tag", "coast")
    said = watcher("subscribe", f"mbox://{home}/mail", "--tag", "coats", "--collection", "SPOT6")
    assert "did you mean coast?" in said.out
    assert 'No collection "SPOT6" is watched; watched are SPOT5.' in said.out


def test_imported_places_are_tagged(watcher: Watcher, tmp_path: Path) -> None:
    places = tmp_path / "fields.csv"
    places.write_text("name,lon,lat\nTop End,130.8,-13.2\nBush,131.5,-13.9\n")
    said = watcher("sites", "--import", str(places), "--catalogue", "take5", "--tag", "fields")
    assert "They are tagged fields.\n" in said.out
    assert tags(watcher) == {"Bush": ["fields"], "Top End": ["fields"]}
    assert "--tag says what is watched" in watcher("sites", "--import", str(places), "--tag", "fields").err
