"""Carts: lists of files for other programs, and those that others made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import DateType, LevelType, Percent, SiteName
from watcher.cli.output import several
from watcher.cli.under_way import bars, busy, ended
from watcher.errors import UsageError, WatcherError

if TYPE_CHECKING:
    from watcher.model import Level, Product
    from watcher.store.listings import Seen

_FORMATS = ("meta4", "urls", "aria2", "curl", "wget", "csv")


@click.command()
@click.option("--site", type=SiteName(), help="Only what lies at this place.")
@click.option("--level", type=LevelType(filter=True), help="Only of this level.")
@click.option("--since", type=DateType(), help="Only what was acquired since.")
@click.option("--max-cloud", type=Percent(), help="Only up to this cloud cover; unknown passes.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="meta4", show_default=True, help="For which program."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to the terminal."
)
@click.pass_obj
def cart(
    context: Context,
    site: str | None,
    level: Level | None,
    since: datetime | None,
    max_cloud: float | None,
    form: str,
    output: Path | None,
) -> None:
    """Write the files of the products that were seen as a list for another program.

    A Metalink file (RFC 5854, .meta4) has sizes, hashes, and every address where the same file is to be had.
    DownThemAll and aria2c read it. aria2c checks what it fetches, and so does the script for wget; curl does not.
    The newest processing of each product is listed, and nothing that was withdrawn. There is no credential in a cart:
    the other program needs the account of the catalogue itself.

    \b
    Examples:
      watcher cart --site Litchfield --level L2A > litchfield.meta4
      aria2c -M litchfield.meta4 --check-integrity=true
      watcher cart --site Pornic --format curl -o pornic.curl && curl --netrc -K pornic.curl
    """
    from watcher.core.carts import FORMATS
    from watcher.core.carts import cart as filled
    from watcher.core.carts.cart import bytes_in_all
    from watcher.core.wording import bytes_word
    from watcher.store import listings, sites
    from watcher.wiring import now

    db = context.parts.db()
    number = sites.named(db, site).number if site is not None else None
    chosen = list(_current(listings.listing(db, site=number, level=level, since=since), max_cloud))
    files = filled(chosen)
    if not files:
        what = "none of the products that match has a file to fetch" if chosen else "no product that was seen matches"
        raise UsageError(what, hint="`watcher products` lists what was seen; it takes the same options")
    text = FORMATS[form](files, now())
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
    size, unsized = bytes_in_all(files)
    unchecked = sum(file.checksum is None for file in files)
    said = [f"{several(len(files), 'file')} of {several(len(chosen), 'product')}"]
    said += [(bytes_word(size) or "size unknown") + (f" and {unsized} of unknown size" if unsized else "")]
    said += [f"{unchecked} without a checksum"] if unchecked else []
    click.echo(", ".join(said) + ("" if output is None else f", in {output}"), err=True)


def _current(seen: list[Seen], max_cloud: float | None) -> Iterator[Product]:
    """Yield each product once, as its newest processing; the list has the newest revision of an id first."""
    from watcher.model import Event

    known: set[tuple[str, str, str]] = set()
    for one in seen:
        identity = (one.catalogue, one.product.collection, one.product.id)
        if identity in known:
            continue
        known.add(identity)
        cloudy = max_cloud is not None and one.product.cloud is not None and one.product.cloud > max_cloud
        if not (cloudy or one.replaced or one.event is Event.WITHDRAWN):
            yield one.product


@click.command("import")
@click.argument("source", metavar="CART", type=click.File("rb"))
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Into this directory.")
@click.pass_obj
def import_(context: Context, source: IO[bytes], folder: Path | None) -> None:
    """Fetch the files that a cart (.meta4) names, each whole and verified.

    The carts of THEIA and of SPOT (Take5) are read as they are. Their links end after 24 hours: then the cart has to be
    made anew where it came from. Files go to `carts/` in the archive, unless --to names another directory. Do it again
    after an interruption: what is there is left alone, and what was begun goes on.

    \b
    Examples:
      watcher import cart.meta4
      watcher import cart.meta4 --to /srv/litchfield
    """
    from watcher.core.archive.shelves import safe
    from watcher.core.carts import read
    from watcher.core.wording import proof
    from watcher.errors import TransferError

    parts = context.parts
    name = Path(source.name).name if source.name not in ("-", "<stdin>") else "standard input"
    files = read(source.read(_MOST + 1)[:_MOST], name=name)
    folder = folder or parts.keeping.by_hand(parts.db(), "carts") / safe(Path(name).stem)
    missing = len(files)
    with busy(parts), bars() as show:
        for brought in parts.downloads.fetch_cart(parts.db(), files, folder, show):
            missing -= brought.verified is not None
            with ended(show, brought.file.name):
                if brought.verified is not None:
                    how = brought.verified
                    word = "stored" if how.fetched else "kept"
                    click.echo(f"{word} {brought.path} ({how.size:,} bytes, {proof(how.how)})")
                else:
                    click.echo(f"failed {brought.file.name}: {_why(brought.problem)}", err=True)
    if parts.stop.is_set():
        click.echo("stopped; what was begun goes on from there next time", err=True)
        raise click.exceptions.Exit(130)
    if missing:
        raise TransferError(
            f"{several(missing, 'file')} of {len(files)} could not be fetched",
            hint="do it again: what is here stays. If its links have ended, as some do after a day, make it anew",
        )


_MOST = 64 * 2**20
"""A cart of more bytes is none."""


def _why(problem: WatcherError | None) -> str:
    if problem is None:
        return "unknown"
    return f"{problem}" + (f" [{problem.hint}]" if problem.hint else "")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", hint="name a file in a directory that is there"
        ) from error
