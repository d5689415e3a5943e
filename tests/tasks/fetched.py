"""A pass of downloads, on the terms of a test."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from tests.given import Clock
from watcher.archive import Archive
from watcher.net import Http
from watcher.tasks.download import Brought, Rules, Sources, download


def fetch(
    db: sqlite3.Connection, http: Http | Callable[[str], Http], archive: Archive, clock: Clock, **terms: Any
) -> Iterator[Brought]:
    """Fetch what is due; `terms` are those of `download`, and the fields of its `Sources` and `Rules`."""
    said = {of: {name: terms.pop(name) for name in of.__struct_fields__ if name in terms} for of in (Sources, Rules)}
    sources = Sources((lambda name: http) if isinstance(http, Http) else http, **said[Sources])
    return download(db, sources, archive, Rules(**said[Rules]), now=clock, chance=lambda: 0.5, **terms)
