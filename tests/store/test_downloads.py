"""Downloads: wanted, claimed, stored, failed, tried again."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from msgspec import structs

from tests.given import ACQUIRED, L1C, L2A, NOW, add_watch, changed, product, rows
from watcher.core.decide import Arrival, Decision
from watcher.model import Event, Product, Watch
from watcher.store import archive, downloads, products, tapes, watching
from watcher.store.connection import stamp, writing
from watcher.store.downloads import Stored

LATER = NOW + timedelta(minutes=5)
HOME = Stored("Pornic/L2A/A.zip", 10, "sha256:00", "md5", 10)


@pytest.fixture
def watched(db: sqlite3.Connection) -> Watch:
    return add_watch(db)


def arrive(db: sqlite3.Connection, watch: Watch, listed: Product, *, download: bool = True) -> int:
    """Let a product arrive; return the number of its revision."""
    with writing(db):
        number = products.first_free(db)
        collection = watching.collection_number(db, watch.catalogue, watch.collection)
        sighting = [(number, watch.site.number)]
        products.record(db, collection, Decision([(number, listed)], [], [], sighting, [], [], set()), now=NOW)
        arrival = Arrival(watch.site.number, number, Event.NEW, (), download)
        products.arrive(db, [arrival], now=NOW)
        downloads.want(db, [arrival], sites={watch.site.number: watch.site.name}, now=NOW)
    return number


def shelve(db: sqlite3.Connection, revision: int, name: str = "A.zip") -> str | None:
    with writing(db):
        stem, _, end = name.partition(".")
        return downloads.shelve(db, revision, lambda v: f"Pornic/L2A/{stem}{'' if v == 1 else f'.v{v}'}.{end}")


def test_only_what_is_to_be_downloaded_is_wanted(db: sqlite3.Connection, watched: Watch) -> None:
    arrive(db, watched, product("P1"), download=False)
    number = arrive(db, watched, product("P2"))
    assert [(w.revision, w.catalogue, w.site, w.attempts) for w in downloads.due(db, now=NOW)] == [
        (number, "take5", "Pornic", 0)
    ]


def test_a_revision_is_wanted_once_for_all_its_sites(db: sqlite3.Connection, watched: Watch) -> None:
    number = arrive(db, watched, product())
    downloads.want(db, [Arrival(2, number, Event.NEW, (), True)], sites={2: "Nantes"}, now=LATER)
    assert rows(db, "SELECT site, wanted FROM downloads") == [("Pornic", stamp(NOW))]


def test_what_was_tried_least_comes_first_then_the_newest_acquisition(db: sqlite3.Connection, watched: Watch) -> None:
    old = arrive(db, watched, product("P1", acquired=ACQUIRED - timedelta(days=1)))
    tried = arrive(db, watched, product("P2", acquired=ACQUIRED + timedelta(days=1)))
    new = arrive(db, watched, product("P3"))
    shelve(db, tried)
    downloads.failed(db, tried, problem="cut off", again=NOW, now=NOW)
    assert [w.revision for w in downloads.due(db, now=NOW)] == [new, old, tried]


def test_what_was_cut_short_is_no_try(db: sqlite3.Connection, watched: Watch) -> None:
    number = arrive(db, watched, product())
    shelve(db, number)
    assert [(w.revision, w.attempts) for w in downloads.due(db, now=NOW)] == [(number, 0)]
    downloads.failed(db, number, problem="cut off", again=NOW, now=NOW)
    assert [(w.revision, w.attempts) for w in downloads.due(db, now=NOW)] == [(number, 1)]


def test_what_a_newer_revision_replaces_is_given_up(db: sqlite3.Connection, watched: Watch) -> None:
    older = arrive(db, watched, product())
    newer = arrive(db, watched, changed(product(), revision="later"))
    assert [w.revision for w in downloads.due(db, now=NOW)] == [newer]
    assert rows(db, f"SELECT problem FROM downloads WHERE revision = {older}") == ["replaced by a newer revision"]
    assert shelve(db, older) is None


def test_a_place_that_fits_no_more_is_given_up_for_another(db: sqlite3.Connection, watched: Watch) -> None:
    number, other = arrive(db, watched, product("P1")), arrive(db, watched, product("P2"))
    shelve(db, other, "B.zip")
    shelve(db, number, "A.zip")
    told: list[tuple[str, bool]] = []

    def fits(path: str, directory: bool) -> bool:
        told.append((path, directory))
        return False

    with writing(db):
        places = ["Pornic/L2A/b.zip", "Pornic/L2A/a.zip"]  # of another, and its own
        assert downloads.shelve(db, number, lambda v: places[v - 1], fits=fits) == "Pornic/L2A/a.zip"
        files = '[{"name":"B02.tif","size":1,"checksum":"sha256:0","how":"md5"}]'
        db.execute("UPDATE downloads SET files = ? WHERE revision = ?", (files, number))
        downloads.shelve(db, number, lambda v: f"C{v}", fits=fits)
    assert told == [("Pornic/L2A/A.zip", False), ("Pornic/L2A/a.zip", True)]


def test_what_was_replaced_is_no_trouble_and_is_not_tried_again(db: sqlite3.Connection, watched: Watch) -> None:
    older = arrive(db, watched, product())
    shelve(db, older, "A.zip")
    downloads.failed(db, older, problem="cut off", again=NOW, now=NOW)
    assert len(downloads.troubles(db)) == 1
    newer = arrive(db, watched, changed(product(), revision="later"))
    assert downloads.in_vain(db, newer) == downloads.in_vain(db, older) == ["Pornic/L2A/A.zip"]
    assert downloads.troubles(db) == []
    assert downloads.counts(db) == (1, 0, 0, 0)
    assert downloads.retry(db, now=NOW) == 0
    assert [w.revision for w in downloads.due(db, now=NOW)] == [newer]


def test_what_was_replaced_while_it_was_under_way_stays_so(db: sqlite3.Connection, watched: Watch) -> None:
    older = arrive(db, watched, product())
    newer = arrive(db, watched, changed(product(), revision="later"))
    downloads.failed(db, older, problem="cut off", again=NOW, now=NOW)
    tapes.staged(db, older, since=NOW, problem="on tape", again=NOW)
    assert [w.revision for w in downloads.due(db, now=NOW)] == [newer]
    assert downloads.troubles(db) == []
    assert tapes.ordered(db) == []


def test_what_was_replaced_is_no_trouble_once_it_is_wanted_by_hand(db: sqlite3.Connection, watched: Watch) -> None:
    older = arrive(db, watched, product())
    arrive(db, watched, changed(product(), revision="later"))
    with writing(db):
        db.execute("UPDATE revisions SET id = 'processed-before' WHERE number = ?", (older,))
        assert downloads.want_by_hand(db, "processed-before", now=NOW) == 1
    assert older in {wanted.revision for wanted in downloads.due(db, now=NOW)}
    assert downloads.troubles(db) == []


def test_a_place_is_kept_over_all_tries(db: sqlite3.Connection, watched: Watch) -> None:
    number = arrive(db, watched, product())
    shelve(db, number, "A.zip")
    downloads.failed(db, number, problem="cut off", again=NOW, now=NOW)
    assert shelve(db, number, "B.zip") == "Pornic/L2A/A.zip"


def test_a_place_that_is_taken_in_whatever_case_gets_a_version(db: sqlite3.Connection, watched: Watch) -> None:
    places = [
        shelve(db, arrive(db, watched, product(f"P{n}")), name) for n, name in enumerate(["A.zip", "a.ZIP", "A.zip"])
    ]
    assert places == ["Pornic/L2A/A.zip", "Pornic/L2A/a.v2.ZIP", "Pornic/L2A/A.v3.zip"]
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE downloads SET path = 'PORNIC/L2A/A.ZIP' WHERE revision = 3")


def test_what_is_stored_is_done(db: sqlite3.Connection, watched: Watch) -> None:
    number = arrive(db, watched, product())
    shelve(db, number)
    downloads.failed(db, number, problem="cut off", again=NOW, now=NOW)
    shelve(db, number)
    downloads.stored(db, number, HOME, now=LATER)
    assert downloads.due(db, now=LATER) == []
    assert downloads.troubles(db) == []
    assert downloads.counts(db) == (0, 1, 0, 10)
    assert downloads.retry(db, now=LATER) == 0


def test_what_is_given_up_waits_for_a_retry_by_hand(db: sqlite3.Connection, watched: Watch) -> None:
    number = arrive(db, watched, product())
    shelve(db, number)
    downloads.failed(db, number, problem="gone", again=None, now=NOW)
    assert downloads.due(db, now=LATER) == []
    assert downloads.counts(db) == (0, 0, 1, 0)
    (trouble,) = downloads.troubles(db)
    assert (trouble.title, trouble.attempts, trouble.due, trouble.given_up) == ("SPOT5_P1_L2A", 1, None, NOW)
    assert downloads.retry(db, now=LATER) == 1
    assert [w.attempts for w in downloads.due(db, now=LATER)] == [0]


def test_a_product_may_be_wanted_by_hand(db: sqlite3.Connection, watched: Watch) -> None:
    first = arrive(db, watched, product(), download=False)
    newer = arrive(db, watched, changed(product(), revision="later"), download=False)
    assert first != newer
    assert downloads.want_by_hand(db, "no such product", now=NOW) == 0
    assert downloads.want_by_hand(db, "P1", now=NOW) == 1
    assert downloads.want_by_hand(db, "SPOT5_P1_L2A", now=NOW) == 1
    assert [w.revision for w in downloads.due(db, now=NOW)] == [newer]
    shelve(db, newer)
    downloads.stored(db, newer, HOME, now=NOW)
    downloads.want_by_hand(db, "P1", now=LATER)
    assert downloads.due(db, now=LATER) == []


def test_files_that_come_later_are_wanted_for_what_arrived_after_the_baseline(
    db: sqlite3.Connection, watched: Watch
) -> None:
    number = arrive(db, watched, product(assets=()), download=False)
    before, after = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    downloads.want_late(db, [(number, changed(watched, baselined=None))], now=LATER)
    downloads.want_late(db, [(number, changed(watched, baselined=after))], now=LATER)
    assert downloads.due(db, now=LATER) == []
    downloads.want_late(db, [(number, changed(watched, baselined=before))], now=LATER)
    assert [(w.revision, w.site) for w in downloads.due(db, now=LATER)] == [(number, "Pornic")]


def test_what_is_not_home_when_its_watch_ends_is_unwanted_unless_another_site_takes_it(
    db: sqlite3.Connection, watched: Watch
) -> None:
    alone, begun, shared, home = (arrive(db, watched, product(name)) for name in ("P1", "P2", "P3", "P4"))
    other = add_watch(db, "Nantes")
    add_watch(db, "Pornic", level=L1C)
    db.execute("INSERT INTO sightings (revision, site) VALUES (?, ?)", (shared, other.site.number))
    shelve(db, begun, "B.zip")
    downloads.stored(db, home, HOME, now=NOW)
    with writing(db):
        dropped = watching.end(db, [watched], download_levels={L2A})
    assert dropped.unwanted == 2
    assert {one.revision for one in downloads.due(db, now=NOW)} == {shared}
    assert downloads.troubles(db) == []
    assert downloads.retry(db, now=LATER) == 0
    assert downloads.unwatched(db) == {begun: "Pornic/L2A/B.zip"}
    downloads.unshelve(db, begun)
    assert downloads.unwatched(db) == {}
    assert downloads.want_by_hand(db, "SPOT5_P1_L2A", now=LATER) == 1
    assert {one.revision for one in downloads.due(db, now=LATER)} == {shared, alone}
    again = add_watch(db)
    db.execute("INSERT INTO sightings (revision, site) VALUES (?, ?)", (alone, again.site.number))
    with writing(db):
        assert watching.end(db, [again], download_levels={L2A}).unwanted == 0, "it was asked for by hand"


def test_what_was_unwanted_is_wanted_again_by_a_site_to_which_it_arrives_later(
    db: sqlite3.Connection, watched: Watch
) -> None:
    number, by_hand = arrive(db, watched, product("P1")), arrive(db, watched, product("P2"))
    downloads.failed(db, number, problem="no such file", again=None, now=NOW)
    db.execute("UPDATE downloads SET due = NULL, held = 'refused' WHERE revision = ?", (by_hand,))
    with writing(db):
        assert watching.end(db, [watched], download_levels={L2A}).unwanted == 1, "what was given up is not tried again"
    assert downloads.troubles(db) == []
    assert downloads.retry(db, now=LATER) == 0
    nantes = add_watch(db, "Nantes").site.number
    both = [Arrival(nantes, one, Event.NEW, (), True) for one in (number, by_hand)]
    downloads.want(db, both, sites={nantes: "Nantes"}, now=LATER)
    assert [(one.revision, one.site, one.attempts) for one in downloads.due(db, now=LATER)] == [(number, "Nantes", 0)]
    assert rows(db, "SELECT wanted, held, problem FROM downloads WHERE due IS NOT NULL") == [(stamp(LATER), None, None)]


def test_what_comes_home_though_its_watch_ended_and_what_is_wanted_anew_is_not_refused(
    db: sqlite3.Connection, watched: Watch
) -> None:
    under_way, lost = arrive(db, watched, product("P1")), arrive(db, watched, product("P2"))
    shelve(db, under_way, "B.zip")
    downloads.stored(db, lost, HOME, now=NOW)
    archive.want_again(db, lost, now=NOW)
    with writing(db):
        assert watching.end(db, [watched], download_levels={L2A}).unwanted == 1
    assert [one.revision for one in downloads.due(db, now=NOW)] == [lost]
    downloads.stored(db, under_way, structs.replace(HOME, path="Pornic/L2A/B.zip"), now=NOW)
    assert rows(db, "SELECT held FROM downloads") == [None, None]


def test_files_of_an_acquisition_stay_wanted_while_a_watch_takes_it_of_another_catalogue(
    db: sqlite3.Connection, watched: Watch
) -> None:
    number = arrive(db, watched, product("P1"))
    other = add_watch(db, catalogue="copy", level=None)
    twin = arrive(db, other, product("Q1"), download=False)
    db.execute("UPDATE revisions SET acquisition = 'one'")
    with writing(db):
        assert watching.end(db, [watched], download_levels={L2A}).unwanted == 0
    downloads.want_also(db, [(twin, other.site.number)], sites={other.site.number: "Pornic"}, now=NOW)
    again = add_watch(db)
    db.execute("INSERT INTO sightings (revision, site) VALUES (?, ?)", (number, again.site.number))
    with writing(db):
        assert watching.end(db, [again], download_levels={L2A}).unwanted == 1, "it comes from there"
    assert [one.revision for one in downloads.due(db, now=NOW)] == [twin]


def test_files_that_the_watches_that_stay_do_not_want_are_not_fetched_for_them(db: sqlite3.Connection) -> None:
    every, ended = add_watch(db, level=None), add_watch(db, level=L1C, download=True)
    other = add_watch(db, "Nantes", level=L1C)
    fine = arrive(db, ended, product("P1"))
    coarse = [arrive(db, ended, product(name, level=L1C)) for name in ("P2", "P3")]
    db.executemany("INSERT INTO sightings (revision, site) VALUES (?, ?)", [(one, other.site.number) for one in coarse])
    with writing(db):
        assert watching.end(db, [ended], download_levels={L2A}).unwanted == 2
        assert [one.revision for one in downloads.due(db, now=NOW)] == [fine]
        assert watching.end(db, [every], download_levels={L2A}).unwanted == 1
