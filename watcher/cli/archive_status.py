"""What `watcher status` says of the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def archive_troubles(db: sqlite3.Connection) -> list[str]:
    """Say what is wrong with what is stored."""
    from watcher.store import archive

    return [f"{held.title}: {held.fault} (watcher verify --again)" for held in archive.faults(db)]
