"""How listings are printed: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from watcher.credentials import redact
from watcher.errors import WatcherError
from watcher.names import plain

if TYPE_CHECKING:
    from watcher.model import Product

_PROSE = 40
"""So wide is a column of prose at least."""

Row = Mapping[str, Any]
F = TypeVar("F", bound=Callable[..., Any])


FACTS = ("collection", "id", "title", "level", "platform", "instrument", "acquired", "published")
"""What every listing of products says of one."""


def facts(product: Product) -> dict[str, Any]:
    """Return what every listing says of a product, by column."""
    return {name: getattr(product, name) for name in FACTS}


def json_option(function: F) -> F:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def show_json(value: Any) -> None:
    """Print a value as JSON, times in RFC 3339, without any secret that is known."""
    click.echo(redact(json_text(value, indent=2)))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Write a value as JSON (RFC 8259); letters are escaped where standard output may not have them."""
    readable = (getattr(sys.stdout, "encoding", None) or "").casefold().replace("-", "") == "utf8"
    return json.dumps(value, default=_plain_value, ensure_ascii=not readable, indent=indent)


def show_csv(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print rows as CSV (RFC 4180) with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {key: _plain_value(value) if isinstance(value, datetime) else value for key, value in row.items()}
        )
    click.echo(text.getvalue(), nl=False)


class Bar(NamedTuple):
    """How much of all is done: a cell of a table that is drawn in a terminal, and left out elsewhere."""

    done: int
    total: int


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

    drawn = [key for key in columns if any(isinstance(row.get(key), Bar) for row in rows)]
    terminal = sys.stdout.isatty()
    shown = [key for key in columns if terminal or key not in drawn]
    table = Table(box=None, pad_edge=False, header_style=None if drawn else "table.header")
    cells = [{key: "" if key in drawn else cell(row.get(key)) for key in shown} for row in rows]
    for key in shown:
        table.add_column(columns[key], no_wrap=key not in folded)
    for row, words in zip(rows, cells, strict=True):
        table.add_row(*(bar(row[key]) if key in drawn else Text(words[key]) for key in shown))
    width = 10_000
    if folded:
        fixed = sum(max(len(row[key]) for row in [columns, *cells]) + 1 for key in shown if key not in folded)
        width = max(shutil.get_terminal_size((100, 24)).columns, fixed + _PROSE)
    # A width without a height is not believed of a terminal that is dumb.
    console = Console(highlight=False, color_system="auto" if drawn else None, width=width, height=len(rows) + 1)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def complain(error: WatcherError, about: str | None = None) -> None:
    """Say what went wrong `about` one thing, and how to mend it, where others go on."""
    said = f"{error}" if about is None else f"{about}: {error}"
    click.echo(said + (f"\n  → {error.hint}" if error.hint else ""), err=True)


def bar(value: Bar | None) -> Any:
    """Draw how much of all is done; nothing where there is nothing to do."""
    from rich.progress_bar import ProgressBar

    return "" if value is None or not value.total else ProgressBar(total=value.total, completed=value.done, width=12)


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


def until(due: datetime | None, now: datetime) -> str:
    """Say when something is tried again: `again in 2 min`, or that it is due."""
    return "due again" if due is None or due <= now else f"again {ago(due, now)}"


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
