"""What a turn of the clock leads to, and how it is logged."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import msgspec

log = logging.getLogger("watcher")


class Next(msgspec.Struct, frozen=True):
    """What follows: jobs that became due, when this one has its next turn, or is tried again before, or not before.

    `sound` is `False` after a self-test that failed.
    """

    soon: tuple[str, ...] = ()
    again: datetime | None = None
    not_before: datetime | None = None
    turn: datetime | None = None
    sound: bool = True


def say(level: int, event: str, **fields: object) -> None:
    """Log an event with its fields; how they are written is the business of who set up logging."""
    log.log(level, event, extra={"fields": fields})


def tell_of_standstill(stuck: Sequence[str], before: Sequence[str]) -> None:
    """Log which jobs make no progress, where those are others than at the look before, and that all do again."""
    if stuck and stuck != before:
        say(logging.ERROR, "no progress", jobs=",".join(stuck))
    elif before and not stuck:
        say(logging.INFO, "progress again")
