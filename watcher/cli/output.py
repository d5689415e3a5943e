"""How listings are printed: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from watcher.credentials import redact
from watcher.names import plain

_PROSE = 40
"""So wide is a column of prose at least."""

Row = Mapping[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def show_json(value: Any) -> None:
    """Print a value as JSON, times in RFC 3339, without any secret that is known."""
    click.echo(redact(json.dumps(value, default=_plain_value, ensure_ascii=False, indent=2)))


def show_csv(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print rows as CSV (RFC 4180) with a header."""
    writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {key: _plain_value(value) if isinstance(value, datetime) else value for key, value in row.items()}
        )


def show_table(rows: Sequence[Row], columns: Mapping[str, str], *, empty: str, folded: Collection[str] = ()) -> None:
    """Print rows as a table; `columns` maps keys to headings, `empty` is said when there are no rows.

    Nothing is folded, for names and paths are there to be copied, and programs read lines: but for the columns that are
    prose, so that the table is as wide as the terminal, 100 columns if there is none.
    """
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    cells = [{key: cell(row.get(key)) for key in columns} for row in rows]
    for key, heading in columns.items():
        table.add_column(heading, no_wrap=key not in folded)
    for row in cells:
        table.add_row(*map(Text, row.values()))
    width = 10_000
    if folded:
        fixed = sum(max(len(row[key]) for row in [columns, *cells]) + 1 for key in columns if key not in folded)
        width = max(shutil.get_terminal_size((100, 24)).columns, fixed + _PROSE)
    console = Console(highlight=False, color_system=None, width=width)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def cell(value: Any) -> str:
    """Write a value as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(part) for part in value) or "-"
    return plain(redact(str(value)), limit=400)


def several(count: int, noun: str, nouns: str | None = None) -> str:
    """Write a count with its noun: `1 site`, `2 sites`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def ago(moment: datetime | None, now: datetime) -> str:
    """Say how long ago, or in how long, something is: `3 min ago`, `in 2 h`."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    amount = abs(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if amount >= size:
            text = f"{amount / size:.0f} {unit}"
            break
    else:
        text = f"{amount:.0f} s"
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
