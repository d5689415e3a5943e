"""The watches that an answer is judged by."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.given import L1C, NOW, add_watch, box, database
from watcher.core.questions.asking import Ask
from watcher.model import Query
from watcher.store import sites, watching
from watcher.store.around import Around
from watcher.store.connection import writing

HERE = box(0, 40, 1, 41)


def ask(db: sqlite3.Connection) -> Ask:
    return Ask(Query("SPOT5"), watching.watches(db), whole=False)


def test_all_that_watch_the_sites_of_a_question_are_around(db: sqlite3.Connection) -> None:
    watched = add_watch(db, "Field", geometry=HERE)
    question = ask(db)
    add_watch(db, "Field", geometry=HERE, level=L1C)
    add_watch(db, "Other")
    add_watch(db, "Field", geometry=HERE, collection="SPOT4")
    sites.pause(db, watched.site, since=NOW)
    found = Around(db, "take5").watches(question)
    assert [w.level for w in found] == [L1C, watched.level]


def test_they_are_read_once_until_another_writes(db: sqlite3.Connection, path: Path) -> None:
    add_watch(db, "Field", geometry=HERE)
    question, around = ask(db), Around(db, "take5")
    with writing(db):
        first = around.sorted(question)
    with writing(db):
        assert around.sorted(question) is first
    with database(path) as other:
        add_watch(other, "Field", geometry=HERE, level=L1C)
    with writing(db):
        assert around.sorted(question) is not first
        assert len(around.watches(question)) == 2


def test_who_writes_to_the_watches_has_them_read_again(db: sqlite3.Connection) -> None:
    add_watch(db, "Field", geometry=HERE)
    around = Around(db, "take5")
    before = around.watches(ask(db))
    assert watching.advance(db, before[0], cursor=NOW, whole=True, now=NOW)
    assert around.watches(ask(db))[0].baselined is None
    around.changed()
    assert around.watches(ask(db))[0].baselined == NOW


def test_the_first_read_serves_every_question_until_another_writes(db: sqlite3.Connection, path: Path) -> None:
    for name in ("A", "B"):
        add_watch(db, name, geometry=HERE)
    paused = add_watch(db, "C")
    sites.pause(db, paused.site, since=NOW)
    first, second = (Ask(Query("SPOT5"), [watch], whole=False) for watch in watching.watches(db))
    around = Around(db, "take5")
    assert [w.site.name for w in around.unpaused()] == ["A", "B"]
    read: list[str] = []
    db.set_trace_callback(read.append)
    for question in (first, second, first):
        assert around.watches(question) == question.watches
    assert [statement for statement in read if "watches" in statement] == []
    with database(path) as other:
        add_watch(other, "B", geometry=HERE, level=L1C)
    assert len(around.watches(second)) == 2
    db.set_trace_callback(None)
