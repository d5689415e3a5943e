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
    assert watcher("pin", f"{state}/archive/Pornic/L2A/TWO.zip").out == "TWO stays.\n"
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


def test_what_lies_beside_the_products_is_counted_and_stays(watcher: Watcher, home: Path) -> None:
    config, archive = home / "config.toml", home / "state" / "archive"
    old = datetime.now(UTC) - timedelta(days=100)
    with database(home / "state" / "watcher.db") as db:
        put(db, archive, "P1", title="ONE")
        put(db, archive, "P2", {"B02.tif": b"two"}, title="TWO", now=old)
        put(db, archive, "P3", title="THREE", site="carts")
        put(db, archive, "P5", {"B02.tif": b"two", "B03.tif": b"three"}, title="FIVE")
    assert watcher("verify").out.count("described") == 4
    (archive / "Pornic/L2A/P5/B03.tif").unlink()
    assert watcher("verify", "--again").code == 1  # it is wanted, and what is there yet is its own
    assert watcher("tidy").out.count("\n") == 1
    kept = {
        "carts/mine/a.zip": 1500,
        "carts/mine/b.zip": 500,
        "parts/P1/B02.tif": 900,
        "Pornic/L2A/P2/B02.tif.rotten": 80,
        "Pornic/L2A/P1.zip.rotten": 1,
        "Pornic/L2A/P4.zip.part": 7,
        "Pornic/L2A/P4.zip.part.json": 3,
        "notes.txt": 4,
    }
    for name, size in kept.items():
        (archive / name).parent.mkdir(parents=True, exist_ok=True)
        (archive / name).write_bytes(b"x" * size)
    (archive / "link").symlink_to("/etc/passwd")
    besides = (
        "beside its products, and not held to these limits: 2.0 kB in carts/ (2 files), 900 B in parts/ (1 file),"
        " 81 B set aside as .rotten (2 files), 10 B of downloads that were begun (2 files), 4 B of others (1 file)\n"
    )
    assert watcher("tidy").out.endswith(besides)
    config.write_text(config.read_text().replace("[download]\n", '[download]\nkeep = "90 d"\n'))
    assert watcher("tidy").out.endswith(besides)
    assert "removed" in watcher("tidy", "--apply").out
    assert all((archive / name).exists() for name in kept if "/P2/" not in name)


def test_a_product_that_is_known_and_not_wanted_is_not_proposed_in_its_own_place(watcher: Watcher) -> None:
    watcher("add-site", "Pornic")
    watcher("poll")
    title = json.loads(watcher("products", "--json").out)[0]["title"]
    for command in (["pin"], ["hooks", "--again"]):
        said = watcher(*command, f"{title}.SAFE")
        assert said.code == 2
        assert said.err.endswith("\n  → `watcher download PRODUCT` brings it home\n")
    watcher("remove-site", "Pornic")
    said = watcher("download", title)
    assert (
        said.err
        == f'watcher: no product "{title}" was seen\n  → `watcher products` lists them; a title or an id names one\n'
    )
