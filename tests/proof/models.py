"""Catalogues that only models play here, each with the oddity that was recorded or documented of it.

The models are those of the adapters' own tests; here they are filled with what happens on the ground.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.catalogues import pretend_cmr, pretend_geodes, pretend_odata
from tests.proof.ground import Face, Thing
from tests.proof.records import Item, Model, kind_of, muscate, sentinel, stamp
from tests.proof.resto_models import resto_2_0, resto_2_5
from tests.proof.stac_models import counted_links, landsatlook, planetary_computer, resto_10


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
