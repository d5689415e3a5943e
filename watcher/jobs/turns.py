"""What a turn of the clock leads to, and how it is logged."""

from __future__ import annotations

import logging
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
