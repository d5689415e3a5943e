"""`watcher tidy`, `pin` and `unpin`, as people type them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.conftest import Watcher
from tests.given import database
from tests.tasks.stored import put
from watcher.config import load
from watcher.jobs import tidy
from watcher.wiring import Parts


def test_what_leaves_is_listed_kept_and_removed(watcher: Watcher, home: Path) -> None:
    config, state = home / "config.toml", home / "state"
    assert watcher("tidy").out.startswith("The archive has no limits")
    config.write_text(config.read_text().replace("[download]\n", '[download]\nkeep = "90 d"\n'))
    assert watcher("tidy").out == "Nothing is to leave the archive.\n"
    old = datetime.now(UTC) - timedelta(days=100)
    with database(state / "watcher.db") as db:
        put(db, state / "archive", "P1", now=old, title="ONE")
        put(db, state / "archive", "P2", now=old, title="TWO")
    listed = watcher("tidy").out
    assert "Pornic  ONE      7      " in listed
    assert "stored 100 d ago" in listed
    assert "2 products, 14 B: the service removes them from then on" in listed
    assert watcher("pin", "TWO").out == "TWO stays.\n"
    assert watcher("pin", "THREE").code == 2
    assert tidy(Parts(load(config), state), lambda: None).soon == ()
    assert "archive: 1 product (7 B) to leave, the first in 24 h (watcher tidy lists them" in watcher("status").out
    assert [row["title"] for row in json.loads(watcher("tidy", "--json").out)] == ["ONE"]
    assert (state / "archive/Pornic/L2A/P1.zip").exists()
    assert watcher("tidy", "--apply").out == (
        f"removed {state}/archive/Pornic/L2A/P1.zip (7 bytes, stored 100 d ago)\n"
    )
    assert "1 stored (7 bytes)" in watcher("status").out
    assert f", removed on {datetime.now(UTC):%Y-%m-%d}" in watcher("why", "ONE").out
    assert watcher("unpin", "TWO").out == "TWO leaves with the others.\n"
    assert watcher("tidy", "--apply").code == 0
    assert list((state / "archive").iterdir()) == []
