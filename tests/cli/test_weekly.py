"""`watcher poll`, as a timer runs it, does once a week what the service does: it lists all that is watched again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_stac import Pretend
from tests.conftest import Watcher
from tests.given import database
from tests.servers.stac import thing


def item(name: str, days: float) -> dict[str, Any]:
    """A product that the catalogue learnt of so many days ago."""
    learnt = (datetime.now(UTC) - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    return {**thing(name, learnt, acquired=learnt), "collection": "things"}


@pytest.fixture
def sky(home: Path, watcher: Watcher) -> Iterator[Pretend]:
    """A STAC catalogue on loopback, with a site past its baseline, whose week is over."""
    server = Pretend([item(f"P{n}", 10 + n) for n in range(5)])

    def answer(asked: Asked) -> Reply:
        brief = b'"fields"' in asked.body
        return Reply(400, b"{}") if brief and any(one["id"] == "TROUBLE" for one in server.items) else server(asked)

    with answering(answer) as (url, _):
        settings = f'kind = "stac"\nurl = "{url}"\ncollections = {{ things = "L2A" }}\nfields = true\ngap = 0'
        (home / "config.toml").write_text(f"[catalogues.sky]\n{settings}\n")
        assert watcher("add-site", "Toulouse", "--point", "1.4,43.6,15").code == 0
        assert watcher("poll").out == "sky: 1 asked, 5 listed, 0 arrived, 1 baselined\n"
        with database(home / "state" / "watcher.db") as db:
            db.execute("UPDATE watches SET baselined = '2020-01-01T00:00:00.000Z', reconcile = '2020-01-08T00:00:00Z'")
        yield server


def test_a_poll_lists_everything_again_when_that_is_due_and_says_so(sky: Pretend, watcher: Watcher, home: Path) -> None:
    watcher("subscribe", f"mbox://{home}/mail")
    sky.items.append(item("HIDDEN", 30))
    said = watcher("poll")
    assert (said.code, said.err) == (0, "")
    polled, listed = said.out.splitlines()
    assert polled == "sky: 1 asked, 4 listed, 0 arrived"
    assert listed == (
        "sky: 1 site listed again, as once a week: 1 asked, 6 listed, 1 not seen before,"
        " 1 of them passed over by polls, 1 arrived"
    )
    watcher("notify")
    assert "1 new L2A at Toulouse" in (home / "mail").read_text()
    assert "listed again" not in watcher("poll").out


def test_a_listing_that_fails_is_said_and_tried_again_another_day(sky: Pretend, watcher: Watcher) -> None:
    sky.items.append(item("TROUBLE", 0))
    said = watcher("poll")
    assert said.code == 69
    assert said.out.startswith("sky: 1 asked, 5 listed, 1 arrived\nsky: 1 site listed again")
    assert "answered 400" in said.err
    again = watcher("poll")
    assert (again.code, again.out) == (0, "sky: 1 asked, 1 listed, 0 arrived\n")
