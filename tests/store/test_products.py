"""Products: what is known of them, and what was seen where."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from tests.given import ACQUIRED, L1C, NOW, add_watch, box, changed, product, rows, version
from watcher.core.decide import Arrival, Decision
from watcher.model import Asset, Event, Product
from watcher.store import listings, products, watching
from watcher.store.connection import writing

LATER = NOW + timedelta(minutes=15)


def record(db: sqlite3.Connection, *listed: Product, at: tuple[int, ...] = ()) -> list[int]:
    """Record products and that they were seen; return their numbers."""
    with writing(db):
        collection = watching.collection_number(db, "take5", "SPOT5")
        first = products.first_free(db)
        numbered = list(enumerate(listed, first))
        sightings = [(number, place) for number, _ in numbered for place in at]
        products.record(db, collection, Decision(numbered, [], [], sightings, [], [], set()), now=NOW)
    return [number for number, _ in numbered]


def test_a_product_is_read_back_as_the_catalogue_described_it(db: sqlite3.Connection) -> None:
    whole = product(
        "Pé\U0001f6f0",
        published=NOW,
        updated=LATER,
        cloud=12.5,
        platform="SPOT5",
        instrument="HRG1",
        geometry=box(0, 0, 1, 1),
        link="https://h/x",
        quicklook="https://h/q",
        code=None,
        assets=(Asset("a", "https://h/a", "image/tiff", 5, "md5:00"), Asset("b", "https://h/b")),
    )
    bare = product("P2", acquired=None, level=None, assets=(), code=None)
    for listed, number in zip([whole, bare], record(db, whole, bare), strict=True):
        assert products.one(db, number) == ("take5", listed)


def test_times_of_other_zones_are_kept_in_utc(db: sqlite3.Connection) -> None:
    local = datetime.fromisoformat("2015-05-30T13:12:03.123456+02:00")
    (number,) = record(db, product(acquired=local))
    assert products.one(db, number)[1].acquired == datetime(2015, 5, 30, 11, 12, 3, 123000, tzinfo=UTC)


def test_what_is_known_of_a_page_is_its_revisions_and_the_newest_at_each_site(db: sqlite3.Connection) -> None:
    a, b = add_watch(db, "A").site.number, add_watch(db, "B").site.number
    old, new = product("P1"), product("P1", revision=version(2))
    record(db, old, at=(a, b))
    record(db, new, at=(a,))
    record(db, product("P2"))
    known = products.known(db, 1, [new, product("P2"), product("P3")])
    assert set(known) == {"P1", "P2"}
    assert list(known["P1"].tokens.items()) == [(version(1), 1), (version(2), 2)]
    assert known["P1"].sites == {a: 2, b: 1}
    assert known["P2"].sites == {}
    assert products.known(db, 2, [new]) == {}
    assert products.known(db, 1, []) == {}


def test_what_is_familiar_at_a_site_is_the_newest_revision_of_each_product_that_was_never_missed(
    db: sqlite3.Connection,
) -> None:
    a, b = add_watch(db, "A").site.number, add_watch(db, "B").site.number
    record(db, product("P1"), product("P2"), at=(a, b))
    record(db, product("P1", revision=version(2)), product("P3"), at=(a,))
    with writing(db):
        products.miss(db, a, [2], now=NOW)
    assert products.familiar(db, a, 1) == {"P1": (version(2), [1, 3]), "P3": (version(1), [4])}
    assert products.familiar(db, b, 1) == {"P1": (version(1), [1]), "P2": (version(1), [2])}
    assert products.familiar(db, a, 2) == {}


def test_ids_are_kept_apart_by_collection(db: sqlite3.Connection) -> None:
    record(db, product("P1"))
    with writing(db):
        other = watching.collection_number(db, "cdse", "SPOT5")
    assert products.known(db, other, [product("P1")]) == {}


def test_a_revision_is_recorded_once(db: sqlite3.Connection) -> None:
    record(db, product())
    with pytest.raises(sqlite3.IntegrityError):
        record(db, product())
    assert products.count(db) == 1


def test_what_was_completed_replaces_the_description(db: sqlite3.Connection) -> None:
    (number,) = record(db, product())
    fuller = product(revision=version(1, checksum="md5:00"), cloud=3.0)
    with writing(db):
        products.record(db, 1, Decision([], [(number, fuller)], [], [], [], [], set()), now=NOW)
    assert products.one(db, number)[1] == changed(fuller, code=None)
    assert products.count(db) == 1


def test_an_arrival_is_written_once(db: sqlite3.Connection) -> None:
    here = add_watch(db).site.number
    (number,) = record(db, product(), at=(here,))
    arrival = Arrival(here, number, Event.NEW, (), False)
    assert products.arrive(db, [arrival, arrival], now=NOW) == [(1, arrival)]
    assert products.arrive(db, [arrival], now=LATER) == []
    assert (products.arrived(db, since=None), products.arrived(db, since=LATER)) == (1, 0)


def test_what_was_seen_is_the_newest_revision_of_each_product_of_the_watch(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    here, elsewhere = watch.site.number, add_watch(db, "Nantes").site.number
    record(
        db,
        product("P1"),
        product("P1", revision=version(2)),
        product("old", acquired=ACQUIRED - timedelta(9)),
        at=(here,),
    )
    record(db, product("P2", level=L1C), at=(here,))
    record(db, product("P3"), at=(elsewhere,))
    assert products.seen(db, watch, 1, since=None, before=NOW) == [(2, False), (3, False)]
    assert products.seen(db, watch, 1, since=ACQUIRED, before=NOW) == [(2, False)]


def test_missing_counts_from_an_earlier_look_only(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    (number,) = record(db, product(), at=(watch.site.number,))
    products.miss(db, watch.site.number, [number], now=NOW)
    assert products.seen(db, watch, 1, since=None, before=NOW) == [(number, False)]
    assert products.seen(db, watch, 1, since=None, before=LATER) == [(number, True)]
    assert products.known(db, 1, [product()])["P1"].missing
    products.record(db, 1, Decision([], [], [], [], [number], [], set()), now=LATER)
    assert products.seen(db, watch, 1, since=None, before=LATER) == [(number, False)]
    assert not products.known(db, 1, [product()])["P1"].missing


def test_what_was_withdrawn_is_no_longer_missed(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    (number,) = record(db, product(), at=(watch.site.number,))
    products.miss(db, watch.site.number, [number], now=NOW)
    products.arrive(db, [Arrival(watch.site.number, number, Event.WITHDRAWN, (), False)], now=NOW)
    assert products.seen(db, watch, 1, since=None, before=LATER) == []
    (row,) = listings.listing(db, site=None, level=None, since=None)
    assert row.event is Event.WITHDRAWN


def test_what_is_back_is_no_longer_listed_as_withdrawn(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    (number,) = record(db, product(), at=(watch.site.number,))
    products.arrive(db, [Arrival(watch.site.number, number, Event.NEW, (), False)], now=NOW)
    products.miss(db, watch.site.number, [number], now=NOW)
    products.arrive(db, [Arrival(watch.site.number, number, Event.WITHDRAWN, (), False)], now=NOW)
    products.record(db, 1, Decision([], [], [], [], [number], [], set()), now=LATER)
    (row,) = listings.listing(db, site=None, level=None, since=None)
    assert row.event is Event.NEW
    assert products.seen(db, watch, 1, since=None, before=LATER) == [(number, False)]


def test_the_listing_tells_where_what_happened_and_whether_it_is_here(db: sqlite3.Connection) -> None:
    here = add_watch(db).site.number
    first, second = record(db, product("P1"), product("P2", acquired=ACQUIRED + timedelta(1)), at=(here,))
    products.arrive(db, [Arrival(here, second, Event.NEW, (), False)], now=NOW)
    db.execute("INSERT INTO downloads (revision, site, wanted, stored, path) VALUES (?, '', '', '', 'x')", (first,))
    newest, oldest = listings.listing(db, site=None, level=None, since=None)
    assert (newest.product.id, newest.event, newest.stored, newest.site) == ("P2", Event.NEW, None, "Pornic")
    assert (oldest.product.id, oldest.event, oldest.stored, oldest.catalogue) == ("P1", None, "x", "take5")
    assert listings.listing(db, site=here + 1, level=None, since=None) == []
    assert listings.listing(db, site=here, level=L1C, since=None) == []
    assert len(listings.listing(db, site=here, level=None, since=ACQUIRED + timedelta(1))) == 1


def test_a_page_of_many_products_is_looked_up_by_the_index_alone(db: sqlite3.Connection) -> None:
    plan = rows(
        db,
        "EXPLAIN QUERY PLAN SELECT r.id, r.token, r.number FROM json_each('[]') AS listed CROSS JOIN revisions AS r"
        " ON r.collection = 1 AND r.id = listed.value ORDER BY r.id, r.number",
    )
    assert any("USING COVERING INDEX revision_identity" in str(step) for step in plan)


@pytest.mark.parametrize("count", [1, 9, 10, 111, 500, 1234])
def test_any_number_of_products_is_recorded_each_once(db: sqlite3.Connection, count: int) -> None:
    site = add_watch(db).site.number
    numbers = record(db, *(product(f"P{n:04}") for n in range(count)), at=(site,))
    assert rows(db, "SELECT id FROM revisions ORDER BY number") == [f"P{n:04}" for n in range(count)]
    assert rows(db, "SELECT revision FROM sightings ORDER BY revision") == numbers
