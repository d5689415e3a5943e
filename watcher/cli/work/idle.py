"""Why there is nothing to ask."""

from __future__ import annotations

import sqlite3


def why_idle(db: sqlite3.Connection, catalogue: str | None) -> str:
    """Say why nothing is asked, of a catalogue or any: nothing is watched there, or all of it is paused."""
    from watcher.store import watching

    if watching.watches(db, catalogue=catalogue, paused=True):
        return "Every site is paused: watcher resume-site NAME"
    return f"No site of {catalogue} is watched." if catalogue else "No site is watched yet: watcher add-site NAME"
