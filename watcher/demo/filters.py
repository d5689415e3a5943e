"""What each search parameter of resto 2.0 means for one product.

As on the server of 2015: equality is exact and case-sensitive, a trailing `%` makes it an SQL LIKE, an array
is an OR; `startDate` and `completionDate` both test the start of the acquisition; `updated` is checked and
has no effect; what is not a parameter is ignored, and some of a person's mistakes surface as the database's
(500).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import shapely

from watcher.demo.products import Product

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Parameters = Mapping[str, str | list[str]]
"""A query string as PHP reads it: the last of two equal keys wins, `key[]=` makes an array."""

Filter = Callable[[Product], bool]

NAMES = {
    "q": "searchTerms",
    "maxRecords": "count",
    "index": "startIndex",
    "page": "startPage",
    "lang": "language",
    "identifier": "geo:uid",
    "geometry": "geo:geometry",
    "box": "geo:box",
    "location": "geo:name",
    "lon": "geo:lon",
    "lat": "geo:lat",
    "radius": "geo:radius",
    "startDate": "time:start",
    "completionDate": "time:end",
    **{
        name: f"eo:{name}"
        for name in (
            *("parentIdentifier", "productType", "processingLevel", "platform", "instrument", "resolution"),
            *("organisationName", "orbitNumber", "sensorMode", "cloudCover", "snowCover"),
        )
    },
    **{
        f"{ground}Cover": f"resto:{ground}Cover"
        for ground in ("cultivated", "desert", "flooded", "forest", "herbaceous", "ice", "urban", "water")
    },
    "updated": "dc:date",
    "zone_geo": "take5:zone_geo",
}
"""The parameters, in the order of the OpenSearch description, and the names under which the server echoes
them."""

MODEL_ONLY = "zone_geo"
"""The Take5 model's own parameter: searching all collections at once does not know it."""


class Refused(Exception):
    """The server will not answer: `code` is both the HTTP status and the body's ErrorCode."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


DATABASE = "Database connection error"

_TEXTS: Mapping[str, Callable[[Product], str | None]] = {
    "parentIdentifier": lambda p: parent(p.site.collection),
    "productType": lambda p: p.kind,
    "processingLevel": lambda p: p.level,
    "platform": lambda p: p.platform,
    "instrument": lambda p: p.instrument,
    "organisationName": lambda _: "CNES",
    "sensorMode": lambda _: "XS",
    "zone_geo": lambda p: p.site.code,
}
_NUMBERS: Mapping[str, Callable[[Product], float | None]] = {
    "resolution": lambda p: p.resolution,
    "orbitNumber": lambda _: None,
    "cloudCover": lambda p: p.cloud,
    "snowCover": lambda _: 0,
}
_DATE = re.compile(
    r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?"
    r"|\d{8}(T\d{6}(\.\d+)?(Z|[+-]\d{4})?)?"
)
_NUMBER = r"-?\d+(?:\.\d+)?"


def parent(collection: str) -> str:
    """The collection's identifier as an EO series."""
    return f"urn:ogc:def:EOP:CNES::{collection}:"


def filters(given: Parameters) -> Iterator[Filter]:
    """One filter per parameter that has an effect. Raises `Refused`, like the server, at the first bad one."""
    for name, value in given.items():
        if name in _TEXTS:
            yield _equal(_TEXTS[name], value)
        elif name in _NUMBERS:
            yield _within(_NUMBERS[name], _one(value))
        elif name.endswith("Cover") and name in NAMES:
            yield _within(_ground(name.removesuffix("Cover")), _one(value))
        elif name in _OTHERS:
            yield _OTHERS[name](_one(value))
        elif name == "lon" and "lat" in given:
            yield _over(_square(given))


def _one(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _equal(column: Callable[[Product], str | None], value: str | list[str]) -> Filter:
    wanted = [value] if isinstance(value, str) else value
    likes = [_like(text) for text in wanted]
    return lambda product: any(like.fullmatch(column(product) or "") for like in likes)


def _like(text: str) -> re.Pattern[str]:
    if not text.endswith("%"):
        return re.compile(re.escape(text))
    return re.compile("".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in text))


def _within(column: Callable[[Product], float | None], text: str) -> Filter:
    """`n`, `{a,b}`, `[a,b]`, `]a,b[`, `[a`, `]a`, `b]`, `b[`; what the database does not know never matches."""
    if one_of := re.fullmatch(rf"\{{({_NUMBER}(?:,{_NUMBER})*)\}}", text):
        members = [float(number) for number in one_of[1].split(",")]
        return lambda product: column(product) in members
    if re.fullmatch(_NUMBER, text):
        return lambda product: column(product) == float(text)
    ends = re.fullmatch(rf"(?:([\[\]])({_NUMBER}))?,?(?:({_NUMBER})([\[\]]))?", text)
    if ends is None or not text:
        raise Refused(500, DATABASE)
    opening, low, high, closing = ends.groups()

    def inside(product: Product) -> bool:
        number = column(product)
        if number is None:
            return False
        above = low is None or number > float(low) or (opening == "[" and number == float(low))
        below = high is None or number < float(high) or (closing == "]" and number == float(high))
        return above and below

    return inside


def _ground(word: str) -> Callable[[Product], float]:
    return lambda p: next((share for name, share in p.site.cover if name.lower().startswith(word)), 0.0)


def _identified(text: str) -> Filter:
    return lambda product: text in (product.id, product.ident)


def _instant(name: str, text: str) -> datetime:
    if not _DATE.fullmatch(text):
        raise Refused(400, f"Invalid date parameter - {NAMES[name]}")
    try:
        at = datetime.fromisoformat(text + {4: "-01-01", 7: "-01"}.get(len(text), ""))
    except ValueError as no_such_day:
        raise Refused(500, DATABASE) from no_such_day
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _since(text: str) -> Filter:
    start = _instant("startDate", text)
    return lambda product: product.acquired >= start


def _until(text: str) -> Filter:
    end = _instant("completionDate", text)
    return lambda product: product.acquired <= end


def _checked(text: str) -> Filter:
    _instant("updated", text)
    return lambda _: True


@cache
def _footprint(product: Product) -> BaseGeometry:
    return shapely.Polygon(product.ring)


def _over(area: BaseGeometry) -> Filter:
    return lambda product: bool(_footprint(product).intersects(area))


def _box(text: str) -> BaseGeometry:
    numbers = text.split(",")
    if len(numbers) != 4:
        raise Refused(400, "Invalid geo:box")
    try:
        return shapely.box(*(float(number) for number in numbers))
    except ValueError as not_a_number:
        raise Refused(500, DATABASE) from not_a_number


def _wkt(text: str) -> BaseGeometry:
    try:
        return shapely.from_wkt(text)
    except shapely.errors.GEOSException as unreadable:
        raise Refused(500, DATABASE) from unreadable


def _square(given: Parameters) -> BaseGeometry:
    """`radius` metres (10 km by default) around a point: on this server a square in degrees.

    Text that is no number counts as 0, as in the PHP of 2015.
    """
    lon, lat = _number(given["lon"]), _number(given["lat"])
    degrees = _number(given.get("radius", "10000")) / 111_320
    aside = degrees / max(math.cos(math.radians(lat)), 0.01)
    return shapely.box(lon - aside, lat - degrees, lon + aside, lat + degrees)


def _number(text: str | list[str]) -> float:
    found = re.match(rf"\s*({_NUMBER})", _one(text))
    return float(found[1]) if found else 0.0


_OTHERS: Mapping[str, Callable[[str], Filter]] = {
    "identifier": _identified,
    "startDate": _since,
    "completionDate": _until,
    "updated": _checked,
    "box": lambda text: _over(_box(text)),
    "geometry": lambda text: _over(_wkt(text)),
}
