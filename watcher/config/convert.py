"""What TOML says becomes a value of the type that was meant, or an error that names the key and the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from watcher import decoding
from watcher.config.tables import (
    BucketTable,
    CatalogueTable,
    ChannelTable,
    DownloadTable,
    FeedsTable,
    HealthTable,
    HookTable,
    LogTable,
    MailTable,
    NotifyTable,
    PollTable,
)
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
            hint = _nearest(unknown.group(1), to, place) or hint
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


def _nearest(word: str, to: type[Any], place: str) -> str | None:
    from rapidfuzz import process

    known: set[str] = set()
    for struct in (
        to,
        PollTable,
        NotifyTable,
        DownloadTable,
        BucketTable,
        FeedsTable,
        HealthTable,
        LogTable,
        MailTable,
        ChannelTable,
        HookTable,
    ):
        if struct is to or place:
            known |= {field.name for field in msgspec.structs.fields(struct)}
    match = process.extractOne(word, sorted(known), score_cutoff=70)
    return f"did you mean {match[0]}?" if match else None
