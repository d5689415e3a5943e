"""What follows from a turn of the service's clock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.given import add_watch
from watcher import config, jobs
from watcher.store import polls
from watcher.wiring import Parts

MINUTE = timedelta(minutes=1)


@contextmanager
def watching(home: Path, poll: str = "jitter = 0", *, take5: str = "") -> Iterator[tuple[Parts, sqlite3.Connection]]:
    """The working parts, the catalogue without an interval of its own, and a database with a watch."""
    path = home / "config.toml"
    text = path.read_text().replace('gap = 0\ninterval = "1s"', f"gap = 0\n{take5}")
    path.write_text(text.replace("jitter = 0", poll))
    with closing(Parts(config.load(path), home / "state")) as parts, closing(parts.db()) as db:
        add_watch(db, "Pornic")
        yield parts, db


def turn(of: Parts) -> timedelta:
    """Poll once; say how long after its start the next poll is due."""
    following = jobs.poll(of, "take5", lambda: None)
    assert following.turn is not None
    with closing(of.db()) as db:
        last = polls.last(db, "take5")
    assert last is not None
    return following.turn - last.started


def test_a_catalogue_has_its_next_turn_an_interval_after_this_one_began(home: Path) -> None:
    with watching(home) as (parts, _):
        assert turn(parts) == 15 * MINUTE


def test_an_interval_of_its_own_is_kept_whatever_the_catalogue_does(home: Path) -> None:
    with watching(home, take5='interval = "20m"') as (parts, db):
        assert turn(parts) == 20 * MINUTE
        db.execute("UPDATE watches SET baselined = '2015-01-01T00:00:00.000Z'")
        assert turn(parts) == 20 * MINUTE


@pytest.mark.parametrize(("bounds", "hours"), [("", 6), ('max_interval = "2h"', 2), ('interval = "8h"', 8)])
def test_a_catalogue_that_has_been_silent_for_months_is_asked_at_the_longest_interval(
    home: Path, bounds: str, hours: int
) -> None:
    with watching(home, f"jitter = 0\n{bounds}") as (parts, db):
        turn(parts)
        db.execute("UPDATE watches SET baselined = '2015-01-01T00:00:00.000Z'")
        assert turn(parts) == timedelta(hours=hours)


def test_the_next_turn_is_spread_by_chance(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watching(home, 'jitter = "60s"') as (parts, _):
        for chance, late in ((0.0, -MINUTE), (0.5, 0 * MINUTE), (1.0, MINUTE)):
            monkeypatch.setattr(jobs, "chance", lambda drawn=chance: drawn)
            assert turn(parts) == 15 * MINUTE + late


def test_there_is_no_next_turn_where_nothing_is_watched(home: Path) -> None:
    with watching(home) as (parts, db):
        db.execute("DELETE FROM watches")
        assert jobs.poll(parts, "take5", lambda: None) == jobs.Next()
