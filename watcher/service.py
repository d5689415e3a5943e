"""The jobs on a clock: what `watcher run` does until it is told to stop. The only file that knows APScheduler.

The scheduler only wakes jobs up; what is due, and whether it was done, is in the database. The main thread does no
work: it takes signals, notices a clock that jumped, and tells systemd that all is well only while every job makes
progress and the last self-test passed.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from watcher import __version__, jobs, memory, systemd
from watcher.credentials import redact
from watcher.errors import WatcherError
from watcher.jobs import Next, log, say
from watcher.store.connection import healthy, naming
from watcher.wiring import Parts, now

_BEAT = 5.0
"""Seconds between two looks of the main thread."""

_STUCK = 1800.0
"""Seconds without progress after which a job counts as stuck."""

_REMIND = 3600.0
"""Seconds after which it is said again that a job fails as it did."""

_LEAVE = 15.0
"""Seconds that jobs have to finish the transaction in hand once told to stop."""


def run(
    load: Callable[[threading.Event | None], Parts],
    *,
    taken: Callable[[Parts], None] = lambda parts: None,  # noqa: ARG005
) -> None:
    """Run until SIGTERM or SIGINT. `load` reads the configuration anew; SIGHUP does so at once, `taken` hears of it.

    Raises `AlreadyRunning` when another service works on the same database, `ConfigError` and `StoreError` when it
    cannot start.
    """
    memory.keep()
    service = Service(load, taken)
    with service.parts.alone():
        service.serve()


class Service:
    """The clock and those who wait for it. `parts` are the working parts of the configuration in force."""

    def __init__(self, load: Callable[[threading.Event | None], Parts], taken: Callable[[Parts], None]) -> None:
        self._load, self._taken = load, taken
        self.parts = load(None)
        self._leaving = threading.Event()
        self._wake = threading.Event()
        self._reload = False
        self._newcomers = False
        self._sound = True
        self._guard = threading.Lock()
        self._running: set[str] = set()
        self._once_more: set[str] = set()
        self._progress: dict[str, float] = {}
        self._intervals: dict[str, float] = {}
        self._usual: dict[str, float] = {}
        self._failing: dict[str, tuple[str, float]] = {}
        # It warns of every turn that a job at work lets pass, which is as it should be here.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(64)},  # threads are made as they are needed, one for each job
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def serve(self) -> None:
        """Work until told to stop."""
        with closing(self.parts.db()) as db:
            healthy(db)
        for name in self.parts.config.catalogues:
            self.parts.catalogues.http(name)
        self._schedule()
        with _signals(self._on_signal):
            self._scheduler.start()
            try:
                started = {"version": __version__, "pid": os.getpid(), "database": self.parts.database}
                say(logging.INFO, "started", **started, **self._rhythm())
                jobs.tell_of_file_systems(self.parts)
                jobs.tell_of_idleness(self.parts)
                systemd.ready("watching")
                self._supervise()
            finally:
                # Also where this thread failed: a download would keep a process alive that has no clock any more.
                self._stop()

    def _supervise(self) -> None:
        feed = systemd.watchdog_interval()
        wall, steady = time.time(), time.monotonic()
        told: list[str] = []
        while not self._leaving.is_set():
            self._wake.wait(min(_BEAT, feed or _BEAT))
            self._wake.clear()
            drift = (time.time() - wall) - (time.monotonic() - steady)
            wall, steady = time.time(), time.monotonic()
            if abs(drift) > 30:
                # The scheduler sleeps until a wall-clock time: after a jump back it would sleep through it.
                say(logging.WARNING, "clock jumped", seconds=round(drift))
                self._schedule()
            if self._reload:
                self._reload = False
                self._read_again()
            if self._newcomers:
                self._newcomers = False
                self._welcome()
            stuck = self._stuck()
            jobs.tell_of_standstill(stuck, told)
            told = stuck
            if not stuck and feed is not None and self._sound:
                systemd.alive()

    def _schedule(self, *, new: bool = False) -> None:
        """Give every job its turn, at once if it is overdue, or only the `new` ones.

        Those of catalogues that went away are removed.
        """
        with closing(self.parts.db()) as db:
            rhythms = jobs.rhythms(self.parts, db)
            had = self._intervals
            # Jobs at work look a job up here first: it is listed last, and struck off first.
            with self._guard:
                self._intervals = {job: span for job, span in had.items() if job in rhythms}
            for gone in had.keys() - rhythms.keys():
                self._scheduler.remove_job(gone)
            for job, (interval, jitter) in rhythms.items():
                if new and job in had:
                    continue
                due = jobs.due(db, job, interval)
                self._progress[job] = time.monotonic() + (due - now()).total_seconds()
                self._scheduler.add_job(
                    self._turn,
                    IntervalTrigger(seconds=interval, jitter=jitter or None, timezone="UTC"),
                    args=[job],
                    id=job,
                    replace_existing=True,
                    next_run_time=due,
                )
        with self._guard:
            self._intervals = {job: interval + jitter for job, (interval, jitter) in rhythms.items()}
            self._usual = {job: interval for job, (interval, _) in rhythms.items()}

    def _welcome(self) -> None:
        """Give catalogues a job that nobody configured, and that a watch was added of."""
        before = set(self._intervals)
        try:
            self._schedule(new=True)
        except WatcherError as error:
            say(logging.ERROR, "catalogues were not looked through", error=error, hint=error.hint)
        for job in sorted(self._intervals.keys() - before):
            say(logging.INFO, "catalogue joined", catalogue=job.removeprefix("poll "))

    def _turn(self, job: str) -> None:
        """Do a job once, and once more if it became due while it was being done."""
        with self._guard:
            self._running.add(job)
        while not self.parts.stop.is_set():
            self._alive(job)
            with self._guard:
                self._once_more.discard(job)
            self._safely(job)
            with self._guard:
                if job not in self._once_more:
                    break
        with self._guard:
            self._running.discard(job)
            last = not self._running
        if last:
            memory.let_go()
        self._alive(job)

    def _safely(self, job: str) -> None:
        try:
            with naming(self.parts.database):
                following = jobs.do(self.parts, job, lambda: self._alive(job))
                self._sound = following.sound if job == jobs.SELF_TEST else self._sound
                self._then(job, following)
        except WatcherError as error:
            self._tell_of_failure(job, error)
        except Exception:  # noqa: BLE001 - a defect must be seen, and must not stop the clock
            log.exception("%s failed by a defect; please report it", job)

        else:
            if self._failing.pop(job, None) is not None:
                say(logging.INFO, f"{job} goes on")

    def _tell_of_failure(self, job: str, error: WatcherError) -> None:
        """Log why a job failed: once, where each turn fails as the last did, and again after an hour."""
        before, moment = self._failing.get(job), time.monotonic()
        if before is None or before[0] != str(error) or moment - before[1] >= _REMIND:
            self._failing[job] = str(error), moment
            say(logging.ERROR, f"{job} failed", error=error, hint=error.hint)

    def _then(self, job: str, following: Next) -> None:
        for other in following.soon:
            if other not in self._intervals:
                # Of a catalogue that is watched since a moment ago, and stands in no configuration.
                self._newcomers = True
                self._wake.set()
            self._at(other, now())
        usual = following.turn or now() + timedelta(seconds=self._intervals.get(job, 0.0))
        if following.again is not None:
            self._at(job, max(min(following.again, usual), following.not_before or now()))
        elif following.turn is not None:
            self._at(job, following.turn)

    def _at(self, job: str, when: datetime) -> None:
        with self._guard:
            if job not in self._intervals:
                return
            if job in self._running and when <= now():
                self._once_more.add(job)
                return
        self._progress[job] = time.monotonic() + max(0.0, (when - now()).total_seconds())
        self._scheduler.modify_job(job, next_run_time=when)

    def _alive(self, job: str) -> None:
        self._progress[job] = time.monotonic()

    def _stuck(self) -> list[str]:
        """Name the jobs that neither run nor make progress as they should."""
        moment = time.monotonic()
        return [
            job
            for job, interval in self._intervals.items()
            if moment - self._progress.get(job, moment) > max(_STUCK, 3 * interval)
        ]

    def _rhythm(self) -> dict[str, str]:
        return {job.replace(" ", "_"): f"{interval:g}s" for job, interval in self._usual.items()}

    def _read_again(self) -> None:
        systemd.reloading()
        status = "watching"
        try:
            fresh = self._load(self.parts.stop)
            for name in fresh.config.catalogues:
                fresh.catalogues.http(name)
        except WatcherError as error:
            status = f"configuration not taken over; the old one stays: {redact(str(error))}"  # no reload can fail
            say(logging.ERROR, "configuration not taken over; the old one stays", error=error, hint=error.hint)
        except Exception:  # noqa: BLE001 - whatever is wrong with the file, the service goes on with the old one
            log.exception("configuration not taken over by a defect; the old one stays; please report it")
        else:
            # Jobs at work keep the parts they began with.
            self.parts = fresh
            self._taken(fresh)
            self._schedule()
            say(logging.INFO, "configuration read again", **self._rhythm())
        systemd.ready(status)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGHUP:
            self._reload = True
        elif self._leaving.is_set():
            os._exit(1)
        else:
            self._leaving.set()
        self._wake.set()

    def _stop(self) -> None:
        told = self._leaving.is_set()
        say(logging.INFO, "stopping", running=",".join(sorted(self._running)) or "nothing")
        self.parts.stop.set()
        self._scheduler.pause()
        try:
            systemd.stopping("finishing what is in hand")
        except WatcherError as error:
            say(logging.WARNING, "systemd was not told", problem=error)
        deadline = time.monotonic() + _LEAVE
        while self._running and time.monotonic() < deadline:
            time.sleep(0.05)
        left = sorted(self._running)
        if left:
            # A thread that does not come back holds no transaction but its own, and SQLite undoes that.
            say(logging.WARNING, "stopped without waiting longer", left=",".join(left))
            logging.shutdown()
            os._exit(0 if told else 1)
        self._scheduler.shutdown(wait=True)
        self.parts.close()
        say(logging.INFO, "stopped")


@contextmanager
def _signals(take: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    taken = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(number, take) for number in taken]
    try:
        yield
    finally:
        for number, old in zip(taken, before, strict=True):
            signal.signal(number, old)
