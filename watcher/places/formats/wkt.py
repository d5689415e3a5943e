"""WKT (OGC 06-103r4): one geometry, over as many lines as it likes; longitude first."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.errors import UsageError
from watcher.places.formats.feature import Feature


def features(content: bytes, *, where: str) -> Iterator[Feature]:
    """Yield the one feature; raises `UsageError` for what is no WKT."""
    import shapely

    try:
        text = content.decode("utf-8-sig").strip()
        yield Feature(shapely.from_wkt(text), where)
    except (UnicodeDecodeError, ValueError, shapely.errors.ShapelyError) as error:
        raise UsageError(
            f"{where} is no WKT that can be read: {error}",
            hint="it is one geometry, as POLYGON((1 43, 2 43, 2 44, 1 43))",
        ) from error
