"""The keywords that resto's tagger hangs on a feature: where, when and what it is, by opaque hash."""

from __future__ import annotations

import hashlib
import unicodedata
from urllib.parse import quote

from watcher.demo.products import Product

_SEASONS = ("Winter", "Spring", "Summer", "Autumn")
_TURNS = ((3, 21), (6, 21), (9, 21), (12, 21))
_SCENE_KM2 = 3600.0


def keywords(product: Product, *, search: str, lang: str) -> dict[str, dict[str, object]]:
    """The product's keywords by hash. `search` is the URL of the search that each of them links to."""
    found: dict[str, dict[str, object]] = {}

    def add(kind: str, name: str, plain: str, above: str | None = None, **more: object) -> str:
        mark = hashlib.sha1(f"{kind}:{plain}{',' + above if above else ''}".encode(), usedforsecurity=False)
        term = f'"{name}"' if " " in name else name
        found[mark.hexdigest()[:15]] = {
            "name": name,
            **({"normalized": plain} if kind in _PLACES else {}),
            "type": kind,
            **({"parentHash": above} if above else {}),
            **more,
            "href": f"{search}?&lang={lang}&q={quote(term, safe='')}",
        }
        return mark.hexdigest()[:15]

    continent, country, region, state = product.site.place
    land = add("country", country, _plain(country), add("continent", continent, _plain(continent)), value=100)
    part = add("region", region, _plain(region), land, value=100) if region else add("region", "_all", "_all", land)
    add("state", state, _plain(state), part, value=100)
    for cover, share in product.site.cover:
        add("landuse", cover, cover.split()[0].lower(), area=share * _SCENE_KM2 / 100, value=share)
    if abs(product.site.centre[1]) < 23.44:
        add("location", "Tropical", "tropical")
    add("location", product.site.hemisphere, product.site.hemisphere.lower())
    season = _season(product)
    add("season", season, season.lower())
    for kind, word in (
        ("collection", product.site.collection),
        ("productType", product.kind),
        ("processingLevel", product.level),
    ):
        add(kind, word, word.lower())
    platform, camera = product.platform.lower(), product.instrument.lower()
    satellite = add("platform", platform, platform)
    add("sensorMode", "XS", "xs", add("instrument", camera, camera, satellite))
    year = add("year", f"{product.acquired:%Y}", f"{product.acquired:%Y}")
    month = add("month", f"{product.acquired:%B}", f"{product.acquired:%m}", year)
    add("day", f"{product.acquired:%d}", f"{product.acquired:%d}", month)
    return found


_PLACES = ("continent", "country", "region", "state", "landuse")


def _plain(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return ascii_only.lower().replace(" ", "-")


def _season(product: Product) -> str:
    """The astronomical season, which turns on the 21st."""
    turned = sum((product.acquired.month, product.acquired.day) >= first for first in _TURNS)
    return _SEASONS[(turned + (0 if product.site.hemisphere == "Northern" else 2)) % 4]
