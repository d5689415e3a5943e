"""Places that are known though not watched."""

from __future__ import annotations

import sqlite3

import msgspec
import pytest

from tests.given import NOW, box, rows
from watcher.errors import UsageError
from watcher.places.place import Place
from watcher.store import places
from watcher.store.connection import writing
from watcher.store.places import Known


def place(name: str, **facts: object) -> Place:
    usual = Place(
        name=name,
        geometry=box(1, 43, 2, 44),
        country="France",
        origin="imported from sites.kml",
        kind="imported place",
        exact=True,
    )
    return msgspec.structs.replace(usual, **facts)


def known(db: sqlite3.Connection, *given: Place) -> list[Known]:
    with writing(db):
        return places.record(db, given, now=NOW)


def test_a_place_is_read_back_as_it_was_recorded(db: sqlite3.Connection) -> None:
    tile = place("52LFL", country=None, grid="MGRS-52LFL", exact=False)
    assert known(db, place("Élan"), tile) == [Known.NEW, Known.NEW]
    assert places.named(db, "elan") == place("Élan")
    assert places.named(db, "52lfl") == tile
    assert places.named(db, "Nowhere") is None


def test_recording_again_changes_nothing_and_says_so(db: sqlite3.Connection) -> None:
    known(db, place("Élan"))
    before = rows(db, "SELECT * FROM places")
    assert known(db, place("Élan")) == [Known.SAME]
    assert rows(db, "SELECT * FROM places") == before


def test_a_place_with_another_ground_takes_the_place_of_the_first(db: sqlite3.Connection) -> None:
    known(db, place("Elan"))
    moved = place("Élan", geometry=box(3, 43, 4, 44))
    assert known(db, moved) == [Known.CHANGED]
    assert places.named(db, "Elan") == moved
    assert rows(db, "SELECT count(*) FROM places") == [1]


def test_another_origin_alone_is_remembered_but_moves_nothing(db: sqlite3.Connection) -> None:
    known(db, place("Elan"))
    assert known(db, place("Elan", origin="take5 catalogue, footprint of 12 products")) == [Known.SAME]
    assert rows(db, "SELECT origin FROM places") == ["take5 catalogue, footprint of 12 products"]


@pytest.mark.parametrize("name", ["Toulouse", "ToulouseFrance", "France : Toulouse", "toulouse, FRANCE"])
@pytest.mark.parametrize("stored", ["ToulouseFrance", "Toulouse", "France Toulouse"])
def test_the_country_may_stand_beside_the_name_or_not(db: sqlite3.Connection, stored: str, name: str) -> None:
    known(db, place(stored))
    found = places.named(db, name)
    if stored == "Toulouse" or name == "Toulouse" or stored.startswith("France") == name.startswith("France"):
        assert found == place(stored)
    else:
        assert found is None


def test_a_name_that_several_have_in_part_is_not_guessed(db: sqlite3.Connection) -> None:
    known(db, place("ToulouseFrance"), place("FranceToulouse"))
    with pytest.raises(UsageError, match="any of 2 places: FranceToulouse, ToulouseFrance"):
        places.named(db, "Toulouse")
    known(db, place("Toulouse"))
    assert places.named(db, "Toulouse") == place("Toulouse")


def test_a_country_alone_is_not_the_name_of_its_places(db: sqlite3.Connection) -> None:
    known(db, place("Toulouse"), place("Nameless", country=None))
    assert places.named(db, "France") is None
    assert places.named(db, "") is None


def test_a_place_without_ground_is_refused(db: sqlite3.Connection) -> None:
    with pytest.raises(UsageError, match="Elan has no geometry"):
        known(db, place("Elan", geometry=None))
    assert rows(db, "SELECT count(*) FROM places") == [0]
