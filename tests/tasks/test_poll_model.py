"""Polls and notices against a model in memory: whatever the catalogue does and whenever we die, all is told, once.

Products come late, out of order, processed again, withdrawn, and listed anew by a server that lags behind; walks
break off, notices are cut off by a kill, the process restarts. The model is told what each page listed and knows
nothing of SQL, transactions or cursors.
"""

from __future__ import annotations

import random
import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.given import L1C, L2A, Clock, add_subscription, add_watch, box, product, rows, version
from tests.tasks.pretend import NOBODY, Pretend
from watcher.archive import Disk
from watcher.errors import CatalogueError
from watcher.model import Level, Notice, Outcome, Page, Product, Query, Sent
from watcher.net import Http
from watcher.store.connection import connect
from watcher.tasks.notify import notify
from watcher.tasks.poll import poll

GROUND = {"West": box(0, 40, 2, 41), "East": box(1, 40, 3, 41)}
COVERS = {("West",): box(0.1, 40, 0.9, 41), ("East",): box(2.1, 40, 2.9, 41), ("West", "East"): box(1.1, 40, 1.9, 41)}
PLACES = {ground: places for places, ground in COVERS.items()}
WAYS = ("read whole", "asked for news", "joined", "swept")
ADDRESSES = ("mail:jane@example.org", "mail:john@example.org")
Told = tuple[str, str, int, str]
"""Site, product id, version, event."""


class Killed(BaseException):
    """The process dies here."""


class Recording(Pretend):
    """Remembers which pages were taken, and which answers to their end."""

    def __init__(self, way: str) -> None:
        learns = way != "read whole"
        places = 2 if way == "joined" else 1
        super().__init__(learns=learns, codes=not learns, size=3, sweeps=way == "swept", places=places, page=10_000)
        self.log: list[tuple[Query, Page | None]] = []

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        for page in super().search(query, http):
            yield page
            self.log.append((query, page))
        self.log.append((query, None))


class Model:
    """What ought to be announced, by the plainest means."""

    def __init__(self) -> None:
        self.baselined: dict[tuple[str, Level], bool] = {}
        self.versions: dict[str, list[int]] = {}
        self.newest: dict[tuple[str, str], int] = {}
        self.level: dict[str, Level] = {}
        self.missing: set[tuple[str, str]] = set()
        self.told: Counter[Told] = Counter()

    def takes(self, site: str, page: Page) -> None:
        for listed in page:
            watching = [
                done for (place, level), done in self.baselined.items() if (place, level) == (site, listed.level)
            ]
            if not watching or listed.level is None:
                continue
            self.level[listed.id] = listed.level
            for place in [place for place, ident in self.missing if ident == listed.id]:
                back = (place, listed.id, number_of(listed))
                if self.newest[place, listed.id] == back[2] and (*back, "withdrawn") in self.told:
                    self.told[*back, "returned"] = 1
            self.missing = {(place, ident) for place, ident in self.missing if ident != listed.id}
            number, before = number_of(listed), self.newest.get((site, listed.id))
            # What we have not heard of is a revision, whatever it is called: a catalogue may go back to what it had.
            order = self.versions.setdefault(listed.id, [])
            if number not in order:
                order.append(number)
            if before is not None and order.index(number) <= order.index(before):
                continue
            self.newest[site, listed.id] = number
            if any(watching):
                self.told[site, listed.id, number, "new" if before is None else "revised"] += 1

    def ends(self, site: str, levels: Sequence[Level], listed: set[str], *, whole: bool) -> None:
        """An answer for these watches of a site came to its end."""
        flagged = set(self.missing)
        for level in levels:
            mine = [ident for place, ident in self.newest if place == site and self.level[ident] == level]
            mine = [i for i in mine if (site, i, self.newest[site, i], "withdrawn") not in self.told]
            if whole and mine and not listed:
                self.missing = flagged
                return
        for level in levels:
            for ident in [i for place, i in self.newest if place == site and self.level[i] == level]:
                key = (site, ident, self.newest[site, ident], "withdrawn")
                if not whole or ident in listed or key in self.told:
                    continue
                if (site, ident) in flagged:
                    self.told[key] += 1
                self.missing.add((site, ident))
            self.baselined[site, level] = True


def number_of(listed: Product) -> int:
    return int(listed.title.rpartition("v")[2])


@settings(max_examples=40, stateful_step_count=40, suppress_health_check=list(HealthCheck))
class Watching(RuleBasedStateMachine):
    @initialize(way=st.sampled_from(WAYS))
    def begin(self, way: str) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name, "watcher.db")
        self.opens()
        self.clock = Clock()
        self.catalogue = Recording(way)
        self.model = Model()
        self.hidden: dict[str, Product] = {}
        self.latest: dict[str, Product] = {}
        self.after_baseline: set[tuple[str, str]] = set()
        self.post: list[tuple[str, str]] = []
        self.kills = self.together = 0
        self.heard: dict[str, set[str]] = {}
        for address in ADDRESSES:
            add_subscription(self.db, address)
        self.watch("West", L2A)

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        try:
            self.heal()
        finally:
            self.db.close()
            self.directory.cleanup()

    def watch(self, site: str, level: Level) -> None:
        if (site, level) in self.model.baselined:
            return
        add_watch(self.db, site, level=level, **({"geometry": GROUND[site]} if self.catalogue.learns else {}))
        self.model.baselined[site, level] = False

    # What the ground segment does

    @rule(
        places=st.sampled_from(list(COVERS)),
        level=st.sampled_from([L2A, L2A, L1C]),
        age=st.integers(0, 60),
        late=st.integers(0, 170),
    )
    def publishes(self, places: tuple[str, ...], level: Level, age: int, late: int) -> None:
        ident = f"P{len(self.latest)}"
        if not self.catalogue.learns:
            places = places[:1]
        self.lists(
            product(
                ident,
                title=f"{ident}_v1",
                level=level,
                acquired=self.clock.time - timedelta(days=age),
                learnt=self.clock.time - timedelta(minutes=late),
                code=places[0],
                geometry=COVERS[places],
            )
        )
        self.after_baseline |= {(p, ident) for p in places if self.model.baselined.get((p, level))}

    def lists(self, listed: Product) -> None:
        self.hidden.pop(listed.id, None)
        self.latest[listed.id] = listed
        # Servers list in no particular order: here the oldest first or last, by chance of the id.
        others = {ident: one for ident, one in self.catalogue.products.items() if ident != listed.id}
        front = int(listed.id[1:]) % 2
        self.catalogue.products = {listed.id: listed} | others if front else others | {listed.id: listed}

    @precondition(lambda self: self.latest)
    @rule(which=st.integers(0, 1000), late=st.integers(0, 170))
    def processes_again(self, which: int, late: int) -> None:
        old = list(self.latest.values())[which % len(self.latest)]
        number = number_of(old) + 1
        if number <= 9:
            self.lists(
                product(
                    old.id,
                    title=f"{old.id}_v{number}",
                    level=old.level,
                    acquired=old.acquired,
                    learnt=self.clock.time - timedelta(minutes=late),
                    code=old.code,
                    geometry=old.geometry,
                    revision=version(number),
                )
            )

    @precondition(lambda self: self.latest)
    @rule(which=st.integers(0, 1000))
    def completes(self, which: int) -> None:
        old = list(self.latest.values())[which % len(self.latest)]
        self.lists(product(old.id, **described(old, number_of(old)) | {"learnt": self.clock.time}))

    @precondition(lambda self: any(number_of(one) > 1 for one in self.latest.values()))
    @rule(which=st.integers(0, 1000))
    def shows_an_older_version_for_a_while(self, which: int) -> None:
        again = [one for one in self.latest.values() if number_of(one) > 1]
        one = again[which % len(again)]
        number = number_of(one) - 1
        older = described(one, number) | {"title": f"{one.id}_v{number}", "revision": version(number)}
        self.catalogue.products[one.id] = product(one.id, **older)

    @precondition(lambda self: self.catalogue.products)
    @rule(which=st.integers(0, 1000))
    def hides(self, which: int) -> None:
        ident = list(self.catalogue.products)[which % len(self.catalogue.products)]
        self.hidden[ident] = self.catalogue.products.pop(ident)

    @precondition(lambda self: self.hidden)
    @rule()
    def shows_again(self) -> None:
        for ident, one in self.hidden.items():
            self.catalogue.products[ident] = one
        self.hidden = {}

    @precondition(lambda self: self.catalogue.learns)
    @rule()
    def stamps_the_future(self) -> None:
        self.publishes(("West",), L2A, 1, -60 * 24 * 365)

    # What we do

    @rule(site=st.sampled_from(list(GROUND)), level=st.sampled_from([L1C, L2A]))
    def another_watch(self, site: str, level: Level) -> None:
        self.watch(site, level)

    @rule(minutes=st.integers(1, 60))
    def polls(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)
        self.catalogue.mend()
        self.look()

    @rule(after=st.integers(0, 3), dies=st.booleans())
    def polls_and_breaks_off(self, after: int, dies: bool) -> None:
        self.clock.forward(minutes=5)
        self.catalogue.breaks(Killed() if dies else CatalogueError("cut off"), after=after)
        with suppress(Killed):
            self.look()
        self.restarts()

    def look(self) -> None:
        self.catalogue.log.clear()
        waiting = {key for key, done in self.model.baselined.items() if not done}
        try:
            poll(self.db, "take5", self.catalogue, NOBODY, now=self.clock)
        finally:
            self.follow(waiting)
            assert self.arrivals() == self.model.told

    def follow(self, waiting: set[tuple[str, Level]]) -> None:
        """Tell the model what was listed. `waiting` had no baseline when the poll began."""
        for site, query, page in self.at_each_site(waiting):
            listed = self.heard.setdefault(site, set())
            if page is not None:
                here = [one for one in page if query.code is not None or site in PLACES[one.geometry]]
                self.model.takes(site, here)
                listed |= {one.id for one in here if (site, one.level) in self.model.baselined}
                continue
            news = query.learnt_since is not None
            asked = [level for place, level in self.model.baselined if place == site and query.level in (None, level)]
            if self.catalogue.learns:
                asked = [level for level in asked if ((site, level) in waiting) is not news]
            self.model.ends(site, asked, listed, whole=not news)
            del self.heard[site]
        self.heard.clear()

    def at_each_site(self, waiting: set[tuple[str, Level]]) -> Iterator[tuple[str, Query, Page | None]]:
        """Say what was asked and listed site by site; what was sounded is for none."""
        for query, page in self.catalogue.log:
            alone = query.code or next((name for name, ground in GROUND.items() if ground == query.geometry), None)
            if alone is not None:
                yield alone, query, page
            elif not query.brief:
                self.together += page is None
                news = query.learnt_since is not None
                for site in {place for place, level in self.model.baselined if ((place, level) in waiting) is not news}:
                    yield site, query, page

    def arrivals(self) -> Counter[Told]:
        found = rows(
            self.db,
            "SELECT s.name, r.id, r.title, a.event FROM arrivals AS a JOIN sites AS s ON s.number = a.site"
            " JOIN revisions AS r ON r.number = a.revision",
        )
        return Counter((site, ident, int(title.rpartition("v")[2]), event) for site, ident, title, event in found)

    def opens(self) -> None:
        self.db: sqlite3.Connection = connect(self.path)
        self.db.execute("PRAGMA synchronous = OFF")  # no power fails here

    @rule()
    def restarts(self) -> None:
        self.db.close()
        self.opens()

    @rule(kill_after=st.none() | st.integers(1, 2))
    def notifies(self, kill_after: int | None) -> None:
        def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
            for index, (address, notice) in enumerate(posts):
                self.post += [(address, title) for title in re.findall(r"P\d+_v\d", notice.text)]
                if index + 1 == kill_after:
                    raise Killed
                yield Sent(index, Outcome.SENT)

        self.clock.forward(seconds=30)
        try:
            list(notify(self.db, send, Disk(Path("/archive")).shown, now=self.clock, chance=lambda: 0.5))
        except Killed:
            self.kills += 1
            self.restarts()

    def heal(self) -> None:
        """In the end everything works again: then nothing may be missing, and only kills may have doubled."""
        self.shows_again()
        for one in self.latest.values():
            self.lists(product(one.id, **described(one, number_of(one)) | {"learnt": self.clock.time}))
        self.catalogue.mend()
        for _ in range(2):
            self.clock.forward(minutes=15)
            self.look()
        self.notifies(None)
        arrivals = self.arrivals()
        assert set(arrivals.values()) <= {1}
        for site, ident in self.after_baseline:
            current = number_of(self.latest[ident])
            assert sum(arrivals[site, ident, current, event] for event in ("new", "revised")) == 1, (site, ident)
        assert rows(self.db, "SELECT count(*) FROM deliveries WHERE sent IS NULL AND given_up IS NULL") == [0]
        owed: Counter[tuple[str, str]] = Counter()
        for address, title in rows(
            self.db,
            "SELECT address, title FROM deliveries JOIN arrivals AS a ON a.number = arrival"
            " JOIN revisions AS r ON r.number = a.revision",
        ):
            owed[address, title] += 1
        told = Counter(self.post)
        assert set(told) == set(owed)
        assert all(told[key] >= count for key, count in owed.items())
        if not self.kills:
            assert told == owed


def described(one: Product, number: int) -> dict[str, object]:
    """A product's facts, with the checksum that the catalogue did not say at first."""
    return {
        "title": one.title,
        "level": one.level,
        "acquired": one.acquired,
        "learnt": one.learnt,
        "code": one.code,
        "geometry": one.geometry,
        "revision": version(number, checksum=f"md5:0{number}"),
    }


TestWatching = Watching.TestCase


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_busy_season_is_told_without_a_loss(seed: int, way: str) -> None:
    """Some 400 events, most of them arrivals: what hypothesis, which looks for short stories, seldom comes to."""
    chance = random.Random(f"{seed} {way}")
    world = Watching()
    world.begin(way)
    try:
        world.polls(15)
        for _ in range(400):
            happens(world, chance)
    finally:
        world.teardown()
    counts = Counter(event for *_, event in world.model.told)
    assert counts["new"] > 50
    assert counts["revised"] > 5
    assert world.kills > 3
    assert (world.together > 1) is (way in ("joined", "swept"))


def happens(world: Watching, chance: random.Random) -> None:
    learns, late, which = world.catalogue.learns, chance.randrange(170), chance.randrange(1000)
    level, minutes = chance.choice([L1C, L2A]), chance.randrange(1, 60)
    again = any(number_of(one) > 1 for one in world.latest.values())
    events: list[tuple[int, Callable[[], None]]] = [
        (30, lambda: world.publishes(chance.choice(list(COVERS)), level, minutes, late)),
        (12 * bool(world.latest), lambda: world.processes_again(which, late)),
        (5 * bool(world.latest), lambda: world.completes(which)),
        (4 * again, lambda: world.shows_an_older_version_for_a_while(which)),
        (3 * bool(world.catalogue.products), lambda: world.hides(which)),
        (4, world.shows_again),
        (1 * learns, world.stamps_the_future),
        (3, lambda: world.another_watch(chance.choice(list(GROUND)), level)),
        (18, lambda: world.polls(minutes)),
        (10, lambda: world.polls_and_breaks_off(chance.randrange(4), chance.random() < 0.5)),
        (10, lambda: world.notifies(chance.choice([None, None, 1, 2]))),
        (2, world.restarts),
    ]
    chance.choices([event for _, event in events], [weight for weight, _ in events])[0]()
