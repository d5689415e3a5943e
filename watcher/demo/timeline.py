"""The pretend calendar: weeks of June 2015 in minutes of today.

Between `start` and `end` the ground segment publishes what `products` says it published. One real `pace`
brings exactly one arrival, however far apart they were in 2015: pretend time runs evenly from each arrival to
the next, stands still at `start` until `begin()`, and stands still again after the last arrival.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from watcher.demo.products import CLOSING, OPENING, PRODUCTS, Product, offered


class Timeline:
    """Which products are published, by a clock that a test may turn by hand.

    `start` and `end` are pretend times (aware), `pace` is real seconds per arrival, `clock` gives real
    seconds and only ever moves forward. A `start` after July 2015 has everything published and no arrivals.
    """

    def __init__(
        self,
        *,
        start: datetime = OPENING,
        end: datetime = CLOSING,
        pace: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
        products: Iterable[Product] = PRODUCTS,
    ) -> None:
        if pace <= 0:
            raise ValueError(f"a timeline's pace is seconds per arrival, more than 0; not {pace}")
        self._products = tuple(products)
        self._clock = clock
        self._pace = pace
        self._begun: float | None = None
        due = [p for p in self._products if start < p.published <= end]
        self.arrivals = tuple(sorted(due, key=lambda p: p.published))
        """What will be published while the time runs, in that order; a reprocessed product among them."""
        self._marks = (start, *(p.published for p in self.arrivals))

    def begin(self) -> None:
        """Let pretend time run. Without effect when it runs already."""
        if self._begun is None:
            self._begun = self._clock()

    @property
    def steps(self) -> float:
        """How many paces have passed since the beginning."""
        # An arrival is due at a whole pace, and (t0 + 3 * 0.1 - t0) / 0.1 is 2.99…
        return 0.0 if self._begun is None else (self._clock() - self._begun) / self._pace + 1e-9

    def now(self) -> datetime:
        """The pretend time."""
        whole, last = int(self.steps), len(self._marks) - 1
        if whole >= last:
            return self._marks[last]
        here, there = self._marks[whole], self._marks[whole + 1]
        return here + (there - here) * (self.steps - whole)

    @property
    def finished(self) -> bool:
        """Whether the last arrival has been published."""
        return int(self.steps) >= len(self.arrivals)

    def arrived(self) -> tuple[Product, ...]:
        """The arrivals so far, in the order of publication."""
        return self.arrivals[: int(self.steps)]

    def offered(self) -> list[Product]:
        """What the catalogue lists now, in no order."""
        return offered(self._products, self.now())
