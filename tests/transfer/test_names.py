"""No name that a catalogue gives writes outside the archive, or over the file of another one."""

from __future__ import annotations

import os
from pathlib import Path

from tests.given import product
from tests.loopback import served
from tests.transfer.depot import Depot, asset
from tests.transfer.names import FIXED, hostile
from watcher.core.archive.shelves import file_name, member_path, shelf
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import fetch

LONGEST = ".part.json.new"
"""What the name of a file has after it while it comes."""


def test_files_of_hostile_names_lie_side_by_side_in_the_archive(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert len(FIXED) >= 60
    with served(Depot(b"content", kind=None)) as peer, Http(origin=peer.origin) as http:
        for name in FIXED:
            place = root / shelf(product("P", title=name), site="Toulouse")
            assert not place.exists(), f"{name!r} takes the place of another one"
            fetch(http, asset(peer.url("/p"), kind=None), place)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == len(FIXED)
    assert {path.parent for path in files} == {root / "Toulouse" / "L2A"}
    assert not any(path.name.startswith((".", "-")) or path.is_symlink() for path in files)


def test_twenty_thousand_hostile_names_have_as_many_places_in_the_archive() -> None:
    root, taken = Path("/archive"), {}
    for name in hostile(20_000):
        place = root / shelf(product("P", title=name), site=name)
        for path in (place, root / file_name(Asset(name, "https://h/x.tif")), root / member_path(name)):
            assert Path(os.path.normpath(path)).is_relative_to(root)
            assert all(len(f"{part}{LONGEST}".encode()) <= 255 for part in path.parts)
        assert taken.setdefault(place, name) == name
    assert len(taken) > 15_000
