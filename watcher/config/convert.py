"""What TOML says becomes a value of the type that was meant, or an error that names the key and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from watcher import decoding
from watcher.config.tables import CatalogueTable, DownloadTable
from watcher.decoding import in_words
from watcher.errors import ConfigError
from watcher.quantities import read

_T = TypeVar("_T")


def convert(value: Any, to: type[_T], where: str, table: str) -> _T:
    """Turn a value into one of the type `to`.

    `where` is the file and `table` the key in it, for the error. Raises `ConfigError` for a key that is not known, with
    the nearest that is, and for a value of the wrong type.
    """
    try:
        return decoding.convert(value, to, dec_hook=read)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        key = ".".join(
            part for part in (table, place.strip("`").removeprefix("$").strip(".").replace("[...]", ".NAME")) if part
        )
        message = in_words(message, _choices(key))
        unknown = re.search(r"unknown field `(.+?)`", message)
        hint = "config.example.toml shows every key"
        if re.search(r"Expected `object.*got `str`", message):
            hint = 'a secret is named by reference, as { file = "/path" } or { env = "NAME" }; ' + hint
        if unknown:
            message = f'has no key "{unknown.group(1)}"'
            hint = _meant(unknown.group(1), to, re.findall(r"\.(\w+)", place)) or hint
        raise ConfigError(f"{where}: {key + ': ' if key else ''}{message}", hint=hint) from error


def _choices(key: str) -> Sequence[str]:
    """Return the words that a key takes, if it takes some words only."""
    name = re.sub(r"\[.*", "", key).rpartition(".")[2]
    for struct in (DownloadTable, CatalogueTable):
        hints = get_type_hints(struct)
        for inner in (hints.get(name), *get_args(hints.get(name))):
            if get_origin(inner) is Literal:
                return get_args(inner)
    return ()


def _meant(word: str, to: type[Any], place: Sequence[str]) -> str | None:
    """Say what somebody may have meant who wrote a key that a table does not have."""
    from rapidfuzz import process

    owners = [f"[{name}]" for name, table in _within(to, "") if word in _keys(table)]
    if owners:
        return f"it belongs in {' or '.join(owners)}"
    here = to
    for name in place:
        here = _tables(here).get(name, here)
    match = process.extractOne(word, _keys(here), score_cutoff=70)
    if match is not None:
        return f"did you mean {match[0]}?"
    return f"[{word}] is a table of its own" if word in _tables(to) else None


def _keys(struct: type[Any]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(struct)]


def _within(struct: type[Any], above: str) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Yield each table that is somewhere within a table, under the name that its heading has."""
    hints = get_type_hints(struct)
    for name, table in _tables(struct).items():
        heading = f"{above}{name}" + (".NAME" if get_origin(hints[name]) is dict else "")
        yield heading, table
        yield from _within(table, f"{heading}.")


def _tables(struct: type[Any]) -> dict[str, type[msgspec.Struct]]:
    """Return the tables within a table, by key; of a table of tables, what each of them is."""
    return {
        name: kind
        for name, hint in get_type_hints(struct).items()
        for kind in (hint, *get_args(hint))
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    }
