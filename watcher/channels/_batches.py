"""Posts that are under way, in batches of a thread each: one that hangs keeps no other waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from watcher.model import Notice, Outcome, Sent

T = TypeVar("T")

Send = Callable[[Sequence[tuple[str, Notice]]], Iterator[Sent]]

TICK = 1.0
"""Seconds between two looks for more to send while something is being sent."""

SIDE_BY_SIDE = 4
"""So many batches are under way at most: each may be a process of its own."""

HUNG = 180.0
"""Seconds without a word after which a batch is given up on: longer than any channel takes by itself."""

SETTLING = 1.0
"""Seconds for which the next post of a batch waits at most until the end of the one before is written down."""

LEAVE = 3.0
"""Seconds that a batch has to end once told to stop."""


class Batches(Generic[T]):
    """Hands posts over to `send`, each with a word of the caller's own to know it by.

    `defect` is what a channel raised, once its posts have ended.
    """

    def __init__(self, send: Send, stop: threading.Event) -> None:
        self.defect: Exception | None = None
        self._send, self._stop = send, stop
        self._left: dict[int, dict[int, T]] = {}
        self._news: SimpleQueue[tuple[int, Sent | BaseException | None]] = SimpleQueue()
        self._settled: dict[int, threading.Semaphore] = {}
        self._heard: dict[int, float] = {}
        self._number, self._looked, self._stopped = 0, 0.0, 0.0

    def under_way(self) -> list[T]:
        """Return what is being sent."""
        return [word for posts in self._left.values() for word in posts.values()]

    @property
    def over(self) -> bool:
        """Whether no thread sends any more."""
        return not self._left

    def room(self) -> bool:
        """Say whether it is time to look for more to send."""
        moment = time.monotonic()
        if self._stop.is_set() or (self._left and (len(self._left) >= SIDE_BY_SIDE or moment - self._looked < TICK)):
            return False
        self._looked = moment
        return True

    def begin(self, posts: Sequence[tuple[T, str, Notice]]) -> None:
        """Hand over posts: a word, an address, a notice."""
        self._number += 1
        self._left[self._number] = {index: word for index, (word, _, _) in enumerate(posts)}
        self._heard[self._number] = time.monotonic()
        self._settled[self._number] = threading.Semaphore(0)
        work = (self._number, [(address, notice) for _, address, notice in posts])
        # A daemon: what a channel cannot end must not keep the process.
        threading.Thread(target=self._work, args=work, name="notify", daemon=True).start()

    def _work(self, number: int, posts: Sequence[tuple[str, Notice]]) -> None:
        error: BaseException | None = None
        settled = self._settled[number]
        try:
            for sent in self._send(posts):
                self._news.put((number, sent))
                # Else a kill would double both: this notice, and the next.
                settled.acquire(timeout=SETTLING)
        except BaseException as problem:  # noqa: BLE001 - who waits for it judges it
            error = problem
        self._news.put((number, error))

    def ends(self) -> Iterator[tuple[T, Sent | None]]:
        """Wait a moment, and yield what has ended, and how; `None` is what was not handed over at all."""
        if self._stop.is_set():
            self._stopped = self._stopped or time.monotonic()
        try:
            number, said = self._news.get(timeout=TICK / 4)
        except Empty:
            yield from self._hung()
            return
        posts = self._left.get(number, {})
        if isinstance(said, Sent):
            self._heard[number] = time.monotonic()
            if said.index in posts:
                yield posts.pop(said.index), said
            self._settled[number].release()
            return
        self._left.pop(number, None)
        if said is None:
            yield from ((word, None) for word in posts.values())
            return
        if not isinstance(said, Exception):
            raise said
        self.defect = self.defect or said
        problem = f"a defect of the channel: {type(said).__name__}: {said}"
        yield from ((word, Sent(index, Outcome.UNKNOWN, problem)) for index, word in posts.items())

    def _hung(self) -> Iterator[tuple[T, Sent]]:
        """Give up on batches that say nothing: after a long time, or soon once told to stop."""
        moment = time.monotonic()
        leaving = self._stopped and moment - self._stopped > LEAVE
        for number in [n for n in self._left if leaving or moment - self._heard[n] > HUNG]:
            for index, word in self._left.pop(number).items():
                yield word, Sent(index, Outcome.UNKNOWN, f"no word in {moment - self._heard[number]:.0f} s")
