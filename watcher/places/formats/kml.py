"""KML 2.2 (OGC 07-147r2): the placemarks that have a point, a line or a polygon; KMZ is a ZIP of it.

Nothing that a KML links to is fetched; entities and DTDs are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, ParseError

from watcher.errors import UsageError
from watcher.places.formats.feature import COUNTRIES, NAMES, Feature, first

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_DRAWN = ("Point", "LineString", "LinearRing", "Polygon")


def features(content: bytes, *, where: str) -> Iterator[Feature]:
    """Yield the placemarks; raises `UsageError` for what is no KML."""
    import defusedxml
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(content, forbid_dtd=True)
    except defusedxml.DefusedXmlException as error:
        raise UsageError(
            f"{where} declares a DTD or entities, which watcher does not read", hint="export it again as plain KML"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise UsageError(f"{where} is not XML that can be read: {error}") from error
    if _tag(root) not in ("kml", "Document", "Folder", "Placemark"):
        raise UsageError(f"{where} is XML, but no KML: it begins with <{_tag(root)}>")
    placed = False
    for number, mark in enumerate((each for each in root.iter() if _tag(each) == "Placemark"), start=1):
        placed = True
        here = f"{where}, placemark {number}"
        attributes = dict(_attributes(mark))
        own = next((each.text for each in mark if _tag(each) == "name"), None)
        yield Feature(
            _shape(mark, here), here, (own or "").strip() or first(attributes, NAMES), first(attributes, COUNTRIES)
        )
    if not placed and any(_tag(each) == "NetworkLink" for each in root.iter()):
        raise UsageError(
            f"{where} has no placemarks, only links to another KML",
            hint="open the link in a browser, save what it leads to, and import that",
        )


def _shape(mark: Element, where: str) -> BaseGeometry | None:
    import shapely

    shapes = [shape for each in _drawings(mark) if (shape := _drawn(each, where)) is not None]
    if not shapes:
        return None
    return shapes[0] if len(shapes) == 1 else shapely.geometrycollections(shapes)


def _drawings(mark: Element) -> Iterator[Element]:
    """Yield what is drawn, in the order of the file, however deep in MultiGeometry; not the rings of a polygon."""
    waiting = [mark]
    while waiting:
        element = waiting.pop()
        if _tag(element) in _DRAWN:
            yield element
        else:
            waiting += reversed(element)


def _drawn(element: Element, where: str) -> BaseGeometry | None:
    import shapely

    try:
        if _tag(element) != "Polygon":
            positions = _positions(element, where)
            if not positions:
                return None
            kind: Any = {"Point": shapely.Point, "LineString": shapely.LineString}.get(_tag(element), shapely.Polygon)
            return kind(positions[0] if kind is shapely.Point else positions)
        outer, *_ = [*_rings(element, "outerBoundaryIs", where), []]
        return shapely.Polygon(outer, list(_rings(element, "innerBoundaryIs", where))) if outer else None
    except (ValueError, shapely.errors.ShapelyError) as error:
        raise UsageError(f"{where} has a {_tag(element)} that cannot be read: {error}") from error


def _rings(polygon: Element, boundary: str, where: str) -> Iterator[list[tuple[float, float]]]:
    for each in polygon:
        if _tag(each) == boundary:
            for ring in each:
                if positions := _positions(ring, where):
                    yield positions


def _positions(element: Element, where: str) -> list[tuple[float, float]]:
    """Read `lon,lat[,altitude] …`; some writers put blanks behind the commas."""
    text = next((each.text or "" for each in element if _tag(each) == "coordinates"), "")
    positions = []
    for word in ",".join(part.strip() for part in text.split(",")).split():
        try:
            longitude, latitude, *_ = (float(number) for number in word.split(","))
        except ValueError as error:
            raise UsageError(
                f'{where} has the coordinates "{word[:60]}"', hint="they are written longitude,latitude[,altitude]"
            ) from error
        positions.append((longitude, latitude))
    return positions


def _attributes(mark: Element) -> Iterator[tuple[str, Any]]:
    for each in mark.iter():
        if _tag(each) == "SimpleData" and "name" in each.attrib:
            yield each.attrib["name"], each.text
        elif _tag(each) == "Data" and "name" in each.attrib:
            yield each.attrib["name"], next((value.text for value in each if _tag(value) == "value"), None)


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
