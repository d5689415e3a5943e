"""resto servers that only models play here: by names of places, with ties and guesses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.catalogues import pretend_resto, pretend_resto_2x
from tests.proof.ground import Face, Thing
from tests.proof.records import Item, Model, kind_of, muscate, stamp


def resto_2_0() -> Model:
    """It sorts by acquisition only and what ties changes places, so that it loses products between two pages."""
    return _resto(
        _Resto([], said={}), title=lambda thing: f"SPOT5_{thing.number}", editions=False, site_filter="zone_geo"
    )


def resto_2_5() -> Model:
    """As 2.0, with totals that are guesses; but it can be asked what is new."""
    return _resto(_Later([], said={}), title=muscate, editions=True, since="updated")


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
