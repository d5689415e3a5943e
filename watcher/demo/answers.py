"""The bodies that resto 2.0 sends, as Python values with the server's keys in the server's order."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from watcher.demo.files import size_and_md5
from watcher.demo.filters import MODEL_ONLY, NAMES, Parameters, parent
from watcher.demo.keywords import keywords
from watcher.demo.products import Product, named
from watcher.demo.search import Listing

MODEL = "RestoModel_take5"

Json = dict[str, object]


def encoded(value: object, *, pretty: bool = False) -> str:
    """JSON as PHP's json_encode writes it: ASCII only, slashes escaped."""
    text = json.dumps(value, indent=4) if pretty else json.dumps(value, separators=(",", ":"))
    return text.replace("/", "\\/")


def stamp(at: datetime, *, local: bool = False) -> str:
    """A time as the server writes it. `local`: a column filled in Paris, labelled Z all the same."""
    # Every day of the pretend world on which something is published lies in summer time.
    return f"{at + timedelta(hours=2 if local else 0):%Y-%m-%dT%H:%M:%SZ}"


def feature(product: Product, *, origin: str, lang: str = "en", everywhere: bool = False) -> Json:
    """A product as a GeoJSON feature.

    `origin` is `http://host:port`. `everywhere`: as a search over all collections lists it, with the base
    model's null columns and without those of the Take5 model.
    """
    collection, ident = product.site.collection, product.ident
    here = f"{origin}/resto/collections/{collection}/{product.id}"
    search = f"{origin}/resto/api/collections/{'' if everywhere else collection + '/'}search.json"
    updated = stamp(product.published, local=True)
    return {
        "type": "Feature",
        "id": product.id,
        "geometry": {"type": "Polygon", "coordinates": [[list(point) for point in product.ring]]},
        "properties": {
            "collection": collection,
            "productIdentifier": ident,
            "parentIdentifier": parent(collection),
            **({"title": None, "description": None} if everywhere else {}),
            "organisationName": "CNES",
            "startDate": stamp(product.acquired),
            "completionDate": stamp(product.acquired),
            "productType": product.kind,
            "processingLevel": product.level,
            "platform": product.platform,
            "instrument": product.instrument,
            "resolution": product.resolution,
            "sensorMode": "XS",
            **({"orbitNumber": None} if everywhere else {}),
            "quicklook": f"{origin}/ql/{ident}.png",
            "thumbnail": f"{origin}/ql/{ident}_thumb.png",
            "updated": updated,
            "published": updated,
            "snowCover": 0,
            # NULL is cast to a number on its way out, so that an unknown cloud cover reads as a clear sky.
            "cloudCover": product.cloud or 0,
            "keywords": keywords(product, search=search, lang=lang),
            "metadataVisibility": "PUBLIC",
            **({} if everywhere else _model(product)),
            "services": {"download": _download(product, f"{here}/download")},
            "links": [
                _link(
                    "alternate",
                    "application/json",
                    f"GeoJSON link for {product.id}",
                    f"{here}.json?&lang={lang}",
                ),
                _link(
                    "alternate",
                    "application/atom+xml",
                    f"ATOM link for {product.id}",
                    f"{here}.atom?&lang={lang}",
                ),
                _link(
                    "via",
                    "application/unknown",
                    f"Metadata link for {product.id}",
                    f"{origin}/ql/{ident}.xml",
                ),
            ],
        },
    }


def _model(product: Product) -> Json:
    side = 60_000 // product.resolution
    return {
        "project": None,
        "version": product.version,
        "zone_geo": product.site.code,
        "site_identifier": product.site.code,
        "productionDate": stamp(product.produced),
        "bands": "XS1;XS2;XS3;SWIR",
        "thermBands": "",
        "nb_cols": side,
        "nb_rows": side,
    }


def _download(product: Product, url: str) -> Json:
    known: Json = {"url": url, "mimeType": "application/x-gzip"}
    if product.sized:
        size, md5 = size_and_md5(product)
        known |= {"size": size, "checksum": f"md5={md5}"}
    return known


def _link(rel: str, kind: str, title: str, href: str) -> Json:
    return {"rel": rel, "type": kind, "title": title, "href": href}


def feature_collection(
    listing: Listing, given: Parameters, *, origin: str, collection: str | None, took: float
) -> Json:
    """The answer to a search; `collection` is `None` for all, `took` is seconds."""
    echo: Json = {
        NAMES[name]: value
        for name, value in given.items()
        if name in NAMES and value != "" and not (collection is None and name == MODEL_ONLY)
    }
    if listing.understood:
        echo |= {"searchTerms": "", "eo:platform": listing.understood}
    asked = {name: value for name, value in echo.items() if name not in ("count", "startIndex", "startPage")}
    lang = given.get("lang", "en")
    return {
        "type": "FeatureCollection",
        "properties": {
            "title": listing.text,
            "id": named(collection or "*", encoded(asked or [])),
            "totalResults": listing.total,
            "startIndex": listing.offset + 1,
            "itemsPerPage": len(listing.products),
            "query": {
                "searchFilters": echo or [],
                "analysis": _analysis(listing, took),
                "processingTime": took,
            },
            "links": list(_pages(listing, given, f"{origin}/resto/api/collections/{_folder(collection)}")),
        },
        "features": [
            feature(p, origin=origin, lang=str(lang), everywhere=collection is None) for p in listing.products
        ],
    }


def _folder(collection: str | None) -> str:
    return f"{collection}/" if collection else ""


def _analysis(listing: Listing, took: float) -> Json:
    """How the free text was read, without a gazetteer: the name of a satellite, or not at all."""
    if not listing.text:
        return {"query": ""}
    what: object = {"eo:platform": listing.understood} if listing.understood else []
    plain = unicodedata.normalize("NFKD", listing.text).encode("ascii", "ignore").decode().lower()
    errors = [] if listing.understood else [{"error": "NOT_UNDERSTOOD", "message": plain}]
    return {
        "query": listing.text,
        "language": "en",
        "analyze": {"What": what, "When": [], "Where": [], "Errors": errors},
        "processingTime": took,
    }


def _pages(listing: Listing, given: Parameters, folder: str) -> Iterator[Json]:
    def link(rel: str, page: int) -> Json:
        return _link(rel, "application/json", rel, f"{folder}search.json?{_query(given, page=page)}")

    yield _link("self", "application/json", "self", f"{folder}search.json?{_query(given)}")
    described = "OpenSearch Description Document"
    yield _link("search", "application/opensearchdescription+xml", described, f"{folder}describe.xml")
    if listing.page > 1:
        yield link("previous", listing.page - 1)
        yield link("first", 1)
    if listing.more:
        yield link("next", listing.page + 1)
        if listing.last:
            yield link("last", listing.last)


def _query(given: Parameters, **changed: int) -> str:
    """The query again, with the server's slip: every array is repeated under an encoded name, last value first."""
    now = dict(given) | {name: str(value) for name, value in changed.items() if name in given}
    once = [
        f"{name}={quote(value, safe='')}"
        if isinstance(value, str)
        else "&".join(f"{name}[]={quote(one, safe='')}" for one in value)
        for name, value in now.items()
    ]
    arrays = {name: value for name, value in now.items() if isinstance(value, list)}
    again = [f"{name}%5B%5D[]={quote(one, safe='')}" for name, value in arrays.items() for one in reversed(value)]
    added = [f"{name}={value}" for name, value in changed.items() if name not in given]
    return "".join(f"&{part}" for part in (*once, *again, *added))


def statistics(products: Iterable[Product]) -> Json:
    """How many products there are of each kind, by facet."""
    facets: dict[str, Counter[str]] = {
        name: Counter()
        for name in (
            "collection",
            "continent",
            "instrument",
            "platform",
            "processingLevel",
            "productType",
            "sensorMode",
        )
    }
    for p in products:
        words = (p.site.collection, p.site.place[0], p.instrument, p.platform, p.level, p.kind, "XS")
        for facet, word in zip(facets.values(), words, strict=True):
            facet[word] += 1
    return {name: dict(sorted(facet.items())) for name, facet in facets.items() if facet}
