"""What is not well is told once to those who asked for it, and once more when it is over."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.core.health.test_health import GIB, token
from tests.given import NOW, Clock, add_subscription, add_watch, owe, product, rows
from tests.tasks.fetched import fetch
from watcher.archive import Disk as Archive
from watcher.config import CatalogueTable
from watcher.core.audience import Owed
from watcher.core.outbox import Standing
from watcher.errors import CredentialError, TransferError
from watcher.model import ARRIVALS, Event, Rhythm
from watcher.net import Http
from watcher.store import alerts, deliveries, polls, recipients
from watcher.store.connection import writing
from watcher.tasks.health import Terms, Told, look
from watcher.tasks.health.around import Disk, disks, expires

JANE, OPERATOR = "mail:jane@example.org", "mail:ops@example.org"
TERMS = Terms(failures=3, listed=3, disk=4 * GIB, expires_within=timedelta(days=14))

Look = Callable[..., list[Told]]


@pytest.fixture
def glance(db: sqlite3.Connection, clock: Clock) -> Look:
    def once(
        *,
        catalogues: Sequence[str] = ("take5",),
        missing: Sequence[str] = (),
        disks: Sequence[Disk] = (),
        gone: TransferError | None = None,
        expires: Mapping[str, datetime] | None = None,
        shown: Mapping[str, str] | None = None,
    ) -> list[Told]:
        names = {JANE: "jane@example.org", OPERATOR: "ops@example.org"} if shown is None else shown
        return look(
            db,
            catalogues=catalogues,
            missing=missing,
            disks=disks,
            archive="/srv/products",
            gone=gone,
            expires=expires or {},
            shown=names,
            terms=TERMS,
            now=clock(),
        )

    return once


@pytest.fixture(autouse=True)
def operator(db: sqlite3.Connection) -> None:
    add_subscription(db, JANE)
    add_subscription(db, OPERATOR, events=(Event.HEALTH,))


def titles(told: Sequence[Told]) -> list[str]:
    return [one.concern.title for one in told]


def owed(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Who is owed which alert, in order."""
    return rows(db, "SELECT address, title FROM deliveries JOIN alerts ON alerts.number = alert ORDER BY alerts.number")


def polled(db: sqlite3.Connection, clock: Clock, problem: str | None, name: str = "take5") -> None:
    clock.forward(minutes=15)
    with writing(db):
        number = polls.start(db, name, now=clock.time)
        polls.finish(db, number, listed=1, arrived=0, problem=problem, not_before=None, now=clock())


def test_a_catalogue_that_fails_is_told_of_once_and_so_is_its_recovery(
    db: sqlite3.Connection, glance: Look, clock: Clock
) -> None:
    polled(db, clock, None)
    said: list[list[str]] = []
    for problem in ("503", "503", "503", "503", "503", None, None, "503"):
        polled(db, clock, problem)
        said.append(titles(glance()))
    assert said == [[], [], ["take5 cannot be read"], [], [], ["take5 can be read again"], [], []]
    assert owed(db) == [(OPERATOR, "take5 cannot be read"), (OPERATOR, "take5 can be read again")]
    assert alerts.open_now(db) == []


def test_a_catalogue_that_is_not_asked_any_more_is_not_said_to_be_well(
    db: sqlite3.Connection, glance: Look, clock: Clock
) -> None:
    for _ in range(3):
        polled(db, clock, "503")
    assert len(glance()) == 1
    assert glance(catalogues=()) == []
    assert alerts.open_now(db) == []


def test_a_watched_catalogue_that_left_the_configuration_is_told_of_until_it_is_back(
    db: sqlite3.Connection, glance: Look
) -> None:
    (told,) = glance(catalogues=(), missing=("take5",))
    assert told.concern.title == "take5 is watched, but not in the configuration"
    assert "[catalogues.take5]" in (told.concern.hint or "")
    assert glance(catalogues=(), missing=("take5",)) == []
    assert titles(glance()) == ["take5 is asked again"]
    glance(catalogues=(), missing=("take5",))
    assert glance(catalogues=()) == [], "its sites were removed"
    assert alerts.open_now(db) == []


def test_an_account_that_polls_are_refused_is_told_of_at_once(
    db: sqlite3.Connection, glance: Look, clock: Clock
) -> None:
    polled(db, clock, "CredentialError: the file /secret is empty")
    (told,) = glance()
    assert told.concern.title == "The account of take5 cannot be used"
    assert "the file /secret is empty" in told.concern.body
    polled(db, clock, None)
    assert titles(glance()) == ["The account of take5 can be used again"]


def test_a_disk_that_fills_up_and_a_credential_that_expires_are_told_of_once(
    db: sqlite3.Connection, glance: Look, clock: Clock
) -> None:
    full, roomy = (Disk("archive", "/srv", free, 1000 * GIB) for free in (GIB, 500 * GIB))
    soon = {"take5": NOW + timedelta(days=3)}
    assert len(glance(disks=[full], expires=soon)) == 2
    assert glance(disks=[full], expires=soon) == []
    assert titles(glance(disks=[roomy], expires={"take5": NOW + timedelta(days=300)})) == [
        "The disk of the archive has room again"
    ]
    assert alerts.open_now(db) == []


def test_a_filter_that_lets_nothing_pass_is_told_of_until_something_passes(
    db: sqlite3.Connection, glance: Look
) -> None:
    site = add_watch(db, max_cloud=10.0).site.number
    add_watch(db, "Nantes", max_cloud=10.0)
    db.execute("UPDATE watches SET baselined = added")
    for n in range(3):
        assert glance() == []
        owe(db, site, product(f"P{n}", cloud=50.0))
        db.execute("INSERT INTO sightings (revision, site) SELECT max(number), ? FROM revisions", [site])
    (told,) = glance()
    assert told.concern.title == "Nothing has ever passed the filter of Pornic"
    owe(db, site, product("clear", cloud=1.0))
    db.execute("INSERT INTO sightings (revision, site) SELECT max(number), ? FROM revisions", [site])
    assert glance() == []
    assert alerts.open_now(db) == []


def test_an_address_that_is_set_aside_is_told_of_and_so_is_that_it_hears_again(
    db: sqlite3.Connection, glance: Look, clock: Clock
) -> None:
    with writing(db):
        aside = Standing(failing=NOW, refusals=3, aside=NOW, problem="550 no such person")
        recipients.keep(db, JANE, aside)
    (told,) = glance()
    assert told.concern.title == "jane@example.org is told of nothing any more"
    assert glance() == []
    with writing(db):
        recipients.keep(db, JANE, Standing(worked=clock()))
    assert titles(glance()) == ["jane@example.org is told of things again"]


def test_notices_that_were_given_up_are_told_of_until_somebody_tries_them_again(
    db: sqlite3.Connection, glance: Look, clock: Clock
) -> None:
    owe(db, add_watch(db).site.number, product(), Owed(JANE, 1))
    (due,) = deliveries.due(db, now=clock())
    deliveries.failed(db, due, problem="550 spam", again=None, now=clock())
    assert titles(glance()) == ["jane@example.org has missed notices"]
    assert glance(shown={OPERATOR: "ops@example.org"}) == []
    assert alerts.open_now(db) == []


def still(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return [(address, title) for address, title in owed(db) if title.startswith("Still")]


def test_a_week_without_news_is_told_once_to_those_who_want_to_know(
    db: sqlite3.Connection, glance: Look, clock: Clock
) -> None:
    site = add_watch(db).site.number
    weekly = Rhythm(at=time(8), zone="Europe/Paris")
    add_subscription(db, "mail:still@example.org", still=True, events=ARRIVALS, rhythm=weekly)
    heard: list[int] = []
    # From a Friday on, every twelve hours for five weeks; in the third week something comes.
    for turn in range(70):
        if turn == 36:
            owe(db, site, product(), Owed("mail:still@example.org", 3))
        glance()
        for due in deliveries.due(db, now=clock()):
            deliveries.sent(db, due, now=clock())
        heard.append(len(still(db)))
        clock.forward(hours=12)
    # Monday 22 June is the first that ends a whole week; the week in which something came is passed over.
    assert max(heard) == 3
    assert rows(db, "SELECT topic FROM alerts WHERE kind = 'still'") == ["3 2015-06-15", "3 2015-06-22", "3 2015-07-06"]
    assert {address for address, _ in still(db)} == {"mail:still@example.org"}


def test_a_quiet_week_that_ends_in_quiet_hours_is_told_after_them(
    db: sqlite3.Connection, glance: Look, clock: Clock
) -> None:
    night = Rhythm(at=time(3), quiet=(time(22), time(7)))
    add_subscription(db, "mail:still@example.org", still=True, rhythm=night)
    clock.time = datetime.fromisoformat("2015-06-22T03:30:00+00:00")
    glance()
    assert rows(db, "SELECT due, hold FROM deliveries") == [("2015-06-22T07:00:00.000Z", "quiet")]


def test_an_account_that_downloads_are_refused_is_told_of_at_once_and_once(
    db: sqlite3.Connection, glance: Look, clock: Clock, tmp_path: Path
) -> None:
    def locked(name: str) -> Http:
        raise CredentialError(f"{name} does not accept the login of me", hint="mend it")

    owe(db, add_watch(db).site.number, product())
    for _ in range(2):
        with writing(db):
            db.execute(
                "INSERT INTO downloads (revision, site, wanted, due) VALUES (1, 'Pornic', '', '') ON CONFLICT"
                " DO UPDATE SET due = ''"
            )
        assert len(list(fetch(db, locked, Archive(tmp_path), clock))) == 1
    assert owed(db) == [(OPERATOR, "The account of take5 cannot be used")]
    assert glance() == []
    assert [alert.topic for alert in alerts.open_now(db)] == ["account take5"]


def test_disks_are_one_where_the_archive_lies_beside_the_database(tmp_path: Path) -> None:
    (disk,) = disks("archive", tmp_path / "not" / "there", tmp_path, reserve=7)
    assert (disk.name, disk.place, disk.reserve) == ("archive and of the database", str(tmp_path), 7)
    assert 0 < disk.free <= disk.total


def test_credentials_expire_as_it_is_stated_or_as_they_say_themselves(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(token(exp=1781000000))
    secret.chmod(0o600)
    auth = {"kind": "bearer", "token": {"file": str(secret)}, "other": {"file": "/not/there"}, "user": "me"}
    tables = [CatalogueTable(name=name, kind="stac", settings={}, auth=auth) for name in ("a", "b")]
    tables.append(msgspec.structs.replace(tables[0], name="c", auth=None))
    found = expires(tables, {"b": date(2027, 3, 1)})
    assert {name: when.isoformat() for name, when in found.items()} == {
        "a": "2026-06-09T10:13:20+00:00",
        "b": "2027-03-01T00:00:00+00:00",
    }


def test_an_archive_that_is_not_mounted_is_told_of_once_and_when_it_is_back(clock: Clock, glance: Look) -> None:
    gone = TransferError("the archive /srv/products is empty, or not there", hint="is its disk mounted?")
    (told,) = glance(gone=gone)
    assert told.concern.title == "The archive is empty"
    assert told.concern.body.startswith("the archive /srv/products is empty, or not there\nAll downloads wait")
    assert told.concern.hint == "is its disk mounted?"
    clock.forward(hours=1)
    assert glance(gone=gone) == []
    assert titles(glance()) == ["The archive is there again"]
    assert glance() == []
