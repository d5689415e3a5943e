"""The way to a cluster's scheduler, for one pass: who is there, what they are told, and whether anybody still answers.

Of dask.distributed it needs tasks, the scheduler's metadata, and events. Nothing here waits without a limit.
"""

from __future__ import annotations

import asyncio
import math
import pickle
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import structs

import watcher
from watcher.archive import Archive, Disk
from watcher.errors import ClusterError
from watcher.tasks.download.reaching import OTHERWISE, PATIENCE, Where, connected, silent
from watcher.tasks.download.travelling import fault, introducer, launcher
from watcher.tasks.download.worker import ASK, LEASE, Mark, Parcel, Word
from watcher.transfer.mark import mark_of, marked

if TYPE_CHECKING:
    from distributed import Future

_BEAT = 2.0
_LINKING = 20.0
"""Seconds for all that is said before the first product is sent."""

_GRACE = 2 * ASK
"""Seconds in which workers hear that they are wanted no more, and have stopped."""

_INTRODUCTION = 10.0
"""Seconds that new workers have to say who they are."""


class Link:
    """A connection to a scheduler.

    `line` is the name under which word is left for workers; `share` is asked how fast each may be. One that is only to
    `look` leaves no word, and no mark in an archive that has none. Raises `ClusterError` when the scheduler does not
    answer, `ConfigError` when dask or a certificate is not there.
    """

    def __init__(
        self,
        where: Where,
        archive: Archive,
        *,
        line: str,
        share: Callable[[], float | None] = lambda: None,
        look: bool = False,
    ) -> None:
        self.line, self.turn = line, uuid.uuid4().hex
        self._where, self._share = where, share
        self._mark = None
        if isinstance(archive, Disk):
            text = mark_of(archive.root) if look else marked(archive.root)
            self._mark = None if text is None else Mark(archive.root, text)
        self._roll: Mapping[str, str | None] = {}
        self._mute: dict[str, float] = {}
        self._guard, self._closed, self._halted = threading.Lock(), threading.Event(), threading.Event()
        self._beat, self._heard = 0, time.monotonic()
        self._manned = time.monotonic()
        self._client = connected(where)
        self._keeper = threading.Thread(target=self._keep, name="cluster", daemon=True)
        try:
            if look:
                self._halted.set()
                self._count()
            else:
                self._begin()
        except BaseException:
            self._disconnect()
            raise

    def _begin(self) -> None:
        before = self._asked("get_metadata", keys=[self.line], default=None)
        self._say()
        self._count()
        if before is not None and not before["stop"]:
            time.sleep(_GRACE)  # the last pass was killed: what it had begun ends now
        self._keeper.start()

    def listen(self, heard: Callable[[Mapping[str, Any]], None]) -> None:
        """Have what workers tell of their progress heard."""
        self._client.subscribe_topic(self.line, lambda event: heard(event[1]))

    def roll(self) -> Mapping[str, str | None]:
        """Return the workers by their addresses, each with the reason why it cannot fetch, if there is one."""
        return self._roll

    def unfit(self, worker: str, why: str) -> None:
        """Note that a worker cannot fetch."""
        with self._guard:
            self._roll = {**self._roll, worker: why}

    def send(self, parcel: Parcel) -> tuple[Future[bytes | str], frozenset[str]]:
        """Hand a parcel to whoever has time; return what will come of it, and to whom alone it may go, if not to all.

        Raises `ClusterError` when there is nobody.
        """
        fit = frozenset(address for address, why in self._roll.items() if why is None)
        if not fit:
            raise _nobody(self._where, self._roll)
        only = fit if len(fit) < len(self._roll) else frozenset[str]()
        try:
            future = self._client.submit(
                launcher(watcher.__version__, pickle.dumps(self._mark), pickle.dumps(parcel)),
                key=f"{self.line}-{parcel.ticket}",
                pure=False,
                retries=0,
                workers=sorted(only) or None,
            )
        except Exception as error:
            self.check()
            raise silent(self._where, error) from error
        return future, only

    def check(self, only: frozenset[str] = frozenset()) -> bool:
        """Say whether there is still somebody among `only`, or at all.

        Raises `ClusterError` when the scheduler is gone, or all workers are for half a minute.
        """
        if self._client.status != "running" or time.monotonic() - self._heard > LEASE:
            raise silent(self._where, None)
        fit = {address for address, why in self._roll.items() if why is None}
        if not fit and time.monotonic() - self._manned > LEASE:
            raise _nobody(self._where, self._roll)
        return not only or bool(only & fit)

    def halt(self) -> None:
        """Have all that runs stopped."""
        if not self._halted.is_set():
            self._halted.set()
            with suppress(ClusterError):  # then they stop by themselves, for want of a word
                self._say(seconds=2.0)

    def close(self) -> None:
        """Leave word that this pass is over, and go."""
        self.halt()
        self._closed.set()
        if self._keeper.ident is not None:
            self._keeper.join(1.0)  # it may wait for an answer that does not come
        self._disconnect()

    def _disconnect(self) -> None:
        with suppress(OSError, TimeoutError, RuntimeError):  # whatever is left of it is the scheduler's to forget
            self._client.close(timeout=2)

    def _keep(self) -> None:
        while not self._closed.wait(_BEAT):
            with suppress(ClusterError):  # silence is counted
                self._say()
                self._count()

    def _say(self, seconds: float = PATIENCE) -> None:
        with self._guard:
            self._beat += 1
            word = Word(self.turn, self._beat, self._share(), self._halted.is_set())
        self._asked("set_metadata", keys=[self.line], value=structs.asdict(word), seconds=seconds)
        self._heard = time.monotonic()

    def _count(self) -> None:
        """See who is there, and have those introduced who are new, or did not answer a while ago."""
        present = set(self._asked("identity", n_workers=-1)["workers"])
        again = time.monotonic() - LEASE
        new = sorted(one for one in present if one not in self._roll or self._mute.get(one, math.inf) < again)
        said = self._introduced(new) if new else {}
        with self._guard:
            stayed = {address: why for address, why in self._roll.items() if address in present}
            self._roll = {**stayed, **said}
        if None in self._roll.values():
            self._manned = time.monotonic()

    def _introduced(self, new: list[str]) -> dict[str, str | None]:
        """Ask each by itself who it is: one that hangs must not keep us from the others."""
        task = introducer(watcher.__version__, pickle.dumps(self._mark))
        self._mute = {address: since for address, since in self._mute.items() if address not in new}

        async def introduced(address: str) -> str | None:
            asking = self._client._run(task, workers=[address], on_error="return")
            try:
                said = await asyncio.wait_for(asking, _INTRODUCTION)
            except TimeoutError:
                self._mute[address] = time.monotonic()
                return f"{address} does not answer"
            return fault(address, said.get(address, ConnectionError("it left")))

        async def all_introduced() -> list[str | None]:
            return await asyncio.gather(*map(introduced, new))

        return dict(zip(new, self._call(all_introduced, seconds=_INTRODUCTION + PATIENCE), strict=True))

    def _asked(self, what: str, **how: Any) -> Any:
        return self._call(getattr(self._client.scheduler, what, None), **how)

    def _call(self, method: Any, *args: Any, seconds: float = PATIENCE, **how: Any) -> Any:
        if self._client.status != "running":
            raise silent(self._where, None)
        try:
            return self._client.sync(method, *args, callback_timeout=seconds, **how)
        except (OSError, TimeoutError, RuntimeError, TypeError, AttributeError) as error:  # closed meanwhile, too
            raise silent(self._where, error) from error


def linked(link: Callable[[], Link], where: Where, stop: threading.Event | None) -> Link:
    """Return a link that is made in time; dask itself waits for ever for a scheduler that hangs.

    Raises what making it raises, and `ClusterError` when that takes too long, or `stop` is set.
    """
    made: list[Link] = []
    failed: list[BaseException] = []
    guard, done, late = threading.Lock(), threading.Event(), threading.Event()

    def make() -> None:
        try:
            made.append(link())
        except BaseException as error:  # noqa: BLE001  # raised by who waits for it
            failed.append(error)
        with guard:
            done.set()
        if late.is_set() and made:
            made[0].close()

    threading.Thread(target=make, name="cluster", daemon=True).start()
    end = time.monotonic() + _LINKING
    while not done.wait(0.2):
        if time.monotonic() > end or (stop is not None and stop.is_set()):
            with guard:
                if not done.is_set():
                    late.set()
                    raise silent(where, None)
    if failed:
        raise failed[0]
    return made[0]


def _nobody(where: Where, roll: Mapping[str, str | None]) -> ClusterError:
    if not roll:
        return ClusterError(
            f"the dask scheduler {where.scheduler} has no worker",
            hint=f"start one: dask worker {where.scheduler}; {OTHERWISE}",
        )
    why = next(why for why in roll.values() if why is not None)
    return ClusterError(
        f"no worker at {where.scheduler} can fetch ({len(roll)} there): {why}", hint="watcher check says it of each"
    )
