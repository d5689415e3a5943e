"""Where the recorded answers of real servers are, when they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def folder(name: str) -> Path:
    """Return a folder of recordings (`resto-2.0.4`, `samples-modern`), or skip the test."""
    shared = Path(os.environ.get("WATCHER_SHARED") or Path(__file__).parents[2] / "shared")
    found = shared / "recorded" / name
    if not found.is_dir():
        pytest.skip(f"no recorded answers at {found}; name the folder that holds recorded/ in WATCHER_SHARED")
    return found
