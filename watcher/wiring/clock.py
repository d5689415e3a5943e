"""The clock and the dice: what nothing pure may ask for itself."""

from __future__ import annotations

import random
from datetime import UTC, datetime


def now() -> datetime:
    """Ask the clock: aware, UTC."""
    return datetime.now(UTC)


def chance() -> float:
    """Draw a number in [0, 1)."""
    return random.random()  # noqa: S311 - it spreads load, it guards nothing
