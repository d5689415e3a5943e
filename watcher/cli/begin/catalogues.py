"""What catalogues there are, and what one of them has and can really do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import CatalogueName
from watcher.cli.output import json_option, several, show_json, show_table
from watcher.cli.waiting import each, waiting
from watcher.errors import WatcherError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.config import CatalogueTable
    from watcher.model import Finding, Holding
    from watcher.wiring import Parts


@click.command()
@click.argument("name", required=False, type=CatalogueName())
@json_option
@click.pass_obj
def catalogues(context: Context, name: str | None, as_json: bool) -> None:
    """List the catalogues that can be asked: those configured, and the presets that ship with watcher.

    With the NAME of one, ask it: which collections it has, and what it can really do, whatever it says of itself.
    Exits with 1 if that is not well.

    \b
    Examples:
      watcher catalogues
      watcher catalogues earth-search
      watcher catalogues cdse --json
    """
    if name is not None:
        _one(context.parts, name, as_json=as_json)
        return
    rows = [_row(table, context.parts) for table in _all(context.parts)]
    if as_json:
        show_json(rows)
        return
    columns = {
        "name": "NAME",
        "kind": "PROTOCOL",
        "levels": "LEVELS",
        "needs_account": "ACCOUNT TO",
        "status": "STATUS",
        "title": "TITLE",
    }
    show_table(rows, columns, empty="There is none.", folded=("levels", "title"))


def _all(parts: Parts) -> Sequence[CatalogueTable]:
    from watcher import config

    configured = parts.config.catalogues
    shipped = [config.preset(name) for name in config.presets() if name not in configured]
    return [*configured.values(), *shipped]


def _row(table: CatalogueTable, parts: Parts) -> dict[str, Any]:
    collections = table.settings.get("collections", ())
    configured = table.name in parts.config.catalogues
    needs = f"needs {', '.join(table.needs)}" if table.needs else None
    return {
        "name": table.name,
        "kind": table.kind,
        "title": table.title,
        "levels": _levels(collections),
        "collections": list(collections),
        "account": table.account,
        "needs_account": list(table.needs_account),
        "configured": configured,
        "needs": list(table.needs),
        "status": needs or ("configured" if configured else "preset"),
    }


def _levels(collections: Any) -> list[str]:
    """Return the levels that settings say of collections: a word, or several; none where products say it."""
    from watcher.model import level

    said = collections.values() if isinstance(collections, dict) else ()
    words = {word for held in said for word in ([held] if isinstance(held, str) else held) if word}
    return sorted({level(word) for word in words})


def _one(parts: Parts, name: str, *, as_json: bool) -> None:
    table = parts.catalogues.table(name)
    catalogue = parts.catalogues.catalogue(name)
    http = parts.catalogues.http(name)
    configured = set(catalogue.collections_of(None))
    problem: WatcherError | None = None
    holdings: list[Holding] = []
    try:
        with waiting(f"asking {name} which collections it has"):
            holdings = sorted(
                catalogue.discover(http), key=lambda held: (held.collection not in configured, held.collection)
            )
    except WatcherError as error:
        problem = error
    rows = [_held(held, configured) for held in holdings]
    findings: list[Finding] = []
    if not as_json:
        click.echo(f"{name}: {table.title or catalogue.url} ({table.kind}, {catalogue.url})")
        if table.account:
            click.echo(f"Account: {table.account}; see watcher login {name}.")
        if problem is not None:
            _complain(problem)
        else:
            _list(rows)
        click.echo("\nWhat it does when it is asked:")
    for finding in each(f"trying what {name} can do", catalogue.check(http)):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    if as_json:
        show_json(
            _row(table, parts)
            | {
                "url": catalogue.url,
                "problem": None if problem is None else str(problem),
                "holdings": rows,
                "findings": [{"subject": f.subject, "well": f.well, "text": f.text, "hint": f.hint} for f in findings],
            }
        )
    if problem is not None or not all(finding.well for finding in findings):
        raise click.exceptions.Exit(1)


def _held(held: Holding, configured: set[str]) -> dict[str, Any]:
    return {
        "collection": held.collection,
        "levels": list(held.levels),
        "first": held.first,
        "last": held.last,
        "count": held.count,
        "configured": held.collection in configured,
        "title": held.title,
    }


def _list(rows: Sequence[dict[str, Any]]) -> None:
    def day(value: Any) -> str:
        return f"{value:%Y-%m-%d}" if value else "-"

    shown = [row | {"first": day(row["first"]), "last": day(row["last"])} for row in rows]
    columns = {
        "collection": "COLLECTION",
        "levels": "LEVELS",
        "first": "FROM",
        "last": "TO",
        "count": "PRODUCTS",
        "configured": "CONFIGURED",
        "title": "TITLE",
    }
    click.echo(
        f"\nIt has {several(len(rows), 'collection')}, {sum(row['configured'] for row in rows)} of them configured:"
    )
    show_table(shown, columns, empty="None is listed.", folded=("title",))


def _tell(finding: Finding) -> None:
    click.echo(f"{'ok   ' if finding.well else 'WRONG'}  {finding.subject}: {finding.text}")
    if finding.hint and not finding.well:
        click.echo(f"         → {finding.hint}")


def _complain(error: WatcherError) -> None:
    click.echo(f"Its collections cannot be listed: {error}" + (f"\n  → {error.hint}" if error.hint else ""))
