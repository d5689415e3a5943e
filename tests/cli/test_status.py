"""`watcher status`: what it says of catalogues in part trouble, of collections that rest, and of audits."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Watcher
from tests.given import add_watch, database
from watcher.model import Unread
from watcher.store import polls, unread, watching
from watcher.store.connection import stamp, writing
from watcher.wiring import now


@pytest.fixture
def path(home: Path) -> Path:
    """The database, of a catalogue without an interval of its own, with a site that is watched in two collections."""
    config = home / "config.toml"
    config.write_text(config.read_text().replace('interval = "1s"\n[catalogues.take5.auth]', "[catalogues.take5.auth]"))
    path = home / "state" / "watcher.db"
    with database(path) as db:
        for name in ("SPOT4", "SPOT5"):
            add_watch(db, "Pornic", collection=name)
    return path


def test_one_collection_that_is_refused_does_not_hide_that_the_others_are_well(watcher: Watcher, path: Path) -> None:
    with database(path) as db:
        db.execute("UPDATE collections SET name = 'SPOT9' WHERE name = 'SPOT4'")
    watcher("poll")
    (catalogue,) = json.loads(watcher("status", "--json").out)["catalogues"]
    assert catalogue["last_good"] >= catalogue["last_poll"]
    said = watcher("status").out
    assert "take5: 1 poll failed, last good never (1 of 2 collections, the others are well): SPOT9 (Pornic): " in said


def test_sites_that_are_paused_are_counted(watcher: Watcher, path: Path) -> None:
    assert watcher("status").out.startswith("1 site, 2 watches, ")
    watcher("pause-site", "Pornic")
    assert watcher("status").out.startswith("1 site (1 paused), 2 watches, ")
    assert json.loads(watcher("status", "--json").out)["paused"] == 1


def test_collections_that_rest_are_said(watcher: Watcher, path: Path) -> None:
    watcher("poll")
    with database(path) as db:
        db.execute(
            "UPDATE watches SET baselined = ?, reconciled = ? WHERE collection ="
            " (SELECT number FROM collections WHERE name = 'SPOT4')",
            (stamp(now() - timedelta(days=90)), stamp(now())),
        )
    said = watcher("status").out
    assert "; next in 15 min, without 1 of 2 collections that rest (watcher plan)\n" in said
    assert "troubles: none" in said


def test_an_audit_that_is_missing_is_named_and_so_is_what_it_could_not_read(watcher: Watcher, path: Path) -> None:
    with database(path) as db:
        add_watch(db, "Toulouse")
    with database(path) as db, writing(db):
        for watch in watching.watches(db):
            watching.advance(db, watch, cursor=None, whole=True, now=now() - timedelta(days=9, hours=1))
        polls.finish(
            db, polls.start(db, "take5", now=now()), listed=0, arrived=0, problem=None, not_before=None, now=now()
        )
    late = "take5: at 2 sites all was last listed 9 d ago, which is due every week (watcher audit --now)"
    assert late in watcher("status").out
    with database(path) as db:
        db.execute("UPDATE watches SET reconciled = ?, lacking = 2", (stamp(now() - timedelta(days=8)),))
    said = watcher("status").out
    assert late not in said
    assert "take5: 6 products at 2 sites could not be read (watcher audit)" in said


def test_what_cannot_be_read_is_said_since_when_and_why(watcher: Watcher, path: Path) -> None:
    with database(path) as db, writing(db):
        number = watching.collection_number(db, "take5", "SPOT5")
        odd = [
            Unread("a", "Expected `object`, got `null` - at `$.properties`", '{"id":"a"}', "1"),
            Unread("", "b", "[", "2"),
        ]
        for days, one in zip((2, 1), odd, strict=True):
            unread.note(db, number, [one], now=now() - timedelta(days=days))
    said = watcher("status").out
    why = "Expected `object`, got `null` - at `$.properties`"
    assert f"  take5: 2 items of SPOT5 cannot be read, since 2 d ago: a: {why}\n" in said
    (catalogue,) = json.loads(watcher("status", "--json").out)["catalogues"]
    (one,) = catalogue["unread"]
    assert (one["collection"], one["count"], one["id"], one["problem"]) == ("SPOT5", 2, "a", why)
    assert one["raw"] == '{"id":"a"}'
    checked = watcher("check", "--catalogue", "take5")
    assert checked.code == 1
    assert "WRONG  take5: items of SPOT5: 2 items that its polls were listed cannot be read, since " in checked.out
