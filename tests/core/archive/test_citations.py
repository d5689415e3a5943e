"""How a product is to be cited."""

import pytest

from tests.given import changed, product
from watcher.core.archive.citations import cited


@pytest.mark.parametrize(
    ("platform", "said"),
    [
        ("SENTINEL-2A", "Contains modified Copernicus Sentinel data 2015"),
        ("sentinel-2b", "Contains modified Copernicus Sentinel data 2015"),
        ("SENTINEL2A", "Contains modified Copernicus Sentinel data 2015"),
        ("landsat-8", "Landsat images courtesy of the U.S. Geological Survey"),
        ("LANDSAT_9", "Landsat images courtesy of the U.S. Geological Survey"),
        ("SPOT5", "© CNES 2015, all rights reserved"),
        ("SPOT-4", "© CNES 2015, all rights reserved"),
        ("SPOT6", ""),
        ("VENUS", ""),
        (None, ""),
    ],
)
def test_images_are_cited_as_their_owners_ask(platform: str | None, said: str) -> None:
    assert cited(changed(product(), platform=platform), "") == said


def test_what_the_catalogue_says_comes_first() -> None:
    one = changed(product(), platform="SENTINEL-2A")
    assert cited(one, "Copernicus Sentinel data {year}") == "Copernicus Sentinel data 2015"
    assert cited(changed(one, acquired=None), "of {year}") == "of n.d."
