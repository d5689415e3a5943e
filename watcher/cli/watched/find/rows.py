"""What a search found, as rows: for a table, for CSV and JSON, and as GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from watcher.cli.output import FACTS, facts
from watcher.core.moments import written

if TYPE_CHECKING:
    from watcher.cli.watched.find.search import Hit


CSV = (
    "catalogue",
    "site",
    *FACTS,
    "cloud",
    "link",
    "quicklook",
)
"""Of what a row has, what fits into a cell."""


def row(hit: Hit) -> dict[str, Any]:
    """Return what a listing tells of a product, by column; `geometry` is GeoJSON."""
    product = hit.product
    return {
        "catalogue": hit.catalogue,
        "site": hit.site,
        **facts(product),
        "cloud": product.cloud,
        "link": product.link,
        "quicklook": product.quicklook,
        "geometry": json.loads(product.geometry) if product.geometry else None,
    }


def features(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Write rows as GeoJSON (RFC 7946), times in RFC 3339."""
    features = []
    for row in rows:
        properties = {key: value for key, value in row.items() if key not in ("id", "geometry")}
        properties |= {key: written(row[key]) for key in ("acquired", "published") if row[key] is not None}
        features.append({"type": "Feature", "id": row["id"], "geometry": row["geometry"], "properties": properties})
    return {"type": "FeatureCollection", "features": features}
