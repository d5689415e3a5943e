"""One bad item among good ones: the good ones are news, the bad one is set aside, and told of once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.catalogues import pretend_cmr, pretend_geodes, pretend_odata, pretend_resto, pretend_stac
from tests.catalogues.loopback import Asked, answering
from tests.catalogues.pretend_resto import Held
from tests.catalogues.spoiling import Spoil, Spoiling, broken, having, ident, nameless, without
from tests.given import NOW, Clock, add_subscription, add_watch, announced, box, rows
from tests.servers.stac import thing
from watcher.catalogues import cmr, geodes, odata, resto, stac
from watcher.credentials import remembered
from watcher.model import Event
from watcher.net import Http
from watcher.plugins import Catalogue
from watcher.store import ahead, unread, watching
from watcher.store.connection import writing
from watcher.tasks.health import Terms as Health
from watcher.tasks.health import look as look_at_health
from watcher.tasks.look import look as look_at_catalogue
from watcher.tasks.poll import Polled, poll, reconcile

BEGUN = datetime(2015, 4, 1, tzinfo=UTC)
OPERATOR = "mail:ops@example.org"


class World(NamedTuple):
    """A server, what it was asked, and a database that watches it."""

    db: sqlite3.Connection
    clock: Clock
    server: Spoiling
    asked: list[Asked]
    catalogue: Catalogue
    http: Http
    made: Callable[[int], Any]
    held: list[Any]
    name: Callable[[int], str]

    def poll(self) -> Polled:
        self.clock.forward(hours=1)
        return poll(self.db, "it", self.catalogue, self.http, now=self.clock)

    def item(self, number: int) -> dict[str, Any]:
        made = self.made(number)
        found: dict[str, Any] = made.feature() if isinstance(made, Held) else made
        return found

    def publish(self, number: int) -> None:
        self.held.append(self.made(number))

    def remove(self, number: int) -> None:
        self.held.remove(self.made(number))

    def spoil(self, number: int, how: Spoil) -> None:
        self.server.spoilt[ident(self.item(number))] = how

    def told(self) -> list[str]:
        """Look whether all is well; return what is told of the catalogue."""
        terms = Health(failures=99, listed=99, disk=0, expires_within=timedelta(0))
        shown = {OPERATOR: "ops@example.org"}
        found = look_at_health(
            self.db, catalogues=["it"], disks=[], expires={}, shown=shown, terms=terms, now=self.clock()
        )
        return [one.concern.title for one in found]


ITEMS = "https://api.stacspec.org/v1.0.0/item-search"
DOCUMENTS = {
    "/": {"conformsTo": [ITEMS, f"{ITEMS}#query", f"{ITEMS}#sort"]},
    "/collections": {"collections": [{"id": "things"}]},
}
"""What a STAC API has besides its search."""


def name(number: int) -> str:
    return f"item-{number:03d}"


MADE: dict[str, Callable[[int], Any]] = {
    "resto": lambda n: Held(name(n), BEGUN + timedelta(days=n)),
    "stac": lambda n: _thing(n),
    "geodes": lambda n: pretend_geodes.item(n, datetime=_at(n), start_datetime=_at(n)),
    "odata": lambda n: pretend_odata.thing(
        n, PublicationDate=_at(n), ModificationDate=_at(n), ContentDate={"Start": _at(n), "End": _at(n)}
    ),
    "cmr": lambda n: pretend_cmr.granule(
        n,
        revised=(BEGUN + timedelta(hours=n) - pretend_cmr.START) / timedelta(minutes=1),
        TemporalExtent={"RangeDateTime": {"BeginningDateTime": _at(n), "EndingDateTime": _at(n)}},
    ),
}
NAMES: dict[str, Callable[[int], str]] = {
    "geodes": lambda n: f"00000000-0000-3000-8000-{n:012}",
    "odata": lambda n: f"00000000-0000-0000-0000-{n:012}",
    "cmr": lambda n: f"G{n}-TEST",
}
GROUND = box(1.3, 43.5, 1.5, 43.7)


@contextmanager
def world(kind: str, db: sqlite3.Connection, clock: Clock, count: int, **settings: Any) -> Iterator[World]:
    """A server of so many products, all at one site, read whole by "resto" and "windows", for news by the others."""
    server: Any
    made = MADE.get(kind, _thing)
    things = [made(number) for number in range(count)]
    match kind:
        case "resto":
            server = pretend_resto.Pretend(things)
            things = server.held
        case "geodes":
            server = pretend_geodes.Pretend(things)
        case "odata":
            server = pretend_odata.Pretend(things)
        case "cmr":
            server = pretend_cmr.Pretend(things, now=NOW)
        case _:
            counts, sorts = settings.pop("counts", False), settings.pop("sorts", True)
            server = pretend_stac.Pretend(things, counts=counts, sorts=sorts)
    spoiling = Spoiling(server)
    with answering(spoiling) as (url, asked), Http(origin=url, backoff_base=0.01) as http:
        catalogue: Catalogue
        collection, since = "things", None
        match kind:
            case "resto":
                catalogue = resto.Kind(url=url, collections=["SPOT5"], **settings)
            case "geodes":
                collection = pretend_geodes.COLLECTION
                catalogue = geodes.Kind(url=url, collections={collection: "L2A"}, **settings)
            case "odata":
                collection = f"SENTINEL-2:{pretend_odata.TYPE}"
                catalogue = odata.Kind(url=url, collections={collection: "L2A"}, **settings)
            case "cmr":
                collection = pretend_cmr.CONCEPT
                catalogue = cmr.Kind(url=url, collections={collection: "L2A"}, **settings)
            case _:
                spoiling.documents = DOCUMENTS
                cursor = "none" if kind == "windows" else "updated"
                since = BEGUN - timedelta(days=1) if kind == "windows" else None
                catalogue = stac.Kind(url=url, collections={"things": "L2A"}, **{"cursor": cursor, **settings})
        if kind == "resto":
            add_watch(db, "Litchfield", catalogue="it", level=None)
        else:
            add_watch(db, "Toulouse", catalogue="it", collection=collection, geometry=GROUND, since=since)
        yield World(db, clock, spoiling, asked, catalogue, http, made, things, NAMES.get(kind, name))


def _at(number: int) -> str:
    return f"{BEGUN + timedelta(hours=number):%Y-%m-%dT%H:%M:%S.000Z}"


def _thing(number: int) -> dict[str, Any]:
    then = f"{BEGUN + timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}"
    return {**thing(name(number), then, acquired=then), "collection": "things"}


@pytest.fixture(params=["resto", "stac", "windows", "geodes", "odata", "cmr"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def recorded(db: sqlite3.Connection) -> set[str]:
    return set(rows(db, "SELECT id FROM revisions"))


def aside(db: sqlite3.Connection) -> list[Any]:
    return rows(db, "SELECT id FROM unread ORDER BY id, digest")


ALL: dict[str, Spoil] = {
    "nothing but its id": broken,
    "no id": nameless,
    "no object": lambda _: None,
    "a list": lambda one: [one],
}
FEATURES: dict[str, Spoil] = {
    "properties of another type": having(properties="none"),
    "an id of another type": having(id=7),
    "an id that is empty": having(id=""),
}
STAC: dict[str, Spoil] = {
    "a link that is none": having(links=[None]),
    "an asset that is none": having(assets={"x": None}),
    "no collection": without("collection"),
}
RESTO: dict[str, Spoil] = {
    "a path for an id": having(id=".."),
    "an id that cannot be printed": having(id="a\0b"),
    "no properties at all": without("properties"),
}
GEODES: dict[str, Spoil] = {
    "a link that is none": having(links=[None]),
    "no dataset": lambda one: {**one, "collection": None, "properties": without("dataset")(one["properties"])},
}
ODATA: dict[str, Spoil] = {
    "a name of another type": having(Name=["x"]),
    "an id that is empty": having(Id=""),
    "no name": without("Name"),
}
CMR: dict[str, Spoil] = {
    "no description": without("umm"),
    "a revision that is no number": lambda one: {**one, "meta": {**one["meta"], "revision-id": "one"}},
    "no date": lambda one: {**one, "meta": without("revision-date")(one["meta"])},
    "nothing that CMR says": having(meta=None),
}
WAYS = {
    "resto": [ALL, FEATURES, RESTO],
    "stac": [ALL, FEATURES, STAC],
    "geodes": [ALL, FEATURES, GEODES],
    "odata": [ALL, ODATA],
    "cmr": [ALL, CMR],
}


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        pytest.param(kind, how, id=f"{kind}: {called}")
        for kind, ways in WAYS.items()
        for some in ways
        for called, how in some.items()
    ],
)
def test_one_bad_of_a_hundred_leaves_ninety_nine(db: sqlite3.Connection, clock: Clock, kind: str, how: Spoil) -> None:
    with world(kind, db, clock, 100, **({"limit": 200} if kind == "stac" else {})) as it:
        it.spoil(40, how)
        polled = it.poll()
        assert (polled.problem, polled.listed, polled.baselined, polled.unread) == (None, 100, 1, 1)
        assert recorded(db) == {it.name(number) for number in range(100) if number != 40}
        ((raw, problem, first, seen),) = rows(db, "SELECT raw, problem, first, seen FROM unread")
        assert problem
        assert first == seen
        sound = it.item(40)
        assert msgspec.json.decode(raw) == msgspec.json.decode(msgspec.json.encode(how(sound)))
        (watch,) = watching.watches(db)
        assert watch.baselined is not None
        if kind != "resto":
            assert watch.cursor == BEGUN + timedelta(hours=99)


def test_several_bad_ones_are_several(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 30) as it:
        it.spoil(3, broken)
        it.spoil(7, nameless)
        it.spoil(9, nameless)
        assert it.poll().unread == 3
        assert aside(db) == ["", "", it.name(3)]
        assert len(recorded(db)) == 27


def test_several_that_are_wholly_alike_are_several(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 30) as it:
        for number in (3, 7, 9):
            it.spoil(number, lambda _: None)
        for _ in range(2):
            polled = it.poll()
            assert (polled.problem, polled.unread) == (None, 3)
        assert aside(db) == ["", "", ""]
        assert len(recorded(db)) == 27


@pytest.mark.parametrize(
    "settings", [{"limit": 10}, {"limit": 10, "sorts": False, "counts": True}, {"limit": 10, "sort": False}]
)
@pytest.mark.parametrize("bad", [{0}, {9, 10}, {19}, {29}, {24, 25, 26}])
def test_a_walk_over_pages_of_stac_lists_all_but_the_bad_ones(
    db: sqlite3.Connection, clock: Clock, settings: dict[str, Any], bad: set[int]
) -> None:
    with world("stac", db, clock, 30, **settings) as it:
        for number in bad:
            it.spoil(number, nameless if number % 2 else broken)
        polled = it.poll()
        assert (polled.problem, polled.unread) == (None, len(bad))
        assert recorded(db) == {it.name(number) for number in range(30) if number not in bad}
        assert len(aside(db)) == len(bad)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("geodes", {"limit": 10}),
        ("odata", {"limit": 10}),
        ("odata", {"limit": 10, "links": True}),
        ("cmr", {"page_size": 10}),
    ],
)
@pytest.mark.parametrize("bad", [{0}, {9, 10}, {19}, {29}, {24, 25, 26}])
def test_a_walk_over_pages_lists_all_but_the_bad_ones(
    db: sqlite3.Connection, clock: Clock, kind: str, settings: dict[str, Any], bad: set[int]
) -> None:
    links = settings.pop("links", False)
    with world(kind, db, clock, 30, **settings) as it:
        it.server.server.links = links  # type: ignore[attr-defined]
        for number in bad:
            it.spoil(number, nameless if number % 2 else broken)
        polled = it.poll()
        assert (polled.problem, polled.unread) == (None, len(bad))
        assert recorded(db) == {it.name(number) for number in range(30) if number not in bad}
        assert len(aside(db)) == len(bad)


@pytest.mark.parametrize("counts", ["exact", "none"])
@pytest.mark.parametrize("bad", [{0}, {9, 10}, {19}, {29}, {24, 25, 26}])
def test_a_walk_over_pages_of_resto_lists_all_but_the_bad_ones(
    db: sqlite3.Connection, clock: Clock, counts: str, bad: set[int]
) -> None:
    with world("resto", db, clock, 30, page_size=10) as it:
        it.server.server.counts = counts  # type: ignore[attr-defined]
        for number in bad:
            it.spoil(number, nameless if number % 2 else broken)
        polled = it.poll()
        assert (polled.problem, polled.unread) == (None, len(bad))
        assert recorded(db) == {it.name(number) for number in range(30) if number not in bad}


def test_what_has_no_place_in_the_order_is_not_lost_behind_what_cannot_be_read(
    db: sqlite3.Connection, clock: Clock
) -> None:
    with world("stac", db, clock, 12, limit=5) as it:
        it.server.server.trailing = True  # type: ignore[attr-defined]
        for one in it.held[4:]:
            del one["properties"]["updated"]
        it.spoil(4, having(links=[None]))
        polled = it.poll()
        assert (polled.problem, polled.unread) == (None, 1)
        assert recorded(db) == {name(number) for number in range(12) if number != 4}


@pytest.mark.parametrize("kind", ["stac", "windows"])
@pytest.mark.parametrize("hours", [-500, -3, 7, 500])
@pytest.mark.parametrize("bad", [{2}, {4}, {4, 5}, {9}, {3, 4, 5, 6, 7, 8, 9}])
def test_nothing_is_passed_over_where_what_cannot_be_read_says_that_it_belongs(
    db: sqlite3.Connection, clock: Clock, kind: str, hours: int, bad: set[int]
) -> None:
    with world(kind, db, clock, 20, limit=5) as it:
        for number in bad:
            then = _at(number + hours)
            it.spoil(number, having(links=[None], properties={"updated": then, "datetime": then}))
        polled = it.poll()
        assert (polled.problem, polled.unread) == (None, len(bad))
        assert recorded(db) == {name(number) for number in range(20) if number not in bad}


def test_a_total_that_is_more_than_was_listed_is_still_a_failure(db: sqlite3.Connection, clock: Clock) -> None:
    with world("stac", db, clock, 30, limit=10, sort=False, counts=True) as it:
        it.server.server.hidden = 2  # type: ignore[attr-defined]
        it.spoil(4, broken)
        problem = it.poll().problem
        assert problem is not None
        assert "counts 32 products in things and listed 30" in problem


def test_it_costs_no_more_questions(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 40) as it:
        it.poll()
        it.asked.clear()
        it.poll()
        sound = len(it.asked)
        it.spoil(39, nameless)
        it.spoil(20, broken)
        for _ in range(3):
            it.asked.clear()
            assert it.poll().problem is None
            assert len(it.asked) == sound


def test_what_is_known_is_not_missed_for_being_unreadable(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 20) as it:
        add_subscription(db, events=(Event.NEW, Event.WITHDRAWN))
        it.poll()
        it.spoil(4, broken)
        for _ in range(3):
            assert it.poll().problem is None
        assert rows(db, "SELECT count(*) FROM sightings WHERE missing IS NOT NULL") == [0]
        assert announced(db) == []
        it.server.spoilt.clear()
        assert it.poll().arrived == 0


@pytest.mark.parametrize("kind", ["resto", "windows"])
def test_beside_what_has_no_id_nothing_is_gone(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 20) as it:
        it.poll()
        it.spoil(4, nameless)
        it.remove(11)
        for _ in range(3):
            assert it.poll().problem is None
        assert rows(db, "SELECT count(*) FROM sightings WHERE missing IS NOT NULL") == [0]
        it.server.spoilt.clear()
        it.poll()
        it.poll()
        assert [what[1:] for what in announced(db)] == [(it.name(11), "withdrawn")]


@pytest.mark.parametrize("kind", ["resto", "windows"])
def test_beside_what_has_an_id_others_are_still_withdrawn(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 20) as it:
        it.poll()
        it.spoil(4, broken)
        it.remove(11)
        it.poll()
        it.poll()
        assert [what[1:] for what in announced(db)] == [(it.name(11), "withdrawn")]


def test_a_reconcile_misses_nothing_either(db: sqlite3.Connection, clock: Clock) -> None:
    with world("stac", db, clock, 20) as it:
        it.poll()
        it.spoil(4, broken)
        for _ in range(3):
            clock.forward(days=1)
            outcome = reconcile(db, "it", it.catalogue, it.http, now=clock)
            assert (outcome.problem, outcome.found, outcome.lacking) == (None, 0, 0)
        assert rows(db, "SELECT count(*) FROM sightings WHERE missing IS NOT NULL") == [0]
        assert aside(db) == [it.name(4)]


def asked_in_brief(it: World) -> list[bool]:
    """Say of each question, as it comes, whether it asks for identities alone."""
    brief: list[bool] = []
    it.server.server.before = lambda body: brief.append("fields" in body)  # type: ignore[attr-defined]
    return brief


def test_what_a_reconcile_finds_and_cannot_read_is_set_aside_and_not_asked_for_each_day(
    db: sqlite3.Connection, clock: Clock
) -> None:
    with world("stac", db, clock, 20, fields=True) as it:
        it.poll()
        brief = asked_in_brief(it)
        it.spoil(5, lambda one: one if brief[-1] else having(links=[None])(one))
        it.remove(5)
        db.execute("DELETE FROM sightings WHERE revision = (SELECT number FROM revisions WHERE id = ?)", (it.name(5),))
        db.execute("DELETE FROM revisions WHERE id = ?", (it.name(5),))
        it.publish(5)  # with an old date: polls pass over it
        outcome = reconcile(db, "it", it.catalogue, it.http, now=clock)
        assert (outcome.problem, outcome.found, outcome.lacking) == (None, 0, 0)
        assert True in brief
        assert aside(db) == [it.name(5)]
        ((counted, lacking, days),) = rows(
            db, "SELECT counted, lacking, julianday(reconcile) - julianday(reconciled) FROM watches"
        )
        assert (counted, lacking, round(days)) == (19, 0, 7)
        it.server.spoilt.clear()
        assert reconcile(db, "it", it.catalogue, it.http, now=clock).found == 1
        assert aside(db) == []


@pytest.mark.parametrize("kind", ["stac", "geodes", "odata", "cmr"])
def test_what_is_known_and_mended_under_its_old_date_is_over_at_the_weekly_look(
    db: sqlite3.Connection, clock: Clock, kind: str
) -> None:
    with world(kind, db, clock, 200) as it:
        it.poll()
        it.spoil(199, broken)
        assert it.poll().unread == 1
        clock.forward(days=6)
        for number in range(200, 400):
            it.publish(number)
        it.poll()
        outcome = reconcile(db, "it", it.catalogue, it.http, now=clock)
        assert (outcome.problem, outcome.lacking, aside(db)) == (None, 0, [it.name(199)])
        it.server.spoilt.clear()
        outcome = reconcile(db, "it", it.catalogue, it.http, now=clock)
        assert (outcome.problem, outcome.found, outcome.arrived, outcome.lacking) == (None, 0, 0, 0)
        assert aside(db) == []
        assert rows(db, "SELECT counted FROM watches") == [400]


def test_what_is_named_and_not_described_is_lacking_though_it_could_not_be_read_before(
    db: sqlite3.Connection, clock: Clock
) -> None:
    with world("stac", db, clock, 20, fields=True) as it:
        it.poll()
        brief = asked_in_brief(it)
        it.spoil(5, broken)
        it.poll()
        it.spoil(5, lambda one: one if brief[-1] else having(id="another")(one))
        outcome = reconcile(db, "it", it.catalogue, it.http, now=clock)
        assert (outcome.problem, outcome.lacking) == (None, 1)


@contextmanager
def two_sites(db: sqlite3.Connection, clock: Clock) -> Iterator[World]:
    """A server of ten products at each of two sites, which one question asks about: the second has 100 to 109."""
    with world("windows", db, clock, 10) as it:
        far = {"geometry": {"type": "Point", "coordinates": [10.0, 50.0]}}
        it.held.extend({**_thing(number), **far} for number in range(100, 110))
        there, since = box(9.9, 49.9, 10.1, 50.1), BEGUN - timedelta(days=1)
        add_watch(db, "Frankfurt", catalogue="it", collection="things", geometry=there, since=since)
        assert (it.poll().problem, len(it.asked)) == (None, 1)
        yield it


def test_beside_what_has_no_id_a_site_of_which_nothing_is_listed_is_still_told(
    db: sqlite3.Connection, clock: Clock
) -> None:
    with two_sites(db, clock) as it:
        it.spoil(4, nameless)
        del it.held[10:]
        polled = it.poll()
        assert polled.problem is not None
        assert "Frankfurt: things lists nothing, where 10 products were seen before" in polled.problem
        assert polled.unread == 1


def test_what_has_no_id_may_be_all_that_a_site_had(db: sqlite3.Connection, clock: Clock) -> None:
    with two_sites(db, clock) as it:
        del it.held[11:]
        for _ in range(3):
            it.poll()
        assert len(announced(db)) == 9
        it.spoil(100, nameless)
        assert [it.poll().problem for _ in range(3)] == [None] * 3
        assert len(announced(db)) == 9


def test_an_answer_of_another_shape_is_not_asked_for_in_parts(db: sqlite3.Connection, clock: Clock) -> None:
    with two_sites(db, clock) as it:
        for number in (*range(10), *range(100, 110)):
            it.spoil(number, broken)
        it.asked.clear()
        assert "20 of 20 items" in str(it.poll().problem)
        assert len(it.asked) == 1


def test_of_two_versions_one_that_cannot_be_read_is_told_of_beside_the_other(
    db: sqlite3.Connection, clock: Clock
) -> None:
    with world("geodes", db, clock, 20) as it:
        it.poll()
        newer = pretend_geodes.item(19, version=2, datetime=_at(30), start_datetime=_at(19))
        it.held.append(newer)
        it.server.spoilt[newer["id"]] = broken
        times = []
        for _ in range(2):
            assert it.poll().unread == 1
            times += rows(db, "SELECT id, first FROM unread")
        assert times[0] == times[1]
        assert times[0][0] == it.name(19)
        it.server.spoilt.clear()
        polled = it.poll()
        assert (polled.unread, aside(db)) == (0, [])
        assert rows(db, "SELECT count(*) FROM revisions WHERE id = ?", [it.name(19)]) == [2]


def test_a_collection_that_nobody_watches_any_more_is_nobodys_concern(db: sqlite3.Connection, clock: Clock) -> None:
    with world("resto", db, clock, 20) as it:
        it.spoil(4, broken)
        it.poll()
        assert [one.count for one in unread.standing(db, "it")] == [1]
        db.execute("DELETE FROM watches")
        assert unread.standing(db, "it") == []


def test_it_is_told_once_and_when_it_is_over(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 20) as it:
        add_subscription(db, OPERATOR, events=(Event.HEALTH,))
        add_subscription(db)
        it.poll()
        assert it.told() == []
        it.spoil(20, broken)
        it.publish(20)
        for _ in range(3):
            assert it.poll().unread == 1
            clock.forward(hours=1)
        assert it.told() == ["it lists an item that cannot be read"]
        assert it.poll().arrived == 0
        assert it.told() == []
        (finding,) = [
            one
            for one in look_at_catalogue(db, "it", it.catalogue, it.http, now=clock())
            if one.subject.startswith("items of ")
        ]
        assert not finding.well
        assert "since 2015-06-12" in finding.text
        it.server.spoilt.clear()
        assert it.poll().arrived == 1
        assert [what[1:] for what in announced(db)] == [(it.name(20), "new")]
        assert aside(db) == []
        assert it.told() == ["All that it lists can be read"]
        assert it.told() == []
        assert not [
            one
            for one in look_at_catalogue(db, "it", it.catalogue, it.http, now=clock())
            if one.subject.startswith("items of ")
        ]
        assert rows(db, "SELECT count(*) FROM deliveries WHERE address = ?", [OPERATOR]) == [2]


@pytest.mark.parametrize("kind", ["resto", "windows"])
def test_one_without_an_id_is_over_when_a_whole_look_no_longer_lists_it(
    db: sqlite3.Connection, clock: Clock, kind: str
) -> None:
    with world(kind, db, clock, 20) as it:
        it.spoil(4, nameless)
        it.poll()
        assert aside(db) == [""]
        it.server.spoilt.clear()
        it.poll()
        assert aside(db) == []


def test_an_answer_of_which_nothing_can_be_read_is_a_failure(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 20) as it:
        it.poll()
        for number in range(20):
            it.spoil(number, broken)
        polled = it.poll()
        assert polled.problem is not None
        assert "lists what cannot be read, 20 of 20 items" in polled.problem
        assert not polled.passing
        assert (polled.unread, aside(db)) == (0, [])
        assert rows(db, "SELECT count(*) FROM sightings WHERE missing IS NOT NULL") == [0]
        wrong = [one.text for one in it.catalogue.check(it.http) if not one.well]
        assert any("cannot be read" in text for text in wrong), wrong


@pytest.mark.parametrize("kind", ["resto", "stac"])
def test_one_alone_is_set_aside_if_it_has_an_id_for_it_says_nothing_of_the_shape(
    db: sqlite3.Connection, clock: Clock, kind: str
) -> None:
    with world(kind, db, clock, 1) as it:
        it.spoil(0, nameless)
        assert "1 of 1 items" in str(it.poll().problem)
        it.spoil(0, broken)
        polled = it.poll()
        assert (polled.problem, polled.unread, polled.baselined) == (None, 1, 1)
        it.server.spoilt.clear()
        # Mended under its old date it is no news to ask for: what is watched is listed again once a week.
        again = reconcile(db, "it", it.catalogue, it.http, now=clock)
        assert (again.found, again.arrived) == (1, 1)
        assert aside(db) == []


def test_check_says_what_cannot_be_read(db: sqlite3.Connection, clock: Clock, kind: str) -> None:
    with world(kind, db, clock, 20) as it:
        it.poll()
        assert not [one for one in it.catalogue.check(it.http) if not one.well]
        it.spoil(0, broken)
        it.spoil(19, broken)
        wrong = [one for one in it.catalogue.check(it.http) if not one.well]
        ends = [f"cannot be read: {ident(it.item(number))}: Expected" for number in (0, 19)]
        assert any(end in one.text for one in wrong for end in ends), wrong
        drifted = [one for one in look_at_catalogue(db, "it", it.catalogue, it.http, now=clock()) if not one.well]
        assert any("cannot be read" in one.text for one in drifted), drifted


def test_a_text_that_changes_at_each_poll_is_one_item_and_is_cut(db: sqlite3.Connection, clock: Clock) -> None:
    with world("resto", db, clock, 20) as it:
        texts = iter(["a", "b" * 100_000])
        it.spoil(4, lambda one: {"id": one["id"], "properties": None, "signature": next(texts)})
        it.poll()
        it.poll()
        ((length, lasted),) = rows(db, "SELECT length(raw), seen > first FROM unread")
        assert (length, lasted) == (64 * 1024, 1)


def test_what_is_kept_of_it_has_no_secret_of_ours(db: sqlite3.Connection, clock: Clock) -> None:
    remembered("a-t0ken-of-ours-77")
    with world("resto", db, clock, 20) as it:
        it.spoil(4, lambda one: {"id": one["id"], "properties": None, "href": "http://x/?key=a-t0ken-of-ours-77"})
        it.poll()
        assert rows(db, "SELECT json_extract(raw, '$.href') FROM unread") == ["http://x/?key=***"]


def test_no_part_of_a_secret_is_kept_where_the_text_is_cut(db: sqlite3.Connection, clock: Clock) -> None:
    remembered("a-t0ken-of-ours-78")
    with world("resto", db, clock, 20) as it:

        def cut(one: dict[str, Any]) -> dict[str, Any]:
            start = len(msgspec.json.encode({"id": one["id"], "properties": None, "x": ""})) - 2
            return {"id": one["id"], "properties": None, "x": "x" * (64 * 1024 - start - 6) + "a-t0ken-of-ours-78"}

        it.spoil(4, cut)
        it.poll()
        (raw,) = rows(db, "SELECT raw FROM unread")
        assert raw.endswith('x***"}')


def test_what_a_clock_that_was_ahead_noted_is_not_kept_for_years(db: sqlite3.Connection, clock: Clock) -> None:
    with world("resto", db, clock, 20) as it:
        it.spoil(4, broken)
        clock.forward(days=3650)
        it.poll()
        clock.forward(days=-3650)
        assert ahead.mend(db, now=clock()) >= 1
        assert rows(db, "SELECT max(first, seen) <= ? FROM unread", [f"{clock():%Y-%m-%dT%H:%M:%S.999Z}"]) == [1]


def test_so_many_are_kept_and_for_so_long(db: sqlite3.Connection) -> None:
    with writing(db):
        number = watching.collection_number(db, "it", "things")
        for count in range(unread.MOST + 5):
            one = unread.Unread(f"{count}", "odd", "{}", f"{count}")
            unread.note(db, number, [one], now=NOW + timedelta(seconds=count))
        assert rows(db, "SELECT count(*), min(CAST(id AS INTEGER)) FROM unread") == [(unread.MOST, 5)]
        unread.forget(db, "it", now=NOW + timedelta(days=20))
        assert rows(db, "SELECT count(*) FROM unread") == [unread.MOST]
        unread.forget(db, "other", now=NOW + timedelta(days=30))
        assert rows(db, "SELECT count(*) FROM unread") == [unread.MOST]
        unread.forget(db, "it", now=NOW + timedelta(days=22))
        assert rows(db, "SELECT count(*) FROM unread") == [0]
