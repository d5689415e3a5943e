"""The time zone of this machine, by its IANA name, where that can be known."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def here() -> str:
    """Name the time zone of this machine; `UTC` where nothing says it.

    `TZ` comes first (POSIX, 8.3), then what `/etc/localtime` points to (localtime(5)), then `/etc/timezone`.
    """
    from watcher.core.agreements.terms import zone
    from watcher.errors import UsageError

    for name in _said():
        with suppress(UsageError):  # a zone that has no name, as TZ=CET-1CEST, or none at all
            return "UTC" if name in ("Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu") else zone(name)
    return "UTC"


def _said() -> Iterator[str]:
    yield os.environ.get("TZ", "").removeprefix(":").rpartition("/zoneinfo/")[2]
    with suppress(OSError):
        yield os.readlink("/etc/localtime").rpartition("/zoneinfo/")[2]  # noqa: PTH115  where it points, not what is there
    with suppress(OSError, UnicodeDecodeError):
        yield Path("/etc/timezone").read_text(encoding="utf-8").strip()
