"""The ground segment: products are published late and out of order, processed again, touched and taken away."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from tests.given import Clock
from tests.proof.judge import PUNCTUAL, Span
from watcher.model import Product
from watcher.plugins import Catalogue

PLACES = {f"Place{number}": (number, number + 1.25) for number in range(6)}
"""West and east of places in a row that overlap their neighbours, all from 43.25 to 43.75 north."""

TARDY = timedelta(hours=50)
"""What the question of once a day goes back (three days), less the time until it is asked."""


class Thing(msgspec.Struct, frozen=True):
    """One processing of one acquisition, as the ground segment has it.

    `edition` counts its processings under names of their own, `version` those under one name. It lies from `west` half
    a degree to the east, at `places`. `published` is when it was first offered and `learnt` when its record changed
    last, as its catalogue stamps them.
    """

    scene: int
    places: tuple[str, ...]
    west: float
    acquired: datetime
    published: datetime
    learnt: datetime
    edition: int = 0
    version: int = 1

    @property
    def number(self) -> int:
        """A number that no other product of the catalogue has."""
        return self.scene * 10 + self.edition

    @property
    def tile(self) -> str:
        """A tile that no other acquisition has: names are of real conventions, and must not be of one acquisition."""
        rest, zone = divmod(self.scene, 60)
        rest, column = divmod(rest, 24)
        band, row = divmod(rest, 20)
        return f"{zone + 1:02}{'NPQRSTUVW'[band]}{'ABCDEFGHJKLMNPQRSTUVWXYZ'[column]}{'ABCDEFGHJKLMNPQRSTUV'[row]}"

    @property
    def ring(self) -> list[list[float]]:
        """The outline of its footprint."""
        west, east = self.west, self.west + 0.5
        return [[west, 43.0], [east, 43.0], [east, 44.0], [west, 44.0], [west, 43.0]]


@dataclass
class Face:
    """A catalogue: how the ground segment fills it, and how the watcher asks it.

    `kind` makes the adapter for an address, `title` is a product's title as the catalogue has it. `codes`: it knows
    places by name. `editions`: names tell that one product is a newer processing of another. `notices`: how many good
    polls it takes until a product that is gone is told of, 0 where that is found only by reading everything again.
    `drifts`: it can change while it is asked. `ready` is called before each poll with the time, and whether the
    server behaves.
    """

    kind: Callable[[str], Catalogue]
    collection: str
    title: Callable[[Thing], str]
    put: Callable[[Thing], None]
    drop: Callable[[Thing, datetime], None]
    codes: bool = False
    editions: bool = True
    notices: int = 0
    drifts: bool = True
    ready: Callable[[datetime, bool], None] = lambda _, __: None


@dataclass
class Ground:
    """What a catalogue holds, and the history of it: who was listed from when until when, in ticks of a counter."""

    face: Face
    clock: Clock
    chance: random.Random
    tick: int = 0
    events: int = 0
    listed: dict[str, Thing] = field(default_factory=dict)
    open: dict[str, Span] = field(default_factory=dict)
    gone: dict[str, Thing] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    named: dict[str, tuple[int, int]] = field(default_factory=dict)

    def tock(self) -> int:
        """Count on."""
        self.tick += 1
        return self.tick

    def publishes(self, *, late: timedelta = timedelta(0), west: float | None = None, keep: bool = False) -> None:
        """Publish a new acquisition, stamped as if it had been published some time ago; `keep` for ever."""
        taken = {scene for scene, _ in self.named.values()}
        scene = next(number for number in iter(lambda: self.chance.randrange(250_000), -1) if number not in taken)
        west = self.chance.randrange(-8, 72) / 8 if west is None else west
        places = tuple(name for name, (w, e) in PLACES.items() if west <= e and west + 0.5 >= w)
        if self.face.codes:
            places = (self.chance.choice(places or tuple(PLACES)),)
        acquired = self.clock.time - timedelta(days=self.chance.randrange(50), hours=self.chance.randrange(24))
        stamp = self.clock.time - late
        thing = Thing(scene, places, west, acquired.replace(minute=0, second=0, microsecond=0), stamp, stamp)
        self._list(thing, late)
        if keep:
            self.kept.add(self.face.title(thing))

    def revises(self, which: int, *, late: timedelta = timedelta(0)) -> None:
        """Process a product again under its name."""
        if thing := self._pick(which):
            stamp = self.clock.time - late
            self._list(msgspec.structs.replace(thing, version=thing.version + 1, learnt=stamp), late)

    def replaces(self, which: int, *, late: timedelta = timedelta(0)) -> None:
        """Process an acquisition again under a new name; the old product stays for now."""
        thing = self._pick(which)
        if thing is None:
            return
        newest = max(edition for scene, edition in self.named.values() if scene == thing.scene)
        if not self.face.editions or newest == 9:
            self.revises(which, late=late)
            return
        stamp = self.clock.time - late
        newer = msgspec.structs.replace(thing, edition=newest + 1, version=1, published=stamp, learnt=stamp)
        for title, span in self.open.items():
            if self.named[title][0] == thing.scene and span.newest is None:
                span.newest = self.tick + 1
        self._list(newer, late)

    def touches(self, which: int) -> None:
        """Change the record of a product and nothing of the product: that is no news."""
        if thing := self._pick(which):
            self.open[self.face.title(thing)].touched.append(self._happens())
            self._put(msgspec.structs.replace(thing, learnt=self.clock.time))

    def deletes(self, which: int) -> None:
        """Take a product away."""
        thing = self._pick(which)
        if thing is None or self.face.title(thing) in self.kept:
            return
        title = self.face.title(thing)
        self.open.pop(title).until = self._happens()
        self.gone[title] = self.listed.pop(title)
        self.face.drop(thing, self.clock.time)

    def returns(self, which: int) -> None:
        """Offer again, unchanged, what was taken away."""
        if self.gone:
            thing = self.gone[sorted(self.gone)[which % len(self.gone)]]
            self._list(msgspec.structs.replace(thing, learnt=self.clock.time), timedelta(0))

    def key(self, product: Product) -> tuple[int, int, int]:
        """Return which processing a recorded revision is: scene, edition, version."""
        version = product.revision.split("|")[2]
        return (*self.named[product.title], int("".join(filter(str.isdigit, version.rpartition("V")[2]))))

    def _list(self, thing: Thing, late: timedelta) -> None:
        title, now = self.face.title(thing), self._happens()
        self.named[title] = (thing.scene, thing.edition)
        self.gone.pop(title, None)
        before = self.open.get(title)
        if before is not None:
            before.until = now
        newer = any(scene == thing.scene and edition > thing.edition for scene, edition in self.named.values())
        self.open[title] = Span(
            (thing.scene, thing.edition, thing.version), thing.places, late, now, newest=now if newer else None
        )
        self.spans.append(self.open[title])
        self._put(thing)

    def _put(self, thing: Thing) -> None:
        self.listed[self.face.title(thing)] = thing
        self.face.put(thing)

    def _happens(self) -> int:
        self.events += 1
        return self.tock()

    def _pick(self, which: int) -> Thing | None:
        titles = sorted(self.listed)
        return self.listed[titles[which % len(titles)]] if titles else None


def happens(ground: Ground, chance: random.Random) -> None:
    """Let one thing happen, by chance; the more there is, the more is taken away."""
    which = chance.randrange(10**6)
    late = chance.choice([timedelta(0), PUNCTUAL * chance.random(), PUNCTUAL, -timedelta(minutes=3)])
    kinds = {"new": 50, "tardy": 0.5, "revised": 12, "replaced": 6, "touched": 8, "returned": 2}
    (event,) = chance.choices([*kinds, "deleted"], [*kinds.values(), 0.4 * len(ground.listed)])
    match event:
        case "new":
            ground.publishes(late=late)
        case "tardy":
            ground.publishes(late=TARDY * chance.random())
        case "revised":
            ground.revises(which, late=late)
        case "replaced":
            ground.replaces(which, late=late)
        case "touched":
            ground.touches(which)
        case "returned":
            ground.returns(which)
        case "deleted":
            ground.deletes(which)
