"""A season: the ground segment and the watcher live by turns, things go wrong, and in the end all must be told."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.given import Clock, box, rows
from tests.proof.door import Door, Fault
from tests.proof.ground import PLACES, Face, Ground, happens
from tests.proof.judge import Look, Site, Told, Verdict, judge
from watcher.errors import StoreError
from watcher.levels import Level
from watcher.net import Http
from watcher.store import products, sites, watching
from watcher.store.connection import connect, writing
from watcher.tasks.poll import Polled, Terms, poll, reconcile

START = datetime(2026, 3, 1, tzinfo=UTC)
NAME = "proven"
LOOKBACK = timedelta(days=3650)
"""Longer than a season: nothing leaves the window of acquisition."""

_IMPATIENT = 0.15

_BUSY = 8
"""So many events may come between the answers to one poll."""


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Account:
    """What a season came to: `verdict` by its polls, `again` once all was read again, which `mended` so much.

    `failing` are the polls that failed, `mishaps` those with a fault, or at which we died; `problems` are those that
    were left when everything was quiet.
    """

    events: int
    polls: int
    requests: int
    failing: int
    mishaps: int
    verdict: Verdict
    again: Verdict
    mended: int
    problems: list[str]

    @property
    def good(self) -> bool:
        """Say whether all was told, once."""
        return not (
            *self.verdict.missed,
            *self.verdict.doubled,
            *self.again.missed,
            *self.again.doubled,
            *self.problems,
        )


class Season:
    """A catalogue, its watcher, and what happens to both."""

    def __init__(self, face: Face, door: Door, path: Path, *, seed: object) -> None:
        self.chance = random.Random(str(seed))
        self.face, self.door, self.path = face, door, path
        self.clock = Clock(START)
        self.ground = Ground(face, self.clock, self.chance)
        self.kind = face.kind(door.url)
        self.http = Http(origin=door.url, backoff_base=0.001)
        self.hasty = Http(origin=door.url, backoff_base=0.001, deadline=_IMPATIENT)
        self.sites: dict[str, Site] = {}
        self.past: list[Site] = []
        self.looks: list[Look] = []
        self.told: dict[tuple[str, tuple[int, int, int]], list[Told]] = {}
        self.heard: set[tuple[str, str, int]] = set()
        self.failing = self.mishaps = 0
        self.lied = False
        self.opens()
        for west, _ in PLACES.values():
            self.ground.publishes(west=west + 0.375, keep=True)
        for _ in range(20):
            self.ground.publishes(late=timedelta(hours=9 * self.chance.random()))
        for place in list(PLACES)[:3]:
            self.adds(place)

    def close(self) -> None:
        """Close what is open."""
        self.db.close()
        self.http.close()
        self.hasty.close()

    # What we do

    def opens(self) -> None:
        """Open the database."""
        self.db: sqlite3.Connection = connect(self.path)
        self.db.execute("PRAGMA synchronous = OFF")  # no power fails here

    def restarts(self) -> None:
        """Forget all that is not in the database."""
        self.db.close()
        self.opens()
        self.kind = self.face.kind(self.door.url)

    def adds(self, place: str) -> None:
        """Watch a place, once more if it was watched before."""
        if any(site.place == place for site in self.sites.values()):
            return
        name = f"{place}, {len(self.past) + len(self.sites)}"
        self.sites[name] = Site(name, place)
        geometry = None if self.face.codes else ground(place)
        with writing(self.db):
            site = sites.add(self.db, name, geometry=geometry, country=None, origin="the proof", now=self.clock())
            watching.watch(
                self.db,
                site,
                catalogue=NAME,
                collection=self.face.collection,
                level=Level("L2A"),
                code=place if self.face.codes else None,
                now=self.clock(),
            )

    def removes(self, which: int) -> None:
        """Forget a site: what was told there is remembered by the proof alone."""
        if len(self.sites) > 2:
            name = sorted(self.sites)[which % len(self.sites)]
            with writing(self.db):
                sites.remove(self.db, sites.named(self.db, name))
            self.past.append(self.sites.pop(name))

    def pauses(self, which: int) -> None:
        """Pause a site; where one is paused, go on with it."""
        if not self.resumes():
            with writing(self.db):
                site = sites.named(self.db, sorted(self.sites)[which % len(self.sites)])
                sites.pause(self.db, site, since=self.clock())

    def resumes(self) -> bool:
        """Go on with all sites; say whether one was paused."""
        paused = [site for site in sites.every(self.db) if site.paused]
        with writing(self.db):
            for site in paused:
                sites.pause(self.db, site, since=None)
        return bool(paused)

    def polls(
        self, *, fault: Fault | None = None, drift: float = 0.0, dies_at: int | None = None, calm: bool = False
    ) -> Polled | None:
        """Poll, while the world goes on: `drift` is the chance of an event before each answer.

        With a fault, or until we die at the n-th look at the clock: then nothing is returned. `calm`: all behave.
        """
        self.face.ready(self.clock.time, calm)
        if fault and fault.kind == "nothing" and (self.lied or self._waiting()):
            fault = None  # twice in a row, or at a baseline, such a lie cannot be known from the truth
        self.mishaps += fault is not None or dies_at is not None
        self.door.goes_wrong(fault)
        begin, asked = self.ground.tock(), self._active()
        self.door.between = lambda: self._drifts(drift, begin + _BUSY)
        polled = self._poll(self.hasty if fault and fault.kind == "slow" else self.http, dies_at)
        self.door.goes_wrong(None)
        good = polled is not None and polled.problem is None
        self.failing += not good
        lied = fault is not None and fault.kind == "nothing"
        self.lied = lied or (self.lied and not good)
        look = Look(begin, self.ground.tock(), asked, good and not lied)
        self.looks.append(look)
        self._hear(look)
        return polled

    def _poll(self, http: Http, dies_at: int | None) -> Polled | None:
        left = dies_at

        def now() -> datetime:
            nonlocal left
            if left is not None:
                left -= 1
                if left == -1:
                    # What is under way is lost, as with a process. It is not closed yet: under a commit that another
                    # thread is at, that crashes SQLite.
                    self.db.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
                if left < 0:
                    raise Killed
            return self.clock()

        try:
            polled = poll(self.db, NAME, self.kind, http, now=now, terms=Terms(lookback=LOOKBACK))
        except (Killed, StoreError, sqlite3.DatabaseError):
            if left is None or left >= 0:
                raise
        else:
            if left is None or left >= 0:
                return polled
        self.db.close()
        self.opens()
        return None

    def _drifts(self, drift: float, until: int) -> None:
        while self.face.drifts and self.ground.tick < until and self.chance.random() < drift:
            happens(self.ground, self.chance)

    def _active(self) -> frozenset[str]:
        return frozenset(site.name for site in sites.every(self.db) if not site.paused)

    def _waiting(self) -> bool:
        return any(site.baseline is None for site in self.sites.values())

    def _hear(self, look: Look) -> None:
        """Read what was told, and which sites have a baseline now."""
        for watch in watching.watches(self.db, catalogue=NAME, paused=True):
            site = self.sites[watch.site.name]
            if site.baseline is None and watch.baselined is not None:
                site.baseline = look
        for arrival in rows(
            self.db, "SELECT s.name, event, revision FROM arrivals AS a JOIN sites AS s ON s.number = a.site"
        ):
            if arrival not in self.heard:
                self.heard.add(arrival)
                name, event, revision = arrival
                key = self.ground.key(products.one(self.db, revision)[1])
                self.told.setdefault((name, key), []).append(Told(event, revision, look.end))

    def heals(self) -> Account:
        """Let the world become quiet, poll twice, and once more when the long question of the day is due; then judge.

        At last all is read again, twice: that finds what no poll can, and nothing else.
        """
        self.resumes()
        problems = []
        for hours in (0.4, 0.4, 19.0):
            self.clock.forward(hours=hours)
            polled = self.polls(calm=True)
            problems.append(polled.problem if polled else "killed")
        known, told = [*self.sites.values()], self.told
        verdict = judge(self.ground.spans, [*self.past, *known], self.looks, told, self.face.notices)
        polls, requests = len(self.looks), self.door.requests
        mended = 0
        for _ in range(2):
            self.clock.forward(days=7)
            begin = self.ground.tock()
            done = reconcile(self.db, NAME, self.kind, self.http, now=self.clock)
            self._hear(Look(begin, self.ground.tock(), self._active(), good=True))
            mended += done.mended + done.lacking
            problems.append(done.problem)
        again = judge(self.ground.spans, known, self.looks, told, self.face.notices or 1)
        return Account(
            events=self.ground.events,
            polls=polls,
            requests=requests,
            failing=self.failing,
            mishaps=self.mishaps,
            verdict=verdict,
            again=again,
            mended=mended,
            problems=[problem for problem in problems if problem is not None],
        )


def ground(place: str) -> bytes:
    """Return the ground of a place, as GeoJSON."""
    west, east = PLACES[place]
    return box(west, 43.25, east, 43.75)
