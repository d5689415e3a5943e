"""The sites of a catalogue become places."""

from __future__ import annotations

import shapely

from tests.given import box
from watcher.model import Candidate
from watcher.places import surveyed


def candidate(code: str, collection: str, geometry: bytes | None, *, count: int = 3) -> Candidate:
    return Candidate(code, collection, "Belgium", geometry, {"L1C": count, "L2A": 1}, None, None)


def test_a_site_of_two_collections_is_one_place_over_both() -> None:
    both = [candidate("Belgium", "SPOT5", box(4, 50, 5, 51)), candidate("BELGIUM", "SPOT4", box(4.5, 50, 5.5, 51))]
    (place,), unknown = surveyed.places("take5", both)
    assert unknown == []
    assert (place.name, place.country, place.exact, place.kind) == ("Belgium", "Belgium", True, "site of take5")
    assert place.origin == "take5 catalogue, footprint of 8 products"
    assert shapely.from_geojson(place.geometry).equals(shapely.box(4, 50, 5.5, 51))


def test_a_site_that_no_product_outlines_is_named() -> None:
    places, unknown = surveyed.places("take5", [candidate("Nowhere", "SPOT4", None)])
    assert (places, unknown) == ([], ["Nowhere"])
