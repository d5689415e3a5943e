"""Which download may begin, and which first."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from tests.given import ACQUIRED, NOW, product, rows
from tests.tasks.stored import put, want
from watcher.core.decide import Arrival
from watcher.model import Asset, Event
from watcher.store import downloads, products, tapes, volumes
from watcher.store.connection import writing
from watcher.store.downloads import Wanted
from watcher.tasks.download.queue import Begun, How, Queue, Rules
from watcher.transfer import Tally

LATER = NOW + timedelta(minutes=1)


def order(
    db: sqlite3.Connection, rules: Rules | None = None, how: How | None = None, running: Collection[Begun] = ()
) -> list[int]:
    queue = Queue(db, "/here", lambda name: how or How(), rules or Rules())
    return [wanted.revision for wanted in queue.next(running, (), now=LATER)]


def runs(db: sqlite3.Connection, number: int, *, size: int | None = 0) -> Begun:
    asset = Asset("product", "http://127.0.0.1:1/", size=size)
    return Begun(Wanted(number, "take5", "Pornic", 0), product(assets=(asset,)), "x", Tally())


def test_the_newest_the_oldest_the_clearest_or_a_site_comes_first(db: sqlite3.Connection) -> None:
    old = want(db, "P1", acquired=ACQUIRED - timedelta(days=9), cloud=3.0)
    new = want(db, "P2", cloud=80.0)
    dim = want(db, "P3", site="Nantes", acquired=ACQUIRED - timedelta(days=4), cloud=None)
    assert order(db) == [new, dim, old]
    assert order(db, Rules("oldest")) == [old, dim, new]
    assert order(db, Rules("clearest")) == [old, new, dim]
    assert order(db, Rules(sites=("NANTES",))) == [dim, new, old]


def test_a_catalogue_has_no_more_than_its_share_at_once(db: sqlite3.Connection) -> None:
    first, second, other = want(db, "P1"), want(db, "P2"), want(db, "P3", catalogue="peps")
    busy = [runs(db, first)]
    assert order(db, how=How(concurrency=1), running=busy) == [other]
    assert set(order(db, how=How(concurrency=2), running=busy)) == {second, other}


def test_a_volume_that_is_used_up_holds_its_catalogue_only(db: sqlite3.Connection) -> None:
    want(db, "P1")
    other = want(db, "P2", catalogue="peps")
    with writing(db):
        volumes.spend(db, "take5", 60, now=LATER)
        volumes.spend(db, "take5", 39, now=LATER)
    assert len(order(db, how=How(daily=100))) == 2
    assert order(db, how=How(daily=99)) == [other]
    assert order(db, how=How(monthly=99)) == [other]
    busy = [runs(db, 99, size=1)]
    assert order(db, how=How(daily=100), running=busy) == [other]


def test_while_nobody_knows_what_runs_will_take_of_a_volume_nothing_more_begins(db: sqlite3.Connection) -> None:
    first, second = want(db, "P1"), want(db, "P2")
    busy = runs(db, first, size=None)
    assert order(db, running=[busy]) == [second]
    assert order(db, how=How(daily=100), running=[busy]) == []
    busy.tally.total = 99
    assert order(db, how=How(daily=100), running=[busy]) == [second]
    busy.tally.total = 100
    assert order(db, how=How(daily=100), running=[busy]) == []


def test_what_runs_counts_as_an_order_until_it_comes_where_there_may_be_tapes(db: sqlite3.Connection) -> None:
    first, second = want(db, "P1"), want(db, "P2")
    busy = runs(db, first)
    assert order(db, running=[busy] * 30) == [second]
    assert order(db, how=How(orders=2), running=[busy]) == [second]
    assert order(db, how=How(orders=1), running=[busy]) == []
    busy.tally.add(1)
    assert order(db, how=How(orders=1), running=[busy]) == [second]
    busy = runs(db, first)
    third = want(db, "P3", catalogue="peps")
    with writing(db):
        tapes.staged(db, second, since=NOW, problem="on tape", again=LATER + timedelta(days=1))
    fourth = want(db, "P4")
    assert order(db, running=[busy] * 8) == [third, fourth] or order(db, running=[busy] * 8) == [fourth, third]
    assert order(db, running=[busy] * 9) == [third]


def test_a_site_whose_shelf_is_full_waits(db: sqlite3.Connection, tmp_path: Path) -> None:
    put(db, tmp_path, "P1", b"0123456789")
    want(db, "P2")
    other = want(db, "P3", site="Nantes")
    assert len(order(db, Rules(site_quota=11))) == 2
    assert order(db, Rules(site_quota=10)) == [other]


def test_what_lies_in_a_former_archive_fills_no_shelf(db: sqlite3.Connection, tmp_path: Path) -> None:
    lies = put(db, tmp_path, "P1", b"0123456789")
    wanted = want(db, "P2")
    for archive, due in (("/here", []), ("/before", [wanted])):
        with writing(db):
            db.execute("UPDATE downloads SET archive = ? WHERE revision = ?", (archive, lies))
        assert order(db, Rules(site_quota=10)) == due


def test_of_what_is_processed_again_the_latest_all_or_the_first_comes_home(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    def again(ident: str, **how: object) -> list[bool]:
        """Let a product be replaced by another revision; return which of the two are due."""
        number = products.first_free(db)
        with writing(db):
            db.execute(
                "INSERT INTO revisions (number, collection, id, token, title, assets, seen) SELECT ?, collection, id,"
                " 'second', title, assets, seen FROM revisions WHERE id = ?",
                (number, ident),
            )
            arrival = Arrival(1, number, Event.REVISED, (), True)
            downloads.want(db, [arrival], sites={1: "Pornic"}, now=LATER, **how)  # type: ignore[arg-type]
        both = "SELECT due IS NOT NULL FROM downloads JOIN revisions ON number = revision WHERE id = ? ORDER BY number"
        return [bool(due) for due in rows(db, both, [ident])]

    for ident in ("P1", "P2", "P3"):
        want(db, ident)
    put(db, tmp_path, "P4")
    assert again("P1") == [False, True]
    assert again("P2", revisions="all") == [True, True]
    assert again("P3", revisions="first") == [False, True]
    assert again("P4", revisions="first") == [False]
