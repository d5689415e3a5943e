"""`watcher find`: a sentence as people write it becomes a search, in a catalogue or in what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import click

from watcher.cli import Context
from watcher.cli.options import CatalogueName, one_of
from watcher.cli.output import complain, json_option, json_text, several, show_csv, show_json, show_table
from watcher.cli.waiting import waiting
from watcher.cli.watched.find.rows import CSV, features, row
from watcher.core.sentences.sentence import Kind
from watcher.errors import CatalogueError, UsageError
from watcher.names import plain

if TYPE_CHECKING:
    from watcher.cli.watched.find.ground import Spots
    from watcher.cli.watched.find.search import Haul
    from watcher.core.sentences import Sentence
    from watcher.wiring import Parts

_PROBLEMS = 3
"""So many failures are told besides the one that a search ends with."""

EXAMPLES = (
    'watcher find "Toulouse LANDSAT8 2014"',
    'watcher find "La Rochelle Sentinel-2 L2A last 2 months less than 20 % cloud"',
    'watcher find "T31TCJ sentinel2 été 2025 moins de 20% de nuages"',
)
_COLUMNS = {
    "catalogue": "CATALOGUE",
    "site": "SITE",
    "acquired": "ACQUIRED",
    "level": "LEVEL",
    "platform": "PLATFORM",
    "cloud": "CLOUD %",
    "title": "PRODUCT",
    "link": "LINK",
}


@click.command()
@click.argument("sentence", nargs=-1, required=True)
@click.option("--catalogue", "catalogues", type=CatalogueName(), multiple=True, help="Where to look. May be repeated.")
@click.option("--seen", "in_seen", is_flag=True, help="Look in what was already seen; ask no catalogue.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", default=50, show_default=True, help="Show so many, the newest."
)
@click.option("--pick", type=click.IntRange(min=1), metavar="N", help="The N-th of the places that may be meant.")
@click.option("--watch", "to_watch", is_flag=True, help="Watch the place on these terms, instead of searching.")
@click.option("--as", "name", metavar="NAME", help="With --watch: what the site is called.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--geojson", "as_geojson", is_flag=True, help="Print a GeoJSON FeatureCollection.")
@click.pass_context
def find(
    ctx: click.Context,
    sentence: tuple[str, ...],
    catalogues: tuple[str, ...],
    in_seen: bool,
    limit: int,
    pick: int | None,
    to_watch: bool,
    name: str | None,
    as_json: bool,
    as_csv: bool,
    as_geojson: bool,
) -> None:
    """Search by a sentence, in English or French: place, satellite, instrument, level, dates, seasons, clouds, tile.

    Says on a line how the sentence was read, and names what was not understood. Without a date, the last 90 days are
    searched, or all that a catalogue of sites has. Words in quotes are a place; key:value says what a word is about
    (platform, instrument, level, collection, place, tile, date, since, before, cloud).

    \b
    Examples:
      watcher find "Toulouse LANDSAT8 2014"
      watcher find "La Rochelle Sentinel-2 L2A last 2 months less than 20 % cloud" --geojson > scenes.geojson
      watcher find "images de Pornic en juin 2015 sans nuage" --catalogue take5
      watcher find "T31TCJ since 2025-06-01 cloud < 10" --seen
      watcher find "Toulouse L2A max 20 % cloud" --watch --as "At home"
    """
    from watcher.core.sentences import read
    from watcher.wiring import now

    one_of(json=as_json or None, csv=as_csv or None, geojson=as_geojson or None, watch=to_watch or None)
    one_of(seen=in_seen or None, watch=to_watch or None)
    if name is not None and not to_watch:
        raise UsageError("--as is what a watched site is called", hint="give --watch too")
    context: Context = ctx.obj
    asked = read(" ".join(sentence), now=now())
    _sensible(asked)
    if pick is not None and len(asked.places) + len(asked.grids) > 1:
        raise UsageError("--pick is for one place, and the sentence names several", hint="search for each by itself")
    if to_watch:
        from watcher.cli.watched.find.watch import watch

        watch(ctx, context.parts, asked, catalogues, name=name, pick=pick)
        return
    haul = _seen(context.parts, asked, catalogues, pick) if in_seen else _live(context.parts, asked, catalogues, pick)
    hits = haul.newest()
    rows = [row(hit) for hit in hits[:limit]]
    if haul.problems and not rows:
        _troubles(haul)
    if as_geojson:
        click.echo(json_text(features(rows)))
    elif as_json:
        show_json(rows)
    elif as_csv:
        show_csv(rows, CSV)
    else:
        _table(rows)
    _told(haul, len(hits) - len(rows))
    if haul.problems:
        _troubles(haul)


def _troubles(haul: Haul) -> NoReturn:
    """Say all that failed, the first last: as the error that it ends with."""
    first, *others = haul.problems
    for error in others[:_PROBLEMS]:
        complain(error)
    if more := len(others[_PROBLEMS:]):
        click.echo(f"… and {several(more, 'more question')} failed: `watcher check` says of each collection", err=True)
    raise first


def _sensible(asked: Sentence) -> None:
    """Refuse a sentence of which nothing was understood, or that nothing can fit."""
    from watcher.core.sentences.echo import strange

    if not any(reading.meaning for reading in asked.understood):
        raise UsageError(
            strange(asked, asked.asides) or "there is nothing to look for", hint="write it like " + ", ".join(EXAMPLES)
        )
    if asked.contradictions:
        raise UsageError(
            f"nothing can be all of: {', '.join(asked.contradictions)}", hint="leave one of them out, or search twice"
        )


def _live(parts: Parts, asked: Sentence, catalogues: Sequence[str], pick: int | None) -> Haul:
    from watcher.cli.watched.find.search import Haul, elsewhere, fitting, live, plan
    from watcher.core.sentences.echo import undated
    from watcher.wiring import now

    moment, lookback = now(), timedelta(seconds=parts.config.poll.lookback)
    names = list(dict.fromkeys(catalogues)) or [parts.config.default_catalogue()]
    try:
        asking, others = fitting(parts, names, asked)
        if not asking:
            if known := elsewhere(parts, asked):
                others[0].hint = f"{others[0].hint}; look elsewhere: --catalogue {' or '.join(known)}"
            raise others[0]
        plans = [plan(parts, *each, asked, pick, now=moment, lookback=lookback) for each in asking.items()]
    except UsageError as error:
        _refused(asked, error)
        raise
    begin = f"{moment - lookback:%Y-%m-%d}"
    assumed = [undated(asked.language, plan.days, begin) for plan in plans if not asked.acquired]
    _say_where(asked, [plan.spots for plan in plans], assumed)
    for other in others:
        click.echo(f"  {other}", err=True)
    haul = Haul()
    for each in plans:
        try:
            with waiting(f"asking {each.named}"):
                live(parts, each, asked, haul)
        except CatalogueError as error:
            haul.problems.append(error)
    return haul


def _seen(parts: Parts, asked: Sentence, catalogues: Sequence[str], pick: int | None) -> Haul:
    from watcher.cli.watched.find.place import stored
    from watcher.cli.watched.find.search import Haul, seen

    try:
        spots = stored(parts, asked, pick)
    except UsageError as error:
        _refused(asked, error)
        raise
    _say_where(asked, [spots], [])
    haul = Haul()
    seen(parts, asked, spots, catalogues, haul)
    return haul


def _refused(asked: Sentence, error: UsageError) -> None:
    """Say how the rest was read before a place is refused; with examples where there is no rest."""
    _say(asked, [f'"{words}"' for words in (*asked.grids, *asked.places)], asked.asides)
    if all(reading.kind in (Kind.PLACE, Kind.PASSING) for reading in asked.understood):
        error.hint = f"{error.hint}; a sentence is like {', '.join(EXAMPLES)}"


def _say_where(asked: Sentence, found: Sequence[Spots], assumed: Sequence[str]) -> None:
    from watcher.cli.watched.find.place import described

    places = [described(spot.place, asked.language) for spots in found for spot in spots.spots]
    left = [word for spots in found for word in spots.left]
    _say(asked, list(dict.fromkeys(places)), list(dict.fromkeys(left)), acquired=list(dict.fromkeys(assumed)))
    for remark in dict.fromkeys(remark for spots in found for remark in spots.remarks):
        click.echo(f"  {plain(remark, limit=400)}", err=True)


def _say(asked: Sentence, places: Sequence[str], left: Sequence[str], *, acquired: Sequence[str] = ()) -> None:
    """Say how the sentence was read, and what was not understood, where it does not get into a pipe."""
    from watcher.core.sentences.echo import said, strange

    click.echo(said(asked, places, acquired=acquired), err=True)
    if told := strange(asked, left):
        click.echo(told, err=True)


def _table(rows: Sequence[dict[str, Any]]) -> None:
    left_out = {"site"} if not any(row["site"] for row in rows) else set()
    if len({row["catalogue"] for row in rows}) < 2:
        left_out.add("catalogue")
    columns = {key: heading for key, heading in _COLUMNS.items() if key not in left_out}
    show_table(rows, columns, empty="Nothing was found.")


def _told(haul: Haul, more: int) -> None:
    """Say what the listing does not show: more of it, what products do not tell, and answers that were cut off."""
    from watcher.cli.watched.find.search import MOST

    if more > 0:
        click.echo(f"… and {more:,} more: --limit", err=True)
    for kind, count in haul.silent.items():
        click.echo(f"{several(count, 'product')} of these {'says' if count == 1 else 'say'} no {kind}", err=True)
    for question in dict.fromkeys(haul.cut):
        told = f"{question}: cut off after {MOST:,} products, there may be newer ones"
        click.echo(f"{told}: say a shorter time or a smaller place", err=True)
