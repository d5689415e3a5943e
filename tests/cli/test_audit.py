"""`watcher audit`: was anything missed?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_stac import Pretend
from tests.conftest import Scene, Watcher
from tests.given import database
from tests.servers.stac import thing


def item(name: str, days: float, **said: Any) -> dict[str, Any]:
    """A product that the catalogue learnt of so many days ago."""
    learnt = (datetime.now(UTC) - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    return {**thing(name, learnt, acquired=learnt, **said), "collection": "things"}


class Sky(NamedTuple):
    """A STAC catalogue on loopback, of which some things may be hidden from whoever wants them described."""

    server: Pretend
    hidden: set[str]
    trouble: list[Reply]


@pytest.fixture
def sky(home: Path) -> Iterator[Sky]:
    """A STAC catalogue on loopback, in the configuration."""
    scene = Sky(Pretend([item(f"P{n}", 10 + n) for n in range(5)]), set(), [])

    def answer(asked: Asked) -> Reply:
        if scene.trouble:
            return scene.trouble[0]
        reply = scene.server(asked)
        if b'"fields"' in asked.body or not scene.hidden:
            return reply
        page = msgspec.json.decode(reply.body)
        page["features"] = [one for one in page.get("features", ()) if one["id"] not in scene.hidden]
        return reply._replace(body=msgspec.json.encode(page))

    with answering(answer) as (url, _):
        settings = f'kind = "stac"\nurl = "{url}"\ncollections = {{ things = "L2A" }}\nfields = true\ngap = 0'
        (home / "config.toml").write_text(f"[catalogues.sky]\n{settings}\n")
        yield scene


@pytest.fixture
def toulouse(sky: Sky, watcher: Watcher) -> Sky:
    """The same, with a site past its baseline."""
    assert watcher("add-site", "Toulouse", "--point", "1.4,43.6,15").code == 0
    assert "5 listed, 0 arrived, 1 baselined" in watcher("poll").out
    return sky


def figures(watcher: Watcher, *more: str) -> dict[str, Any]:
    (one,) = json.loads(watcher("audit", *more, "--json").out)
    assert isinstance(one, dict)
    return one


def test_where_nothing_is_watched_there_is_nothing_to_audit(watcher: Watcher, sky: Sky) -> None:
    assert watcher("audit").out == "No site is watched yet: watcher add-site NAME\n"
    assert json.loads(watcher("audit", "--json").out) == []
    said = watcher("audit", "--now")
    assert (said.code, said.out) == (2, "")
    assert said.err == "watcher: there is nothing to list again: no poll has looked at it yet\n  → watcher poll\n"
    said = watcher("audit", "Atlantis")
    assert said.code == 2
    assert '"Atlantis"' in said.err


def test_before_its_first_poll_a_site_has_no_figures(watcher: Watcher, sky: Sky) -> None:
    watcher("add-site", "Toulouse", "--point", "1.4,43.6,15")
    assert watcher("audit").out == "Toulouse: sky things L2A\n  no poll has looked at it yet\n"
    assert figures(watcher)["counted"] is None
    assert watcher("audit", "Toulouse", "--now").code == 2


def test_an_audit_says_what_was_counted_and_what_was_seen(watcher: Watcher, toulouse: Sky) -> None:
    toulouse.server.items.append(item("NEW", 0))
    watcher("poll")
    said = watcher("audit", "toulouse")
    assert (said.code, said.err) == (0, "")
    assert re.fullmatch(
        r"Toulouse: sky things L2A\n"
        r"  catalogue 5 · seen 5 · missing 0 · found late 0 · withdrawn 0 · last full reconcile \d+ s ago, 1 more seen"
        r" since, next on \d{4}-\d\d-\d\d\n",
        said.out,
    )


def test_a_gap_is_repaired_at_once_and_said_so(watcher: Watcher, toulouse: Sky, home: Path) -> None:
    watcher("subscribe", f"mbox://{home}/mail")
    toulouse.server.items += [item("HIDDEN", 30), item("NEWS", 0)]
    with database(home / "state" / "watcher.db") as db:
        db.execute("UPDATE watches SET baselined = '2020-01-01T00:00:00.000Z'")
    said = watcher("audit", "--now")
    assert said.code == 0
    assert said.err.splitlines() == [
        "sky: listing again all that is watched …",
        "sky: 1 asked, 7 listed, 2 not seen before and read now, 1 of them passed over by polls, 2 arrived",
    ]
    heading, line, repaired = said.out.splitlines()
    assert heading == "Toulouse: sky things L2A"
    assert line.startswith(
        "  catalogue 7 · seen 7 · missing 0 · found late 1 (14.3 %, median 30 d, max 30 d) · withdrawn 0 ·"
    )
    assert (
        repaired
        == "  repaired so far: 1 product that polls had passed over, read by a reconcile and told like any other"
    )
    one = figures(watcher, "Toulouse")
    assert (one["mended"], one["late"], one["late_percent"]) == (1, 1, 14.29)
    assert one["late_median_seconds"] == one["late_max_seconds"] >= 30 * 86_400
    assert watcher("poll").out == "sky: 1 asked, 5 listed, 0 arrived\n"
    watcher("notify")
    assert "2 new L2A at Toulouse" in (home / "mail").read_text()
    assert ", 0 not seen before and read now, 0 arrived\n" in watcher("audit", "--now").err


def test_what_cannot_be_read_is_missing_and_an_error(watcher: Watcher, toulouse: Sky) -> None:
    toulouse.server.items.append(item("SHY", 30))
    toulouse.hidden.add("SHY")
    said = watcher("audit", "Toulouse", "--now")
    assert said.code == 1
    assert ", 1 not seen before that could not be read, 0 arrived\n" in said.err
    _, line, queued = said.out.splitlines()
    assert line.startswith("  catalogue 6 · seen 5 · missing 1 ·")
    assert re.fullmatch(
        r"  queued: 1 product could not be read; asked for again on \S+, or at once by: watcher audit Toulouse --now",
        queued,
    )
    assert watcher("audit").code == 1
    assert watcher("audit", "--json").code == 1
    toulouse.hidden.clear()
    assert watcher("audit", "--now").code == 0
    assert figures(watcher)["missing"] == 0


def test_what_is_gone_waits_for_a_second_look(watcher: Watcher, toulouse: Sky, home: Path) -> None:
    del toulouse.server.items[0]
    for _ in range(2):
        said = watcher("audit", "--now")
        assert said.code == 0
    heading, line, queued = said.out.splitlines()
    assert (heading, " · withdrawn 0 · " in line) == ("Toulouse: sky things L2A", True)
    assert queued.startswith("  queued: 1 product is no longer listed; withdrawn if a second look misses it too, on 20")
    with database(home / "state" / "watcher.db") as db:
        db.execute("UPDATE sightings SET missing = '2020-01-01T00:00:00.000Z' WHERE missing IS NOT NULL")
    said = watcher("audit", "--now")
    assert said.err.endswith(" 1 arrived\n")
    assert len(said.out.splitlines()) == 2
    assert " · withdrawn 1 · " in said.out


def test_a_catalogue_that_fails_changes_no_figure(
    watcher: Watcher, toulouse: Sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.net.client.backoff", lambda *_: 0.0)
    before = figures(watcher)
    toulouse.trouble.append(Reply(500, b"{}"))
    said = watcher("audit", "--now")
    assert said.code == 69
    assert "things (Toulouse): " in said.err
    assert said.out.startswith("Toulouse: sky things L2A\n  catalogue 5 · seen 5 ·")
    after = figures(watcher)
    assert after.pop("due") < before.pop("due")
    assert after == before


def test_a_catalogue_that_asks_to_be_left_alone_is_not_asked(
    watcher: Watcher, toulouse: Sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.net.client.backoff", lambda *_: 0.0)
    toulouse.trouble.append(Reply(429, b"{}", headers={"Retry-After": "7200"}))
    assert watcher("audit", "--now").code == 69
    toulouse.trouble.clear()
    searches = len(toulouse.server.searches)
    for command in (("audit", "--now"), ("poll",)):
        said = watcher(*command)
        assert said.code == 69
        assert said.err == "sky: it asked not to be asked again yet (in 2 h)\n"
    assert len(toulouse.server.searches) == searches


def test_a_catalogue_that_left_the_configuration_leaves_the_others_their_turn(
    watcher: Watcher, toulouse: Sky, home: Path
) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text() + config.read_text().replace(".sky]", ".air]"))
    watcher("add-site", "Toulouse", "--point", "1.4,43.6,15", "--catalogue", "air")
    watcher("poll")
    config.write_text(config.read_text().partition("[catalogues.air]")[0])
    said = watcher("audit", "--now")
    assert said.code == 2
    assert 'air: no catalogue is called "air"' in said.err
    assert "sky: 1 asked, 5 listed, 0 not seen before" in said.err
    assert said.out.count("catalogue 5 · seen 5") == 2


def test_a_paused_site_is_said_to_be_paused(watcher: Watcher, toulouse: Sky) -> None:
    watcher("pause-site", "Toulouse")
    assert re.fullmatch(
        r"Toulouse: sky things L2A \(paused\)\n  catalogue 5 · .* · last full reconcile \d+ s ago\n",
        watcher("audit").out,
    )
    said = watcher("audit", "Toulouse", "--now")
    assert (said.code, said.err) == (2, "watcher: Toulouse is paused\n  → watcher resume-site Toulouse\n")


def test_what_was_watched_before_there_were_audits_is_due(watcher: Watcher, toulouse: Sky, home: Path) -> None:
    with database(home / "state" / "watcher.db") as db:
        db.execute(
            "UPDATE watches SET counted = NULL, lacking = NULL, reconciled = NULL, reconcile = NULL,"
            " baselined = '2020-01-01T00:00:00.000Z'"
        )
    assert watcher("audit").out.splitlines()[1] == (
        "  seen 5 · the catalogue's were not counted yet · found late 0 · withdrawn 0 · last full reconcile never, next"
        " at the next poll (overdue)"
    )


def test_a_site_of_sites_is_counted_at_each_poll(watcher: Watcher, scene: Scene) -> None:
    watcher("add-site", "Pornic")
    watcher("poll")
    scene.play()
    watcher("poll")
    said = watcher("audit")
    assert said.code == 0
    levels = re.findall(
        r"^Pornic: take5 SPOT5 (\w+)\n  catalogue (\d+) · seen (\d+) · missing 0 · ", said.out, re.MULTILINE
    )
    assert [level for level, *_ in levels] == ["L2A"]
    assert all(counted == seen for _, counted, seen in levels)
    assert ", 0 not seen before and read now, 0 arrived\n" in watcher("audit", "--now").err
