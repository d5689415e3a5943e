"""An invented catalogue in a process of its own, which answers as resto 2.0.4 and as a STAC API with sort and query.

    python -m bench.catalogue --products 15000 --page 500

Everything is written out before its address is printed, or when it is first asked for, so that what is measured is who
asks, not who answers. Its products have the shape and the size of real ones, and say nothing true.
"""

from __future__ import annotations

import argparse
import bisect
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from bench.web import free_port, nginx

COLLECTION = "Invented"
SITE = "Nowhere"
_FIRST = datetime(2015, 4, 1, tzinfo=UTC)
_KEYWORDS = ("Europe:continent", "France:country", "Bretagne:region", "Morbihan:state", "Cultivated Area:landuse",
             "Water:landuse", "Northern:location", "Summer:season", "REFLECTANCE:type", "SPOT5:platform")  # fmt: skip
_BANDS = ("blue", "green", "red", "rededge1", "nir", "swir16", "scl", "visual")


@contextmanager
def pages_served(*, products: int, page: int, zipped: bool) -> Iterator[str]:
    """Serve resto's pages as files, by nginx; yields the address. They are sent compressed if they are `zipped`."""
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as directory:
        here, port = Path(directory), free_port()
        base = f"http://127.0.0.1:{port}"
        (here / "data").mkdir()
        for number, body in enumerate(resto_pages(base, products, page), 1):
            (here / "data" / f"{number}.json").write_bytes(gzip.compress(body, 6) if zipped else body)
        where = f"/resto/api/collections/{COLLECTION}/search.json"
        sent = "add_header Content-Encoding gzip;" if zipped else ""
        rules = f"location = {where} {{ {sent} rewrite ^ /$arg_page.json break; }}"
        with nginx(here, port, kind="application/json", rules=rules):
            yield base


@contextmanager
def served(*, products: int, page: int) -> Iterator[str]:
    """Run the catalogue; yields its address."""
    command = [sys.executable, "-m", __name__, "--products", str(products), "--page", str(page)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        if not address:
            raise SystemExit("FAILED: the catalogue does not start")
        yield address
    finally:
        server.terminate()
        server.wait()
        if server.stdout:
            server.stdout.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=15_000)
    parser.add_argument("--page", type=int, default=500)
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    base = f"http://127.0.0.1:{server.server_port}"
    _Answers.resto = resto_pages(base, options.products, options.page)
    _Answers.base = base
    items = [stac_item(base, number) for number in range(options.products)]
    _Answers.stac = [encoded(item) for item in items]
    _Answers.updated = [item["properties"]["updated"] for item in items]
    print(base, flush=True)
    server.serve_forever()
    return 0


class _Answers(BaseHTTPRequestHandler):
    """resto's pages by number; STAC items in the order of `updated`, from there to there."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    resto: list[bytes]
    stac: list[bytes]
    updated: list[str]
    answered: ClassVar[dict[bytes, bytes]] = {}
    base: str

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == f"/resto/api/collections/{COLLECTION}/search.json":
            number = int(parse_qs(url.query).get("page", ["1"])[0])
            self._answer(self.resto[min(number, len(self.resto)) - 1])
        elif url.path == "/stac/":
            self._answer(encoded(landing(self.base)))
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body not in self.answered:
            self.answered[body] = self.found(json.loads(body))
        self._answer(self.answered[body])

    def found(self, asked: dict[str, Any]) -> bytes:
        bounds = asked.get("query", {}).get("updated", {})
        low = bisect.bisect_left(self.updated, bounds.get("gte", ""))
        high = bisect.bisect_right(self.updated, bounds.get("lte", "9"))
        limit, skip = asked["limit"], asked.get("token", 0)
        last_first = any(field["direction"] == "desc" for field in asked.get("sortby", ()))
        first = max(low, high - limit) if last_first else low + skip
        found = self.stac[first : min(first + limit, high)]
        links = []
        if first + limit < high and not last_first:
            body = {**asked, "token": skip + limit}
            links = [{"rel": "next", "method": "POST", "href": f"{self.base}/stac/search", "body": body}]
        rest = {"links": links, "numberMatched": high - low, "numberReturned": len(found)}
        features = b",".join(reversed(found) if last_first else found)
        return b'{"type":"FeatureCollection","features":[' + features + b"]," + encoded(rest)[1:]

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def resto_pages(base: str, products: int, page: int) -> list[bytes]:
    """Write all of resto's pages, newest acquisition first, and the empty one after them."""
    pages = []
    last = -(-products // page)
    for number in range(1, last + 2):
        numbers = range(products - (number - 1) * page - 1, max(products - number * page, 0) - 1, -1)
        href = f"{base}/resto/api/collections/{COLLECTION}/search.json?&_rc=true"
        links = [{"rel": "self", "type": "application/json", "title": "self", "href": href}]
        if number < last:
            links += [
                {"rel": rel, "type": "application/json", "title": rel, "href": f"{href}&page={to}"}
                for rel, to in (("next", number + 1), ("last", last))
            ]
        head = {
            "title": "",
            "id": unique("page", number),
            "totalResults": products,
            "startIndex": (number - 1) * page + 1,
            "itemsPerPage": len(numbers),
            "query": {"searchFilters": {"count": str(page)}, "analysis": {"query": ""}, "processingTime": 0.06},
            "links": links,
        }
        features = [resto_feature(base, one) for one in numbers]
        body = encoded({"type": "FeatureCollection", "properties": head, "features": features})
        pages.append(body.replace(b"/", b"\\/"))  # as PHP writes it
    return pages


def resto_feature(base: str, number: int) -> dict[str, Any]:
    key, acquired, published = unique("product", number), moment(number), moment(number, days=12)
    name = f"SPOT5_HRG2_XS_{acquired:%Y%m%d}_N2A_{SITE}D{number:07}B0000"
    search = f"{base}/resto/api/collections/{COLLECTION}/search.json?&lang=en&q="
    here = f"{base}/resto/collections/{COLLECTION}/{key}"
    keywords = {}
    for word in (*_KEYWORDS, f"{acquired:%Y}:year", f"{acquired:%B}:month"):
        text, kind = word.split(":")
        keywords[unique(word, 0)[:15]] = {
            "name": text, "normalized": text.lower(), "type": kind, "value": number % 100, "href": search + text,
        }  # fmt: skip
    return {
        "type": "Feature",
        "id": key,
        "geometry": square(number),
        "properties": {
            "collection": COLLECTION,
            "productIdentifier": name,
            "parentIdentifier": f"urn:ogc:def:EOP:CNES::{COLLECTION}:",
            "organisationName": "CNES",
            "startDate": written(acquired),
            "completionDate": written(acquired),
            "productType": "REFLECTANCE",
            "processingLevel": "LEVEL2A",
            "platform": "SPOT5",
            "instrument": "HRG2",
            "resolution": 10,
            "sensorMode": "XS",
            "quicklook": f"{base}/ql/{name}.jpg",
            "thumbnail": f"{base}/ql/{name}_thumb.jpg",
            "updated": written(published),
            "published": written(published),
            "snowCover": 0,
            "cloudCover": 1 + number % 100,  # a 0 would be asked about, and these pages know no other answer
            "keywords": keywords,
            "metadataVisibility": "PUBLIC",
            "project": None,
            "version": "1.0",
            "zone_geo": SITE,
            "site_identifier": SITE,
            "productionDate": written(published),
            "bands": "XS1;XS2;XS3;SWIR",
            "thermBands": "",
            "nb_cols": 6000,
            "nb_rows": 6000,
            "services": {
                "download": {
                    "url": f"{here}/download",
                    "mimeType": "application/x-gzip",
                    "size": 70_000 + number,
                    "checksum": f"md5={hashlib.md5(str(number).encode()).hexdigest()}",
                }
            },
            "links": [
                {"rel": "alternate", "type": kind, "title": f"{title} link for {key}", "href": here + end}
                for kind, title, end in (
                    ("application/json", "GeoJSON", ".json?&lang=en"),
                    ("application/atom+xml", "ATOM", ".atom?&lang=en"),
                    ("application/unknown", "Metadata", ".xml"),
                )
            ],
        },
    }


def landing(base: str) -> dict[str, Any]:
    core = "https://api.stacspec.org/v1.0.0"
    return {
        "type": "Catalog",
        "id": "invented",
        "stac_version": "1.0.0",
        "description": "Nothing in it is true.",
        "conformsTo": [f"{core}/core", *(f"{core}/item-search{end}" for end in ("", "#query", "#sort"))],
        "links": [
            {"rel": "root", "type": "application/json", "href": f"{base}/stac/"},
            {"rel": "self", "type": "application/json", "href": f"{base}/stac/"},
            *({"rel": "search", "type": "application/geo+json", "href": f"{base}/stac/search", "method": method}
              for method in ("GET", "POST")),
        ],
    }  # fmt: skip


def stac_item(base: str, number: int) -> dict[str, Any]:
    acquired, updated = moment(number), moment(number, days=12)
    name = f"S2B_{number:07}_{acquired:%Y%m%d}_0_L2A"
    here = f"{base}/stac/collections/{COLLECTION}"
    image = "image/tiff; application=geotiff; profile=cloud-optimized"
    assets: dict[str, Any] = {
        band: {
            "href": f"{base}/data/{name}/{band}.tif",
            "type": image,
            "title": f"{band} band",
            "roles": ["data", "reflectance"],
            "file:size": 1_000_000 + number,
            "raster:bands": [{"nodata": 0, "data_type": "uint16", "spatial_resolution": 10, "scale": 0.0001}],
        }
        for band in _BANDS
    }
    assets["product"] = {
        "href": f"{base}/data/{name}.zip",
        "type": "application/zip",
        "roles": ["archive"],
        "file:size": 700_000_000 + number,
        "file:checksum": "1220" + hashlib.sha256(name.encode()).hexdigest(),
    }
    assets["thumbnail"] = {"href": f"{base}/data/{name}.jpg", "type": "image/jpeg", "roles": ["thumbnail"]}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": ["https://stac-extensions.github.io/eo/v1.1.0/schema.json"],
        "id": name,
        "collection": COLLECTION,
        "geometry": square(number),
        "bbox": [0.0, 45.0, 1.0, 46.0],
        "properties": {
            "datetime": written(acquired),
            "created": written(updated),
            "updated": written(updated),
            "platform": "sentinel-2b",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "eo:cloud_cover": number % 101,
            "proj:epsg": 32631,
            "grid:code": "MGRS-31TCJ",
            "view:sun_azimuth": 160.5,
            "view:sun_elevation": 40.2,
            "s2:processing_baseline": "05.11",
            "s2:generation_time": written(updated),
            "s2:product_type": "S2MSI2A",
            "s2:datastrip_id": f"S2B_OPER_MSI_L2A_DS_2BPS_{updated:%Y%m%dT%H%M%S}_N05.11",
            "processing:software": {"invented": "0.1.0"},
        },
        "links": [
            {"rel": "self", "type": "application/geo+json", "href": f"{here}/items/{name}"},
            {"rel": "collection", "type": "application/json", "href": here},
            {"rel": "parent", "type": "application/json", "href": here},
            {"rel": "root", "type": "application/json", "href": f"{base}/stac/"},
        ],
        "assets": assets,
    }


def square(number: int) -> dict[str, Any]:
    west, south = -2.0 + number % 97 / 1000, 46.0 + number % 89 / 1000
    ring = [[west, south + 0.5], [west + 0.5, south + 0.5], [west + 0.5, south], [west, south], [west, south + 0.5]]
    return {"type": "Polygon", "coordinates": [[[round(x, 9), round(y, 9)] for x, y in ring]]}


def moment(number: int, *, days: int = 0) -> datetime:
    return _FIRST + timedelta(days=days, seconds=97 * number)


def written(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def unique(kind: str, number: int) -> str:
    return str(UUID(bytes=hashlib.md5(f"{kind} {number}".encode()).digest()))


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


if __name__ == "__main__":
    raise SystemExit(main())
