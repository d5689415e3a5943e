"""What was seen."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import DateType, LevelType, SiteName
from watcher.cli.output import FACTS, ago, facts, json_option, show_csv, show_json, show_table
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Level
    from watcher.store.listings import Seen
    from watcher.wiring import Parts

_COLUMNS = {
    "site": "SITE",
    "level": "LEVEL",
    "acquired": "ACQUIRED",
    "cloud": "CLOUD %",
    "event": "EVENT",
    "title": "PRODUCT",
    "stored": "STORED",
}
_ALSO = {"also": "ALSO IN"}
_CSV = (
    "site",
    "catalogue",
    *FACTS,
    "updated",
    "cloud",
    "event",
    "cause",
    "also",
    "replaced",
    "seen",
    "stored",
    "staged",
    "link",
    "quicklook",
)
"""Of what a row has, what fits into a cell."""


@click.command()
@click.option("--site", type=SiteName(), help="Only of this place.")
@click.option("--level", type=LevelType(filter=True), help="Only of this level.")
@click.option("--since", type=DateType(), help="Only what was acquired since.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.pass_obj
def products(
    context: Context,
    site: str | None,
    level: Level | None,
    since: datetime | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List what was seen, newest acquisition first.

    EVENT is empty for what was there at the baseline, and for what another catalogue had told of: ALSO IN names the
    others that list the same acquisition (`watcher race` says which was first). STORED is the place in the archive
    (`watcher status` says where that is); --json and --csv give the whole path, and much else.

    \b
    Examples:
      watcher products --site Litchfield --level L2A
      watcher products --since 2026-11-01 --json
      watcher products --csv > products.csv
    """
    from watcher.store import listings, sites

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", hint="give one of them")
    parts = context.parts
    db = parts.db()
    number = sites.named(db, site).number if site is not None else None
    listed = list(listings.listing(db, site=number, level=level, since=since))
    rows = [_row(parts, seen) for seen in listed]
    if as_json:
        show_json(rows)
    elif as_csv:
        show_csv([{**row, "also": "; ".join(row["also"])} for row in rows], _CSV)
    else:
        # Where in the archive: the whole path would fold every line.
        shelved = [
            {**row, "stored": (one.stored if _at_home(parts, one) else row["stored"]) or _staged(row["staged"])}
            for one, row in zip(listed, rows, strict=True)
        ]
        columns = _COLUMNS | _ALSO if any(row["also"] for row in rows) else _COLUMNS
        filtered = site is not None or level is not None or since is not None
        show_table(
            shelved,
            columns,
            empty="None of these was seen yet." if filtered else "Nothing was seen yet of a place that is watched.",
        )


def _at_home(parts: Parts, seen: Seen) -> bool:
    return seen.archive in (None, parts.keeping.archive.shown(""))


def _row(parts: Parts, seen: Seen) -> dict[str, Any]:
    from watcher.archive import whereabouts

    product = seen.product
    return {
        "site": seen.site,
        "catalogue": seen.catalogue,
        **facts(product),
        "updated": product.updated,
        "cloud": product.cloud,
        "event": seen.event.value if seen.event else None,
        "cause": seen.cause,
        "also": list(seen.also),
        "replaced": seen.replaced,
        "seen": seen.seen,
        "stored": whereabouts(parts.keeping.archive, seen.stored, seen.archive) if seen.stored else None,
        "staged": seen.staged,
        "link": product.link,
        "quicklook": product.quicklook,
        "assets": [
            {
                "key": asset.key,
                "href": asset.href,
                "type": asset.type,
                "size": asset.size,
                "checksum": asset.checksum,
            }
            for asset in product.assets
        ],
        "geometry": json.loads(product.geometry) if product.geometry else None,
    }


def _staged(again: datetime | None) -> str | None:
    from watcher.wiring import now

    return None if again is None else f"on tape, asked again {ago(again, now())}"
