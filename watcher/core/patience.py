"""When to try again.

A table of waits, spread by chance so that many debts do not fall due together. Chance and time are passed in.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

_MINUTE = 60.0
_HOUR = 60 * _MINUTE

MOST = 6 * _HOUR
"""The longest wait, in seconds, that a server may ask of us: a mistaken Retry-After must not silence us for
years."""


class Patience(msgspec.Struct, frozen=True):
    """How long to wait after each try that failed, in seconds.

    A wait is drawn evenly between `least` and `most` times its entry in `waits`, and is never under a second.
    `endless` repeats the last entry for ever; otherwise the debt is given up when the table is used up.
    """

    waits: tuple[float, ...]
    least: float = 0.8
    most: float = 1.2
    endless: bool = False

    def next_try(
        self, attempts: int, *, now: datetime, chance: float, retry_after: float | None = None
    ) -> datetime | None:
        """Return when to try again after `attempts` tries (1 or more) that failed, or `None` to give up.

        `chance` is a random number in [0, 1). `retry_after` is what the server asked for, in seconds
        (RFC 9110 §10.2.3): it lengthens the wait, never shortens it, and counts for six hours at most.
        """
        if attempts < 1:
            raise ValueError(f"attempts = {attempts}: nothing was tried yet, so nothing can be tried again")
        if attempts > len(self.waits) and not self.endless:
            return None
        wait = self.waits[min(attempts, len(self.waits)) - 1]
        wait *= self.least + (self.most - self.least) * chance
        if retry_after is not None and retry_after > wait:
            wait = min(retry_after, max(wait, MOST))
        return now + timedelta(seconds=max(wait, 1.0))

    def tried(self, attempts: int, *, due: datetime) -> datetime:
        """Return the earliest at which the last of so many tries (1 or more) can have been after which it was `due`.

        What the server asked for is left out of account: then it may have been earlier.
        """
        return due - timedelta(seconds=max(self.waits[min(attempts, len(self.waits)) - 1] * self.most, 1.0))


DELIVERY = Patience(waits=(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 3 * _HOUR, 8 * _HOUR, 12 * _HOUR, 24 * _HOUR))
"""For a notice that is refused though its address takes others: two days in all."""

RECIPIENT = Patience(waits=(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR), endless=True)
"""For an address that takes nothing: at most an hour, so that it hears soon once it is back."""

DOWNLOAD = Patience(waits=(*DELIVERY.waits, 24 * _HOUR, 24 * _HOUR, 36 * _HOUR, 36 * _HOUR))
"""For a product that did not come home whole: a week in all."""

ROOM = Patience(waits=(5 * _MINUTE,), endless=True)
"""For a product that the archive has no room for, or takes none of: it is none of the product's tries."""


def staging(since: datetime, *, now: datetime, chance: float, retry_after: float | None = None) -> datetime:
    """Return when to ask again for a file that its provider brings from tape since then.

    It is asked for half as long again as it has been waited for: after ten minutes at first, every six hours at last,
    for as long as it takes. `retry_after` is what the server asked for, in seconds; it counts for a day at most.
    """
    wait = min(max((now - since).total_seconds() / 2, 10 * _MINUTE), MOST) * (0.8 + 0.4 * chance)
    if retry_after is not None:
        wait = max(wait, min(retry_after, 24 * _HOUR))
    return now + timedelta(seconds=wait)


POLL = Patience(waits=(1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, _HOUR), least=0.0, most=1.0, endless=True)
"""For a catalogue that fails: soon at first, then at most once an hour or so, for as long as it takes.

Full jitter spreads those who were cut off by the same outage; growing fourfold keeps the first hour of an
outage to about nine questions.
"""
