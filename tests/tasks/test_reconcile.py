"""A reconcile: everything is listed again, what polls passed over is read and told, and nothing is concluded twice."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.given import (
    L1C,
    L2A,
    NOW,
    Clock,
    add_subscription,
    add_watch,
    announced,
    box,
    changed,
    database,
    product,
    rows,
    version,
)
from tests.tasks.pretend import NOBODY, Pretend
from watcher.core.health.auditing import AGAIN, EVERY, Audit
from watcher.core.identity.revisions import token
from watcher.core.questions.reach import OVERLAP
from watcher.errors import CatalogueError, CredentialError, HttpError, Unreachable
from watcher.model import Page, Product, Query
from watcher.net import Http
from watcher.store import audits, measures, polls, sites, watching
from watcher.store.connection import writing
from watcher.tasks.poll import Polled, Reconciled, poll, reconcile

WEST, EAST, FAR = box(0, 40, 1, 41), box(2, 40, 3, 41), box(50, 50, 51, 51)
HERE: dict[str, Any] = {"geometry": WEST}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Terse(Pretend):
    """Asked to be brief, it says no more than it must: an identity, a time and part of a token, on the right ground."""

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        for page in super().search(query, http):
            yield [_brief(one) for one in page] if query.brief else page


def _brief(one: Product) -> Product:
    updated = one.revision.split("|")[0]
    return Product(
        one.collection,
        one.id,
        one.id,
        one.level,
        one.acquired,
        token(updated=updated, produced=None, version=None, checksum=None, size=None),
        learnt=one.learnt,
        geometry=one.geometry,
        code=one.code,
    )


def news(*listed: Product, **terms: Any) -> Terse:
    return Terse(*listed, **({"learns": True, "codes": False} | terms))


def windows(*listed: Product, **terms: Any) -> Terse:
    return Terse(*listed, codes=False, **terms)


Ask = Callable[..., Polled]
Again = Callable[..., Reconciled]


@pytest.fixture
def ask(db: sqlite3.Connection, clock: Clock) -> Ask:
    """Poll a catalogue, a quarter of an hour after the last time."""

    def once(catalogue: Pretend, **terms: Any) -> Polled:
        clock.forward(minutes=15)
        return poll(db, "take5", catalogue, NOBODY, now=clock, **terms)

    return once


@pytest.fixture
def again(db: sqlite3.Connection, clock: Clock) -> Again:
    """Reconcile, a minute after whatever was last."""

    def once(catalogue: Pretend, **terms: Any) -> Reconciled:
        clock.forward(minutes=1)
        return reconcile(db, "take5", catalogue, NOBODY, now=clock, **terms)

    return once


def catch_up(ask: Ask, catalogue: Pretend) -> None:
    """Poll until the cursor has moved past a long pause: that takes two looks."""
    for _ in range(2):
        assert ask(catalogue).problem is None


def audit(db: sqlite3.Connection, site: str = "Field", level: str | None = L2A) -> Audit:
    return next(one for one in audits.every(db) if (one.site, one.level) == (site, level))


def progress(db: sqlite3.Connection) -> list[Any]:
    """All that says how far a watch was asked for."""
    return [(watch.cursor, watch.reread, watch.baselined) for watch in watching.watches(db)]


def missing(db: sqlite3.Connection) -> list[str]:
    return rows(
        db, "SELECT id FROM sightings JOIN revisions ON number = revision WHERE missing IS NOT NULL ORDER BY id"
    )


# What polls pass over


def test_a_product_that_no_poll_sees_is_found_recorded_and_told_once(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    add_subscription(db)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    clock.forward(days=20)
    catalogue.list(product("P2", learnt=clock.time, **HERE))
    catch_up(ask, catalogue)
    # It comes up with a stamp from before all that polls ask for.
    catalogue.list(product("hidden", learnt=NOW + 10 * DAY, cloud=3.0, title="A title", **HERE))
    for _ in range(3):
        assert ask(catalogue).arrived == 0

    done = again(catalogue)
    assert (done.found, done.mended, done.lacking, done.arrived, done.problem) == (1, 1, 0, 1, None)
    assert (done.asked, done.listed) == (1, 3)
    assert announced(db) == [("Field", "P2", "new"), ("Field", "hidden", "new")]
    assert rows(db, "SELECT title, cloud FROM revisions WHERE id = 'hidden'") == [("A title", 3.0)]
    assert rows(db, "SELECT count(*) FROM deliveries") == [2]
    found = audit(db)
    assert (found.counted, found.seen, found.missing, found.mended) == (3, 3, 0, 1)
    assert [round(seconds / 86_400) for seconds in found.late] == [10]
    assert found.due is not None
    assert abs(found.due - clock.time - AGAIN) < HOUR

    done = again(catalogue)
    assert (done.found, done.mended, done.arrived, len(announced(db))) == (0, 0, 0, 2)
    assert audit(db).due == audit(db).reconciled + EVERY  # type: ignore[operator]


def test_no_cursor_moves(db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again) -> None:
    add_watch(db, "Field", **HERE)
    add_watch(db, "Empty", geometry=FAR)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    before = progress(db)
    clock.forward(days=1)
    catalogue.list(product("P2", learnt=NOW + DAY, **HERE))
    assert again(catalogue).found == 1
    assert progress(db) == before


def test_what_came_since_the_last_poll_is_news_and_no_gap(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    catalogue.list(product("P2", learnt=clock.time, **HERE))
    done = again(catalogue)
    assert (done.found, done.mended, done.arrived) == (1, 0, 1)
    assert (audit(db).mended, audit(db).late) == (0, [])
    assert ask(catalogue).arrived == 0
    assert audit(db).due == audit(db).reconciled + EVERY  # type: ignore[operator]


def test_a_reprocessing_that_no_poll_sees_is_told_as_one(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE), product("P2", learnt=NOW, **HERE))
    ask(catalogue)
    clock.forward(days=9)
    catalogue.list(product("P3", learnt=clock.time, **HERE))
    catch_up(ask, catalogue)
    catalogue.list(product("P1", learnt=NOW, revision=version(2), **HERE))
    ask(catalogue)
    assert again(catalogue).mended == 1
    assert announced(db)[1:] == [("Field", "P1", "revised")]
    assert audit(db).late == []  # the catalogue does not say since when it has it
    assert missing(db) == []


def test_an_old_acquisition_that_windows_pass_over_is_found(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = windows(product("P1", acquired=NOW, **HERE))
    ask(catalogue)
    clock.forward(days=60)
    catalogue.list(product("P2", acquired=clock.time, **HERE))
    ask(catalogue)
    catalogue.list(product("old", acquired=NOW - 80 * DAY, published=clock.time - HOUR, **HERE))
    assert ask(catalogue).arrived == 0
    done = again(catalogue)
    assert (done.mended, done.arrived) == (1, 1)
    assert announced(db)[1:] == [("Field", "old", "new")]


def test_what_was_acquired_nobody_knows_when_is_found(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    clock.forward(days=9)
    catalogue.list(product("P2", learnt=clock.time, **HERE))
    catch_up(ask, catalogue)
    catalogue.list(product("timeless", learnt=NOW, acquired=None, **HERE))
    assert again(catalogue).mended == 1
    assert [query.acquired[1] for query in catalogue.asked[-2:]] == [None, None]


# What a brief answer says


def test_a_brief_answer_takes_nothing_from_what_is_recorded(db: sqlite3.Connection, ask: Ask, again: Again) -> None:
    add_watch(db, "Field", **HERE)
    full = version(1, checksum="md5:00")
    catalogue = news(product("P1", learnt=NOW, revision=full, cloud=7.0, platform="S5", **HERE))
    ask(catalogue)
    recorded = rows(db, "SELECT * FROM revisions")
    asked = len(catalogue.asked)
    assert again(catalogue).found == 0
    assert len(catalogue.asked) == asked + 1
    assert rows(db, "SELECT * FROM revisions") == recorded
    assert audit(db).seen == 1


def test_a_record_that_was_merely_touched_is_described_and_is_no_gap(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    first = token(updated="u1", produced=None, version=None, checksum="md5:00", size=None)
    touched = token(updated="u2", produced=None, version=None, checksum="md5:00", size=None)
    catalogue = news(product("P1", learnt=NOW, revision=first, **HERE))
    ask(catalogue)
    clock.forward(days=20)
    catalogue.list(product("P1", learnt=NOW, revision=touched, **HERE))
    done = again(catalogue)
    assert (done.found, done.mended, done.lacking, done.arrived) == (0, 0, 0, 0)
    assert rows(db, "SELECT token FROM revisions") == [touched]
    assert (audit(db).counted, audit(db).missing) == (1, 0)


def test_a_cloudy_product_found_by_a_reconcile_is_not_announced(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "West", max_cloud=20.0, geometry=WEST)
    add_watch(db, "East", max_cloud=20.0, geometry=EAST)
    catalogue = news()
    ask(catalogue)
    clock.forward(days=1)
    catalogue.list(product("W", learnt=clock.time, cloud=90.0, geometry=WEST))
    ask(catalogue)
    # Its footprint grew, so that another site sees it: of that, too, a brief answer does not say the clouds.
    catalogue.list(product("W", learnt=NOW - 30 * DAY, cloud=90.0, geometry=box(0, 40, 3, 41)))
    assert again(catalogue).found == 1
    assert announced(db) == []
    assert (audit(db, "East").counted, audit(db, "East").total) == (1, 1)


def test_what_is_listed_twice_is_counted_once(db: sqlite3.Connection, ask: Ask, again: Again) -> None:
    class Twice(Terse):
        def search(self, query: Query, http: Http) -> Iterator[Page]:
            for page in super().search(query, http):
                yield page
                yield [*page, *page]

    add_watch(db, "Field", **HERE)
    catalogue = Twice(product("P1", learnt=NOW, **HERE), learns=True, codes=False)
    ask(catalogue)
    assert audit(db).counted == 1
    catalogue.list(product("P2", learnt=NOW, **HERE))
    again(catalogue)
    assert (audit(db).counted, audit(db).missing) == (2, 0)


def test_what_lies_elsewhere_by_its_full_description_is_not_missing(
    db: sqlite3.Connection, ask: Ask, again: Again
) -> None:
    class Vague(Terse):
        """Briefly, it says no footprint."""

        def search(self, query: Query, http: Http) -> Iterator[Page]:
            for page in super().search(query, http):
                yield [changed(one, geometry=None) for one in page] if query.brief else page

    add_watch(db, "Field", **HERE)
    catalogue = Vague(product("P1", learnt=NOW, **HERE), learns=True, codes=False)
    ask(catalogue)
    catalogue.ignores_filters = True
    catalogue.list(product("elsewhere", learnt=NOW, geometry=FAR))
    done = again(catalogue)
    assert (done.listed, done.found, done.lacking) == (2, 0, 0)
    assert (audit(db).counted, audit(db).seen, audit(db).missing) == (1, 1, 0)


def test_what_is_listed_and_cannot_be_read_is_missing_until_it_can(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    class Hiding(Terse):
        hidden = True

        def search(self, query: Query, http: Http) -> Iterator[Page]:
            for page in super().search(query, http):
                yield [one for one in page if query.brief or not self.hidden or one.id != "P2"]

    add_watch(db, "Field", **HERE)
    catalogue = Hiding(product("P1", learnt=NOW, **HERE), learns=True, codes=False)
    ask(catalogue)
    catalogue.list(product("P2", learnt=NOW - 30 * DAY, **HERE))
    done = again(catalogue)
    assert (done.found, done.lacking, done.problem) == (0, 1, None)
    assert (audit(db).counted, audit(db).seen, audit(db).missing) == (2, 1, 1)
    assert audits.due(db, "take5", now=clock.time + AGAIN) != []
    catalogue.hidden = False
    done = again(catalogue)
    assert (done.found, done.lacking, audit(db).missing) == (1, 0, 0)


# What is gone


def test_a_product_that_vanished_needs_two_complete_looks(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(*(product(f"P{n}", learnt=NOW, **HERE) for n in range(3)))
    ask(catalogue)
    del catalogue.products["P1"]
    again(catalogue)
    assert (announced(db), missing(db), audit(db).gone, audit(db).withdrawn) == ([], ["P1"], 1, 0)
    assert audit(db).due == audit(db).reconciled + AGAIN  # type: ignore[operator]
    clock.forward(days=1)
    ask(catalogue)
    assert again(catalogue).arrived == 1
    assert announced(db) == [("Field", "P1", "withdrawn")]
    assert (audit(db).gone, audit(db).withdrawn, audit(db).counted) == (0, 1, 2)
    clock.forward(days=1)
    assert again(catalogue).arrived == 0


def test_two_looks_that_are_minutes_apart_are_one(db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = windows(*(product(f"P{n}", acquired=NOW, **HERE) for n in range(3)))
    ask(catalogue)
    del catalogue.products["P1"]
    ask(catalogue)
    for _ in range(5):
        assert again(catalogue).arrived == 0
    assert (announced(db), audit(db).gone) == ([], 1)
    clock.forward(minutes=10)
    assert again(catalogue).arrived == 1


def test_what_is_gone_for_one_look_is_no_news(db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(*(product(f"P{n}", learnt=NOW, **HERE) for n in range(3)))
    ask(catalogue)
    for _ in range(3):
        gone = catalogue.products.pop("P1")
        clock.forward(days=1)
        again(catalogue)
        catalogue.list(gone)
        clock.forward(days=1)
        again(catalogue)
    assert (announced(db), missing(db)) == ([], [])


def test_a_later_start_withdraws_nothing_of_before(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", since=NOW - 90 * DAY, **HERE)
    catalogue = windows(
        product("early", acquired=NOW - 80 * DAY, **HERE), product("P1", acquired=NOW - 5 * DAY, **HERE)
    )
    ask(catalogue)
    add_watch(db, "Field", since=NOW - 10 * DAY, **HERE)
    for _ in range(3):
        clock.forward(days=1)
        assert again(catalogue).problem is None
    assert (announced(db), missing(db)) == ([], [])
    assert (audit(db).counted, audit(db).seen, audit(db).missing) == (1, 1, 0)


def test_an_earlier_start_is_read_up_without_being_announced(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", since=NOW - 10 * DAY, **HERE)
    old = product("early", acquired=NOW - 80 * DAY, learnt=NOW - 79 * DAY, **HERE)
    catalogue = news(product("P1", acquired=NOW - 5 * DAY, learnt=NOW, **HERE), old)
    ask(catalogue)
    add_watch(db, "Field", since=NOW - 90 * DAY, **HERE)
    done = again(catalogue)
    assert (done.found, done.mended, done.arrived) == (1, 0, 0)
    assert (audit(db).counted, audit(db).total) == (2, 2)


def test_a_look_that_lists_nothing_of_a_site_concludes_nothing(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    for name, ground in (("West", WEST), ("East", EAST)):
        add_watch(db, name, geometry=ground)
    catalogue = news(
        *(product(n, learnt=NOW, geometry=g) for n, g in (("W1", WEST), ("W2", WEST), ("E1", EAST))), places=50
    )
    ask(catalogue)
    del catalogue.products["E1"]
    before = audit(db, "East").reconciled
    for _ in range(3):
        clock.forward(days=1)
        problem = again(catalogue).problem
        assert problem is not None
        assert problem.startswith("SPOT5 (East, West): East: SPOT5 lists nothing, where 1 products were seen before")
    assert missing(db) == []
    assert audit(db, "East").reconciled == before
    assert audit(db, "West").reconciled != before


# What fails


@pytest.mark.parametrize("after", [0, 1, -1])
def test_a_truncated_walk_concludes_nothing(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again, after: int
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(*(product(f"P{n}", learnt=NOW, **HERE) for n in range(4)))
    ask(catalogue)
    first = audit(db)
    del catalogue.products["P3"]
    catalogue.list(product("P4", learnt=NOW - 30 * DAY, **HERE))
    catalogue.breaks(after=after)
    for _ in range(3):
        clock.forward(days=1)
        assert again(catalogue).problem == "SPOT5 (Field): cut off"
    assert (announced(db), missing(db)) == ([], [])
    assert (audit(db).counted, audit(db).reconciled) == (4, first.reconciled)
    catalogue.mend()
    assert again(catalogue).mended == 1
    assert audit(db).counted == 4


def test_a_description_that_is_cut_off_leaves_the_rest_for_the_next_day(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    first = audit(db)
    for n in range(3):
        catalogue.list(product(f"H{n}", learnt=NOW - 30 * DAY, acquired=NOW - n * 20 * DAY, **HERE))

    def break_off(number: int, query: Query) -> None:
        if not query.brief and len(catalogue.asked) % 3 == 0:
            raise CatalogueError("cut off")

    catalogue.before_page = break_off
    done = again(catalogue)
    assert done.problem == "SPOT5 (Field): cut off"
    assert audit(db).reconciled == first.reconciled
    assert audits.due(db, "take5", now=clock.time + AGAIN) != []
    catalogue.mend()
    again(catalogue)
    assert (audit(db).counted, audit(db).seen, len(announced(db))) == (4, 4, 3)


def test_a_reconcile_that_fails_is_not_due_again_for_a_day(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    clock.forward(days=8)
    (number,) = audits.due(db, "take5", now=clock.time)
    for error in (Unreachable("timed out"), CredentialError("refused"), KeyError("properties")):
        catalogue.breaks(error)
        with nullcontext() if isinstance(error, Unreachable) else pytest.raises(type(error)):
            assert again(catalogue, at=[number]).problem == "SPOT5 (Field): timed out"
        assert audits.due(db, "take5", now=clock.time + AGAIN - HOUR) == []
        clock.forward(days=1)
        assert audits.due(db, "take5", now=clock.time) == [number]


def test_a_server_that_asks_to_be_left_alone_is(db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again) -> None:
    add_watch(db, "Field", **HERE)
    add_watch(db, "Other", geometry=FAR)
    catalogue = news()
    ask(catalogue)
    asked = len(catalogue.asked)
    catalogue.breaks(HttpError("too many requests", status=429, retry_after=600.0))
    done = again(catalogue)
    assert len(catalogue.asked) == asked + 1
    assert done.not_before is not None
    last = polls.last(db, "take5")
    assert last is not None
    assert last.problem is None
    assert last.not_before is not None
    assert abs(last.not_before - done.not_before) < timedelta(seconds=1)


def test_a_reconcile_that_is_told_to_stop_asks_no_further(db: sqlite3.Connection, ask: Ask, again: Again) -> None:
    for name, ground in (("West", WEST), ("East", EAST)):
        add_watch(db, name, geometry=ground)
    catalogue = news()
    ask(catalogue)
    stop = threading.Event()
    catalogue.before_page = lambda number, query: stop.set()
    done = again(catalogue, stop=stop)
    assert (done.asked, done.problem, done.cut) == (1, "stopped before all was asked", True)


def test_what_a_stopped_reconcile_did_not_come_to_is_due_as_it_was(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    west = add_watch(db, "West", geometry=WEST).site
    east = add_watch(db, "East", geometry=EAST).site
    catalogue = news()
    ask(catalogue)
    clock.forward(days=8)
    stop = threading.Event()
    catalogue.before_page = lambda number, query: stop.set()
    again(catalogue, at=[west.number, east.number], stop=stop)
    (left,) = audits.due(db, "take5", now=clock.time)
    (listed,) = {west.number, east.number} - {left}
    # Of one that is killed by hand (the second Ctrl-C) it holds, too.
    catalogue.breaks(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        again(catalogue, at=[west.number, east.number])
    assert audits.due(db, "take5", now=clock.time) == [left]
    catalogue.mend()
    assert again(catalogue, at=[left]).cut is False
    assert audits.due(db, "take5", now=clock.time) == []
    assert set(audits.due(db, "take5", now=clock.time + EVERY)) == {left, listed}


# Which sites and watches


def test_only_the_sites_that_were_named_are_listed(db: sqlite3.Connection, ask: Ask, again: Again) -> None:
    west = add_watch(db, "West", geometry=WEST)
    add_watch(db, "East", geometry=EAST)
    catalogue = news()
    ask(catalogue)
    asked = len(catalogue.asked)
    assert again(catalogue, at=[west.site.number]).asked == 1
    assert [query.geometry for query in catalogue.asked[asked:]] == [WEST]


def test_a_paused_site_is_left_alone_and_is_not_late_when_it_is_resumed(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    place = add_watch(db, "Field", **HERE).site
    add_watch(db, "Other", geometry=FAR)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    sites.pause(db, place, since=clock.time)
    for _ in range(3):
        clock.forward(days=1)
        catalogue.list(product(f"D{clock.time.day}", learnt=clock.time, **HERE))
        ask(catalogue)
    assert again(catalogue).asked == 1
    sites.pause(db, place, since=None)
    assert ask(catalogue).arrived == 3
    assert audit(db).late == []
    catalogue.list(product("late", learnt=clock.time - HOUR, **HERE))
    ask(catalogue)
    assert len(audit(db).late) == 1


def test_watches_of_several_levels_are_counted_each_for_itself(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again
) -> None:
    for level in (L1C, L2A, None):
        add_watch(db, "Field", level=level, **HERE)
    catalogue = news(*(product(f"{level}{n}", level=level, learnt=NOW, **HERE) for level in (L1C, L2A) for n in (1, 2)))
    ask(catalogue)
    del catalogue.products["L2A1"]
    catalogue.list(product("L1C3", level=L1C, learnt=NOW - 30 * DAY, **HERE))
    done = again(catalogue)
    assert (done.asked, done.found, done.mended, done.arrived) == (1, 1, 1, 1)
    assert [audit(db, level=level).counted for level in (L1C, L2A, None)] == [3, 1, 4]
    assert [audit(db, level=level).mended for level in (L1C, L2A, None)] == [1, 0, 1]
    assert [audit(db, level=level).gone for level in (L1C, L2A, None)] == [0, 1, 1]


def test_a_level_that_waits_for_its_first_look_is_none_of_its_business(
    db: sqlite3.Connection, ask: Ask, again: Again
) -> None:
    add_watch(db, "Field", level=L2A, **HERE)
    catalogue = news(product("P2", learnt=NOW, **HERE), product("P1", level=L1C, learnt=NOW, **HERE))
    ask(catalogue)
    add_watch(db, "Field", level=L1C, **HERE)
    catalogue.asked.clear()
    done = again(catalogue)
    assert (done.found, done.lacking, len(catalogue.asked)) == (0, 0, 1)
    assert rows(db, "SELECT id FROM revisions") == ["P2"]
    assert audit(db, level=L1C).due is None
    assert ask(catalogue).baselined == 1
    assert announced(db) == []


@pytest.mark.parametrize("learns", [True, False])
def test_sites_by_code_are_asked_one_by_one(
    db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again, learns: bool
) -> None:
    for name in ("Nantes", "Pornic"):
        add_watch(db, name)
    catalogue = Terse(
        *(product(f"{code}{n}", code=code, learnt=NOW) for code in ("Nantes", "Pornic") for n in range(3)),
        learns=learns,
    )
    ask(catalogue)
    clock.forward(days=20)
    catalogue.list(product("now", learnt=clock.time))
    catch_up(ask, catalogue)
    catalogue.list(product("late", learnt=clock.time - 10 * DAY))
    ask(catalogue)
    done = again(catalogue)
    assert (done.asked, done.mended) == (2, learns)
    assert ("Pornic", "late", "new") in announced(db)
    assert [audit(db, name).counted for name in ("Nantes", "Pornic")] == [3, 5]


def test_joined_places_are_each_counted_in_one_question(db: sqlite3.Connection, ask: Ask, again: Again) -> None:
    for name, ground in (("West", WEST), ("East", EAST), ("Far", FAR)):
        add_watch(db, name, geometry=ground)
    both = box(0.5, 40.2, 2.5, 40.8)
    catalogue = news(product("W", learnt=NOW, geometry=WEST), product("B", learnt=NOW, geometry=both), places=50)
    ask(catalogue)
    catalogue.list(product("hidden", learnt=NOW - 30 * DAY, geometry=both))
    done = again(catalogue)
    assert (done.asked, done.listed, done.found, done.arrived) == (1, 3, 1, 2)
    assert [audit(db, name).counted for name in ("West", "East", "Far")] == [3, 2, 0]
    assert sorted(announced(db)) == [("East", "hidden", "new"), ("West", "hidden", "new")]


def test_one_place_that_the_server_chokes_on_does_not_hide_the_others(
    db: sqlite3.Connection, ask: Ask, again: Again
) -> None:
    for number in range(4):
        add_watch(db, f"F{number}", geometry=box(number, 40, number + 0.5, 41))
    catalogue = news(places=50)
    ask(catalogue)
    bad = box(2, 40, 2.5, 41)

    def choke(number: int, query: Query) -> None:
        if query.geometry == bad or b"Multi" in (query.geometry or b""):
            raise HttpError("too complex", status=400)

    catalogue.before_page = choke
    done = again(catalogue)
    assert done.problem == "SPOT5 (F2): too complex"


@pytest.mark.parametrize("when", ["listing", "describing"])
def test_a_site_that_is_removed_meanwhile_takes_nothing_down_with_it(
    db: sqlite3.Connection, path: Path, ask: Ask, again: Again, when: str
) -> None:
    for name, ground in (("West", WEST), ("East", EAST)):
        add_watch(db, name, geometry=ground)
    catalogue = news(product("W", learnt=NOW, geometry=WEST), product("E", learnt=NOW, geometry=EAST), places=50)
    ask(catalogue)
    for name, ground in (("W2", WEST), ("E2", EAST)):
        catalogue.list(product(name, learnt=NOW - 30 * DAY, geometry=ground))

    def meanwhile(number: int, query: Query) -> None:
        if query.brief is (when == "listing"):
            with database(path) as other, writing(other):
                for site in sites.every(other):
                    if site.name == "West":
                        sites.remove(other, site)

    catalogue.before_page = meanwhile
    done = again(catalogue)
    assert (done.problem, done.found, done.lacking) == (None, 1, 0)
    assert announced(db) == [("East", "E2", "new")]


def test_a_site_that_is_moved_meanwhile_is_not_taken_for_listed(
    db: sqlite3.Connection, path: Path, ask: Ask, again: Again
) -> None:
    place = add_watch(db, "Field", **HERE).site
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)

    def meanwhile(number: int, query: Query) -> None:
        with database(path) as other, writing(other):
            watching.move(other, place, geometry=FAR, origin="a test")

    catalogue.before_page = meanwhile
    assert again(catalogue).problem is None
    assert (audit(db).counted, audit(db).due) == (None, None)


# What is measured


def test_a_reconcile_costs_and_teaches_no_rate(db: sqlite3.Connection, clock: Clock, ask: Ask, again: Again) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(*(product(f"P{n}", learnt=NOW, **HERE) for n in range(6)))
    ask(catalogue)
    for _ in range(8):
        clock.forward(hours=6)
        ask(catalogue)
    clock.forward(hours=6)
    before = measures.loads(db, "take5", now=clock.time)["SPOT5"]
    spent = measures.spent(db, "take5", day=clock.time)
    catalogue.list(product("hidden", learnt=NOW - OVERLAP - 20 * DAY, **HERE))
    again(catalogue)
    after = measures.loads(db, "take5", now=clock.time)["SPOT5"]
    assert after.place == before.place
    assert after.held == 6.5
    assert measures.spent(db, "take5", day=clock.time)[0] == spent[0] + 2
