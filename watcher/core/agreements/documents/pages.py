"""A document of subscriptions, TOML or JSON."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from watcher.core.moments import written
from watcher.errors import UsageError
from watcher.names import plain

Format = Literal["toml", "json"]

_TABLES = "subscriptions"


def document(tables: Sequence[Mapping[str, Any]], form: Format) -> str:
    """Write tables as one document."""
    if form == "json":
        return json.dumps({_TABLES: tables}, default=_plain, ensure_ascii=False, indent=2) + "\n"
    import tomlkit

    page = tomlkit.document()
    for line in _HEADING.splitlines():
        page.add(tomlkit.comment(line))
    listed = tomlkit.aot()
    for one in tables:
        listed.append(tomlkit.item(dict(one)))
    page.add(_TABLES, listed if tables else tomlkit.array())
    return tomlkit.dumps(page)


def parsed(text: str) -> list[Mapping[str, Any]]:
    """Return the tables of a document; raises `UsageError`, with line and column, for what is neither TOML nor JSON."""
    is_json = text.lstrip()[:1] == "{"
    try:
        said = json.loads(text, object_pairs_hook=_once, parse_constant=_finite) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "`watcher subscriptions --export` writes one to start from"
        raise UsageError(f"this is not {'JSON' if is_json else 'TOML'}: {plain(str(error))}", hint=hint) from error
    listed = said.get(_TABLES)
    if list(said) != [_TABLES] or not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        others = [name for name in said if name != _TABLES]
        problem = (
            f'"{plain(others[0], limit=60)}" belongs to no subscription' if others else "it holds no subscriptions"
        )
        raise UsageError(problem, hint='write each as [[subscriptions]], in JSON as {"subscriptions": [{…}, {…}]}')
    return listed


def line(text: str, index: int, name: str | None) -> int | None:
    """Find the line in which the table of that index has a key, or begins; `None` where TOML is not written so."""
    lines = text.splitlines()
    heads = [number for number, line in enumerate(lines, 1) if re.match(rf"\s*\[\[\s*{_TABLES}\s*\]\]", line)]
    if index >= len(heads):
        return None
    following = heads[index + 1] if index + 1 < len(heads) else len(lines) + 1
    if name is not None:
        for number in range(heads[index], following):
            if re.match(rf"""\s*["']?{re.escape(name)}["']?\s*=""", lines[number - 1]):
                return number
    return heads[index]


def _plain(value: date) -> str:
    return written(value) if isinstance(value, datetime) else value.isoformat()


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise ValueError(f'the key "{twice}" is there twice')
    return said


def _finite(word: str) -> Any:
    raise ValueError(f"{word} is no number")


_HEADING = """\
Subscriptions of watcher. Edit them, then: watcher subscriptions --import FILE
One with the id of a subscription that exists takes its place; any other is added. None is ended.
Elsewhere: the sites must be watched there by these names, the channels and the mail account configured. An address
url:… stands for a URL with secrets, which stay where this was written; elsewhere, write the URL or a channel there."""
