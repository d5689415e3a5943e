"""Sites and watches."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from tests.given import L1C, L2A, NOW, add_subscription, add_watch, box, product, rows
from watcher.core.audience import Owed
from watcher.core.decide import Arrival, Decision
from watcher.errors import UsageError
from watcher.model import Event
from watcher.store import deliveries, products, sites, watching
from watcher.store.connection import writing

LATER = NOW + timedelta(hours=1)
EARLIER = NOW - timedelta(days=30)


def baseline(db: sqlite3.Connection, *, cursor: bool = True) -> None:
    for watch in watching.watches(db):
        assert watching.advance(db, watch, cursor=NOW if cursor else None, whole=True, now=NOW)


def test_a_site_is_found_whatever_the_spelling(db: sqlite3.Connection) -> None:
    add_watch(db, "Évora")
    assert sites.named(db, "EVORA").name == "Évora"


def test_a_name_that_is_not_watched_is_answered_with_the_nearest(db: sqlite3.Connection) -> None:
    with pytest.raises(UsageError) as none:
        sites.named(db, "Pornic")
    assert "add-site" in str(none.value.hint)
    add_watch(db, "Litchfield")
    add_watch(db, "Pornic")
    with pytest.raises(UsageError, match='"Lichfeld"') as near:
        sites.named(db, "Lichfeld")
    assert near.value.hint == "did you mean Litchfield?"
    with pytest.raises(UsageError) as far:
        sites.named(db, "zzz")
    assert far.value.hint == "the sites are: Litchfield, Pornic"


def test_adding_a_site_again_keeps_it_and_learns_what_was_unknown(db: sqlite3.Connection) -> None:
    with writing(db):
        first = sites.add(db, "Pornic", geometry=None, country=None, origin="a", now=NOW)
        second = sites.add(db, "PORNIC", geometry=box(0, 0, 1, 1), country="France", origin="b", now=LATER)
        third = sites.add(db, "pornic", geometry=box(5, 5, 6, 6), country="Spain", origin="c", now=LATER)
    assert first.number == second.number == third.number
    assert (third.name, third.geometry, third.country, third.origin) == ("Pornic", box(0, 0, 1, 1), "France", "a")


def test_a_watch_is_read_back_as_it_was_given(db: sqlite3.Connection) -> None:
    watch = add_watch(
        db, "Field", geometry=box(0, 0, 1, 1), max_cloud=20.0, since=EARLIER, download=True, announce=True
    )
    assert (watch.site.name, watch.site.geometry, watch.code) == ("Field", box(0, 0, 1, 1), None)
    assert (watch.catalogue, watch.collection, watch.level) == ("take5", "SPOT5", L2A)
    assert (watch.max_cloud, watch.since, watch.download, watch.announce) == (20.0, EARLIER, True, True)
    assert (watch.baselined, watch.cursor) == (None, None)


def test_watches_are_chosen_by_catalogue_collection_and_site(db: sqlite3.Connection) -> None:
    a, b = add_watch(db, "A"), add_watch(db, "B")
    c, d = add_watch(db, "A", catalogue="cdse"), add_watch(db, "A", collection="SPOT4")

    def chosen(**terms: object) -> set[int]:
        return {watch.number for watch in watching.watches(db, **terms)}  # type: ignore[arg-type]

    assert chosen() == {a.number, b.number, c.number, d.number}
    assert chosen(catalogue="take5") == {a.number, b.number, d.number}
    assert chosen(catalogue="take5", collection="SPOT5") == {a.number, b.number}
    assert chosen(catalogue="take5", collection="SPOT5", at={a.site.number}) == {a.number}
    assert chosen(at=[]) == set()


def test_a_paused_site_is_not_looked_at(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    sites.pause(db, watch.site, since=NOW)
    assert watching.watches(db) == []
    assert watching.watches(db, paused=True)[0].site.paused
    sites.pause(db, watch.site, since=None)
    assert [w.number for w in watching.watches(db)] == [watch.number]


@pytest.mark.parametrize("since", [EARLIER, LATER])
def test_new_terms_keep_the_baseline_and_the_cursor(db: sqlite3.Connection, since: object) -> None:
    add_watch(db, since=NOW)
    baseline(db)
    watch = add_watch(db, max_cloud=10.0, download=False, since=since)
    assert (watch.max_cloud, watch.download, watch.since) == (10.0, False, since)
    assert (watch.baselined, watch.cursor) == (NOW, NOW)


def test_terms_that_are_not_given_stay(db: sqlite3.Connection) -> None:
    add_watch(db, since=NOW, max_cloud=10.0, download=True)
    watch = add_watch(db)
    assert (watch.since, watch.max_cloud, watch.download) == (NOW, 10.0, True)


def test_the_assets_that_are_asked_for_stay_until_others_are(db: sqlite3.Connection) -> None:
    add_watch(db, "Pornic", assets=["B02", "role:data"])
    assert add_watch(db, "Pornic").assets == ("B02", "role:data")
    assert watching.wishing(db, "take5", "SPOT5")
    assert not watching.wishing(db, "take5", "SPOT4")
    assert add_watch(db, "Pornic", assets=[]).assets == ()
    assert add_watch(db, "Arcachon").assets == ()
    assert not watching.wishing(db, "take5", "SPOT5")


def test_what_the_first_poll_is_to_announce_stays_asked_for_until_it_was_made(db: sqlite3.Connection) -> None:
    there, elsewhere = b'{"type":"Point","coordinates":[1,2]}', b'{"type":"Point","coordinates":[3,4]}'
    watch = add_watch(db, "Field", code=None, geometry=there, announce=True)
    assert add_watch(db, "Field", code=None, max_cloud=10.0).announce
    watching.move(db, watch.site, geometry=elsewhere, origin="point")
    assert watching.watches(db)[0].announce
    baseline(db)
    watching.move(db, sites.named(db, "Field"), geometry=there, origin="point")
    (moved,) = watching.watches(db)
    assert (moved.announce, moved.baselined) == (False, None)


def test_two_names_are_one_only_but_for_case_accents_and_blanks(db: sqlite3.Connection) -> None:
    add_watch(db, "Plot 1.1")
    for other in ("Plot 11", "Plot-1.1", "Plot1.1"):
        with pytest.raises(UsageError):
            sites.named(db, other)
    assert sites.named(db, "PLÓT  1.1").name == "Plot 1.1"


def test_the_baseline_covers_what_was_read_whole(db: sqlite3.Connection) -> None:
    watch = add_watch(db, since=NOW)

    def covered() -> object:
        return watching.watches(db)[0].looked_from

    watching.advance(db, watch, cursor=None, whole_from=NOW, whole=True, now=NOW)
    assert covered() == NOW
    watching.advance(db, watch, cursor=None, whole=False, now=NOW)
    watching.advance(db, watch, cursor=None, whole_from=LATER, whole=True, now=NOW)
    assert covered() == NOW
    watching.advance(db, watch, cursor=None, whole_from=EARLIER, whole=True, now=NOW)
    assert covered() == EARLIER
    watching.advance(db, watch, cursor=None, whole_from=None, whole=True, now=NOW)
    watching.advance(db, watch, cursor=None, whole_from=LATER, whole=True, now=NOW)
    assert covered() is None


def test_another_place_needs_a_baseline_of_its_own(db: sqlite3.Connection) -> None:
    there, elsewhere = b'{"type":"Point","coordinates":[1,2]}', b'{"type":"Point","coordinates":[3,4]}'
    watch = add_watch(db, "Field", code=None, geometry=there)
    baseline(db)
    assert not watching.move(db, watch.site, geometry=there, origin="point")
    assert watching.watches(db)[0].baselined == NOW
    assert watching.move(db, watch.site, geometry=elsewhere, origin="point")
    (moved,) = watching.watches(db)
    assert (moved.site.geometry, moved.baselined, moved.cursor) == (elsewhere, None, None)
    assert not watching.advance(db, watch, cursor=NOW, whole=True, now=LATER)


def test_another_code_needs_a_baseline_of_its_own(db: sqlite3.Connection) -> None:
    add_watch(db)
    baseline(db)
    assert add_watch(db, code="PornicFrance").baselined is None


def test_a_second_level_has_its_own_baseline(db: sqlite3.Connection) -> None:
    add_watch(db, level=L2A)
    baseline(db)
    assert add_watch(db, level=L1C).baselined is None
    assert add_watch(db, level=L2A).baselined == NOW


def test_a_cursor_moves_forward_only(db: sqlite3.Connection) -> None:
    watch = add_watch(db)

    def cursor() -> object:
        return watching.watches(db)[0].cursor

    assert watching.advance(db, watch, cursor=None, whole=True, now=NOW)
    assert cursor() is None
    watching.advance(db, watch, cursor=NOW, whole=True, now=LATER)
    watching.advance(db, watch, cursor=EARLIER, whole=True, now=LATER)
    watching.advance(db, watch, cursor=None, whole=True, now=LATER)
    assert cursor() == NOW
    assert watching.watches(db)[0].baselined == NOW


def test_a_watch_that_was_changed_meanwhile_was_not_looked_at(db: sqlite3.Connection) -> None:
    asked = add_watch(db, since=NOW)
    add_watch(db, since=EARLIER)
    assert not watching.advance(db, asked, cursor=NOW, whole=True, now=LATER)
    assert watching.watches(db)[0].baselined is None
    sites.remove(db, asked.site)
    assert not watching.advance(db, asked, cursor=NOW, whole=True, now=LATER)


def test_a_catalogue_is_unlooked_while_a_watch_is_younger_than_its_last_poll(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    assert watching.unlooked(db, now=LATER) == ["take5"]
    sites.pause(db, watch.site, since=NOW)
    assert watching.unlooked(db, now=LATER) == []
    sites.pause(db, watch.site, since=None)
    db.execute("INSERT INTO polls (catalogue, started) VALUES ('take5', '2015-06-12T07:00:00.000Z')")
    assert watching.unlooked(db, now=LATER) == []
    add_watch(db, "Nantes", now=NOW + timedelta(hours=2))
    assert watching.unlooked(db, now=LATER) == ["take5"]


def test_removing_a_site_forgets_all_that_hangs_on_it_but_no_product(db: sqlite3.Connection) -> None:
    watch = add_watch(db)
    add_subscription(db, at=[watch.site])
    with writing(db):
        db.execute(
            "INSERT INTO revisions (number, collection, id, token, title, assets, seen)"
            " VALUES (1, 1, 'P1', '', 'P1', '[]', '')"
        )
        db.execute("INSERT INTO sightings (revision, site) VALUES (1, ?)", (watch.site.number,))
        db.execute(
            "INSERT INTO arrivals (site, revision, event, arrived) VALUES (?, 1, 'new', '')", (watch.site.number,)
        )
        db.execute("INSERT INTO deliveries (arrival, subscription, address, owed, due) VALUES (1, 1, 'a', '', '')")
    with writing(db):
        assert sites.remove(db, watch.site) == 1
    for table in ("sites", "watches", "sightings", "arrivals", "deliveries", "subscription_sites"):
        assert rows(db, f"SELECT * FROM {table}") == [], table
    assert rows(db, "SELECT count(*) FROM revisions") == [1]


def test_a_number_never_comes_to_mean_another_site_or_watch(db: sqlite3.Connection) -> None:
    gone = add_watch(db, "Pornic")
    sites.remove(db, gone.site)
    fresh = add_watch(db, "Nantes")
    assert fresh.site.number != gone.site.number
    assert fresh.number != gone.number


def test_a_watch_that_ends_takes_only_what_no_other_takes(db: sqlite3.Connection) -> None:
    everything, l1c = add_watch(db, level=None), add_watch(db, level=L1C)
    add_subscription(db)
    site, collection = l1c.site.number, watching.collection_number(db, "take5", "SPOT5")
    for number, level in enumerate((L1C, L2A), start=1):
        with writing(db):
            listed = product(f"P{number}", level=level)
            products.record(
                db, collection, Decision([(number, listed)], [], [], [(number, site)], [], [], set()), now=NOW
            )
            written = products.arrive(db, [Arrival(site, number, Event.NEW, (Owed("a", 1),), False)], now=NOW)
            deliveries.owe(db, written, now=NOW)

    def seen() -> list[str]:
        return rows(db, "SELECT r.id FROM sightings JOIN revisions AS r ON r.number = revision ORDER BY 1")

    with writing(db):
        assert watching.end(db, [l1c], download_levels={L2A}) == (0, 0)
    add_watch(db, level=L1C)
    assert seen() == ["P1", "P2"], "what another watch takes is not forgotten"
    with writing(db):
        assert watching.end(db, [everything], download_levels={L2A}) == (1, 0)
    assert seen() == ["P1", "P2"], "what was seen stays known"
    add_watch(db, level=L2A)
    assert seen() == ["P1"], "what begins anew has seen nothing"
    assert rows(db, "SELECT count(*) FROM arrivals") == [2]


def test_what_was_told_of_one_catalogue_stays_owed_while_a_watch_takes_it_of_another(db: sqlite3.Connection) -> None:
    one, other = add_watch(db), add_watch(db, catalogue="copy")
    add_subscription(db)
    site = one.site.number
    with writing(db):
        for number, watch in enumerate((one, other), start=1):
            collection = watching.collection_number(db, watch.catalogue, watch.collection)
            decision = Decision([(number, product("P1"))], [], [], [(number, site)], [], [], set(), keys={number: "A"})
            products.record(db, collection, decision, now=NOW)
        written = products.arrive(db, [Arrival(site, 1, Event.NEW, (Owed("a", 1),), False)], now=NOW)
        deliveries.owe(db, written, now=NOW)
        assert watching.end(db, [one], download_levels={L2A}).owed == 0
        watching.watch(db, one.site, catalogue="take5", collection="SPOT5", level=L2A, code="Pornic", now=NOW)
    assert rows(db, "SELECT revision FROM sightings") == [2], "it is seen anew there"
