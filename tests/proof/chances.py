"""What happens next in a season, by chance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tests.proof.door import FAULTS, Fault
from tests.proof.ground import PLACES, happens
from tests.proof.season import Season


def passes(season: Season, events: int) -> None:
    """Live until so many things have happened on the ground."""
    chance, ground, poll = season.chance, season.ground, mishaps(season.chance)
    end = ground.events + events
    while ground.events < end:
        for _ in range(chance.randrange(1, 9)):
            season.clock.forward(minutes=chance.randrange(40))
            happens(ground, chance)
        meddles(season)
        season.clock.forward(minutes=chance.randrange(1, 60))
        season.polls(**next(poll))


def meddles(season: Season) -> None:
    """Do something to the watcher, or not."""
    which = season.chance.randrange(1000)
    (what,) = season.chance.choices(["", "restart", "add", "remove", "pause", "away"], [60, 8, 8, 5, 5, 1])
    match what:
        case "restart":
            season.restarts()
        case "add":
            season.adds(list(PLACES)[which % len(PLACES)])
        case "remove":
            season.removes(which)
        case "pause":
            season.pauses(which)
        case "away":
            season.clock.forward(days=which % 9)


def mishaps(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Choose how each poll goes: in peace, while the world goes on, until we die, or in a spell of faults."""
    spell: list[Fault] = []
    while True:
        drift = chance.choice([0.0, 0.0, 0.3, 0.6])
        (what,) = chance.choices(["", "fault", "death"], [75, 15, 10])
        if what == "fault" and not spell:
            fault = Fault(chance.choice(FAULTS), chance.randrange(6), chance.choice([1, 9]))
            spell = [fault] * chance.choice([1, 1, 2, 4])
        if spell:
            yield {"drift": drift, "fault": spell.pop()}
        elif what == "death":
            yield {"drift": drift, "dies_at": chance.randrange(30)}
        else:
            yield {"drift": drift}
