"""Recorded answers of a real resto 2.0.4, served again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tests import recordings
from tests.catalogues.loopback import Asked, Reply


def folder(server: str = "resto-2.0.4") -> Path:
    """Return the folder of the recordings, or skip the test."""
    return recordings.folder(server)


def recording(name: str, server: str = "resto-2.0.4") -> Reply:
    """Return a recorded answer with its status and type."""
    head = (folder(server) / f"{name}.headers.txt").read_text().splitlines()
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:]}
    bodies = [path for path in folder(server).glob(f"{name}.*") if not path.name.endswith(".headers.txt")]
    body = bodies[0].read_bytes() if bodies else b""
    return Reply(int(head[0].split()[1]), body, fields.get("content-type", "text/html"))


def features(name: str) -> list[dict[str, Any]]:
    """Return the features of a recorded answer, or the one feature that it is."""
    document = msgspec.json.decode((folder() / f"{name}.json").read_bytes())
    return document.get("features", [document])


def replay(name: str) -> Any:
    """Answer a search's first page with this recording, whatever is asked; every later one is empty."""
    recorded, nothing, names = recording(name), recording("page_999"), recording("collections")

    def answer(asked: Asked) -> Reply:
        if not asked.path.endswith("/search.json"):
            return names
        return recorded if asked.query["page"] == "1" else nothing

    return answer


def collection(
    features: list[dict[str, Any]], *, total: int | None, more: bool = False, exact: bool | None = None
) -> Reply:
    """Write features as resto 2.0 does; `exact` is written as later versions do."""
    properties: dict[str, Any] = {
        "title": "",
        "totalResults": total,
        "startIndex": 1,
        "itemsPerPage": len(features),
        "query": {"searchFilters": [], "analysis": {"query": ""}},
        "links": [{"rel": "self", "href": "http://elsewhere.example/search.json?&"}]
        + ([{"rel": "next", "href": "http://elsewhere.example/search.json?&page=1"}] if more else []),
    }
    if exact is not None:
        properties["exactCount"] = exact
    return Reply(
        200,
        msgspec.json.encode({"type": "FeatureCollection", "properties": properties, "features": features}).replace(
            b"/", rb"\/"
        ),
    )
