"""`watcher download`: the products that are due are fetched, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.naming import known_as, unseen
from watcher.cli.output import ago, several
from watcher.cli.under_way import bars, busy, ended
from watcher.errors import AlreadyRunning

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from watcher.tasks.download import Brought
    from watcher.wiring import Parts


@click.command()
@click.argument("product", nargs=-1)
@click.option(
    "--members",
    metavar="PATTERNS",
    help="Of the products named, which are zip files, fetch only these members: patterns, with commas between them.",
)
@click.option(
    "--assets",
    metavar="PATTERNS",
    help="Of the products named, which are in a STAC catalogue, fetch these files: keys, patterns of keys, roles.",
)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --members or --assets: into this directory [default: `parts/` in the archive].",
)
@click.pass_obj
def download(
    context: Context, product: tuple[str, ...], members: str | None, assets: str | None, folder: Path | None
) -> None:
    """Fetch the products that are due, once; those named are wanted from now on.

    A product is named by its title or id, as `watcher products` prints it, or by its file or directory (NAME.SAFE). A
    file that lies at its place in the archive already is kept when it is the same: when it has the checksum that the
    catalogue says, or the size.

    --members and --assets fetch some files of the products named, now and once, into a directory for each: in `parts/`
    in the archive, or where --to says.

    --members is for products that are zip files, where the server gives parts of a file; each member is proven by its
    CRC. A pattern matches a path in the zip, or the end of one from any directory on, whatever its case.

    --assets is for products of a STAC catalogue, which is asked for them again. Files are named by key (B02), by a
    pattern of keys ('B0?'), or by role (role:data). The directory has its name once all of them are there and verified.
    If any product has no file of a name, nothing is fetched at all.

    \b
    Examples:
      watcher download
      watcher download SPOT5_HRG1_XS_20150629_N2A_LitchfieldD0000B0000
      watcher download SENTINEL2A_20240601 --members '*_FRE_B*.tif,MASKS/*'
      watcher download S2B_31TCJ_20260101_0_L2A --assets B02,B03,SCL --to bands
    """
    if members is not None or assets is not None or folder is not None:
        from watcher.cli.home.by_hand import fetch_some

        fetch_some(context, product, members=members, assets=assets, folder=folder)
        return
    from watcher.store import downloads
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    count = _want(parts, db, product)
    failed = 0
    try:
        with busy(parts), bars() as show:
            for brought in parts.downloads.fetch(db, show):
                count += 1
                failed += not (brought.stored or brought.staged)
                with ended(show, brought.title):
                    _tell_of(parts, brought)
    except AlreadyRunning as error:
        if not product:
            raise
        raise AlreadyRunning(str(error), hint="what you named is wanted now, and comes with it") from error
    if parts.stop.is_set():
        click.echo("stopped; what was begun goes on from there next time", err=True)
        raise click.exceptions.Exit(130)
    held = sum(downloads.waiting(db, now=now()).values())
    if held:
        click.echo(f"{several(held, 'download')} {'is' if held == 1 else 'are'} held back; `watcher status` says why.")
    elif not count:
        later = len(downloads.troubles(db, waiting=True))
        click.echo(
            "No download is due" + (f"; {several(later, 'failed one')} will be tried again" if later else "") + "."
        )
    if failed:
        raise click.exceptions.Exit(1)


def _tell_of(parts: Parts, brought: Brought) -> None:
    from watcher.core.wording import proof
    from watcher.wiring import now

    if brought.stored is not None:
        home = brought.stored
        word = "stored" if home.fetched or home.moved else "kept, as it was there already:"
        place = parts.keeping.archive.shown(brought.place)
        click.echo(f"{word} {place} ({home.size:,} bytes, {proof(home.verified)})")
    elif brought.staged:
        click.echo(f"on tape {brought.title}: {brought.problem} (asked again {ago(brought.again, now())})")
    else:
        after = f"again {ago(brought.again, now())}" if brought.again else "given up; `watcher retry` tries again"
        click.echo(f"failed {brought.title}: {brought.problem} ({after})", err=True)


def _want(parts: Parts, db: sqlite3.Connection, titles: Sequence[str]) -> int:
    """Want these products, and say which are home already; return how many are."""
    from watcher.archive import whereabouts
    from watcher.store import archive, downloads
    from watcher.store.connection import writing
    from watcher.wiring import now

    home = 0
    for text in titles:
        title = known_as(db, text)
        with writing(db):
            if not downloads.want_by_hand(db, title, now=now()):
                raise unseen(db, text)
        for there in archive.titled(db, title):
            home += 1
            click.echo(
                f"{there.title} is stored already: {whereabouts(parts.keeping.archive, there.path, there.archive)}"
            )
    return home
