"""`watcher download PRODUCT --members`: some files of a product, without the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import click

from watcher.cli import Context
from watcher.cli.output import several
from watcher.cli.under_way import bars, ended, stoppable
from watcher.errors import UsageError


def fetch_members(context: Context, titles: Sequence[str], patterns: Sequence[str], folder: Path | None) -> None:
    """Fetch the members of the products that are named, say what came, and end with 1 if anything did not."""
    from watcher.store import products

    if not titles:
        raise UsageError("--members wants a product to be named", hint="`watcher products` lists them")
    parts = context.parts
    db = parts.db()
    chosen = []
    for title in titles:
        found = products.titled(db, title)
        if not found:
            raise unseen(db, title)
        chosen += found
    folder = folder or parts.downloads.by_hand("parts")
    failed = 0
    with stoppable(parts), bars() as show:
        for brought in parts.downloads.fetch_members(db, chosen, folder, patterns, show):
            with ended(show, brought.title):
                if brought.gathered is not None:
                    home = brought.gathered
                    word = "stored" if home.fetched else "kept"
                    files = several(len(home.files), "file")
                    click.echo(
                        f"{word} {brought.path} ({files}, {home.size:,} bytes; {home.fetched:,} fetched as they are"
                        f" packed; verified: {home.how})"
                    )
                else:
                    failed += 1
                    hint = brought.problem.hint if brought.problem else None
                    click.echo(f"failed {brought.title}: {brought.problem}" + (f" [{hint}]" if hint else ""), err=True)
    if parts.stop.is_set():
        click.echo("stopped; what is complete stays, and is not fetched again", err=True)
        raise click.exceptions.Exit(130)
    if failed:
        raise click.exceptions.Exit(1)


def unseen(db: sqlite3.Connection, title: str) -> UsageError:
    """Say that nobody knows a product of that name, and which there are that are called much the same."""
    from watcher.names import plain
    from watcher.store import stories

    near = stories.like(db, title, limit=5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`watcher products` lists them; a title or an id names one"
    return UsageError(f'no product "{title}" was seen', hint=plain(hint, limit=1000))
