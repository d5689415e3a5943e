"""The end of a cluster at which files are fetched: a product at a time, for a service that may be gone any moment.

A worker writes no database and has no account. While it fetches it asks the scheduler every second what the service
last said: how fast it may be, whether to stop. A service, or a scheduler, that says nothing for half a minute is taken
to be gone: then somebody else will fetch this, and what came is kept for them.
"""

from __future__ import annotations

import pickle
import socket
import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from traceback import format_exception
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

import watcher
from watcher.credentials import redact
from watcher.decoding import convert
from watcher.errors import TransferError, WatcherError
from watcher.net import Lent, Loan, Settings
from watcher.store.downloads import Stored
from watcher.tasks.download.bring import run
from watcher.tasks.download.job import Job, Own
from watcher.transfer import Halt, Progress, Rate, Tally
from watcher.transfer.mark import sees

if TYPE_CHECKING:
    from distributed import Client, Worker

ASK = 1.0
"""Seconds between two questions to the scheduler."""

_PATIENCE = 5.0
"""Seconds for one answer of the scheduler."""

LEASE = 30.0
"""Seconds of silence after which a worker stops by itself."""

_AT_WORK = ("init", "running", "paused")
"""What dask calls a worker that was neither sent away, nor has lost its scheduler."""


class Mark(msgspec.Struct, frozen=True):
    """An archive's directory, and what must be found in it."""

    root: Path
    text: str


class Parcel(msgspec.Struct, frozen=True):
    """All that a worker needs for a product. ``repr()`` shows no more than its name.

    `line` is where the service leaves word, `turn` in which of its passes this is wanted; progress is told under
    `ticket`. `rate` is how fast it may be at first, in bytes a second.
    """

    job: Job
    settings: Settings
    loan: Loan
    line: str
    turn: str
    ticket: str
    rate: float | None

    def __repr__(self) -> str:
        return f"Parcel({self.job.product.title!r})"


class Outcome(msgspec.Struct, frozen=True):
    """What came of it: what is stored, or the error, and the bytes that came; or why this worker cannot fetch."""

    worker: str
    stored: Stored | None = None
    error: WatcherError | None = None
    count: int = 0
    unfit: str | None = None


class Word(msgspec.Struct, frozen=True):
    """What the service says: the `beat` grows as long as it lives, `rate` is the share of each in bytes a second."""

    turn: str
    beat: int
    rate: float | None
    stop: bool


def unfit(version: str, mark: Mark | None) -> str | None:
    """Say why this machine cannot fetch for a service of that version, with that archive; `None` if it can."""
    host = socket.gethostname()
    if version != watcher.__version__:
        return f"{host} has eo-watcher {watcher.__version__}, the service {version}: install the same"
    try:
        if mark is not None and not sees(mark.root, mark.text):
            return f"{host} does not see the archive {mark.root}: mount it there"
    except TransferError as error:
        return f"{host} cannot use the archive: {error}"
    return None


def work(version: str, mark: bytes, parcel: bytes) -> bytes:
    """Fetch what is in a parcel, as a task of a cluster."""
    from distributed import get_client, get_worker

    own = get_worker()
    why = unfit(version, pickle.loads(mark))  # noqa: S301  # from the service that this cluster works for
    if why is not None:
        return pickle.dumps(Outcome(own.address, unfit=why))
    return pickle.dumps(_fetched(pickle.loads(parcel), own, get_client()))  # noqa: S301


def _fetched(parcel: Parcel, worker: Worker, client: Client) -> Outcome:
    """Fetch a product; what goes wrong with it is an outcome, too: dask would write it, and its task, to the log."""
    halt, tally = Halt(), Tally()
    line = _Line(parcel, worker, client, halt, tally)
    line.start()
    try:
        with parcel.settings.client(Lent(parcel.loan) if parcel.loan else None, stop=halt) as http:
            own = Own(
                http=lambda: http,
                rate=line.rate,
                spare=None,
                tally=tally,
                now=partial(datetime.now, UTC),
                show=line.show,
                stop=halt,
            )
            stored = run(parcel.job, own)
    except WatcherError as error:
        if line.leaving:
            return Outcome(worker.address, unfit=f"{worker.address} is leaving", count=tally.count)
        return Outcome(worker.address, error=_plain(error), count=tally.count)
    except Exception as error:  # noqa: BLE001  # a defect: dask logs it, and whatever it took along
        raise RuntimeError(f"at {worker.address}: {redact(''.join(format_exception(error)))}") from None
    finally:
        line.ended.set()
        line.join(LEASE)
    return Outcome(worker.address, stored=stored, count=tally.count)


def _plain(error: WatcherError) -> WatcherError:
    """Return an error without any secret: a server may repeat what it was sent, and this goes by way of others.

    Where dask is loaded an error would take along what caused it, which may quote a header, and may not travel at all.
    """
    error.__cause__ = error.__context__ = error.__traceback__ = None
    error.args = tuple(redact(said) if isinstance(said, str) else said for said in error.args)
    if error.hint is not None:
        error.hint = redact(error.hint)
    return error


class _Line(threading.Thread):
    """What the service says to a job that runs, and hears of it."""

    def __init__(self, parcel: Parcel, worker: Worker, client: Client, halt: threading.Event, tally: Tally) -> None:
        super().__init__(name=f"line of {parcel.ticket}", daemon=True)
        self._parcel, self._worker, self._client, self._halt, self._tally = parcel, worker, client, halt, tally
        self._progress: Progress | None = None
        self.rate = Rate(parcel.rate)
        self.ended = threading.Event()
        self.leaving = False

    def show(self, title: str, progress: Progress) -> None:
        """Tell of progress, when it is next time for that."""
        del title
        self._progress = progress

    def run(self) -> None:
        """Ask and tell until the job has ended; first, that it has begun."""
        self._say(None)
        beat, heard = -1, time.monotonic()
        while not self.ended.wait(ASK):
            if self._worker.status.name not in _AT_WORK:
                self.leaving = True  # dask has given this to somebody else already
                self._halt.set()
                continue
            word = self._asked()
            if word is not None and word.turn != self._parcel.turn:
                self._halt.set()  # another pass has begun: nobody waits for this
            elif word is not None and word.beat != beat:
                beat, heard = word.beat, time.monotonic()
                self.rate.limit = word.rate
                if word.stop:
                    self._halt.set()
            if time.monotonic() - heard > LEASE:
                self._halt.set()
            self._tell()

    def _asked(self) -> Word | None:
        try:
            said = self._client.sync(
                self._client.scheduler.get_metadata, keys=[self._parcel.line], default=None, callback_timeout=_PATIENCE
            )
        except (OSError, TimeoutError, RuntimeError, AttributeError):
            return None  # the scheduler is gone, or the worker is going: the lease says for how long
        return None if said is None else convert(said, Word)

    def _tell(self) -> None:
        progress, self._progress = self._progress, None
        if progress is not None:
            self._say(structs.asdict(progress))

    def _say(self, progress: dict[str, object] | None) -> None:
        said = {"ticket": self._parcel.ticket, "count": self._tally.count, "progress": progress}
        self._worker.log_event(self._parcel.line, said)
