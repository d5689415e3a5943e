"""How a text is understood as a place, before it is watched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import one_of
from watcher.cli.output import json_option, json_text, show_json
from watcher.errors import UsageError
from watcher.names import plain

if TYPE_CHECKING:
    from watcher.places.place import Place
    from watcher.places.understand import Understood


@click.command()
@click.argument("text")
@click.option("--pick", type=click.IntRange(min=1), metavar="N", help="The N-th of the places that it may be.")
@json_option
@click.option("--geojson", "as_geojson", is_flag=True, help="Print the place as a GeoJSON Feature.")
@click.pass_obj
def where(context: Context, text: str, pick: int | None, as_json: bool, as_geojson: bool) -> None:
    """Explain how a text is understood as a place; `add-site` takes the same texts.

    TEXT is a Take5 site, a park or region, a town; a Sentinel-2 tile, a Landsat path and row; LON,LAT[,KM] or
    W,S,E,N in degrees, or a position as 43.6° N 1.44° E; WKT, or a file of geometries. A country or region may stand
    behind a name.

    What may be several places is listed with numbers; then it exits with 2. Towns: contains GeoNames data
    (geonames.org), CC BY 4.0. Parks and regions are boxes drawn by hand.

    \b
    Examples:
      watcher where Litchfield
      watcher where "Paris, Texas"
      watcher where Springfield --pick 3
      watcher where T31TCJ
      watcher where 198/30 --geojson > scene.geojson
    """
    from watcher.cli.watched import known
    from watcher.places.choice import ELSE, chosen

    one_of(json=as_json or None, geojson=as_geojson or None)
    understood = known.understood(context.parts, text)
    try:
        place = chosen(understood, pick)
    except UsageError as error:
        if as_json:
            show_json(_document(understood, None))
        if error.hint == ELSE:
            error.hint = "say where it is: LON,LAT[,KM] or W,S,E,N in degrees, WKT, or a file"
        raise
    if as_json:
        show_json(_document(understood, place))
    elif as_geojson:
        click.echo(json_text(_feature(place)))
    else:
        _explain(understood, place)


def _explain(understood: Understood, place: Place) -> None:
    from watcher.places import extent
    from watcher.places.choice import listed
    from watcher.places.place import address, position

    facts = [
        ("kind", place.kind),
        ("about", place.detail),
        ("position", position(*place.point) if place.point else None),
    ]
    facts += [("box", _written(_bounds(place))), *_reach(place), ("origin", place.origin), ("grid", place.grid)]
    facts += [("tiles", _some(_tiles(place))), ("path/row", _some(_scenes(place)))]
    click.echo(plain(address(place)))
    for name, value in facts:
        if value:
            click.echo(f"  {name:10}{plain(value, limit=400)}")
    doubts = [doubt] if place.geometry and (doubt := extent.doubt(place.geometry)) else []
    for remark in [*doubts, *understood.remarks]:
        click.echo(f"  {plain(remark, limit=400)}")
    if len(understood.places) > 1:
        click.echo("It may also be (--pick N):")
        for line in listed(understood.places, but=place):
            click.echo(f"    {plain(line, limit=400)}")


def _document(understood: Understood, place: Place | None) -> dict[str, Any]:
    taken = _properties(place) if place else None
    if taken is not None and place is not None:
        taken |= {"tiles": _tiles(place), "scenes": _scenes(place), "geometry": _geometry(place)}
    return {
        "text": understood.text,
        "place": taken,
        "remarks": understood.remarks,
        "places": [{"number": number, **_properties(each)} for number, each in enumerate(understood.places, 1)],
    }


def _feature(place: Place) -> dict[str, Any]:
    return {
        "type": "Feature",
        "bbox": _bounds(place),
        "geometry": _geometry(place),
        "properties": {**_properties(place), "tiles": _tiles(place), "scenes": _scenes(place)},
    }


def _properties(place: Place) -> dict[str, Any]:
    longitude, latitude = place.point or (None, None)
    return {
        "name": place.name,
        "kind": place.kind,
        "country": place.country,
        "region": place.region,
        "longitude": longitude,
        "latitude": latitude,
        "bbox": _bounds(place),
        "grid": place.grid,
        "exact": place.exact,
        "origin": place.origin,
        "detail": place.detail,
    }


def _geometry(place: Place) -> Any:
    return json.loads(place.geometry) if place.geometry else None


def _bounds(place: Place) -> list[float] | None:
    from watcher.places import extent

    return [round(edge, 5) for edge in extent.bounds(place.geometry)] if place.geometry else None


def _reach(place: Place) -> list[tuple[str, str]]:
    """Say how large a place is, which cells of a grid are by their name; and near what, unless it has one."""
    from watcher.places import extent

    if place.geometry is None or place.grid is not None:
        return []
    return [("size", extent.size(place.geometry)), *([] if place.named else [("near", extent.near(place.geometry))])]


def _written(bounds: Sequence[float] | None) -> str | None:
    return ",".join(f"{edge:g}" for edge in bounds) + " (W,S,E,N)" if bounds else None


def _tiles(place: Place) -> list[str]:
    from watcher.places import tiles

    return list(tiles.covering(place.geometry)) if place.geometry else []


def _scenes(place: Place) -> list[str]:
    from watcher.places import wrs

    return list(wrs.covering(place.geometry)) if place.geometry else []


def _some(names: Sequence[str]) -> str:
    return " ".join(names[:24]) + (f" … {len(names)} in all" if len(names) > 24 else "")
