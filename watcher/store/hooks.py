"""Commands that are owed to products which came home: once for each revision, unless somebody asks again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

import msgspec

from watcher.store.connection import moment, stamp


class Debt(msgspec.Struct, frozen=True):
    """A command that is due: its hook, the revision it is for, and the tries that failed."""

    hook: str
    revision: int
    attempts: int


class Run(msgspec.Struct, frozen=True):
    """How a hook stands with a product.

    `due` is when it is run next, `None` if nothing is left to do; `code` is the exit status of its last run, `None` if
    there was none, or if it was killed; `output` is the end of what it printed.
    """

    hook: str
    title: str
    owed: datetime
    due: datetime | None
    attempts: int
    began: datetime | None
    ended: datetime | None
    code: int | None
    output: str | None
    given_up: datetime | None
    problem: str | None


def owe(db: sqlite3.Connection, revision: int, hooks: Iterable[str], *, now: datetime) -> None:
    """Owe hooks to a revision that came home. One that had its turn, or waits for it, is left as it is."""
    db.executemany(
        "INSERT INTO hook_runs (hook, revision, owed, due) VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO NOTHING",
        ((hook, revision, stamp(now)) for hook in hooks),
    )


def owe_again(db: sqlite3.Connection, revision: int, hooks: Iterable[str], *, now: datetime) -> None:
    """Owe hooks to a revision, due at once, also those that had their turn."""
    db.executemany(
        "INSERT INTO hook_runs (hook, revision, owed, due) VALUES (?1, ?2, ?3, ?3)"
        " ON CONFLICT DO UPDATE SET owed = excluded.owed, due = excluded.due, attempts = 0, given_up = NULL",
        ((hook, revision, stamp(now)) for hook in hooks),
    )


def due(db: sqlite3.Connection, *, now: datetime) -> list[Debt]:
    """Return what is due, the longest owed first."""
    rows = db.execute(
        "SELECT hook, revision, attempts FROM hook_runs WHERE due <= ? ORDER BY attempts, owed, revision, hook",
        (stamp(now),),
    )
    return [Debt(*row) for row in rows]


def began(db: sqlite3.Connection, debt: Debt, *, now: datetime) -> None:
    """Note that a command is about to be started."""
    db.execute(
        "UPDATE hook_runs SET began = ?, ended = NULL, code = NULL WHERE hook = ? AND revision = ?",
        (stamp(now), debt.hook, debt.revision),
    )


def ended(db: sqlite3.Connection, debt: Debt, *, output: str, now: datetime) -> None:
    """Note that a command did what it was for: it is owed no longer."""
    db.execute(
        "UPDATE hook_runs SET due = NULL, given_up = NULL, ended = ?, code = 0, output = ?, problem = NULL"
        " WHERE hook = ? AND revision = ?",
        (stamp(now), output, debt.hook, debt.revision),
    )


def failed(
    db: sqlite3.Connection,
    debt: Debt,
    *,
    problem: str,
    again: datetime | None,
    now: datetime,
    code: int | None = None,
    output: str | None = None,
) -> None:
    """Note that a command failed, or could not be run, and when to try again; `None` gives it up."""
    db.execute(
        "UPDATE hook_runs SET due = ?, given_up = ?, ended = ?, code = ?, output = ?, problem = ?,"
        " attempts = attempts + 1 WHERE hook = ? AND revision = ?",
        (
            stamp(again) if again else None,
            None if again else stamp(now),
            stamp(now),
            code,
            output,
            problem,
            debt.hook,
            debt.revision,
        ),
    )


def runs(db: sqlite3.Connection, *, troubled: bool = False) -> list[Run]:
    """Return how hooks stand with products, those owed last first, or only what failed."""
    rows = db.execute(
        "SELECT hook, title, owed, due, attempts, began, ended, code, output, given_up, problem FROM hook_runs"
        " JOIN revisions ON number = revision WHERE problem IS NOT NULL OR NOT ? ORDER BY owed DESC, title, hook",
        (troubled,),
    )
    return [
        Run(
            hook=hook,
            title=title,
            owed=datetime.fromisoformat(owed),
            due=moment(due),
            attempts=attempts,
            began=moment(began),
            ended=moment(ended),
            code=code,
            output=output,
            given_up=moment(given_up),
            problem=problem,
        )
        for hook, title, owed, due, attempts, began, ended, code, output, given_up, problem in rows
    ]
