"""`watcher tidy`, `pin` and `unpin`: what leaves the archive, and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.naming import known_as, unseen
from watcher.cli.output import json_option, several, show_json, show_table
from watcher.cli.under_way import busy

if TYPE_CHECKING:
    from watcher.tasks.tidy import Leaving
    from watcher.wiring import Parts

_COLUMNS = {"site": "SITE", "title": "PRODUCT", "size": "BYTES", "stored": "STORED", "why": "WHY", "leaves": "LEAVES"}


@click.command()
@click.option("--apply", "apply_", is_flag=True, help="Remove it now, instead of listing it.")
@json_option
@click.pass_obj
def tidy(context: Context, apply_: bool, as_json: bool) -> None:
    """List what is to leave the archive by `keep` and `max_size` in [download]; nothing is changed.

    The limits are for products. What else lies there, fetched by hand or set aside as rotten, is counted here, by
    reading the whole archive, and never removed.

    The service marks it first, and removes it a day later. A pinned product stays (`watcher pin`). What left is not
    fetched again, unless you name it: `watcher download PRODUCT`.

    \b
    Examples:
      watcher tidy
      watcher tidy --apply
    """
    parts = context.parts
    limits = parts.config.download
    if limits.keep is None and limits.max_size is None:
        if as_json:
            show_json([])
        else:
            click.echo('The archive has no limits: set keep = "90d" or max_size = "2 TB" in [download].')
            _tell_besides(parts)
    elif apply_:
        _remove(parts, as_json=as_json)
    else:
        _list(parts.keeping.leaving(parts.db()), as_json=as_json)
        if not as_json:
            _tell_besides(parts)


def _list(found: Sequence[Leaving], *, as_json: bool) -> None:
    from watcher.core.wording import bytes_word

    if as_json:
        show_json([_row(one) for one in found])
        return
    show_table([_row(one) for one in found], _COLUMNS, empty="Nothing is to leave the archive.")
    if found:
        size = bytes_word(sum(one.held.size for one in found))
        click.echo(
            f"{several(len(found), 'product')}, {size}: the service removes them from then on, --apply now;"
            " watcher pin PRODUCT keeps one"
        )


def _tell_besides(parts: Parts) -> None:
    from watcher.core.wording import bytes_word

    words = {".rotten": "set aside as .rotten", "begun": "of downloads that were begun", "others": "of others"}
    told = [
        f"{bytes_word(one.size) or '0 B'} {words.get(one.where, f'in {one.where}')} ({several(one.count, 'file')})"
        for one in parts.keeping.besides(parts.db())
    ]
    if told:
        click.echo(f"beside its products, and not held to these limits: {', '.join(told)}")


def _remove(parts: Parts, *, as_json: bool) -> None:
    gone, failed = [], 0
    with busy(parts):
        for one in parts.keeping.tidy(parts.db(), at_once=True):
            if one.removed:
                gone.append(one)
                if not as_json:
                    click.echo(
                        f"removed {parts.keeping.archive.shown(one.held.path)} ({one.held.size:,} bytes, {one.why})"
                    )
            elif one.problem is not None:
                failed += 1
                click.echo(f"failed {one.held.title}: {one.problem}", err=True)
            else:
                click.echo(f"kept {one.held.title} until its hooks have run", err=True)
    if as_json:
        show_json([_row(one) for one in gone])
    elif not gone and not failed:
        click.echo("Nothing left the archive.")
    if parts.stop.is_set():
        raise click.exceptions.Exit(130)
    if failed:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("product", nargs=-1, required=True)
@click.pass_obj
def pin(context: Context, product: Sequence[str]) -> None:
    """Keep products in the archive, whatever its limits say.

    \b
    Example:
      watcher pin SPOT5_HRG1_XS_20150629_N2A_LitchfieldD0000B0000
    """
    _pin(context, product, pinned=True)


@click.command()
@click.argument("product", nargs=-1, required=True)
@click.pass_obj
def unpin(context: Context, product: Sequence[str]) -> None:
    """Let pinned products leave the archive with the others.

    \b
    Example:
      watcher unpin SPOT5_HRG1_XS_20150629_N2A_LitchfieldD0000B0000
    """
    _pin(context, product, pinned=False)


def _pin(context: Context, titles: Sequence[str], *, pinned: bool) -> None:
    from watcher.store import archive
    from watcher.store.connection import writing

    db = context.parts.db()
    with writing(db):
        named = [known_as(db, text) for text in titles]
        for title, text in zip(named, titles, strict=True):
            if not archive.pin(db, title, pinned=pinned):
                raise unseen(db, text, what="is stored, or wanted", way="`watcher download PRODUCT` brings it home")
    for title in named:
        click.echo(f"{title} {'stays' if pinned else 'leaves with the others'}.")


def _row(one: Leaving) -> dict[str, Any]:
    held = one.held
    return {
        "site": held.site,
        "title": held.title,
        "path": held.path,
        "size": held.size,
        "stored": held.stored,
        "why": one.why,
        "leaves": one.when,
    }
