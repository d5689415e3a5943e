"""One item by its identifier (STAC API 1.0, Features: `/collections/{collection}/items/{id}`)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from watcher.catalogues.stac.features import Feature
from watcher.decoding import decoder
from watcher.errors import CatalogueError, HttpError
from watcher.model import Product
from watcher.names import identity
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.stac import Kind
    from watcher.net import Http

_item = decoder(Feature).decode


def again(kind: Kind, http: Http, product: Product) -> Feature:
    """Ask for the item of a product. Raises `CatalogueError` when it is gone, or what comes is another, or none."""
    base = f"{kind.url.rstrip('/')}/collections/{quote(product.collection, safe='')}"
    url = f"{base}/items/{quote(product.id, safe='')}"
    try:
        feature = _item(json_body(http.get(url)))
    except HttpError as error:
        if error.status not in (404, 410):
            raise
        raise CatalogueError(
            f"{kind.url} has no {product.id} in {product.collection} any more", permanent=True
        ) from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CatalogueError(f"{url} is no STAC item: {error}") from error
    if (identity(feature.id), feature.collection) != (product.id, product.collection):
        raise CatalogueError(f"{url} is another item: {feature.id[:200]!r} in {feature.collection[:200]!r}")
    return feature
