"""A resto server's sites, drawn by the footprints of their products."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import shapely

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_resto import APRIL, Held, Pretend, season
from watcher.catalogues.resto import Kind
from watcher.catalogues.resto.sites import hull
from watcher.errors import CatalogueError
from watcher.net import Http
from watcher.plugins import Surveyed

TILTED = [[130.5, -13.4], [131.0, -13.5], [131.1, -13.0], [130.6, -12.9], [130.5, -13.4]]


def footprint(ring: list[list[float]]) -> bytes:
    return json.dumps({"type": "Polygon", "coordinates": [ring]}).encode()


def listed(server: Any) -> list[Any]:
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.0) as http:
        kind = Kind(url=f"{url}/resto", collections=["SPOT4", "SPOT5"], page_size=40)
        assert isinstance(kind, Surveyed)
        return list(kind.sites(http))


def test_every_site_of_every_collection_is_listed_once_for_each() -> None:
    held = season(90) + season(30, code="Pornic", country="France") + season(5, code="Pornic", collection="SPOT4")
    sites = listed(Pretend(held))
    assert [(site.collection, site.code, sum(site.levels.values())) for site in sites] == [
        ("SPOT4", "Pornic", 5),
        ("SPOT5", "Litchfield", 90),
        ("SPOT5", "Pornic", 30),
    ]
    assert [site.country for site in sites] == ["Australia", "Australia", "France"]


def test_an_answer_that_is_not_complete_lists_no_sites() -> None:
    with pytest.raises(CatalogueError):
        listed(Pretend(season(90), ignores=("startDate", "completionDate"), loops=2))


def test_products_without_a_code_are_no_sites() -> None:
    class Nameless(Pretend):
        def __call__(self, asked: Asked) -> Reply:
            reply = super().__call__(asked)
            return Reply(reply.status, reply.body.replace(b'"zone_geo"', b'"nothing"'))

    with pytest.raises(CatalogueError, match="without the property zone_geo"):
        listed(Nameless([Held("A", APRIL + timedelta(days=1))]))


def test_the_hull_of_tilted_footprints_is_as_tilted_as_they_are() -> None:
    drawn = hull([footprint(TILTED), footprint(TILTED)])
    assert drawn is not None
    assert shapely.from_geojson(drawn).equals(shapely.Polygon(TILTED))


def test_the_hull_across_the_antimeridian_is_cut_there() -> None:
    west = [[179.5, 0], [180, 0], [180, 1], [179.5, 1], [179.5, 0]]
    east = [[-180, 0], [-179.5, 0], [-179.5, 1], [-180, 1], [-180, 0]]
    drawn = hull([footprint(west), footprint(east)])
    assert drawn is not None
    assert sorted(part.bounds for part in shapely.from_geojson(drawn).geoms) == [
        (-180, 0, -179.5, 1),
        (179.5, 0, 180, 1),
    ]


def test_footprints_without_area_draw_nothing() -> None:
    assert hull([]) is None
    assert hull([b'{"type":"Point","coordinates":[1,2]}']) is None
