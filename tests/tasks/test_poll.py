"""A poll: what the catalogue lists becomes arrivals, deliveries owed and downloads wanted."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely

from tests.given import (
    ACQUIRED,
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
from watcher.core.questions.reach import OVERLAP
from watcher.errors import CatalogueError, CredentialError, HttpError, StoreError, Unreachable
from watcher.model import Event, Query
from watcher.store import downloads, listings, measures, polls, sites, watching
from watcher.store.connection import healthy, writing
from watcher.tasks.poll import Polled, Terms, poll

JANE = "mail:jane@example.org"
Ask = Callable[..., Polled]


@pytest.fixture
def ask(db: sqlite3.Connection, clock: Clock) -> Ask:
    """Poll a catalogue, a quarter of an hour after the last time."""

    def once(catalogue: Pretend, **terms: Any) -> Polled:
        clock.forward(minutes=15)
        return poll(db, "take5", catalogue, NOBODY, now=clock, **terms)

    return once


def owed(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Who is owed what: address, product id, event."""
    return rows(
        db,
        "SELECT address, r.id, event FROM deliveries AS d JOIN arrivals AS a ON a.number = d.arrival"
        " JOIN revisions AS r ON r.number = a.revision WHERE d.due IS NOT NULL ORDER BY d.number",
    )


def cursors(db: sqlite3.Connection) -> list[Any]:
    return [watch.cursor for watch in watching.watches(db)]


# The baseline


def test_a_baseline_is_remembered_and_not_announced(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    polled = ask(Pretend(product("P1"), product("P2"), product("P3")))
    assert (polled.asked, polled.listed, polled.arrived, polled.baselined, polled.problem) == (1, 3, 0, 1, None)
    assert rows(db, "SELECT count(*) FROM sightings") == [3]
    assert owed(db) == []


def test_what_comes_after_the_baseline_is_announced_once(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"))
    ask(catalogue)
    catalogue.list(product("P2"))
    assert ask(catalogue).arrived == 1
    assert ask(catalogue).arrived == 0
    assert owed(db) == [(JANE, "P2", "new")]


def test_what_is_there_already_is_announced_if_asked_for(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, announce=True)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"), product("P2"), product("P3"))
    assert ask(catalogue, terms=Terms(download_levels={L2A})).arrived == 3
    assert ask(catalogue).arrived == 0
    assert [ident for _, ident, _ in owed(db)] == ["P1", "P2", "P3"]
    assert downloads.due(db, now=NOW + timedelta(days=1)) == []


def test_a_second_level_has_a_baseline_of_its_own(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, level=L2A)
    catalogue = Pretend(product("A2", level=L2A), product("A1", level=L1C))
    ask(catalogue)
    add_watch(db, level=L1C)
    catalogue.list(product("B2", level=L2A), product("B1", level=L1C))
    assert ask(catalogue).baselined == 1
    assert announced(db) == [("Pornic", "B2", "new")]
    catalogue.list(product("C1", level=L1C))
    ask(catalogue)
    assert announced(db)[1:] == [("Pornic", "C1", "new")]


def test_an_earlier_start_announces_what_came_meanwhile_and_not_what_was_there_before(
    db: sqlite3.Connection, ask: Ask
) -> None:
    add_watch(db, since=ACQUIRED)
    older = product("old", acquired=ACQUIRED - timedelta(days=100))
    catalogue = Pretend(product("P1"), older)
    ask(catalogue)
    catalogue.list(product("P2"))
    add_watch(db, since=ACQUIRED - timedelta(days=365))
    ask(catalogue)
    assert announced(db) == [("Pornic", "P2", "new")]
    catalogue.list(product("late", acquired=ACQUIRED - timedelta(days=200)))
    ask(catalogue)
    assert announced(db)[1:] == [("Pornic", "late", "new")]


def test_a_site_paused_in_the_middle_of_a_poll_loses_nothing(db: sqlite3.Connection, path: Path, ask: Ask) -> None:
    site = add_watch(db).site
    catalogue = Pretend(product("P1"))
    ask(catalogue)

    def meanwhile(number: int, query: Query) -> None:
        with database(path) as other:
            sites.pause(other, site, since=NOW)

    catalogue.list(product("P2"))
    catalogue.before_page = meanwhile
    ask(catalogue)
    assert announced(db) == [("Pornic", "P2", "new")]


def test_a_site_given_another_place_is_baselined_there_and_withdraws_nothing(db: sqlite3.Connection, ask: Ask) -> None:
    watch = add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    with writing(db):
        watching.move(db, watch.site, geometry=b'{"type":"Point","coordinates":[50,50]}', origin="point")
    for _ in range(3):
        assert ask(catalogue).problem is None
    assert announced(db) == []


def test_an_old_record_that_is_touched_is_not_news(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    old = {"acquired": ACQUIRED - timedelta(days=900), "learnt": NOW + timedelta(minutes=1), **HERE}
    catalogue.list(
        product("touched", published=NOW - timedelta(days=800), **old), product("late", published=NOW, **old)
    )
    ask(catalogue)
    assert announced(db) == [("Field", "late", "new")]


def test_a_start_that_is_made_earlier_during_the_poll_is_not_taken_for_looked_at(
    db: sqlite3.Connection, path: Path, ask: Ask
) -> None:
    add_watch(db, since=ACQUIRED)
    catalogue = Pretend(product("P1"))

    def meanwhile(number: int, query: Query) -> None:
        with database(path) as other:
            add_watch(other, since=ACQUIRED - timedelta(days=365))

    catalogue.before_page = meanwhile
    ask(catalogue)
    catalogue.mend()
    catalogue.list(product("old", acquired=ACQUIRED - timedelta(days=100)))
    assert ask(catalogue).baselined == 1
    assert announced(db) == []


@pytest.mark.parametrize("first", [L2A, None])
def test_the_baseline_of_one_watch_silences_no_other_of_the_site(db: sqlite3.Connection, ask: Ask, first: Any) -> None:
    add_watch(db, level=first)
    catalogue = Pretend(product("P1"))
    ask(catalogue)
    add_watch(db, level=None if first else L2A)
    catalogue.list(product("P2"))
    ask(catalogue)
    assert announced(db) == [("Pornic", "P2", "new")]


def test_a_filter_of_one_watch_hides_nothing_from_another_of_the_site(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, level=L2A, max_cloud=10.0)
    add_watch(db, level=None)
    catalogue = Pretend()
    ask(catalogue)
    catalogue.list(product("P1", cloud=80.0))
    ask(catalogue)
    assert announced(db) == [("Pornic", "P1", "new")]


# What arrives


def test_a_late_publication_of_an_old_acquisition_is_announced(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"))
    ask(catalogue)
    catalogue.list(product("late", acquired=ACQUIRED - timedelta(days=400)))
    ask(catalogue)
    assert announced(db) == [("Pornic", "late", "new")]


def test_a_product_processed_again_is_announced_once_more_whatever_flaps(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"))
    ask(catalogue)
    for number in (2, 1, 2, 1):
        catalogue.list(product("P1", revision=version(number)))
        ask(catalogue)
    assert announced(db) == [("Pornic", "P1", "revised")]
    assert rows(db, "SELECT count(*) FROM revisions") == [2]


def test_metadata_gained_later_completes_the_product_silently(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"))
    ask(catalogue)
    catalogue.list(product("P1", revision=version(1, checksum="md5:00"), cloud=7.0))
    ask(catalogue)
    assert announced(db) == []
    assert rows(db, "SELECT cloud FROM revisions") == [7.0]


def test_files_that_are_published_after_the_product_are_wanted_then(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("before", assets=()))
    ask(catalogue, terms=Terms(download_levels={L2A}))
    catalogue.list(product("P1", assets=()))
    ask(catalogue, terms=Terms(download_levels={L2A}))
    assert rows(db, "SELECT * FROM downloads") == []
    fuller = version(1, checksum="md5:00")
    catalogue.list(product("before", revision=fuller), product("P1", revision=fuller))
    assert ask(catalogue, terms=Terms(download_levels={L2A})).arrived == 0
    wanted = "SELECT r.id, d.site FROM downloads AS d JOIN revisions AS r ON r.number = d.revision"
    assert rows(db, wanted) == [("P1", "Pornic")]


def test_a_cloudy_product_is_seen_and_not_announced_an_unknown_one_is(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, max_cloud=20.0)
    catalogue = Pretend()
    ask(catalogue)
    catalogue.list(product("cloudy", cloud=80.0), product("unknown", cloud=None), product("clear", cloud=20.0))
    ask(catalogue)
    assert [ident for _, ident, _ in announced(db)] == ["unknown", "clear"]
    assert rows(db, "SELECT count(*) FROM sightings") == [3]


def test_a_product_at_two_sites_arrives_at_both_and_is_downloaded_once(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "West", geometry=box(0, 40, 1, 41))
    add_watch(db, "East", geometry=box(0.5, 40, 2, 41))
    add_subscription(db, JANE)
    catalogue = Pretend(codes=False)
    ask(catalogue)
    here = box(0.6, 40.1, 0.9, 40.9)
    catalogue.list(product("P1", geometry=here, acquired=NOW))
    ask(catalogue, terms=Terms(download_levels={L2A}))
    catalogue.list(product("P1", geometry=here, acquired=NOW, revision=version(2)))
    ask(catalogue)
    assert sorted(announced(db)) == [
        ("East", "P1", "new"),
        ("East", "P1", "revised"),
        ("West", "P1", "new"),
        ("West", "P1", "revised"),
    ]
    assert rows(db, "SELECT count(*) FROM revisions") == [2]
    assert rows(db, "SELECT count(*) FROM downloads") == [1]


def test_two_subscriptions_of_one_address_are_one_delivery(db: sqlite3.Connection, ask: Ask) -> None:
    watch = add_watch(db)
    add_subscription(db, JANE)
    add_subscription(db, JANE, at=[watch.site], levels=[L2A])
    add_subscription(db, "mail:john@example.org")
    catalogue = Pretend()
    ask(catalogue)
    catalogue.list(product("P1"))
    ask(catalogue)
    assert owed(db) == [(JANE, "P1", "new"), ("mail:john@example.org", "P1", "new")]


def test_what_a_server_lists_beyond_the_question_is_left_out(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"), ignores_filters=True)
    ask(catalogue)
    catalogue.list(product("elsewhere", code="Nantes"), product("P2", level=L1C), product("P3"))
    polled = ask(catalogue)
    assert (polled.listed, polled.arrived) == (4, 1)
    assert announced(db) == [("Pornic", "P3", "new")]


def test_a_paused_site_catches_up_when_it_is_resumed(db: sqlite3.Connection, ask: Ask, clock: Clock) -> None:
    watch = add_watch(db)
    catalogue = Pretend(product("P1"))
    ask(catalogue)
    sites.pause(db, watch.site, since=clock())
    catalogue.list(product("P2"))
    assert ask(catalogue).asked == 0
    sites.pause(db, watch.site, since=None)
    ask(catalogue)
    assert announced(db) == [("Pornic", "P2", "new")]


def test_a_site_that_is_removed_during_the_poll_takes_nothing_down_with_it(
    db: sqlite3.Connection, path: Path, ask: Ask
) -> None:
    add_watch(db, "Nantes")
    add_watch(db, "Pornic")
    catalogue = Pretend(product("N1", code="Nantes"), product("P1"))
    ask(catalogue)
    catalogue.list(product("N2", code="Nantes"), product("P2"))

    def meanwhile(number: int, query: Query) -> None:
        with database(path) as other, writing(other):
            for site in sites.every(other):
                if site.name == "Nantes":
                    sites.remove(other, site)

    catalogue.before_page = meanwhile
    assert ask(catalogue).problem is None
    assert announced(db) == [("Pornic", "P2", "new")]


# What is gone


def test_withdrawn_takes_two_complete_looks_and_is_told_once(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"), product("P2"))
    ask(catalogue)
    del catalogue.products["P1"]
    assert ask(catalogue).arrived == 0
    assert ask(catalogue).arrived == 1
    assert ask(catalogue).arrived == 0
    assert owed(db) == [(JANE, "P1", "withdrawn")]


def test_what_is_gone_for_one_look_only_is_no_news(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"), product("P2"))
    ask(catalogue)
    for _ in range(3):
        gone = catalogue.products.pop("P1")
        ask(catalogue)
        catalogue.list(gone)
        ask(catalogue)
    assert announced(db) == []


def test_what_was_withdrawn_unheard_comes_back_silently_and_may_be_revised(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"), product("P2"))
    ask(catalogue)
    gone = catalogue.products.pop("P1")
    ask(catalogue)
    ask(catalogue)
    catalogue.list(gone)
    ask(catalogue)
    assert announced(db) == [("Pornic", "P1", "withdrawn")]
    catalogue.list(changed(gone, revision=version(2)))
    ask(catalogue)
    assert announced(db)[1:] == [("Pornic", "P1", "revised")]


def test_who_heard_of_a_withdrawal_hears_that_it_is_over_once(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"), product("P2"))
    ask(catalogue)
    gone = catalogue.products.pop("P1")
    ask(catalogue)
    ask(catalogue)
    add_subscription(db, "mbox:///late")  # heard of no withdrawal
    catalogue.list(gone)
    assert ask(catalogue).arrived == 1
    assert ask(catalogue).arrived == 0
    assert owed(db) == [(JANE, "P1", "withdrawn"), (JANE, "P1", "returned")]
    (row,) = [one for one in listings.listing(db, site=None, level=None, since=None) if one.product.id == "P1"]
    assert (row.event, row.cause) == (Event.RETURNED, None)
    for _ in range(2):  # what goes and comes for ever is told of once
        del catalogue.products["P1"]
        ask(catalogue)
        ask(catalogue)
        (row,) = [one for one in listings.listing(db, site=None, level=None, since=None) if one.product.id == "P1"]
        assert row.event == Event.WITHDRAWN
        catalogue.list(gone)
        ask(catalogue)
    assert len(owed(db)) == 2


def test_what_comes_back_processed_again_is_revised_and_not_returned(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1"), product("P2"))
    ask(catalogue)
    gone = catalogue.products.pop("P1")
    ask(catalogue)
    ask(catalogue)
    catalogue.list(changed(gone, revision=version(2)))
    ask(catalogue)
    assert [event for _, _, event in owed(db)] == ["withdrawn", "revised"]


@pytest.mark.parametrize("codes", [True, False], ids=["in two questions", "in one question"])
def test_two_watches_of_a_site_look_once_in_a_poll_not_twice(db: sqlite3.Connection, ask: Ask, codes: bool) -> None:
    add_watch(db, level=L2A)
    add_watch(db, level=None)
    catalogue = Pretend(product("P1", acquired=NOW), product("P2", acquired=NOW), codes=codes)
    ask(catalogue)
    del catalogue.products["P1"]
    assert ask(catalogue).arrived == 0
    assert ask(catalogue).arrived == 1


def test_the_withdrawal_of_what_was_never_announced_is_told_to_nobody(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, max_cloud=20.0)
    add_subscription(db, JANE)
    catalogue = Pretend(product("P1", cloud=90.0), product("P2", cloud=90.0))
    ask(catalogue)
    del catalogue.products["P1"]
    for _ in range(3):
        ask(catalogue)
    assert owed(db) == []


def test_an_empty_listing_is_a_failure_that_proves_nothing(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"))
    ask(catalogue)
    kept, catalogue.products = catalogue.products, {}
    for _ in range(3):
        polled = ask(catalogue)
        assert polled.problem is not None
        assert "lists nothing" in polled.problem
    assert rows(db, "SELECT missing FROM sightings") == [None]
    catalogue.products = kept
    assert ask(catalogue).problem is None
    assert announced(db) == []


def test_a_site_where_nothing_was_ever_seen_may_be_empty(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    polled = ask(Pretend())
    assert (polled.problem, polled.baselined) == (None, 1)


def test_what_leaves_the_lookback_is_not_withdrawn(db: sqlite3.Connection, ask: Ask, clock: Clock) -> None:
    add_watch(db, "Field", geometry=box(0, 40, 1, 41))
    here = box(0, 40, 1, 41)
    catalogue = Pretend(
        product("P1", geometry=here, acquired=NOW - timedelta(days=29)),
        product("P2", geometry=here, acquired=NOW),
        codes=False,
    )
    ask(catalogue, terms=Terms(lookback=timedelta(days=30)))
    clock.forward(days=5)
    for _ in range(3):
        assert ask(catalogue, terms=Terms(lookback=timedelta(days=30))).problem is None
    assert announced(db) == []


# What fails


def test_a_truncated_walk_keeps_what_was_read_and_concludes_nothing(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, announce=True)
    add_subscription(db, JANE)
    catalogue = Pretend(*(product(f"P{n}", learnt=NOW) for n in range(5)))
    catalogue.breaks(after=1)
    polled = ask(catalogue)
    assert (polled.listed, polled.arrived, polled.baselined) == (2, 2, 0)
    assert polled.problem == "SPOT5 (Pornic): cut off"
    assert [ident for _, ident, _ in owed(db)] == ["P0", "P1"]
    assert cursors(db) == [None]
    assert watching.watches(db)[0].baselined is None
    catalogue.mend()
    assert ask(catalogue).arrived == 3
    assert [ident for _, ident, _ in owed(db)] == ["P0", "P1", "P2", "P3", "P4"]


@pytest.mark.parametrize("after", [0, 1, -1])
def test_a_failure_at_any_page_withdraws_nothing(db: sqlite3.Connection, ask: Ask, after: int) -> None:
    add_watch(db)
    catalogue = Pretend(*(product(f"P{n}") for n in range(4)))
    ask(catalogue)
    del catalogue.products["P3"]
    catalogue.breaks(after=after)
    for _ in range(4):
        assert ask(catalogue).problem is not None
    assert announced(db) == []
    assert rows(db, "SELECT count(missing) FROM sightings") == [0]


def test_a_question_that_fails_leaves_the_others_their_turn(db: sqlite3.Connection, ask: Ask) -> None:
    for name in ("Auch", "Nantes", "Pornic"):
        add_watch(db, name)
    catalogue = Pretend()
    catalogue.breaks(code="Nantes")
    polled = ask(catalogue)
    assert (polled.asked, polled.baselined, polled.problem) == (3, 2, "SPOT5 (Nantes): cut off")


def test_one_question_without_an_answer_does_not_end_the_poll_two_in_a_row_do(db: sqlite3.Connection, ask: Ask) -> None:
    for name in ("Auch", "Belgium", "Nantes", "Pornic"):
        add_watch(db, name)
    catalogue = Pretend()
    catalogue.breaks(Unreachable("timed out"), code="Nantes")
    assert (ask(catalogue).asked, ask(catalogue).baselined) == (4, 0)
    catalogue.breaks(Unreachable("timed out"))
    assert ask(catalogue).asked == 2


def test_no_site_waits_for_ever_behind_others_that_end_the_poll(db: sqlite3.Connection, ask: Ask) -> None:
    for name in ("Auch", "Belgium", "Nantes", "Pornic"):
        add_watch(db, name)
    catalogue = Pretend()
    allowed = 2

    def meter(number: int, query: Query) -> None:
        if len(catalogue.asked) > allowed:
            raise HttpError("too many requests", status=429, retry_after=60.0)

    catalogue.before_page = meter
    for _ in range(4):
        catalogue.asked.clear()
        ask(catalogue)
    assert all(watch.baselined for watch in watching.watches(db))


def test_a_server_that_asks_to_be_left_alone_is(db: sqlite3.Connection, ask: Ask, clock: Clock) -> None:
    add_watch(db, "Nantes")
    add_watch(db, "Pornic")
    catalogue = Pretend()
    catalogue.breaks(HttpError("too many requests", status=429, retry_after=600.0))
    polled = ask(catalogue)
    assert polled.asked == 1
    assert polled.not_before is not None
    assert abs(polled.not_before - clock.time - timedelta(seconds=600)) < timedelta(seconds=1)
    last = polls.last(db, "take5")
    assert last is not None
    assert last.problem is not None
    assert abs(last.started + timedelta(seconds=600) - (last.not_before or NOW)) < timedelta(seconds=1)


def test_a_refused_account_ends_the_poll_and_is_raised(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend()
    catalogue.breaks(CredentialError("refused"))
    with pytest.raises(CredentialError):
        ask(catalogue)
    last = polls.last(db, "take5")
    assert last is not None
    assert last.finished is not None
    assert last.problem == "CredentialError: refused"


def test_a_defect_with_one_sites_answer_is_raised_when_the_others_had_their_turn(
    db: sqlite3.Connection, ask: Ask
) -> None:
    for name in ("Auch", "Nantes", "Pornic"):
        add_watch(db, name)
    catalogue = Pretend(product("P1"), product("A1", code="Auch"))
    catalogue.breaks(KeyError("properties"), code="Nantes")
    with pytest.raises(KeyError, match="properties"):
        ask(catalogue)
    assert [watch.site.name for watch in watching.watches(db) if watch.baselined] == ["Auch", "Pornic"]
    last = polls.last(db, "take5")
    assert last is not None
    assert last.problem == "KeyError: 'properties'"


def test_a_poll_that_is_told_to_stop_asks_no_further_and_is_no_failure_of_the_catalogue(
    db: sqlite3.Connection, ask: Ask
) -> None:
    add_watch(db, "Nantes")
    add_watch(db, "Pornic")
    stop = threading.Event()
    catalogue = Pretend()
    catalogue.before_page = lambda number, query: stop.set()
    polled = ask(catalogue, stop=stop)
    assert polled.asked == 1
    assert (polled.problem, polled.cut) == ("stopped before all was asked", True)
    last = polls.last(db, "take5")
    assert last is not None
    assert (last.finished, last.problem) == (None, None), "as after a crash: it is due at the next start"
    assert polls.failures(db, "take5") == 0
    assert (ask(Pretend()).problem, ask(Pretend()).cut) == (None, False)


def test_a_poll_that_is_interrupted_is_no_failure_of_the_catalogue(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Nantes")
    catalogue = Pretend()
    catalogue.breaks(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        ask(catalogue)
    assert polls.failures(db, "take5") == 0


def test_a_stopped_poll_keeps_until_when_the_server_wants_to_be_left_alone(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Nantes")
    stop = threading.Event()
    catalogue = Pretend()

    def busy(number: int, query: Query) -> None:
        stop.set()
        raise HttpError("busy", status=429, retry_after=600)

    catalogue.before_page = busy
    assert ask(catalogue, stop=stop).cut
    last = polls.last(db, "take5")
    assert last is not None
    assert last.not_before is not None
    assert timedelta(seconds=590) < last.not_before - last.started < timedelta(seconds=610)


def test_a_full_disk_loses_nothing_and_the_next_poll_tells_all(
    db: sqlite3.Connection, path: Path, ask: Ask, clock: Clock
) -> None:
    add_watch(db)
    add_subscription(db, JANE)
    catalogue = Pretend(size=5)
    ask(catalogue)
    catalogue.list(*(product(f"P{n}", title="x" * 6000, learnt=NOW) for n in range(40)))
    for spare in (0, 1, 2, 3):
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + spare}")
        with pytest.raises(StoreError, match="full"):
            ask(catalogue)
        # What was written is whole: a sighting has its arrival, an arrival its delivery.
        assert rows(db, "SELECT count(*) FROM sightings") == rows(db, "SELECT count(*) FROM arrivals")
        assert rows(db, "SELECT count(*) FROM arrivals") == rows(db, "SELECT count(*) FROM deliveries")
        assert cursors(db) == [None]
        healthy(db)
    assert 0 < rows(db, "SELECT count(*) FROM sightings")[0] < 40
    with database(path) as reopened:
        clock.forward(minutes=15)
        poll(reopened, "take5", catalogue, NOBODY, now=clock)
    assert sorted(ident for _, ident, _ in owed(db)) == sorted(f"P{n}" for n in range(40))


# What a catalogue learnt


def news(*listed: Any) -> Pretend:
    return Pretend(*listed, learns=True, codes=False)


HERE = {"geometry": box(0, 40, 1, 41)}


def test_the_cursor_moves_to_the_newest_value_stored(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(*(product(f"P{n}", learnt=NOW - timedelta(hours=n), **HERE) for n in (3, 1, 2)))
    ask(catalogue)
    assert cursors(db) == [NOW - timedelta(hours=1)]
    catalogue.list(product("P4", learnt=NOW, acquired=ACQUIRED - timedelta(days=999), **HERE))
    ask(catalogue)
    assert catalogue.asked[-1].learnt_since == NOW - timedelta(hours=1) - OVERLAP
    assert cursors(db) == [NOW]
    assert announced(db) == [("Field", "P4", "new")]


def test_a_page_of_news_is_on_the_disk_before_the_next_is_asked_for(
    db: sqlite3.Connection, path: Path, ask: Ask
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = Pretend(*(product(f"P{n}", learnt=NOW, **HERE) for n in range(2)), learns=True, codes=False, size=1)
    seen: list[tuple[int, object, bool]] = []

    def look(number: int, query: Query) -> None:
        behind = any(thread.name.startswith("commit") for thread in threading.enumerate())
        with database(path) as other:
            seen.append((number, rows(other, "SELECT count(*) FROM sightings")[0], behind))

    catalogue.before_page = look
    ask(catalogue)
    # A baseline, and what was published just before it.
    assert [behind for *_, behind in seen] == [False, True, True, False, False, False]
    seen.clear()
    catalogue.list(*(product(f"N{n}", learnt=NOW, **HERE) for n in range(2)))
    ask(catalogue)
    assert seen == [(0, 2, False), (1, 2, False), (2, 2, False), (3, 3, False), (-1, 4, False)]


def test_the_cursor_never_moves_to_the_future(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Field", **HERE)
    ask(news(product("P1", learnt=NOW, **HERE), product("P2", learnt=NOW + timedelta(days=365), **HERE)))
    assert cursors(db) == [NOW]


def test_the_cursor_never_moves_past_what_was_not_read(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    # The newest come first, and the walk breaks before the older ones.
    catalogue.list(*(product(f"N{n}", learnt=NOW + timedelta(hours=9 - n), **HERE) for n in range(4)))
    catalogue.products = dict(sorted(catalogue.products.items()))
    catalogue.breaks(CatalogueError("cut off"), after=1)
    for _ in range(40):
        ask(catalogue)
    assert cursors(db) == [NOW]
    catalogue.mend()
    ask(catalogue)
    assert [ident for _, ident, _ in announced(db)] == ["N0", "N1", "N2", "N3"]
    assert cursors(db) == [NOW + timedelta(hours=9)]


def test_what_one_answer_kept_back_after_a_long_pause_is_found_by_the_next(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    """Servers answer nothing, or a part, as if it were all; and other places take the cursor with them."""
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    clock.forward(days=8)
    kept_back = product("P2", learnt=clock.time - timedelta(days=5), **HERE)
    catalogue.list(product("P3", learnt=clock.time, **HERE))
    ask(catalogue)
    catalogue.list(kept_back)
    ask(catalogue)
    assert [ident for _, ident, _ in announced(db)] == ["P3", "P2"]
    ask(catalogue)
    assert catalogue.asked[-1].learnt_since == cursors(db)[0] - OVERLAP > kept_back.learnt


def test_what_is_published_a_little_behind_the_cursor_is_still_found(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    catalogue.list(product("late", learnt=NOW - timedelta(hours=2, minutes=59), **HERE))
    ask(catalogue)
    assert announced(db) == [("Field", "late", "new")]


def test_what_was_acquired_long_ago_and_published_just_before_the_baseline_is_no_news(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    add_watch(db, "Field", **HERE)
    old = {"acquired": ACQUIRED - timedelta(days=900), **HERE}
    catalogue = news(product("P1", learnt=NOW, **HERE), product("before", learnt=NOW - timedelta(hours=3), **old))
    assert ask(catalogue).listed == 1
    assert rows(db, "SELECT id FROM revisions ORDER BY id") == ["P1", "before"]
    catalogue.list(product("after", learnt=clock.time, **old))
    catalogue.list(product("came to light late", learnt=NOW - timedelta(hours=2), **old))
    for _ in range(2):
        ask(catalogue)
    assert announced(db) == [("Field", "after", "new"), ("Field", "came to light late", "new")]


def test_a_first_look_that_does_not_learn_what_is_recent_is_none(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))

    def refuses(number: int, query: Query) -> None:
        if query.learnt_since is not None:
            raise CatalogueError("cut off")

    catalogue.before_page = refuses
    assert (ask(catalogue).baselined, cursors(db)) == (0, [None])
    catalogue.mend()
    assert ask(catalogue).baselined == 1
    assert announced(db) == []


def test_a_first_look_at_all_since_a_start_asks_for_nothing_besides(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Field", since=ACQUIRED - timedelta(days=9), **HERE)
    catalogue = news(product("P1", learnt=NOW, **HERE))
    ask(catalogue)
    assert [query.learnt_since for query in catalogue.asked] == [None]


def test_a_baseline_that_found_nothing_misses_no_old_acquisition(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news()
    ask(catalogue)
    clock.forward(days=3)
    catalogue.list(product("P1", learnt=clock.time, acquired=NOW - timedelta(days=400), **HERE))
    ask(catalogue)
    assert announced(db) == [("Field", "P1", "new")]


def test_what_was_not_listed_as_news_is_not_missing(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db, "Field", **HERE)
    catalogue = news(*(product(f"P{n}", learnt=NOW - timedelta(days=n), **HERE) for n in range(3)))
    for _ in range(4):
        assert ask(catalogue).problem is None
    assert rows(db, "SELECT count(missing) FROM sightings") == [0]


def test_what_a_site_has_seen_is_named_to_the_catalogue_and_costs_no_transaction(
    db: sqlite3.Connection, ask: Ask
) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"), product("P2"), product("P3"))
    ask(catalogue)
    assert catalogue.asked[-1].known == {}
    catalogue.list(product("P3", revision=version(2)))
    written: list[str] = []
    db.set_trace_callback(written.append)
    assert ask(catalogue).listed == 3
    db.set_trace_callback(None)
    assert catalogue.asked[-1].known == {"P1": version(1), "P2": version(1), "P3": version(1)}
    looked_up = [statement for statement in written if "json_each" in statement and "LEFT JOIN sightings" in statement]
    assert len(looked_up) == 1
    assert '["P3"]' in looked_up[0]
    assert rows(db, "SELECT count(*) FROM revisions") == [4]


def test_what_is_known_is_not_missed_when_it_is_listed_again(db: sqlite3.Connection, ask: Ask) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"), product("P2"))
    ask(catalogue)
    catalogue.list(product("P1", revision=version(2)))
    for _ in range(3):
        assert ask(catalogue).problem is None
    assert rows(db, "SELECT count(*) FROM sightings WHERE missing IS NOT NULL") == [0]


# Many places in few questions

WEST, EAST, FAR = box(0, 40, 1, 41), box(2, 40, 3, 41), box(50, 50, 51, 51)


def everywhere(*listed: Any, **terms: Any) -> Pretend:
    return Pretend(*listed, learns=True, codes=False, **({"sweeps": True} | terms))


def three_fields(db: sqlite3.Connection) -> None:
    for name, ground in (("West", WEST), ("East", EAST), ("Far", FAR)):
        add_watch(db, name, geometry=ground)


def test_what_was_sounded_once_is_swept_from_then_on(db: sqlite3.Connection, ask: Ask, clock: Clock) -> None:
    three_fields(db)
    then = NOW - timedelta(hours=5)
    catalogue = everywhere(*(product(f"E{n}", geometry=box(9, 9, 10, 10), learnt=then) for n in range(5)))
    assert [ask(catalogue).asked for _ in range(3)] == [4, 1, 1]
    catalogue.list(
        product("W", geometry=WEST, learnt=clock.time),
        product("F", geometry=FAR, learnt=clock.time),
        product("Nowhere", geometry=box(20, 20, 21, 21), learnt=clock.time),
    )
    assert (ask(catalogue).asked, catalogue.asked[-1].geometry) == (1, None)
    assert sorted(announced(db)) == [("Far", "F", "new"), ("West", "W", "new")]
    assert rows(db, "SELECT count(*) FROM revisions") == [2]
    assert len(set(cursors(db))) == 1


def test_places_that_are_joined_are_each_told_what_is_theirs(db: sqlite3.Connection, ask: Ask, clock: Clock) -> None:
    three_fields(db)
    catalogue = everywhere(sweeps=False, places=50)
    assert ask(catalogue).baselined == 3
    catalogue.list(*(product(n, geometry=g, learnt=clock.time) for n, g in (("W", WEST), ("E", EAST))))
    assert ask(catalogue).asked == 1
    assert sorted(announced(db)) == [("East", "E", "new"), ("West", "W", "new")]


def test_a_place_where_nothing_comes_keeps_up_with_the_others(db: sqlite3.Connection, ask: Ask) -> None:
    for name, ground in (("A", WEST), ("B", FAR)):
        add_watch(db, name, geometry=ground)
    catalogue = everywhere(product("W", geometry=WEST, learnt=NOW), sweeps=False)
    ask(catalogue)
    ask(catalogue)
    assert cursors(db) == [NOW, NOW]


def test_a_product_that_comes_between_two_questions_of_one_poll_is_told_all_the_same(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    for name, ground in (("A", WEST), ("B", FAR)):
        add_watch(db, name, geometry=ground)
    catalogue = everywhere(sweeps=False)
    ask(catalogue)

    def meanwhile(number: int, query: Query) -> None:
        if number == -1 and query.geometry == WEST and "late" not in catalogue.products:
            catalogue.list(product("late", geometry=WEST, learnt=clock.time))
            catalogue.list(product("later", geometry=FAR, learnt=clock.time + timedelta(seconds=1)))

    catalogue.before_page = meanwhile
    for _ in range(3):
        ask(catalogue)
    assert sorted(announced(db)) == [("A", "late", "new"), ("B", "later", "new")]


def test_one_place_that_the_server_chokes_on_does_not_hide_the_others(db: sqlite3.Connection, ask: Ask) -> None:
    for number in range(8):
        add_watch(db, f"F{number}", geometry=box(number, 40, number + 0.5, 41))
    catalogue = everywhere(sweeps=False, places=50)
    bad = shapely.box(5, 40, 5.5, 41)

    def choke(number: int, query: Query) -> None:
        if shapely.from_geojson(query.geometry).intersects(bad):
            raise HttpError("invalid geometry", status=400)

    catalogue.before_page = choke
    polled = ask(catalogue)
    assert polled.baselined == 7
    assert polled.asked == 7
    assert polled.problem == "SPOT5 (F5): invalid geometry"


@pytest.mark.parametrize("error", [Unreachable("timed out"), HttpError("busy", status=503)])
def test_a_server_that_is_down_is_not_asked_in_smaller_pieces(
    db: sqlite3.Connection, ask: Ask, error: CatalogueError
) -> None:
    three_fields(db)
    catalogue = everywhere(sweeps=False, places=50)
    catalogue.breaks(error)
    polled = ask(catalogue)
    assert polled.asked == 1
    assert polled.problem is not None
    assert polled.problem.startswith("SPOT5 (East, Far, West): ")


def test_a_sweep_that_is_too_much_is_asked_by_place_for_the_day(db: sqlite3.Connection, ask: Ask, clock: Clock) -> None:
    three_fields(db)
    catalogue = everywhere()
    ask(catalogue)

    def refuse(number: int, query: Query) -> None:
        if query.geometry is None:
            raise CatalogueError("more than 200 pages")

    catalogue.before_page = refuse
    assert ask(catalogue).problem == "SPOT5 (East, Far, West): more than 200 pages"
    catalogue.list(product("W", geometry=WEST, learnt=clock.time))
    polled = ask(catalogue)
    assert (polled.asked, polled.problem, polled.arrived) == (3, None, 1)
    catalogue.mend()
    clock.forward(days=1)
    ask(catalogue)
    assert catalogue.asked[-1].geometry is None


def test_a_joined_look_that_lists_nothing_of_one_place_concludes_nothing_there(
    db: sqlite3.Connection, ask: Ask
) -> None:
    three_fields(db)
    catalogue = Pretend(
        *(product(n, geometry=g, acquired=NOW) for n, g in (("W1", WEST), ("W2", WEST), ("E1", EAST), ("F1", FAR))),
        codes=False,
        places=50,
    )
    ask(catalogue)
    del catalogue.products["W1"], catalogue.products["E1"]
    for _ in range(3):
        polled = ask(catalogue)
        assert polled.problem is not None
        assert polled.problem.startswith("SPOT5 (East, Far, West): East: SPOT5 lists nothing")
    assert announced(db) == [("West", "W1", "withdrawn")]


def test_a_question_that_failed_names_a_few_of_many_places(db: sqlite3.Connection, ask: Ask) -> None:
    for number in range(9):
        add_watch(db, f"F{number}", geometry=box(number, 40, number + 0.5, 41))
    catalogue = everywhere(sweeps=False, places=50)
    catalogue.breaks(HttpError("busy", status=503))
    assert ask(catalogue).problem == "SPOT5 (F0, F1 and 7 more): busy"


def test_what_a_poll_costs_and_lists_is_measured(db: sqlite3.Connection, ask: Ask, clock: Clock) -> None:
    three_fields(db)
    catalogue = everywhere()
    ask(catalogue)
    ask(catalogue)
    hour = clock.time.replace(minute=0, second=0, microsecond=0)
    catalogue.list(*(product(f"W{n}", geometry=WEST, learnt=clock.time) for n in range(3)))
    catalogue.list(*(product(f"N{n}", geometry=box(20, 20, 21, 21), learnt=clock.time) for n in range(2)))
    ask(catalogue)
    load = measures.loads(db, "take5", now=clock.time)["SPOT5"]
    assert load.everywhere is not None
    assert 5 * 24 / 2 < load.everywhere < 5 * 24 * 4
    assert load.late == {}
    assert measures.appeared(db, "take5")["SPOT5"][hour] == 5


def test_a_product_is_counted_as_late_by_how_far_it_was_behind_the_cursor(
    db: sqlite3.Connection, ask: Ask, clock: Clock
) -> None:
    add_watch(db, "West", geometry=WEST)
    catalogue = news(product("P1", geometry=WEST, learnt=NOW))
    ask(catalogue)
    clock.forward(days=2)
    catalogue.list(product("P2", geometry=WEST, learnt=clock.time))
    ask(catalogue)
    catalogue.list(product("late", geometry=WEST, learnt=clock.time - timedelta(hours=4)))
    ask(catalogue)
    assert measures.loads(db, "take5", now=clock.time)["SPOT5"].late == {0: 1, 256: 1}


def test_the_same_trouble_at_many_places_is_told_once_with_the_places(db: sqlite3.Connection, ask: Ask) -> None:
    for name in ("Lyon", "Nantes", "Pornic"):
        add_watch(db, name)
    catalogue = Pretend(product("P1", code="Pornic"))
    catalogue.breaks(CatalogueError("it is gone", permanent=True))
    polled = ask(catalogue)
    assert polled.problem is not None
    assert sorted(polled.problem.removesuffix(": it is gone").split(", ")) == [
        "SPOT5 (Lyon)",
        "SPOT5 (Nantes)",
        "SPOT5 (Pornic)",
    ]


@pytest.mark.parametrize("permanent", [True, False])
def test_what_time_does_not_mend_is_not_worth_another_try_soon(
    db: sqlite3.Connection, ask: Ask, permanent: bool
) -> None:
    add_watch(db)
    catalogue = Pretend(product("P1"))
    catalogue.breaks(CatalogueError("refused", permanent=permanent))
    assert ask(catalogue).passing is not permanent
