"""A question, and how a STAC API wants it written.

STAC API 1.0 item-search (POST and GET), with the query, filter (CQL2), sort and fields extensions; and the search of
resto 6 to 10, which has parameters of its own for when it learnt of a product, and in which `sortby=created` means
the newest first, `-created` the oldest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.catalogues.stac.features import Properties
from watcher.core.moments import written

if TYPE_CHECKING:
    from watcher.catalogues.stac import Kind

_WORDS = {">=": "gte", "<=": "lte"}
_RESTO = {"resto": ("created_start", "created_end"), "resto6": ("published", None)}
_RESTO_ORDERS = {"created": "created", "none": "startDate"}
_IDLE = {"title", "platform", "instruments", "eo:cloud_cover"}


class Question(msgspec.Struct, frozen=True):
    """What is asked: `since`/`until` bound the cursor, `start`/`end` the acquisition; all ends are included.

    Without a `geometry` it is asked everywhere; `brief` asks for what tells products and revisions apart only.
    """

    collection: str
    limit: int
    geometry: bytes | None = None
    since: datetime | None = None
    until: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    descending: bool = False
    brief: bool = False


def body(kind: Kind, question: Question) -> dict[str, Any]:
    """Write a question as the JSON body of a POST."""
    body: dict[str, Any] = {"collections": [question.collection], "limit": question.limit}
    if question.geometry is not None:
        body["intersects"] = msgspec.Raw(question.geometry)
    if question.start is not None or question.end is not None:
        body["datetime"] = span(question)
    bounds = {">=": question.since, "<=": question.until}
    terms = {sign: written(bound) for sign, bound in bounds.items() if bound is not None}
    if terms and kind.filter == "query":
        body["query"] = {kind.cursor: {_WORDS[sign]: text for sign, text in terms.items()}}
    elif terms:
        # The time is a plain string: CQL2's {"timestamp": …} fails on every pgstac whose operator did not
        # register the property as a date, while a string works on all.
        parts = [{"op": sign, "args": [{"property": kind.cursor}, text]} for sign, text in terms.items()]
        body["filter-lang"] = "cql2-json"
        body["filter"] = parts[0] if len(parts) == 1 else {"op": "and", "args": parts}
    if kind.sort:
        # stac-server refuses the bare name.
        field = "properties." + ("datetime" if kind.cursor == "none" else kind.cursor)
        body["sortby"] = [{"field": field, "direction": "desc" if question.descending else "asc"}]
    if question.brief and kind.fields:
        body["fields"] = {"include": brief(kind)}
    return body


def parameters(kind: Kind, question: Question) -> dict[str, str]:
    """Write the same question for a GET."""
    if kind.filter in _RESTO:
        return _for_resto(kind, question)
    asked = body(kind, question)
    parameters = {"collections": question.collection, "limit": str(question.limit)}
    for name in ("intersects", "query"):
        if name in asked:
            parameters[name] = msgspec.json.encode(asked[name]).decode()
    if "datetime" in asked:
        parameters["datetime"] = asked["datetime"]
    if "sortby" in asked:
        parameters["sortby"] = ",".join(
            ("-" if field["direction"] == "desc" else "+") + field["field"] for field in asked["sortby"]
        )
    if "filter" in asked:
        terms = asked["filter"]["args"] if asked["filter"]["op"] == "and" else [asked["filter"]]
        parameters["filter"] = " AND ".join(map(_cql2, terms))
        parameters["filter-lang"] = "cql2-text"
    if "fields" in asked:
        parameters["fields"] = ",".join(asked["fields"]["include"])
    return parameters


def span(question: Question) -> str:
    """Write the window of acquisition (RFC 3339 interval, `..` for an open end)."""
    return f"{bound(question.start)}/{bound(question.end)}"


def bound(time: datetime | None) -> str:
    """Write one end of an interval."""
    return ".." if time is None else written(time)


def brief(kind: Kind) -> list[str]:
    """Name the fields that tell which product it is, where, which revision, and that it was asked for."""
    names = [field.encode_name for field in msgspec.structs.fields(Properties) if field.encode_name not in _IDLE]
    files = [f"assets.{kind.assets[0]}"] if len(kind.assets) == 1 else []
    return ["id", "type", "collection", "geometry", *(f"properties.{name}" for name in names), *files]


def _for_resto(kind: Kind, question: Question) -> dict[str, str]:
    parameters = {"collections": question.collection, "limit": str(question.limit)}
    if question.geometry is not None:
        import shapely

        parameters["intersects"] = shapely.to_wkt(shapely.from_geojson(question.geometry), rounding_precision=-1)
    if question.start is not None or question.end is not None:
        parameters["datetime"] = span(question)
    for name, time in zip(_RESTO[kind.filter], (question.since, question.until), strict=True):
        if name is not None and time is not None:
            parameters[name] = written(time)
    if kind.sort:
        parameters["sortby"] = ("" if question.descending else "-") + _RESTO_ORDERS[kind.cursor]
    return parameters


def _cql2(term: Mapping[str, Any]) -> str:
    (name, value), sign = term["args"], term["op"]
    return f"{name['property']} {sign} '{value}'"
