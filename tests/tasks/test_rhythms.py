"""Rhythm and quiet hours through the real store and the real sending, with a clock that is turned over two years."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.clocks import YEARS, hushed, loud, moments, rhythms
from tests.given import L1C, L2A, Clock, add_watch, database, product, rows
from watcher.archive import Disk
from watcher.core.agreements.replay import replay
from watcher.core.decide import Arrival, Decision
from watcher.model import ARRIVALS, Event, Notice, Outcome, Rhythm, Sent, Subscription
from watcher.store import deliveries, happened, polls, products, sites, subscriptions
from watcher.store.connection import writing
from watcher.tasks.notify import notify

TICK = timedelta(seconds=30)
LONGEST = {"pass": timedelta(0), "hour": timedelta(hours=1), "day": timedelta(hours=25), "week": timedelta(hours=169)}


class Post:
    """Takes every notice, and remembers when it came to whom."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.came: list[tuple[str, datetime, list[str]]] = []

    def __call__(self, posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, (address, notice) in enumerate(posts):
            self.came.append((address, self.clock.time, re.findall(r"SPOT5_(P\d+)_", notice.text)))
            yield Sent(index, Outcome.SENT)


class World:
    """A database with one site, a clock, and a service that sends at the end of a poll, and when something is due."""

    def __init__(self, db: sqlite3.Connection, *, late: timedelta = timedelta(0)) -> None:
        self.db, self.late = db, late
        self.clock = Clock()
        self.post = Post(self.clock)
        self.site = rows(db, "SELECT number FROM sites")[0]
        self.arrived: dict[str, datetime] = {}

    def subscribe(self, rhythm: Rhythm, **terms: object) -> Subscription:
        number = len(subscriptions.every(self.db)) + 1
        wanted = Subscription(0, f"mail:{number}@example.org", "", rhythm=rhythm, **terms)  # type: ignore[arg-type]
        with writing(self.db):
            return subscriptions.numbered(self.db, subscriptions.add(self.db, wanted, now=self.clock.time))

    def poll(self, start: datetime, chance: random.Random) -> None:
        """Find some products, page by page, within half a minute."""
        self.until(start)
        with writing(self.db):
            number = polls.start(self.db, "take5", now=self.clock.time)
        for _ in range(chance.randint(1, 3)):
            self.clock.forward(seconds=5)
            with writing(self.db):
                for _ in range(chance.randint(1, 3)):
                    self._arrive(chance)
        self.clock.forward(seconds=5)
        with writing(self.db):
            polls.finish(self.db, number, listed=1, arrived=1, problem=None, not_before=None, now=self.clock.time)
        self.send()

    def _arrive(self, chance: random.Random) -> None:
        name = f"P{len(self.arrived)}"
        level = chance.choice([L1C, L2A])
        listed = product(name, level=level, cloud=chance.choice([None, 0.0, 50.0]), title=f"SPOT5_{name}_{level}")
        now, coverage = self.clock.time, chance.choice([None, 30.0, 100.0])
        self.arrived[name] = now
        revision = products.first_free(self.db)
        products.record(self.db, 1, Decision([(revision, listed)], [], [], [], [], [], set()), now=now)
        event = chance.choice(ARRIVALS)
        owed = subscriptions.audience(self.db, now=now).owed(self.site, listed, event=event, coverage=coverage)
        arrival = Arrival(self.site, revision, event, owed, False, None, coverage)
        deliveries.owe(self.db, products.arrive(self.db, [arrival], now=now), now=now)

    def until(self, moment: datetime | None) -> None:
        """Let time go by, until then or until nothing is owed any more; what becomes due is sent."""
        while due := rows(self.db, "SELECT min(due) FROM deliveries WHERE due IS NOT NULL")[0]:
            wakes = datetime.fromisoformat(due) + self.late
            if moment is not None and wakes >= moment:
                break
            self.clock.time = max(self.clock.time, wakes)
            self.send()
        if moment is not None:
            self.clock.time = max(self.clock.time, moment)

    def send(self) -> None:
        assert [
            paid
            for paid in notify(self.db, self.post, Disk(Path("/a")).shown, now=self.clock, chance=lambda: 0.5)
            if paid.problem
        ] == []


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rhythms") / "template.db"
    with database(path) as db:
        add_watch(db)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def anew(template: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database that is emptied by copying it: an example of a property begins with it."""
    shutil.copyfile(template, tmp_path / "watcher.db")
    with database(tmp_path / "watcher.db") as db:
        db.execute("PRAGMA synchronous = OFF")
        yield db


def emptied(db: sqlite3.Connection) -> sqlite3.Connection:
    for table in ("deliveries", "arrivals", "sightings", "revisions", "polls", "subscriptions"):
        db.execute(f"DELETE FROM {table}")
    db.execute("DELETE FROM sqlite_sequence WHERE name IN ('subscriptions', 'deliveries')")
    return db


PROPERTY = settings(
    max_examples=4,
    phases=[Phase.reuse, Phase.generate],  # to shrink an example would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@PROPERTY
@pytest.mark.parametrize("zone", YEARS)
@given(data=st.data())
def test_every_arrival_is_told_once_never_in_quiet_hours_and_never_later_than_the_rule_says(
    anew: sqlite3.Connection, zone: str, data: st.DataObject
) -> None:
    world = World(emptied(anew), late=data.draw(st.sampled_from([timedelta(0), timedelta(seconds=7), TICK])))
    subscribed = {one.address: one for one in (world.subscribe(data.draw(rhythms(zone))) for _ in range(6))}
    starts = sorted(data.draw(st.lists(moments(zone), min_size=4, max_size=8)))
    for start in starts:
        world.poll(start, random.Random(start.timestamp()))
    world.until(None)
    told = Counter((address, name) for address, _, names in world.post.came for name in names)
    assert told == Counter((address, name) for address in subscribed for name in world.arrived)
    for address, moment, names in world.post.came:
        rhythm = subscribed[address].rhythm
        assert not hushed(rhythm, moment)
        latest = max(loud(rhythm, world.arrived[name] + LONGEST[rhythm.every]) for name in names)
        # A poll takes up to half a minute and the service looks every half: if that leads into quiet hours, they hold.
        assert moment <= loud(rhythm, latest + 2 * TICK) + 2 * TICK
        assert min(world.arrived[name] for name in names) <= moment


@PROPERTY
@pytest.mark.parametrize("zone", YEARS)
@given(data=st.data())
def test_a_preview_agrees_with_what_is_really_sent(anew: sqlite3.Connection, zone: str, data: st.DataObject) -> None:
    world = World(emptied(anew))
    terms = st.fixed_dictionaries(
        {
            "levels": st.sampled_from([(), (L2A,)]),
            "max_cloud": st.sampled_from([None, 20.0]),
            "unknown_cloud": st.booleans(),
            "min_coverage": st.sampled_from([None, 60.0]),
            "events": st.sampled_from([ARRIVALS, (Event.NEW,)]),
        }
    )
    subscribed = [world.subscribe(data.draw(rhythms(zone)), **data.draw(terms)) for _ in range(6)]
    # Digests and quiet hours begin with full minutes: no poll is under way then.
    starts = sorted(
        start + timedelta(seconds=10) for start in data.draw(st.lists(moments(zone), min_size=4, max_size=8))
    )
    for start in starts:
        world.poll(start, random.Random(start.timestamp()))
    world.until(None)
    names = dict(
        rows(world.db, "SELECT a.number, r.id FROM arrivals AS a JOIN revisions AS r ON r.number = a.revision")
    )
    recorded = happened.since(world.db, starts[0])
    for one in subscribed:
        foreseen = replay(one, recorded, sites.tags(world.db))
        sent = [(moment, sorted(told)) for address, moment, told in world.post.came if address == one.address]
        assert [sorted(names[number] for number in telling.arrivals) for telling in foreseen.tellings] == [
            told for _, told in sent
        ]
        for telling, (moment, _) in zip(foreseen.tellings, sent, strict=True):
            assert abs(telling.at - moment) < timedelta(seconds=1)
        refused = foreseen.came - sum(len(telling.arrivals) for telling in foreseen.tellings)
        assert sum(foreseen.refused.values()) == refused


def test_a_digest_of_a_local_date_is_sent_once_also_where_its_time_comes_twice(anew: sqlite3.Connection) -> None:
    paris = ZoneInfo("Europe/Paris")
    world = World(anew, late=TICK)
    world.clock.time = datetime(2026, 10, 24, 12, tzinfo=paris)
    world.subscribe(Rhythm("day", time(2, 30), 0, "Europe/Paris"))
    before, first = datetime(2026, 10, 24, 23, tzinfo=paris), datetime(2026, 10, 25, 2, 10, tzinfo=paris)
    for start in (before, first, first.replace(minute=45), first.replace(fold=1), first.replace(minute=45, fold=1)):
        world.poll(start, random.Random(1))
    world.until(None)
    digests = [f"{moment.astimezone(paris):%d %H:%M%z}" for _, moment, _ in world.post.came]
    assert digests == ["25 02:30+0200", "26 02:30+0100"]


def test_what_a_poll_finds_before_quiet_hours_and_ends_in_them_is_told_as_they_end(anew: sqlite3.Connection) -> None:
    world = World(anew)
    quiet = world.subscribe(Rhythm(quiet=(time(22), time(7))))
    start = datetime(2026, 6, 1, 21, 59, 52, tzinfo=UTC)
    world.clock.time = start
    world.poll(start, random.Random(1))
    assert min(world.arrived.values()) < datetime(2026, 6, 1, 22, tzinfo=UTC)
    assert world.post.came == []
    world.until(None)
    assert [f"{moment:%d %H:%M}" for _, moment, _ in world.post.came] == ["02 07:00"]
    (foreseen,) = replay(quiet, happened.since(anew, start), {}).tellings
    assert f"{foreseen.at:%d %H:%M}" == "02 07:00"
