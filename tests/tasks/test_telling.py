"""What a notice knows: what it goes on with, what was looked at, the last clear look; when pictures are asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.given import (
    ACQUIRED,
    L1C,
    L2A,
    NOW,
    Clock,
    add_subscription,
    add_watch,
    changed,
    database,
    owe,
    product,
    rows,
    version,
)
from watcher.core.audience import Owed
from watcher.core.notices import FULL, Shot
from watcher.model import Level, Notice, Outcome, Product, Sent
from watcher.store import polls
from watcher.store.connection import writing
from watcher.tasks.notify import notify

JANE, JOHN = "mail:jane@example.org", "mail:john@example.org"
ARCHIVE = Path("/archive")


class Pass:
    """Pays what is owed; keeps the notices, and what pictures were asked for."""

    def __init__(self, db: sqlite3.Connection, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self.sent: list[tuple[str, Notice]] = []
        self.asked: list[Shot] = []
        self.outcome = Outcome.SENT
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> list[Notice]:
        """Run a pass and return its notices."""
        before = len(self.sent)
        list(notify(self._db, self._send, ARCHIVE, now=self._clock, chance=lambda: 0.5, pictures=self._pictures))
        return [notice for _, notice in self.sent[before:]]

    def _send(self, posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, post in enumerate(posts):
            self.sent.append(post)
            yield Sent(index, self.outcome, None if self.outcome is Outcome.SENT else "refused")

    def _pictures(self, shots: Sequence[Shot]) -> Mapping[Shot, bytes]:
        assert not self._db.in_transaction
        self.meanwhile()
        self.asked += shots
        return {shot: b"\xff\xd8\xff" + shot.url.encode() for shot in shots}


@pytest.fixture
def here(db: sqlite3.Connection) -> int:
    add_subscription(db, JANE)
    add_subscription(db, JOHN)
    return add_watch(db).site.number


@pytest.fixture
def pay(db: sqlite3.Connection, clock: Clock, here: int) -> Pass:
    return Pass(db, clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def take5(day: int, level: Level = L2A, **facts: object) -> Product:
    """A product by the names of SPOT (Take5), whose L1C and L2A are known to be one acquisition."""
    word = {L1C: "N1_TUILE", L2A: "N2A"}[level]
    name = f"SPOT5_HRG1_XS_201505{day:02}_{word}_PornicD0000B0000"
    when = ACQUIRED.replace(day=day)
    return product(name, title=name, level=level, acquired=when, **facts)


def see(db: sqlite3.Connection, place: int, listed: Product) -> None:
    """Let a product be seen at a site without arriving there."""
    arrival = owe(db, place, listed)
    with writing(db):
        [revision] = rows(db, "SELECT revision FROM arrivals WHERE number = ?", [arrival])
        db.execute("DELETE FROM arrivals WHERE number = ?", (arrival,))
        db.execute("INSERT INTO sightings (revision, site) VALUES (?, ?)", (revision, place))


def test_an_l2a_goes_on_with_the_notice_of_its_l1c_and_a_reprocessing_with_both(
    db: sqlite3.Connection, pay: Pass, here: int
) -> None:
    owe(db, here, take5(25, L1C), Owed(JANE, 1), Owed(JOHN, 2))
    first, johns = pay()
    owe(db, here, take5(25), Owed(JANE, 1))
    [second] = pay()
    owe(db, here, changed(take5(25), revision=version(2)), Owed(JANE, 1))
    [third] = pay()
    assert first.follows == johns.follows == ()
    assert second.follows == (first.key,)
    assert third.follows == (first.key, second.key)


def test_another_acquisition_is_another_conversation(db: sqlite3.Connection, pay: Pass, here: int) -> None:
    for day in (20, 25):
        owe(db, here, take5(day, L1C), Owed(JANE, 1))
        [notice] = pay()
        assert notice.follows == ()


def test_a_digest_goes_on_with_one_that_told_of_all_it_tells_of(db: sqlite3.Connection, pay: Pass, here: int) -> None:
    for day in (15, 20):
        owe(db, here, take5(day, L1C), Owed(JANE, 1))
    [both] = pay()
    owe(db, here, take5(15), Owed(JANE, 1))
    [one] = pay()
    assert one.follows == (both.key,)
    for listed in (changed(take5(15), revision=version(2)), take5(20)):
        owe(db, here, listed, Owed(JANE, 1))
    [again] = pay()
    assert again.follows == (both.key,)  # `one` told of only one of them
    for listed in (changed(take5(20), revision=version(2)), take5(25)):
        owe(db, here, listed, Owed(JANE, 1))
    [more] = pay()
    assert more.follows == ()


def test_a_product_of_an_unknown_name_goes_on_with_its_own_earlier_processing(
    db: sqlite3.Connection, pay: Pass, here: int
) -> None:
    owe(db, here, product("P1", title="a name of no convention"), Owed(JANE, 1))
    [first] = pay()
    owe(db, here, product("P1", title="a name of no convention", revision=version(2)), Owed(JANE, 1))
    [second] = pay()
    assert second.follows == (first.key,)


def test_pictures_are_asked_for_when_others_may_write(db: sqlite3.Connection, path: Path, pay: Pass, here: int) -> None:
    owe(db, here, take5(25, quicklook="https://x.org/25.jpg"), Owed(JANE, 1))

    def meanwhile() -> None:
        with database(path) as other, writing(other):
            polls.start(other, "take5", now=NOW)

    pay.meanwhile = meanwhile
    [notice] = pay()
    assert [shot.url for shot in pay.asked] == ["https://x.org/25.jpg"]
    assert [picture.jpeg for picture in notice.pictures] == [b"\xff\xd8\xffhttps://x.org/25.jpg"]


def test_the_last_clear_look_is_shown_beside_the_new_one(db: sqlite3.Connection, pay: Pass, here: int) -> None:
    def look(day: int, **facts: object) -> Product:
        return take5(day, **({"quicklook": f"https://x.org/{day}.jpg", "cloud": 5.0} | facts))

    for seen in (
        look(10),
        look(15),
        look(16, cloud=60.0),
        look(17, cloud=None),
        look(18, quicklook=None),
        look(19, level=L1C),
        look(28),  # later than the new one
    ):
        see(db, here, seen)
    owe(db, here, look(25, cloud=80.0), Owed(JANE, 1))
    [notice] = pay()
    assert [picture.words for picture in notice.pictures] == [
        "before: 2015-05-15, L2A, cloud 5 %",
        "new: 2015-05-25, L2A, cloud 80 %",
    ]


def test_what_is_new_itself_is_no_look_from_before(db: sqlite3.Connection, pay: Pass, here: int) -> None:
    for day in (10, 15, 20, 25):
        listed = take5(day, quicklook=f"https://x.org/{day}.jpg", cloud=5.0)
        if day == 10:
            see(db, here, listed)
        else:
            number = owe(db, here, listed, Owed(JANE, 1))
            with writing(db):
                db.execute(
                    "INSERT INTO sightings SELECT revision, site, NULL, NULL FROM arrivals WHERE number = ?", (number,)
                )
    [notice] = pay()
    assert [picture.words[:18] for picture in notice.pictures] == [
        "before: 2015-05-10",
        "new: 2015-05-15, L",
        "new: 2015-05-20, L",
        "new: 2015-05-25, L",
    ]


def test_a_notice_that_failed_is_sent_again_with_its_pictures_and_says_that_it_was_tried(
    db: sqlite3.Connection, pay: Pass, here: int, clock: Clock
) -> None:
    owe(db, here, take5(25, quicklook="https://x.org/25.jpg"), Owed(JANE, 1))
    pay.outcome = Outcome.FAILED
    [first] = pay()
    clock.forward(minutes=5)
    [again] = pay()
    assert (first.again, again.again) == (False, True)
    assert again.key == first.key
    assert again.pictures == first.pictures != ()


def test_the_footer_says_what_was_looked_at_since_the_last_notice(
    db: sqlite3.Connection, pay: Pass, here: int, clock: Clock
) -> None:
    add_subscription(db, "mail:picky@example.org", max_cloud=20.0, min_coverage=50.0)
    picky = Owed("mail:picky@example.org", 3)
    clock.forward(minutes=1)
    for number, (day, cloud, coverage) in enumerate([(10, 5.0, 90.0), (11, 88.0, 90.0), (12, 5.0, 12.0)], 1):
        arrival = owe(db, here, take5(day, cloud=cloud), *([picky] if number == 1 else []))
        with writing(db):
            db.execute("UPDATE arrivals SET coverage = ? WHERE number = ?", (coverage, arrival))
            db.execute("INSERT INTO sightings (revision, site) VALUES (?, ?)", (number, here))
            db.execute("UPDATE revisions SET seen = '2015-06-12T06:00:30.000Z'")
    for listed in (59, 61):
        with writing(db):
            poll = polls.start(db, "take5", now=clock())
            polls.finish(db, poll, listed=listed, arrived=0, problem=None, not_before=None, now=clock())
    [notice] = pay()
    assert (
        "Looked at since 2015-06-12 06:00 UTC, in 2 polls: 61 products listed by the last, 1 new,"
        " 2 rejected by your filter (coverage 12 %, cloud 88 %)." in notice.text
    )
    clock.forward(hours=1)
    owe(db, here, take5(20), picky)
    [next_one] = pay()
    assert "Looked at since 2015-06-12 06:01 UTC, in 0 polls: 0 products listed, 1 new." in next_one.text
    with writing(db):
        db.execute("UPDATE deliveries SET sent = '2055-06-12T06:00:00.000Z' WHERE sent > '2015-06-12T06:30'")
    clock.forward(hours=1)
    owe(db, here, take5(21), picky)
    [after] = pay()
    assert "Looked at since 2015-06-12 06:01 UTC" in after.text, "what a clock that was ahead noted is no last notice"


def test_what_a_watch_passed_over_is_told_apart(db: sqlite3.Connection, pay: Pass, here: int, clock: Clock) -> None:
    with writing(db):
        db.execute("UPDATE watches SET max_cloud = 40, baselined = '2015-06-01T00:00:00.000Z'")
    see(db, here, take5(10, cloud=95.0))
    see(db, here, take5(11, cloud=3.0))  # of the baseline
    with writing(db):
        db.execute("UPDATE revisions SET seen = '2015-06-12T06:00:30.000Z'")
    clock.forward(minutes=1)
    owe(db, here, take5(25), Owed(JANE, 1))
    [notice] = pay()
    assert "1 new, 1 rejected by the watch (cloud 95 %, the watch takes up to 40 %)." in notice.text


def test_the_fields_are_those_of_the_subscription(db: sqlite3.Connection, pay: Pass, here: int) -> None:
    add_subscription(db, "mail:brief@example.org", fields=("cloud", "acquired"))
    owe(db, here, take5(25, cloud=3.0), Owed("mail:brief@example.org", 3))
    [notice] = pay()
    assert "\n    cloud 3 %, acquired 2015-05-25 11:12 UTC\n\n" in notice.text


def test_a_flood_is_read_without_a_look_at_other_catalogues_and_a_small_notice_with(
    db: sqlite3.Connection, pay: Pass, here: int
) -> None:
    with writing(db):
        other = db.execute("INSERT INTO collections (catalogue, name) VALUES ('geodes', 'SPOT5')").lastrowid
    for n in range(FULL + 1):
        owe(db, here, product(f"P{n}", acquired=ACQUIRED + timedelta(days=n)), Owed(JANE, 1))
    owe(db, here, take5(25), Owed(JANE, 1), Owed(JOHN, 2))
    with writing(db):
        db.execute(
            "INSERT INTO revisions (number, collection, id, token, title, assets, acquisition, seen)"
            " SELECT 999, ?, id, token, title, assets, acquisition, seen FROM revisions ORDER BY number DESC LIMIT 1",
            (other,),
        )
        db.execute("INSERT INTO sightings (revision, site) VALUES (999, ?)", (here,))
    flood, small = pay()
    assert f"{FULL + 2} products are new, at 1 site." in flood.text
    assert "in take5, also in geodes" in small.text
