"""GeoJSON (RFC 7946)."""

from __future__ import annotations

from typing import Any

import msgspec

from watcher.core.feeds import ground
from watcher.core.feeds.feed import Came, Feed, entry, percent
from watcher.core.moments import written
from watcher.names import plain


def geojson(feed: Feed) -> bytes:
    """Write a feed as a FeatureCollection, a feature for each arrival, its geometry the footprint of the product."""
    said = {"type": "FeatureCollection", "title": feed.title, "features": [_feature(came) for came in feed.came]}
    return msgspec.json.format(msgspec.json.encode(said), indent=1) + b"\n"


def _feature(came: Came) -> dict[str, Any]:
    said, product, shape = entry(came), came.product, ground.shape(came.product.geometry)
    words = {
        "site": came.site,
        "event": came.event.value,
        "title": product.title,
        "summary": said.summary,
        "catalogue": came.catalogue,
        "collection": product.collection,
        "product": product.id,
        "level": product.level,
        "platform": product.platform,
        "instrument": product.instrument,
    }
    times = {"acquired": product.acquired, "published": product.published, "arrived": came.arrived}
    facts = {"cloud": percent(product.cloud), "coverage": came.coverage, "link": said.link, "quicklook": said.quicklook}
    feature = {
        "type": "Feature",
        "id": came.urn,
        "geometry": ground.geometry(shape),
        "properties": {
            **{key: plain(word, limit=300) for key, word in words.items() if word},
            **{key: written(time) for key, time in times.items() if time is not None},
            **{key: fact for key, fact in facts.items() if fact is not None},
        },
    }
    return feature if shape is None else {"type": "Feature", "bbox": ground.box([shape]), **feature}
