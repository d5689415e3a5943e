"""What arrived, as files that other programs read: a file for each format, and `feed` is what all of them say.

Pure: a `Feed` becomes bytes. Whatever a catalogue wrote has passed through `watcher.core.wording` before it is here,
identifiers follow from what they identify, and no time is that of the writing: so the same arrivals are the same bytes.
"""

from __future__ import annotations

from watcher.core.feeds.atom import atom
from watcher.core.feeds.feed import Came, Feed
from watcher.core.feeds.geojson import geojson
from watcher.core.feeds.ics import ics
from watcher.core.feeds.jsonfeed import jsonfeed
from watcher.core.feeds.stac import Child, Extent, collection, collections, extent, items

__all__ = [
    "Came",
    "Child",
    "Extent",
    "Feed",
    "atom",
    "collection",
    "collections",
    "extent",
    "geojson",
    "ics",
    "items",
    "jsonfeed",
]
