"""`watcher verify`: whether the archive is what it was."""

from __future__ import annotations

from collections import Counter

import click

from watcher.cli import Context
from watcher.cli.options import SiteName
from watcher.cli.output import json_option, several, show_json
from watcher.cli.under_way import busy
from watcher.cli.waiting import each


@click.command()
@click.option("--deep", is_flag=True, help="Read every file, and compare its SHA-256 with the one it came with.")
@click.option("--site", type=SiteName(), help="Only what is stored for this place.")
@click.option("--again", is_flag=True, help="Fetch anew what is lost or rotten; a rotten file is kept as NAME.rotten.")
@json_option
@click.pass_obj
def verify(context: Context, deep: bool, site: str | None, again: bool, as_json: bool) -> None:
    """Look whether every product that was stored is still there, and still has its size.

    What was not well when it was last looked at is read whole also without --deep.

    A product is fine, lost (not there), rotten (another size, or with --deep another checksum), unreadable, elsewhere
    (in the archive that the configuration named before), or unverified: as it came, but when it came its catalogue said
    nothing that could prove it. What is found is remembered, and `watcher status` says what is wrong. Exits with 1 if
    anything is. A sidecar that is gone is written again; a product is bare where that cannot be done.

    \b
    Examples:
      watcher verify
      watcher verify --deep --site Litchfield
      watcher verify --deep --again && watcher download
    """
    from watcher.archive import whereabouts
    from watcher.store import sites

    parts = context.parts
    db = parts.db()
    shelf = sites.named(db, site).name if site is not None else None
    counts: Counter[str] = Counter()
    rows = []
    wrong = 0
    with busy(parts):
        for verdict in each(
            "reading" if deep else "looking", parts.keeping.verify(db, site=shelf, deep=deep, again=again)
        ):
            counts[verdict.state.value] += 1
            wrong += not verdict.state.well
            held = verdict.held
            rows.append(
                {
                    "title": held.title,
                    "site": held.site,
                    "path": whereabouts(parts.keeping.archive, held.path, held.archive),
                    "state": verdict.state.value,
                    "fault": verdict.fault,
                    "verified": held.verified,
                    "stored": held.stored,
                    "again": verdict.again,
                    "described": verdict.described,
                }
            )
            if not as_json and verdict.fault is not None:
                anew = " (wanted anew)" if verdict.again else ""
                click.echo(f"{verdict.state.value} {held.title}: {verdict.fault}{anew}")
            if not as_json and verdict.described is not None:
                click.echo(f"described {held.title} again, whose sidecar was gone: {verdict.described}")
    if as_json:
        show_json(rows)
    elif not rows and not parts.stop.is_set():
        click.echo("Nothing was stored yet." if shelf is None else f"Nothing was stored for {shelf} yet.")
    else:
        how = "every byte read" if deep else "sizes only; --deep reads every byte"
        found = ", ".join(f"{count} {state}" for state, count in counts.most_common())
        click.echo(f"{several(len(rows), 'product')} looked at ({how}): {found or 'none'}")
        if wrong and not again:
            if counts["elsewhere"]:
                place = parts.keeping.archive.shown("")
                click.echo(f"  → copy what lies elsewhere to the same places in {place}, then verify again", err=True)
            if wrong > counts["unreadable"] + counts["bare"]:
                click.echo("  → watcher verify --again fetches anew what is not as it was", err=True)
    if parts.stop.is_set():
        click.echo("stopped; the rest was not looked at", err=True)
        raise click.exceptions.Exit(130)
    if wrong:
        raise click.exceptions.Exit(1)
