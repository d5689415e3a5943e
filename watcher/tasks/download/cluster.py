"""Products brought home by a dask cluster: each by one worker, while a thread here waits for it.

The service stays who decides and who writes: what is due, which may begin, what became of it. So no more of a
catalogue's products are fetched by all workers together than by one machine; and each begins with a turn, and perhaps
connections, taken from what the service has for that catalogue.
"""

from __future__ import annotations

import pickle
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from typing import Any

from msgspec import structs

from watcher.archive import Archive, Disk
from watcher.decoding import convert
from watcher.errors import ClusterError, CredentialError, InHand, NoArchive, NoSpace, TransferError
from watcher.net import Loan, Settings
from watcher.net.loans import NOTHING
from watcher.store.downloads import Stored
from watcher.tasks.download.job import Job, Own
from watcher.tasks.download.reaching import Where
from watcher.tasks.download.scheduler import Link, linked
from watcher.tasks.download.travelling import without
from watcher.tasks.download.worker import LEASE, Outcome, Parcel
from watcher.transfer import Progress, Rate, several

_LOOK = 0.5
_AGAIN = 2.0
"""Seconds after which somebody else is sent for a product that another worker still has in hand."""

_STOPPING = 6.0
"""Seconds that workers have to stop and say how much came."""


class Gone(Exception):
    """Whoever fetched a product is gone, and so are several to whom dask had given it, if this is `final`."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class _Seat:
    """A product for a worker: whether one has begun with it, and how many bytes had come for it before."""

    def __init__(self, job: Job, own: Own) -> None:
        self.job, self.own, self.before, self.begun = job, own, own.tally.count, False

    def count(self, count: int) -> None:
        """Note how many bytes have come from this worker."""
        self.own.tally.reach(self.before + count)


class Cluster:
    """Brings products home by the workers of a scheduler, which is found when the first is to be brought.

    `settings` are those of a catalogue's client, `most` is how many products are brought at once, `line` a name that no
    other service at this scheduler has. `alive` is called while a product waits for a worker that has time: others may
    use the cluster, too.
    """

    def __init__(
        self,
        where: Where,
        archive: Archive,
        settings: Callable[[str], Settings],
        *,
        most: int,
        line: str,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._most, self._alive = most, alive
        self._where, self._archive, self._settings, self._line = where, archive, settings, line
        self._guard, self._linking = threading.Lock(), threading.Lock()
        self._link: Link | None = None
        self._trouble: ClusterError | None = None
        self._rate: Rate | None = None
        self._seats: dict[str, _Seat] = {}
        self._in_hand = 0

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        if self._link is not None:
            self._link.close()

    def roll(self) -> Mapping[str, str | None]:
        """Return the workers that are there, each with the reason why it cannot fetch, if there is one.

        Whoever fetches by them meanwhile is not disturbed.
        """
        link = linked(lambda: Link(self._where, self._archive, line=self._line, look=True), self._where, None)
        with closing(link):
            return link.roll()

    def carry(self, job: Job, own: Own) -> Stored:
        """Have a product brought home.

        Raises `ClusterError` when that is nobody's fault but the cluster's, else what went wrong at the worker.
        """
        with self._guard:
            self._rate = own.rate
            self._in_hand += 1
        try:
            return self._carried(job, own)
        finally:
            with self._guard:
                self._in_hand -= 1

    def _carried(self, job: Job, own: Own) -> Stored:
        link = self._linked(own.stop)
        loan, dead, refused = self._lent(job, own), 0, False
        patience: float | None = None
        while True:
            before = own.tally.count
            try:
                outcome = self._sent(link, job, own, loan)
            except Gone as error:
                dead += 1
                if dead > 1 or error.final:
                    raise TransferError(
                        str(error), hint="see the logs of the workers: may they be short of memory?"
                    ) from error
                continue
            if isinstance(outcome.error, InHand):
                # Whoever had it until now, and is cut off or sent away, stops within that time.
                patience = patience or time.monotonic() + LEASE
                if time.monotonic() < patience and not own.stop.wait(_AGAIN):
                    continue
            if outcome.unfit is not None:
                link.unfit(outcome.worker, outcome.unfit)
            elif isinstance(outcome.error, NoSpace) and _alone(job.archive, outcome.error):
                link.unfit(outcome.worker, f"{outcome.worker}: {outcome.error}")
            elif outcome.stored is not None:
                return outcome.stored
            elif isinstance(outcome.error, CredentialError) and loan and not (refused and own.tally.count == before):
                refused = True  # a loan may end before its file does, more than once if that is long
                loan = self._lent(job, own, refused=loan)
            elif outcome.error is not None:
                outcome.error.args = (f"{outcome.error} (at {outcome.worker})",)
                raise outcome.error

    def _new(self) -> Link:
        return Link(self._where, self._archive, line=self._line, share=self._share)

    def _linked(self, stop: threading.Event | None = None) -> Link:
        with self._linking:
            if self._trouble is not None:
                raise self._trouble
            if self._link is None:
                try:
                    self._link = linked(self._new, self._where, stop)
                except ClusterError as error:
                    self._trouble = error
                    raise
                self._link.listen(self._heard)
            return self._link

    def _share(self) -> float | None:
        limit = None if self._rate is None else self._rate.limit
        return None if limit is None else limit / max(1, self._in_hand)

    def _heard(self, said: Mapping[str, Any]) -> None:
        seat = self._seats.get(said["ticket"])
        if seat is not None:
            seat.begun = True
            seat.count(said["count"])
            if seat.own.show is not None and said["progress"] is not None:
                seat.own.show(seat.job.product.title, convert(said["progress"], Progress))

    def _lent(self, job: Job, own: Own, refused: Loan = NOTHING) -> Loan:
        return own.http().lend([asset.href for asset in job.product.assets], refused=refused, stop=own.stop)

    def _sent(self, link: Link, job: Job, own: Own, loan: Loan) -> Outcome:
        """Send a product to a worker, and wait for what it says."""
        ticket, seat = uuid.uuid4().hex, _Seat(job, own)
        with _connections(job, own) as streams:
            if job.product.assets:
                own.http().turn(job.product.assets[0].href, stop=own.stop)
            self._seats[ticket] = seat
            try:
                terms = structs.replace(job.how.terms, streams=streams)
                parcel = Parcel(
                    job=structs.replace(job, how=structs.replace(job.how, terms=terms)),
                    settings=self._client(job, streams),
                    loan=loan,
                    line=link.line,
                    turn=link.turn,
                    ticket=ticket,
                    rate=self._share(),
                )
                outcome = self._awaited(link, parcel, seat)
            finally:
                del self._seats[ticket]
        seat.count(outcome.count)
        return outcome

    def _awaited(self, link: Link, parcel: Parcel, seat: _Seat) -> Outcome:
        future, only = link.send(parcel)
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        try:
            while not done.wait(_LOOK):
                if seat.own.stop.is_set():
                    link.halt()
                    if not done.wait(_STOPPING):
                        raise TransferError("stopped")
                    break
                if not link.check(only):
                    raise Gone("the worker that fetched it is gone")
                if not seat.begun:
                    self._alive()
            return _said(link, future)
        finally:
            if done.is_set():
                future.release()
            else:
                future.cancel()

    def _client(self, job: Job, streams: int) -> Settings:
        """Return the settings of a worker's client: all that are at work together keep the pauses of one."""
        own, most = self._settings(job.wanted.catalogue), job.how.concurrency or self._most
        return structs.replace(own, gap=own.gap * min(most, self._most), connections=streams + 1)


def _alone(archive: Archive, error: NoSpace) -> bool:
    """Say whether it is a worker's own disk that is full, and not the archive that all of them have."""
    return not isinstance(archive, Disk) and not isinstance(error, NoArchive)


def _said(link: Link, future: Any) -> Outcome:
    """Read what came of a parcel."""
    if future.status == "finished":
        try:
            said = future.result(timeout=_STOPPING)
        except (OSError, TimeoutError, CancelledError) as error:
            raise Gone("the worker that had fetched it is gone") from error
        if isinstance(said, str):
            return Outcome(said, unfit=without(said))
        outcome: Outcome = pickle.loads(said)  # noqa: S301  # from our own workers
        return outcome
    failure = future.exception(timeout=_STOPPING) if future.status == "error" else None
    if failure is None or type(failure).__name__ == "NoValidWorkerError":
        link.check()
        raise Gone("the worker that fetched it is gone")
    if type(failure).__name__ == "KilledWorker":
        count = failure.allowed_failures + 1
        died = (
            "a worker that fetched it died"
            if count == 1
            else f"{count} workers that fetched it died, one after the other"
        )
        raise Gone(f"{died}, the last {failure.last_worker.address}", final=count > 1)
    raise failure


@contextmanager
def _connections(job: Job, own: Own) -> Iterator[int]:
    """Take what connections are left beyond the first, for a product that has a use for them; give them back after."""
    taken, most = 0, job.how.terms.streams - 1
    useful = any(several(asset) for asset in job.product.assets)
    while useful and taken < most and own.spare is not None and own.spare.acquire(blocking=False):
        taken += 1
    try:
        yield 1 + taken
    finally:
        for _ in range(taken):
            own.spare.release()  # type: ignore[union-attr]  # what was taken is given back
