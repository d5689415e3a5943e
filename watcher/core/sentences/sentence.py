"""A sentence that was read: what it asks for, how each word was read, and the words that were not."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from watcher.model import Level

Interval = tuple[datetime | None, datetime | None]
"""When it was acquired: both ends included, UTC, `None` for an open end."""


class Kind(StrEnum):
    """What some words are about. `PASSING` ones say nothing: "images of", "show me"; `STRANGE` ones mean nothing."""

    PLACE = "place"
    GRID = "tile"
    RADIUS = "radius"
    PLATFORM = "platform"
    INSTRUMENT = "instrument"
    COLLECTION = "collection"
    LEVEL = "level"
    ACQUIRED = "acquired"
    CLOUD = "cloud"
    PASSING = "passing"
    STRANGE = "strange"


class Reading(msgspec.Struct, frozen=True):
    """How some words of the text, as they stand there, were read."""

    words: str
    kind: Kind
    meaning: str


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """What a sentence asks for.

    `places` are the words that name places, for someone who knows the Earth to resolve; `asides` are words that may
    belong to a place (a country said later) or to nothing. `grids` are cells as STAC's `grid:code` writes them,
    `radius` is in kilometres around the place. `platforms` and `instruments` are names of ours, a family ("LANDSAT",
    "SENTINEL-2") standing for all of it; `collections` words that a collection's or product's name holds.

    `acquired` are the intervals of acquisition, any of them; none asked is none here. `yearless` says that a month or
    season stands there without a year, and that the latest is meant. Cloud cover is in percent, both bounds included.
    `contradictions` are the words that leave nothing to be found. `language` is "en" or "fr". Each word of the text
    is in `understood`, in `asides` or in `not_understood`.
    """

    text: str
    language: str
    places: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()
    grids: tuple[str, ...] = ()
    radius: float | None = None
    platforms: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    acquired: tuple[Interval, ...] = ()
    yearless: bool = False
    min_cloud: float | None = None
    max_cloud: float | None = None
    contradictions: tuple[str, ...] = ()
    understood: tuple[Reading, ...] = ()
    not_understood: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True):
    """What some words add to a sentence.

    `windows` are alternatives, `bounds` hold for all of them; `clouds` are (least, most) in percent.
    """

    grids: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    windows: tuple[Interval, ...] = ()
    bounds: tuple[Interval, ...] = ()
    clouds: tuple[tuple[float | None, float | None], ...] = ()
    radius: tuple[float, ...] = ()
    yearless: bool = False


class Match(msgspec.Struct, frozen=True):
    """Words that a rule could read: up to which word (not included), and what they say."""

    end: int
    kind: Kind
    meaning: str
    facts: Facts = Facts()
