"""Products that are home, made without fetching them."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.given import NOW, add_watch, product
from watcher.core.archive.sidecars import File
from watcher.core.decide import Arrival, Decision
from watcher.model import Event
from watcher.store import downloads, products, watching
from watcher.store.connection import writing
from watcher.store.downloads import Stored


def want(db: sqlite3.Connection, ident: str, *, site: str = "Pornic", catalogue: str = "take5", **facts: Any) -> int:
    """Let a product arrive whose files are wanted; return the number of its revision."""
    place = add_watch(db, name=site, catalogue=catalogue).site
    with writing(db):
        number = products.first_free(db)
        collection = watching.collection_number(db, catalogue, "SPOT5")
        seen = [(number, place.number)]
        products.record(
            db, collection, Decision([(number, product(ident, **facts))], [], [], seen, [], [], set()), now=NOW
        )
        arrival = Arrival(place.number, number, Event.NEW, (), True)
        downloads.want(db, [arrival], sites={place.number: place.name}, now=NOW)
    return number


def put(
    db: sqlite3.Connection,
    root: Path,
    ident: str,
    content: bytes | dict[str, bytes] = b"content",
    *,
    how: str = "md5",
    now: datetime = NOW,
    **facts: Any,
) -> int:
    """Let a product be home: a file, or a directory of some; return the number of its revision."""
    number = want(db, ident, **facts)
    path = f"{facts.get('site', 'Pornic')}/L2A/{ident}" + ("" if isinstance(content, dict) else ".zip")
    files = []
    for name, some in (content if isinstance(content, dict) else {"": content}).items():
        place = root / path / name if name else root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(some)
        files.append(File(name, len(some), f"sha256:{hashlib.sha256(some).hexdigest()}", how))
    size = sum(file.size for file in files)
    with writing(db):
        downloads.stored(db, number, Stored(path, size, files[0].checksum, how, size, tuple(files)), now=now)
    return number
