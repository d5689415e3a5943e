"""An invented STAC API in a process of its own, where 40,000 products a day appear all over the Earth.

    python -m bench.sky --start 2026-11-22T00:00:00+00:00

Its time stands still until it is told another (`POST /clock`). What a product is, when it is stamped, when it becomes
visible (most within two minutes, one in thirty within three hours, one in two thousand within two days) and where it
lies follows from its number, so that whoever asks can be held against it.
"""

from __future__ import annotations

import argparse
import bisect
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import shapely

COLLECTIONS = ("L1C", "L2A")
BEFORE, AFTER = timedelta(days=4), timedelta(days=1)
"""How long before its start, and after, products are stamped."""

Moment = float
"""Seconds since the epoch."""


class Sky:
    """The products of one collection, by number, in the order of their stamps."""

    def __init__(self, collection: str, start: datetime, a_day: int) -> None:
        draw = random.Random(collection)
        first = (start - BEFORE).timestamp()
        count = int((BEFORE + AFTER) / timedelta(days=1) * a_day)
        self.collection = collection
        self.stamped = [round(first + number * 86_400 / a_day, 3) for number in range(count)]
        self.visible = [stamp + _lateness(draw) for stamp in self.stamped]
        corners = [(draw.uniform(-180, 178.9), draw.uniform(-60, 68.9)) for _ in range(count)]
        self.ground = shapely.box(
            [x for x, _ in corners],
            [y for _, y in corners],
            [x + 1.1 for x, _ in corners],
            [y + 1.1 for _, y in corners],
        )
        self.tree = shapely.STRtree(self.ground)

    def name(self, number: int) -> str:
        return f"{self.collection}_{number:09}"


def _lateness(draw: random.Random) -> float:
    chance = draw.random()
    if chance < 0.0005:
        return draw.uniform(3, 48) * 3600
    return draw.uniform(0, 3 * 3600) if chance < 0.03 else draw.uniform(0, 120)


@contextmanager
def served(*, start: datetime, a_day: int) -> Iterator[str]:
    """Run the catalogue; yields its address."""
    command = [sys.executable, "-m", __name__, "--start", start.isoformat(), "--a-day", str(a_day)]
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


def serve() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--a-day", type=int, default=20_000, help="products a day of each collection")
    options = parser.parse_args()
    _Answers.skies = {name: Sky(name, options.start, options.a_day) for name in COLLECTIONS}
    _Answers.clock = options.start.timestamp()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    _Answers.base = f"http://127.0.0.1:{server.server_port}"
    print(_Answers.base, flush=True)
    server.serve_forever()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    skies: dict[str, Sky]
    clock: Moment
    base: str
    searches = 0

    def do_GET(self) -> None:
        if self.path == "/searches":
            return self._answer({"searches": _Answers.searches})
        if self.path == "/stac":
            return self._answer({"type": "Catalog", "id": "sky", "conformsTo": [], "links": []})
        name = self.path.removeprefix("/stac/collections/")
        if name in self.skies:
            return self._answer({"type": "Collection", "id": name})
        return self.send_error(404)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/clock":
            _Answers.clock = asked["now"]
            self._answer({})
        elif self.path == "/stac/search":
            _Answers.searches += 1
            self._answer(self._found(asked))
        else:
            self.send_error(404)

    def _found(self, asked: dict[str, Any]) -> bytes:
        sky = self.skies[asked["collections"][0]]
        since = asked.get("query", {}).get("updated", {}).get("gte")
        low = bisect.bisect_left(sky.stamped, datetime.fromisoformat(since).timestamp()) if since else 0
        high = bisect.bisect_right(sky.stamped, self.clock)
        numbers: Any = range(low, high)
        if "intersects" in asked:
            place = shapely.from_geojson(json.dumps(asked["intersects"]))
            numbers = sorted(n for n in sky.tree.query(place, predicate="intersects").tolist() if low <= n < high)
        if asked.get("sortby", [{}])[0].get("direction") == "desc":
            numbers = reversed(numbers)
        found: list[int] = []
        for number in numbers:
            if sky.visible[number] <= self.clock:
                found.append(number)
                if len(found) > asked["limit"]:
                    break
        more = len(found) > asked["limit"]
        items = ",".join(item(self.base, sky, number) for number in found[: asked["limit"]])
        here = f"{self.base}/stac/search"
        links = json.dumps([{"rel": "next", "method": "POST", "href": here, "body": {}}] if more else [])
        return f'{{"type":"FeatureCollection","features":[{items}],"links":{links}}}'.encode()

    def _answer(self, value: Any) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def item(base: str, sky: Sky, number: int) -> str:
    """Write a product as a STAC item, of the size of a small real one."""
    west, south, east, north = sky.ground[number].bounds
    name, stamp = sky.name(number), sky.stamped[number]
    ring = f"[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]"
    here = f"{base}/stac/collections/{sky.collection}"
    return (
        f'{{"type":"Feature","stac_version":"1.0.0","id":"{name}","collection":"{sky.collection}",'
        f'"geometry":{{"type":"Polygon","coordinates":[{ring}]}},"bbox":[{west},{south},{east},{north}],'
        f'"properties":{{"datetime":"{written(stamp - 6 * 3600)}","created":"{written(stamp)}",'
        f'"updated":"{written(stamp)}","platform":"sentinel-2b","constellation":"sentinel-2","instruments":["msi"],'
        f'"eo:cloud_cover":{number % 101},"proj:epsg":32631,"s2:processing_baseline":"05.11",'
        f'"s2:generation_time":"{written(stamp)}"}},'
        f'"links":[{{"rel":"self","type":"application/geo+json","href":"{here}/items/{name}"}},'
        f'{{"rel":"collection","type":"application/json","href":"{here}"}}],'
        f'"assets":{{"product":{{"href":"{base}/data/{name}.zip","type":"application/zip","roles":["archive"],'
        f'"file:size":{700_000_000 + number}}},"thumbnail":{{"href":"{base}/data/{name}.jpg","type":"image/jpeg",'
        f'"roles":["thumbnail"]}}}}}}'
    )


def written(stamp: Moment) -> str:
    return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%dT%H:%M:%S}.{round(stamp * 1000) % 1000:03}Z"


if __name__ == "__main__":
    serve()
