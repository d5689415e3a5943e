"""What every format gives: a shape with a name and a country, if it has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

NAMES = ("name", "site", "site_name", "sitename", "title", "nom", "nombre", "label", "zone_geo", "tile", "code", "id")
"""Attributes that name a feature, in any case, the likeliest first."""
COUNTRIES = ("country", "country_name", "pays", "nation")


class Feature(msgspec.Struct, frozen=True):
    """One feature as it stands in the file.

    `shape` is in degrees of WGS84 unless the format says otherwise, `None` where the feature has none; `reach` is how
    many kilometres around a point are meant, where the file says so; `where` is its place in the file, for errors.
    """

    shape: BaseGeometry | None
    where: str
    name: str | None = None
    country: str | None = None
    reach: float | None = None


def first(attributes: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return the first of these attributes (folded names) that has a text or a whole number."""
    folded = {str(key).strip().casefold(): value for key, value in attributes.items()}
    for name in names:
        value = folded.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return None
