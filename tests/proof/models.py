"""Catalogues that only models play here, each with the oddity that was recorded or documented of it.

The models are those of the adapters' own tests; here they are filled with what happens on the ground.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import shapely

from tests.catalogues import (
    pretend_cmr,
    pretend_geodes,
    pretend_odata,
    pretend_resto,
    pretend_resto10,
    pretend_resto_2x,
    pretend_stac,
)
from tests.catalogues.loopback import Asked, Reply
from tests.proof.ground import Face, Thing
from watcher import plugins
from watcher.plugins import Catalogue

Model = tuple[Face, Callable[[Asked], Reply]]
Item = dict[str, Any]


def sentinel(thing: Thing) -> str:
    """Name a product as ESA does: the edition is the processing baseline."""
    made = thing.acquired + timedelta(days=1)
    return (
        f"S2A_MSIL2A_{thing.acquired:%Y%m%dT%H%M%S}_N05{thing.edition:02}_R051_T{thing.tile}_{made:%Y%m%dT%H%M%S}"
    )


def muscate(thing: Thing) -> str:
    """Name a product as THEIA does."""
    return f"SENTINEL2A_{thing.acquired:%Y%m%d-%H%M%S}-000_L2A_T{thing.tile}_D_V1-{thing.edition}"


def stac_item(thing: Thing, collection: str) -> Item:
    """Write a product as a STAC Item. What makes a version is its number; the record may change without."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": sentinel(thing),
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [thing.ring]},
        "bbox": [thing.west, 43.0, thing.west + 0.5, 44.0],
        "properties": {
            "datetime": stamp(thing.acquired),
            "created": stamp(thing.published),
            "updated": stamp(thing.learnt),
            "version": str(thing.version),
            "processing:datetime": stamp(thing.acquired),
        },
        "links": [],
        "assets": {},
    }


def planetary_computer() -> Model:
    """It cannot be asked what is new, and its links hang on the last product of a page."""
    return _stac(_Stac([], anchored=True), cursor="none", limit=8, places=20)


def landsatlook() -> Model:
    """It cannot be asked what is new, and loses products where it is asked to sort; it counts."""
    return _stac(_Stac([], muddles=True, counts=True), cursor="none", sort=False, limit=8, places=20)


def counted_links() -> Model:
    """It can be asked what is new, but not sorted: its pages follow each other by offsets, and it counts."""
    return _stac(_Stac([], sorts=False, counts=True), sort=False, limit=10)


def geodes() -> Model:
    """Its pages are numbered, overlap now and then, or are a product short; it keeps versions that were replaced."""
    server = pretend_geodes.Pretend([])

    def put(thing: Thing) -> None:
        ident = f"URN:FEATURE:DATA:gdh:00000000-0000-3000-8000-{thing.number:012}"
        for one in server.items:
            if one["id"].startswith(ident):
                one["properties"]["latest"] = False
        name = muscate(thing)
        made = pretend_geodes.item(
            thing.number,
            version=thing.version,
            identifier=name,
            datetime=stamp(thing.learnt),
            start_datetime=stamp(thing.acquired),
        )
        made["geometry"]["coordinates"] = [thing.ring]
        server.items = [one for one in server.items if one["id"] != made["id"]] + [made]

    def drop(thing: Thing, when: datetime) -> None:
        server.items = [one for one in server.items if f"-{thing.number:012}:" not in one["id"]]

    def ready(now: datetime, calm: bool) -> None:
        server.doubles, server.short = now.minute % 4 == 0, now.minute % 4 == 1 and not calm

    face = Face(
        kind_of("geodes", collections={pretend_geodes.COLLECTION: "L2A"}, limit=10),
        pretend_geodes.COLLECTION,
        muscate,
        put,
        drop,
        editions=False,
        ready=ready,
    )
    return face, server


def cdse_odata() -> Model:
    """Offsets end without a word; what was deleted is listed apart."""
    server = pretend_odata.Pretend([], furthest=30)

    def made(thing: Thing) -> Item:
        begun = stamp(thing.acquired)
        attributes = {"productType": pretend_odata.TYPE, "processorVersion": str(thing.version)}
        return pretend_odata.thing(
            thing.number,
            Name=f"{sentinel(thing)}.SAFE",
            PublicationDate=stamp(thing.published),
            ModificationDate=stamp(thing.learnt),
            ContentDate={"Start": begun, "End": begun},
            GeoFootprint={"type": "Polygon", "coordinates": [thing.ring]},
            Attributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
        )

    def put(thing: Thing) -> None:
        ident = made(thing)["Id"]
        server.products = [one for one in server.products if one["Id"] != ident] + [made(thing)]
        server.gone = [one for one in server.gone if one["Id"] != ident]

    def drop(thing: Thing, when: datetime) -> None:
        gone = made(thing)
        server.products = [one for one in server.products if one["Id"] != gone["Id"]]
        for name in ("PublicationDate", "ModificationDate", "Online"):
            del gone[name]
        server.gone.append({**gone, "DeletionDate": stamp(when), "DeletionCause": "Obsolete product or Other"})

    collection = f"SENTINEL-2:{pretend_odata.TYPE}"
    kind = kind_of("odata", "/odata/v1", collections={collection: "L2A"}, limit=10)
    return Face(kind, collection, sentinel, put, drop, notices=1), server


def cmr() -> Model:
    """A search that takes too long answers a part of what there is, with a 200; what was deleted is listed apart."""
    server = pretend_cmr.Pretend([])

    def title(thing: Thing) -> str:
        return f"HLS.S30.T{thing.tile}.{thing.acquired:%Y%jT%H%M%S}.v{thing.edition + 2}.0"

    def put(thing: Thing) -> None:
        begun, stamped = stamp(thing.acquired), stamp(thing.learnt)
        points = [{"Longitude": x, "Latitude": y} for x, y in thing.ring]
        ground = {"GPolygons": [{"Boundary": {"Points": points}}]}
        made = pretend_cmr.granule(
            thing.number,
            GranuleUR=title(thing),
            TemporalExtent={"RangeDateTime": {"BeginningDateTime": begun, "EndingDateTime": begun}},
            SpatialExtent={"HorizontalSpatialDomain": {"Geometry": ground}},
            ProviderDates=[{"Type": "Insert", "Date": stamp(thing.published)}],
            DataGranule={"ProductionDateTime": begun},
            PGEVersionClass={"PGEVersion": str(thing.version)},
        )
        made["meta"]["revision-date"] = stamped
        server.granules = [one for one in server.granules if one["meta"]["concept-id"] != made["meta"]["concept-id"]]
        server.granules.append(made)
        server.gone = [(number, when) for number, when in server.gone if number != thing.number]

    def drop(thing: Thing, when: datetime) -> None:
        server.granules = [one for one in server.granules if one["meta"]["concept-id"] != f"G{thing.number}-TEST"]
        server.gone.append((thing.number, (when - pretend_cmr.START) / timedelta(minutes=1)))

    def ready(now: datetime, calm: bool) -> None:
        server.now = now
        server.slow = None if calm or now.minute % 5 else len(server.searches) + 1 + now.minute % 3

    kind = kind_of("cmr", "/search", collections={pretend_cmr.CONCEPT: "L2A"}, page_size=10)
    return Face(kind, pretend_cmr.CONCEPT, title, put, drop, notices=1, ready=ready), server


def resto_2_0() -> Model:
    """It sorts by acquisition only and what ties changes places, so that it loses products between two pages."""
    return _resto(_Resto([], said={}), title=lambda thing: f"SPOT5_{thing.number}", editions=False, site_filter="zone_geo")


def resto_2_5() -> Model:
    """As 2.0, with totals that are guesses; but it can be asked what is new."""
    return _resto(_Later([], said={}), title=muscate, editions=True, since="updated")


def resto_10() -> Model:
    """Its cursors are right in one order and wrong in the other."""
    server = pretend_resto10.Pretend([])

    def title(thing: Thing) -> str:
        return f"SPOT5_HRG2_XS_{thing.acquired:%Y%m%d}_N2A_Site{thing.number}"

    def put(thing: Thing) -> None:
        item = pretend_resto10.item(thing.number)
        item["geometry"]["coordinates"] = [thing.ring]
        written = stac_item(thing, "SpotTake5")["properties"]
        # What it learns anew gets a new `created`, by which it can be asked.
        item["properties"] |= {**written, "title": title(thing), "created": written["updated"]}
        server.items = [one for one in server.items if one["id"] != item["id"]] + [item]

    def drop(thing: Thing, when: datetime) -> None:
        server.items = [one for one in server.items if not one["id"].endswith(f"-{thing.number:012}")]

    kind = kind_of("stac", collections={"SpotTake5": "L2A"}, filter="resto", cursor="created", limit=10)
    return Face(kind, "SpotTake5", title, put, drop, editions=False), server


MODELS: dict[str, Callable[[], Model]] = {
    "resto 2.0": resto_2_0,
    "resto 2.5": resto_2_5,
    "resto 10": resto_10,
    "GEODES": geodes,
    "CDSE OData": cdse_odata,
    "CMR": cmr,
    "LandsatLook": landsatlook,
    "Planetary Computer": planetary_computer,
    "STAC by links": counted_links,
}


class _Stac(pretend_stac.Pretend):
    """It knows where its items are, too."""

    def _found(self, body: Item) -> list[Item]:
        found = super()._found(body)
        if "intersects" not in body:
            return found
        ground = shapely.from_geojson(json.dumps(body["intersects"]))
        return [item for item in found if ground.intersects(shapely.geometry.shape(item["geometry"]))]


def _stac(server: _Stac, **settings: Any) -> Model:
    def put(thing: Thing) -> None:
        item = stac_item(thing, "things")
        server.items = [one for one in server.items if one["id"] != item["id"]] + [item]

    def drop(thing: Thing, when: datetime) -> None:
        server.items = [one for one in server.items if one["id"] != sentinel(thing)]

    notices = 2 if settings.get("cursor") == "none" else 0
    kind = kind_of("stac", collections={"things": "L2A"}, **settings)
    return Face(kind, "things", sentinel, put, drop, notices=notices), server


class _Resto(pretend_resto.Pretend):
    """A resto of which each product says what was said of it."""

    def __init__(self, *held: Any, said: dict[str, Item], **more: Any) -> None:
        super().__init__(*held, **more)
        self.said = said

    def feature(self, one: pretend_resto.Held) -> Item:
        return one.feature(**self.said[one.id])


class _Later(pretend_resto_2x.Later):
    def __init__(self, *held: Any, said: dict[str, Item], **more: Any) -> None:
        super().__init__(*held, **more)
        self.said = said

    def feature(self, one: pretend_resto.Held) -> Item:
        feature = super().feature(one)
        feature["properties"] |= self.said[one.id]
        return feature


def _resto(server: Any, *, title: Callable[[Thing], str], editions: bool, **settings: Any) -> Model:
    def put(thing: Thing) -> None:
        held = pretend_resto.Held(str(thing.number), thing.acquired, code=thing.places[0])
        server.said[held.id] = {
            "productIdentifier": title(thing),
            "updated": stamp(thing.learnt),
            "published": stamp(thing.published),
            "productionDate": stamp(thing.acquired),
            "version": str(thing.version),
        }
        server.held = [one for one in server.held if one.id != held.id] + [held]
        if isinstance(server, pretend_resto_2x.Later):
            server.learnt[held.id] = thing.learnt

    def drop(thing: Thing, when: datetime) -> None:
        server.held = [one for one in server.held if one.id != str(thing.number)]

    kind = kind_of("resto", "/resto", collections=["SPOT5"], page_size=6, **settings)
    notices = 0 if "since" in settings else 2
    return Face(kind, "SPOT5", title, put, drop, codes=True, editions=editions, notices=notices), server


def kind_of(name: str, path: str = "", **settings: Any) -> Callable[[str], Catalogue]:
    return lambda url: plugins.build("catalogues", name, {"url": f"{url}{path}", **settings}, place="the proof")


def stamp(time: datetime) -> str:
    """Write a time to the millisecond."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

