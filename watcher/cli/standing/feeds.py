"""Write the feeds by hand."""

from __future__ import annotations

from pathlib import Path

import click

from watcher.cli import Context
from watcher.cli.output import several
from watcher.errors import UsageError


@click.command()
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path), metavar="[DIR]")
@click.pass_obj
def feeds(context: Context, directory: Path | None) -> None:
    """Write what arrived as files for other programs: into DIR, or where [feeds] in the configuration says.

    Of each site, and of all: Atom, JSON Feed and GeoJSON of the newest arrivals, a static STAC collection of their
    products, and a calendar (ICS) of the acquisitions that were seen and are expected. `watcher run` and `watcher poll`
    write them after each pass where [feeds] names a directory; here all are written, whatever was before. A file that
    would not change is left alone, and those of sites that were removed go.

    \b
    Examples:
      watcher feeds
      watcher feeds /srv/www/arrivals
    """
    parts = context.parts
    at = directory.expanduser().absolute() if directory is not None else parts.config.feeds.place()
    if at is None:
        raise UsageError(
            "nothing says where to write the feeds",
            hint='name a directory: watcher feeds DIR, or directory = "/srv/www/arrivals" in [feeds]',
        )
    wrote = parts.every_feed(parts.db(), at)
    click.echo(
        f"{several(wrote.sites, 'site')} in {at}: {several(wrote.written, 'file')} written, {wrote.same:,} left as they"
        f" were, {wrote.removed:,} removed"
    )
