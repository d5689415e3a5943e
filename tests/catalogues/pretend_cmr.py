"""A search of CMR's granules, as its documentation describes it: a model, no recording.

`granules.umm_json` by revision date, box and time, paged by `CMR-Search-After`; `deleted-granules.json`;
`collections.umm_json`. A search that takes too long answers a part of what there is, with a 200.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec

from tests.catalogues.loopback import Asked, Reply

START = datetime(2026, 2, 1, tzinfo=UTC)
CONCEPT = "C1-TEST"


def at(minutes: float) -> str:
    """Write a time so many minutes after the start, as CMR does."""
    return (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def granule(number: int, *, revised: float | None = None, **umm: Any) -> dict[str, Any]:
    """Make a granule: revised `number` minutes after the start, acquired as many hours before."""
    begun = (START - timedelta(hours=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    points = [(1, 43), (2, 43), (2, 44), (1, 44), (1, 43)]
    boundary = {"Points": [{"Longitude": x, "Latitude": y} for x, y in points]}
    return {
        "meta": {
            "concept-id": f"G{number}-TEST",
            "revision-id": 1,
            "revision-date": at(number if revised is None else revised),
            "collection-concept-id": CONCEPT,
        },
        "umm": {
            "GranuleUR": f"HLS.S30.T31TCJ.2026032T105321.{number:05}",
            "TemporalExtent": {"RangeDateTime": {"BeginningDateTime": begun, "EndingDateTime": begun}},
            "SpatialExtent": {"HorizontalSpatialDomain": {"Geometry": {"GPolygons": [{"Boundary": boundary}]}}},
            "ProviderDates": [{"Type": "Insert", "Date": at(number)}],
            **umm,
        },
    }


@dataclass
class Pretend:
    """The search; whatever it is told not to do it ignores with a 200.

    `before` is called with each search first; `hidden` is how many granules it counts and never lists; `slow` is the
    number of the search that takes too long; `heavy` is the largest page that does not fail; `now` is its clock.
    """

    granules: list[dict[str, Any]]
    gone: list[tuple[int, float]] = field(default_factory=list)
    filters: bool = True
    sorts: bool = True
    pages: bool = True
    hidden: int = 0
    slow: int | None = None
    heavy: int | None = None
    untold: int = 0
    now: datetime = START + timedelta(days=1)
    collections: list[str] = field(default_factory=lambda: [CONCEPT])
    before: Callable[[dict[str, str]], None] = lambda _: None
    searches: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        what = asked.path.rpartition("/")[2]
        if what == "collections.umm_json":
            return self._reply({"items": [_collection(ident) for ident in self.collections]})
        if what == "deleted-granules.json":
            return self._deleted(asked.query)
        if what != "granules.umm_json":
            return self._reply({"errors": ["Not found"]}, 404)
        self.before(asked.query)
        self.searches.append(asked.query)
        size = int(asked.query["page_size"])
        if self.heavy is not None and size > self.heavy:
            return self._reply({"errors": ["boom"]}, 500)
        found = self._found(asked.query)
        hits = len(found) + self.hidden
        after = asked.headers.get("cmr-search-after")
        if after is not None:
            mark = tuple(msgspec.json.decode(after))
            found = [one for one in found if _mark(one) > mark]
        page = found[:size]
        headers = {"CMR-Hits": str(hits)}
        if page and self.pages:
            headers["CMR-Search-After"] = msgspec.json.encode(_mark(page[-1])).decode()
        if self.slow is not None and len(self.searches) == self.slow:
            page, headers["CMR-Time-Out"] = page[: len(page) // 2], "true"
        return self._reply({"hits": hits, "took": 1, "items": page}, headers=headers)

    def _found(self, query: dict[str, str]) -> list[dict[str, Any]]:
        found = list(self.granules)
        if self.filters:
            since = query.get("revision_date[]", ",").partition(",")[0]
            start, _, end = query.get("temporal[]", ",").partition(",")
            found = [one for one in found if one["meta"]["revision-date"] >= since.removesuffix("Z")]
            if start:
                found = [one for one in found if _begun(one) >= start.removesuffix("Z")]
            if end:
                found = [one for one in found if _begun(one) <= end.removesuffix("Z")]
            if query["collection_concept_id"] != CONCEPT:
                found = []
        if self.sorts:
            found.sort(key=_mark, reverse=query.get("sort_key[]", "").startswith("-"))
        return found

    def _deleted(self, query: dict[str, str]) -> Reply:
        self.searches.append(query)
        since = query["revision_date"].removesuffix("Z")
        if datetime.fromisoformat(query["revision_date"]) < self.now - timedelta(days=365):
            return self._reply({"errors": ["revision_date is limited to 1 year in the past"]}, 400)
        listed = [
            {
                "granule-ur": f"GONE-{number}",
                "revision-date": at(when),
                "parent-collection-id": CONCEPT,
                "concept-id": f"G{number}-TEST",
                "provider-id": "TEST",
            }
            for number, when in self.gone
            if at(when) >= since
        ]
        return self._reply(listed, headers={"CMR-Hits": str(len(listed) + self.untold)})

    def _reply(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        said = {"Date": format_datetime(self.now, usegmt=True), **(headers or {})}
        return Reply(status, msgspec.json.encode(body), headers=said)


def _collection(ident: str) -> dict[str, Any]:
    times = [{"RangeDateTimes": [{"BeginningDateTime": "2015-11-28T00:00:00.000Z"}], "EndsAtPresentFlag": True}]
    return {
        "meta": {"concept-id": ident, "granule-count": 12},
        "umm": {"EntryTitle": "Things of a test", "TemporalExtents": times},
    }


def _begun(one: dict[str, Any]) -> str:
    return str(one["umm"]["TemporalExtent"]["RangeDateTime"]["BeginningDateTime"])


def _mark(one: dict[str, Any]) -> tuple[str, int]:
    return one["meta"]["revision-date"], int(one["meta"]["concept-id"][1:].partition("-")[0])
