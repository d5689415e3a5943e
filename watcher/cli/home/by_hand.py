"""`watcher download PRODUCT --members`, `--assets`: some files of a product, without the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.naming import known_as, unseen
from watcher.cli.options import words
from watcher.cli.output import several
from watcher.cli.under_way import bars, busy, ended
from watcher.errors import UsageError, WatcherError

if TYPE_CHECKING:
    from watcher.model import Product
    from watcher.wiring import Parts

_EXAMPLES = {"members": "'*_B04*,MASKS/*'", "assets": "B02,B03,SCL"}


def fetch_some(
    context: Context, titles: Sequence[str], *, members: str | None, assets: str | None, folder: Path | None
) -> None:
    """Fetch those members or assets of the products that are named, say what came; end with 1 if anything did not.

    Raises `UsageError` for what cannot be meant, before anything is fetched.
    """
    if members is not None and assets is not None:
        raise UsageError(
            "--members and --assets exclude each other",
            hint="--assets chooses among the files that a product has, --members what is in its one zip file",
        )
    if members is None and assets is None:
        raise UsageError(
            "--to is for --members and --assets", hint="products go to the archive: download.archive says where"
        )
    option, text = ("members", members) if members is not None else ("assets", assets or "")
    patterns = words(text)
    if not patterns:
        raise UsageError(f"--{option} names no pattern", hint=f"write for instance --{option} {_EXAMPLES[option]}")
    if not titles:
        raise UsageError(f"--{option} wants a product to be named", hint="`watcher products` lists them")
    parts = context.parts
    named = _named(parts, titles, assets=assets is not None)
    folder = folder or parts.keeping.by_hand(parts.db(), "parts")
    failed = 0
    with busy(parts):
        if assets is not None:
            named, failed = _chosen(parts, named, patterns)
        with bars() as show:
            for brought in parts.downloads.fetch_by_hand(parts.db(), named, folder, None if assets else patterns, show):
                with ended(show, brought.title):
                    if brought.gathered is not None:
                        home = brought.gathered
                        word = "stored" if home.fetched else "kept"
                        files = several(len(home.files), "file")
                        packed = "" if assets else " as they are packed"
                        click.echo(
                            f"{word} {brought.path} ({files}, {home.size:,} bytes; {home.fetched:,} fetched{packed};"
                            f" {_proof(home.how)})"
                        )
                    else:
                        failed += 1
                        _tell(brought.title, brought.problem)
    if parts.stop.is_set():
        click.echo("stopped; what is complete stays, and is not fetched again", err=True)
        raise click.exceptions.Exit(130)
    if failed:
        raise click.exceptions.Exit(1)


def _named(parts: Parts, titles: Sequence[str], *, assets: bool) -> list[tuple[str, Product]]:
    """Return the products of these titles, with their catalogues: of those that have it, one that has such `assets`."""
    from watcher.store import products

    db, found = parts.db(), []
    for text in titles:
        title = known_as(db, text)
        those = products.titled(db, title)
        if not those:
            raise unseen(db, text)
        if assets:
            names = [name for name, _ in those]
            first = next(filter(parts.catalogues.assorted, names), names[0])
            those = [(name, product) for name, product in those if name == first]
        found += those
    return found


def _chosen(
    parts: Parts, named: Sequence[tuple[str, Product]], patterns: Sequence[str]
) -> tuple[list[tuple[str, Product]], int]:
    """Return the products with the assets that are wanted of each, and of how many that could not be found out."""
    chosen, failed = [], 0
    for catalogue, product in named:
        try:
            chosen.append((catalogue, parts.catalogues.choose(catalogue, product, [patterns])))
        except UsageError:
            raise
        except WatcherError as error:
            if parts.stop.is_set():
                return [], failed
            failed += 1
            _tell(product.title, error)
    return chosen, failed


def _proof(how: str) -> str:
    from watcher.core.wording import proof

    return proof(how)


def _tell(title: str, problem: WatcherError | None) -> None:
    hint = problem.hint if problem else None
    click.echo(f"failed {title}: {problem}" + (f" [{hint}]" if hint else ""), err=True)
