"""Where the configuration and the database lie."""

from __future__ import annotations

import os
from pathlib import Path


def find() -> Path | None:
    """Return the configuration in force: `WATCHER_CONFIG`, the user's, then the machine's; `None` without any."""
    named = os.environ.get("WATCHER_CONFIG")
    if named:
        return Path(named)
    for place in (user_path(), Path("/etc/watcher/config.toml")):
        if place.exists():
            return place
    return None


def user_path() -> Path:
    """Return where a person's own configuration lies."""
    import platformdirs

    return platformdirs.user_config_path("watcher") / "config.toml"


def state_directory() -> Path:
    """Return where the database lies: `WATCHER_STATE`, the service's `STATE_DIRECTORY`, else the user's."""
    named = os.environ.get("WATCHER_STATE") or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_state_path("watcher")
