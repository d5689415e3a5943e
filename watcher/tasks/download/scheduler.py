"""The way to a cluster's scheduler, for one pass: who is there, what they are told, and whether anybody still answers.

Of dask.distributed it needs tasks, the scheduler's metadata, and events. Nothing here waits without a limit.
"""

from __future__ import annotations

import logging
import os
import pickle
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

import watcher
from watcher.archive import Archive, Disk
from watcher.errors import ClusterError, ConfigError
from watcher.tasks.download.worker import ASK, LEASE, Mark, Parcel, Word
from watcher.transfer.mark import mark_of, marked

if TYPE_CHECKING:
    from distributed import Client, Future

_BEAT = 2.0
_PATIENCE = 5.0
"""Seconds for one answer of the scheduler."""

_LINKING = 20.0
"""Seconds for all that is said before the first product is sent."""

_INTRODUCTION = 10.0
"""Seconds that new workers have to say who they are."""

_OTHERWISE = 'or set download.engine = "threads" to fetch here'


class Where(msgspec.Struct, frozen=True):
    """A scheduler's address, ``tcp://`` or ``tls://``, and for that the certificates: paths of PEM files."""

    scheduler: str
    ca: str | None = None
    cert: str | None = None
    key: str | None = None


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
        self._guard, self._closed, self._halted = threading.Lock(), threading.Event(), threading.Event()
        self._beat, self._heard = 0, time.monotonic()
        self._manned = time.monotonic()
        self._client = _connected(where)
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
            time.sleep(2 * ASK)  # the last pass was killed: what it had begun ends now
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

    def send(self, parcel: Parcel) -> tuple[Future[bytes], frozenset[str]]:
        """Hand a parcel to whoever has time; return what will come of it, and to whom alone it may go, if not to all.

        Raises `ClusterError` when there is nobody.
        """
        fit = frozenset(address for address, why in self._roll.items() if why is None)
        if not fit:
            raise _nobody(self._where, self._roll)
        only = fit if len(fit) < len(self._roll) else frozenset[str]()
        try:
            future = self._client.submit(
                _launcher(watcher.__version__, pickle.dumps(self._mark), pickle.dumps(parcel)),
                key=f"{self.line}-{parcel.ticket}",
                pure=False,
                retries=0,
                workers=sorted(only) or None,
            )
        except Exception as error:
            self.check()
            raise _silent(self._where, error) from error
        return future, only

    def check(self, only: frozenset[str] = frozenset()) -> bool:
        """Say whether there is still somebody among `only`, or at all.

        Raises `ClusterError` when the scheduler is gone, or all workers are for half a minute.
        """
        if self._client.status != "running" or time.monotonic() - self._heard > LEASE:
            raise _silent(self._where, None)
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

    def _say(self, seconds: float = _PATIENCE) -> None:
        with self._guard:
            self._beat += 1
            word = Word(self.turn, self._beat, self._share(), self._halted.is_set())
        self._asked("set_metadata", keys=[self.line], value=structs.asdict(word), seconds=seconds)
        self._heard = time.monotonic()

    def _count(self) -> None:
        """See who is there, and have those introduced who are new."""
        present = set(self._asked("identity", n_workers=-1)["workers"])
        new = sorted(present - self._roll.keys())
        said = self._introduced(new) if new else {}
        with self._guard:
            known = {address: why for address, why in self._roll.items() if address in present}
            self._roll = {**known, **said}
        if None in self._roll.values():
            self._manned = time.monotonic()

    def _introduced(self, new: list[str]) -> dict[str, str | None]:
        task = _introducer(watcher.__version__, pickle.dumps(self._mark))
        said = self._call(self._client._run, task, workers=new, on_error="return", seconds=_INTRODUCTION)
        return {address: _fault(address, one) for address, one in said.items()}

    def _asked(self, what: str, **how: Any) -> Any:
        return self._call(getattr(self._client.scheduler, what, None), **how)

    def _call(self, method: Any, *args: Any, seconds: float = _PATIENCE, **how: Any) -> Any:
        if self._client.status != "running":
            raise _silent(self._where, None)
        try:
            return self._client.sync(method, *args, callback_timeout=seconds, **how)
        except (OSError, TimeoutError, RuntimeError, TypeError, AttributeError) as error:  # closed meanwhile, too
            raise _silent(self._where, error) from error


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
                    raise _silent(where, None)
    if failed:
        raise failed[0]
    return made[0]


def _connected(where: Where) -> Client:
    try:
        import distributed
        from distributed.security import Security
        from distributed.versions import VersionMismatchWarning
    except ImportError as error:
        raise ConfigError('download.engine is "dask", which is not installed', hint=INSTALL) from error
    # It would write of each reconnection to standard error; what matters is said by us.
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore", VersionMismatchWarning)
    security = None
    if where.scheduler.startswith("tls://"):
        for name, path in (("ca", where.ca), ("cert", where.cert), ("key", where.key)):
            if path is None or not os.access(path, os.R_OK):
                raise ConfigError(f'download.tls.{name} = "{path}" cannot be read', hint="it is a PEM file")
        security = Security(
            tls_ca_file=where.ca, tls_client_cert=where.cert, tls_client_key=where.key, require_encryption=True
        )
    try:
        return distributed.Client(
            where.scheduler, timeout=_PATIENCE, security=security, set_as_default=False, name="eo-watcher"
        )
    except (OSError, TimeoutError, ValueError, RuntimeError, TypeError) as error:
        raise _silent(where, error) from error


INSTALL = "pip install 'eo-watcher[dask]'"


def _silent(where: Where, error: Exception | None) -> ClusterError:
    told = "" if error is None or isinstance(error, TimeoutError) or "Timed out" in str(error) else f": {error}"
    return ClusterError(
        f"the dask scheduler {where.scheduler} does not answer{told}",
        hint=f"does it run, and is download.scheduler right? start it, {_OTHERWISE}",
    )


def _nobody(where: Where, roll: Mapping[str, str | None]) -> ClusterError:
    if not roll:
        return ClusterError(
            f"the dask scheduler {where.scheduler} has no worker",
            hint=f"start one: dask worker {where.scheduler}; {_OTHERWISE}",
        )
    why = next(why for why in roll.values() if why is not None)
    return ClusterError(
        f"no worker at {where.scheduler} can fetch ({len(roll)} there): {why}", hint="watcher check says it of each"
    )


def _fault(address: str, said: object) -> str | None:
    if isinstance(said, ImportError):
        return f"{address} has no eo-watcher: {INSTALL} there"
    if isinstance(said, BaseException):
        return f"{address} does not say who it is: {type(said).__name__}: {said}"
    return None if said is None else str(said)


# These travel as they are, not by name: a scheduler need not have watcher, and a worker that has none can say so.


def _launcher(version: str, mark: bytes, parcel: bytes) -> Callable[[], bytes]:
    def download() -> bytes:
        from watcher.tasks.download.worker import work

        return work(version, mark, parcel)

    return download


def _introducer(version: str, mark: bytes) -> Callable[[], str | None]:
    def introduce() -> str | None:
        import pickle

        from watcher.tasks.download.worker import unfit

        return unfit(version, pickle.loads(mark))  # noqa: S301  # ours

    return introduce
