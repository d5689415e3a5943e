"""What the passes of the service ask of the database: at no turn all of what grows with every product."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher
from watcher import config, jobs
from watcher.wiring import Parts

GROWING = {"revisions", "sightings", "arrivals", "deliveries", "downloads", "polls", "notices", "hook_runs"}
FEW = ("download_due", "download_held", "download_former", "delivery_due", "delivery_tried", "delivery_sending",
       "delivery_given_up", "hook_run_due")  # fmt: skip
"""Indexes of what is under way, which does not grow."""


class Overheard(Parts):
    """Parts of which every statement is kept."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.statements: set[str] = set()

    def db(self) -> sqlite3.Connection:
        db = super().db()
        db.set_trace_callback(self.statements.add)
        return db


def read_whole(db: sqlite3.Connection, statement: str) -> list[str]:
    """Return the steps of a statement's plan that go through all of a growing table, or all of a collection in it."""
    if not re.match(r"(SELECT|WITH|INSERT|UPDATE|DELETE)\b", statement.lstrip(), re.IGNORECASE):
        return []
    tables = {name: name for name in GROWING}
    for table, alias in re.findall(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+AS\s+(\w+))?", statement):
        tables[alias or table] = table
    steps = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    newest_only = "LIMIT" in statement and not any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    found = []
    for step in steps:
        match = re.match(r"(SCAN|SEARCH) (\w+)(.*)", step)
        if match is None or tables.get(match[2], match[2]) not in GROWING or any(index in match[3] for index in FEW):
            continue
        if (match[1] == "SCAN" and not newest_only) or match[3].endswith("revision_identity (collection=?)"):
            found.append(step)
    return found


@pytest.fixture
def parts(home: Path, watcher: Watcher, scene: Scene) -> Overheard:
    """The service's parts after a baseline, with news that nobody has been told of yet."""
    with (home / "config.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[feeds]\ndirectory = "{home / "feeds"}"\n')
    for site in ("Pornic", "Litchfield"):
        assert watcher("add-site", site, "--level", "L1C", "--level", "L2A").code == 0
    assert watcher("subscribe", f"mbox://{home / 'mail'}", "--name", "me").code == 0
    assert watcher("poll").code == 0
    scene.play()
    return Overheard(config.load(home / "config.toml"), home / "state")


def test_no_pass_reads_all_of_what_grows(parts: Overheard) -> None:
    with closing(parts):
        for _ in range(2):  # with news, and without
            jobs.poll(parts, "take5", lambda: None)
            jobs.pay(parts, lambda: None)
            jobs.fetch(parts, lambda: None)
            jobs.run_hooks(parts, lambda: None)
            jobs.look(parts)
        with closing(Parts.db(parts)) as db:
            for table in ("deliveries", "downloads"):
                assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            assert len(parts.statements) > 100
            whole = {statement: steps for statement in parts.statements if (steps := read_whole(db, statement))}
    assert not whole, whole


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT title FROM revisions WHERE title = 'x'",
        "SELECT DISTINCT site FROM arrivals WHERE number > 5",
        "SELECT 1 FROM downloads WHERE revision IN (SELECT r.number FROM revisions AS r WHERE collection = 1)",
        "SELECT * FROM deliveries ORDER BY owed LIMIT 1",
    ],
)
def test_a_statement_that_does_would_be_found(db: sqlite3.Connection, statement: str) -> None:
    assert read_whole(db, statement)
