"""What is asked of the database: at no turn of the service all of what grows, by no command all of it for each row."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
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


def steps(db: sqlite3.Connection, statement: str) -> Iterator[tuple[str, str, bool]]:
    """Yield how a statement reads each growing table: the step, the table, and whether it does so for each row."""
    if not re.match(r"(SELECT|WITH|INSERT|UPDATE|DELETE)\b", statement.lstrip(), re.IGNORECASE):
        return
    tables = {name: name for name in GROWING}
    for table, alias in re.findall(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+AS\s+(\w+))?", statement):
        tables[alias or table] = table
    inner: set[int] = set()
    for number, parent, _, step in db.execute(f"EXPLAIN QUERY PLAN {statement}"):
        if parent in inner or step.startswith("CORRELATED"):
            inner.add(number)
        match = re.match(r"(?:SCAN|SEARCH) (\w+)", step)
        if match and (table := tables.get(match[1], match[1])) in GROWING and not any(index in step for index in FEW):
            yield step, table, number in inner


def read_whole(db: sqlite3.Connection, statement: str) -> list[str]:
    """Return the steps that go through all of a growing table, or all of it that a collection or a person ever had."""
    read = list(steps(db, statement))
    if "LIMIT" in statement and not sorted_first(db, statement):
        return []  # only the newest, or any
    of_one = ("revision_identity (collection=?)", "delivery_subscription (subscription=?)", "arrivals_1 (site=?)")
    return [step for step, _, _ in read if step.endswith(of_one) or step.startswith("SCAN")]


def read_again(db: sqlite3.Connection, statement: str) -> list[str]:
    """Return the steps that, for each row, go through all that a site or a collection has, or through all there is.

    All of a collection is read for no site; only `watcher check` does so once, to see whether it has been silent.
    """
    narrow = re.compile(r"\((site|collection|subscription|catalogue)=\?\)$")
    return [
        step
        for step, table, inner in steps(db, statement)
        if (inner and table != "polls" and (step.startswith("SCAN") or narrow.search(step)))
        or (step.endswith("revision_identity (collection=?)") and not statement.startswith("WITH heard"))
    ]


def sorted_first(db: sqlite3.Connection, statement: str) -> bool:
    return any("TEMP B-TREE FOR ORDER BY" in row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}"))


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
            whole = {statement: found for statement in parts.statements if (found := read_whole(db, statement))}
    assert not whole, whole


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT title FROM revisions WHERE title = 'x'",
        "SELECT DISTINCT site FROM arrivals WHERE number > 5",
        "SELECT 1 FROM downloads WHERE revision IN (SELECT r.number FROM revisions AS r WHERE collection = 1)",
        "SELECT * FROM deliveries ORDER BY owed LIMIT 1",
        "UPDATE deliveries SET due = 'x' WHERE subscription = 1 AND sent IS NULL",
        "SELECT number FROM arrivals WHERE site = 1 AND arrived > 'x'",
    ],
)
def test_a_statement_that_does_would_be_found(db: sqlite3.Connection, statement: str) -> None:
    assert read_whole(db, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT (SELECT count(*) FROM sightings AS o WHERE o.site = s.site) FROM sightings AS s",
        (
            "SELECT late FROM watches AS w JOIN sightings USING (site) JOIN revisions AS r USING (collection)"
            " WHERE w.number = 1 AND r.number = revision"
        ),
    ],
)
def test_a_command_that_does_would_be_found(db: sqlite3.Connection, statement: str) -> None:
    assert read_again(db, statement)


def test_no_command_reads_for_each_row_all_of_what_grows(
    parts: Overheard, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(parts):
        jobs.poll(parts, "take5", lambda: None)
        jobs.fetch(parts, lambda: None)
        jobs.pay(parts, lambda: None)
        with closing(Parts.db(parts)) as db:
            title = db.execute("SELECT title FROM revisions WHERE level = 'L2A' LIMIT 1").fetchone()[0]
        opened, said = Parts.db, parts.statements
        said.clear()

        def overheard(self: Parts) -> sqlite3.Connection:
            db = opened(self)
            db.set_trace_callback(said.add)
            return db

        monkeypatch.setattr(Parts, "db", overheard)
        for line in (
            "products", "products --site Pornic", "cart --site Pornic", "sites", "status", "check", "plan",
            "audit", f"why {title}", "why-not Pornic 2015-06-05", "progress", "upcoming", "race", "deliveries",
            "subscriptions", "tidy", "verify", f"download {title}", f"pin {title}", "approve", "hooks", "retry",
            "find --seen Pornic", "add-site Pornic --since 2015-01-01", "remove-site Litchfield", "unsubscribe 1",
        ):  # fmt: skip
            assert watcher(*line.split()).code in (0, 1), line
        monkeypatch.undo()
        assert len(said) > 100
        with closing(opened(parts)) as db:
            again = {statement: found for statement in said if (found := read_again(db, statement))}
    assert not again, again
