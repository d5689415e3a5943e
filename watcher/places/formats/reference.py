"""Coordinates of other reference systems become longitude and latitude of WGS84. Offline: no grids are fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watcher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry


def to_wgs84(system: str, *, where: str) -> Callable[[BaseGeometry], BaseGeometry]:
    """Return what moves a shape from a system (WKT, `EPSG:32631`, an OGC URN) to degrees, longitude first.

    `where` is what says so, for the error. Raises `UsageError` for a system that is not known or is not on Earth; so
    does the move for a shape that is outside of what the system can show, or that goes around a pole.
    """
    import pyproj
    import pyproj.network

    pyproj.network.set_network_enabled(active=False)  # type: ignore[attr-defined]  # it does not say so in __all__
    try:
        move = pyproj.Transformer.from_crs(pyproj.CRS.from_user_input(system), "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise UsageError(
            f"{where} names a coordinate reference system that cannot be read: {str(error)[:200]}",
            hint="reproject it to EPSG:4326 (WGS84, longitude and latitude)",
        ) from error
    return lambda shape: _moved(shape, move, where)


def _moved(shape: BaseGeometry, move: Any, where: str) -> BaseGeometry:
    import numpy as np
    import shapely

    def transformed(positions: Any) -> Any:
        longitude, latitude = move.transform(positions[:, 0], positions[:, 1])
        if len(longitude) and np.isfinite(longitude).all():
            # A shape across the antimeridian stays in one piece; it is cut there later.
            longitude = longitude[0] + (longitude - longitude[0] + 180) % 360 - 180
        return np.column_stack([longitude, latitude])

    flat = shapely.force_2d(shape)
    parts = [shapely.transform(part, transformed) for part in shapely.get_parts(flat)]
    if not np.isfinite(shapely.get_coordinates(parts)).all():
        raise UsageError(
            f"{where} has coordinates that its reference system cannot show",
            hint="is the right system named? Otherwise reproject it to EPSG:4326",
        )
    for part in parts:
        if _around_a_pole(part):
            raise UsageError(
                f"{where} goes around a pole, which longitude and latitude cannot show",
                hint="divide it into parts that do not hold the pole",
            )
    return parts[0] if len(parts) == 1 else shapely.geometrycollections(parts)


def _around_a_pole(shape: Any) -> bool:
    import numpy as np
    import shapely

    if shape.geom_type != "Polygon":
        return False
    longitudes = shapely.get_coordinates(shape.exterior)[:, 0]
    steps = (np.diff(longitudes) + 180) % 360 - 180
    return abs(float(steps.sum())) > 180
