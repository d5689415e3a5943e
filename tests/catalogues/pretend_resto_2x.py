"""A small resto 2.1 to 2.5: it can be asked for news, guesses its totals, and refuses what 2.0 shrugs at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.catalogues.loopback import Asked, Reply
from tests.catalogues.pretend_resto import APRIL, Held, Pretend, season
from tests.catalogues.replay import collection

JULY = datetime(2015, 7, 1, 8, 0, 0, tzinfo=UTC)


class Later(Pretend):
    """The server.

    `news` are the parameters by which it can be asked for news, of those that `claims` it takes; the others of these
    are ignored, or hide everything if they are in `hides`. `learnt` is when it learnt of a product, by id. `flags` says
    whether it marks its estimates (2.2 and later). `towns` are the sites around a town, `site` is the property and the
    parameter that hold a site's code.
    """

    def __init__(
        self,
        held: list[Held],
        *,
        news: tuple[str, ...] = ("updated",),
        hides: tuple[str, ...] = (),
        flags: bool = True,
        site: str = "zone_geo",
        towns: dict[str, set[str]] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(held, **{"counts": "estimate"} | more)
        self.news, self.hides, self.flags, self.site, self.towns = news, hides, flags, site, towns or {}
        self.learnt = {one.id: JULY for one in held}
        self.asked: list[Asked] = []

    def publish(self, *held: Held, at: datetime) -> None:
        """Publish products, or publish them again."""
        ids = {one.id for one in held}
        self.held = [*(one for one in self.held if one.id not in ids), *held]
        self.learnt |= dict.fromkeys(ids, at)

    def __call__(self, asked: Asked) -> Reply:
        if not asked.path.endswith("/search.json"):
            return super().__call__(asked)
        self.asked.append(asked)
        if int(asked.query["maxRecords"]) > 500:
            return refused('Value for "maxRecords" must be lower than 501')
        for name in (*self.news, *self.hides, "startDate", "completionDate"):
            if name in asked.query and not _is_date(asked.query[name]):
                return refused(f'Invalid date for "{name}"')
        found = self._found(asked)
        if asked.query.get("sortOrder") == "ascending":
            found = [one._replace(acquired=_mirrored(one.acquired)) for one in found]
        number, size = int(asked.query.get("page", "1")), int(asked.query["maxRecords"])
        page, total, exact, more = self.page(found, number, size)
        if asked.query.get("sortOrder") == "ascending":
            page = [one._replace(acquired=_mirrored(one.acquired)) for one in page]
        # It links a next page whenever a page is full.
        return collection(
            [self.feature(one) for one in page],
            total=total,
            exact=exact if self.flags else None,
            more=more or (self.links and len(page) == size),
        )

    def feature(self, one: Held) -> dict[str, Any]:
        stamp = self.learnt[one.id].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        feature = one.feature(updated=stamp, published=stamp)
        feature["properties"][self.site] = feature["properties"].pop("zone_geo")
        return feature

    def _found(self, asked: Asked) -> list[Held]:
        query = dict(asked.query)
        if self.site != "zone_geo":
            query.pop("zone_geo", None)
            query |= {"zone_geo": query[self.site]} if self.site in query else {}
        found = self.found(query, asked.path.split("/")[-2])
        if any(name in query for name in self.hides):
            return []
        if "name" in query and self.towns:
            found = [one for one in found if one.code in self.towns.get(query["name"], ())]
        for name in self.news:
            if name in query:
                found = [one for one in found if self.learnt[one.id] >= datetime.fromisoformat(query[name])]
        return found


def refused(message: str) -> Reply:
    return Reply(400, json.dumps({"ErrorMessage": message, "ErrorCode": 400}).encode())


def tiles(*names: str, count: int = 4) -> list[Held]:
    """Products of THEIA's Sentinel-2, by tile."""
    return [
        Held(f"SENTINEL2A_2015041{n}-104911-877_L2A_{name}_D", APRIL + timedelta(days=n), code=name)
        for name in names
        for n in range(count)
    ]


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _mirrored(time: datetime) -> datetime:
    return APRIL + (APRIL - time)


__all__ = ["APRIL", "JULY", "Held", "Later", "refused", "season", "tiles"]
