"""The tasks on a clock: what `watcher run` does until it is told to stop. The only file that knows APScheduler.

The scheduler only wakes tasks up; what is due, and whether it was done, is in the database. The main thread does no
work: it takes signals, notices a clock that jumped, and tells systemd that all is well only while every loop makes
progress.
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

from watcher import systemd
from watcher.core.patience import POLL
from watcher.errors import AlreadyRunning, WatcherError
from watcher.store import downloads, polls, sites
from watcher.store.connection import healthy, writing
from watcher.tasks.download import download
from watcher.tasks.notify import notify
from watcher.wiring import Parts, chance, now

log = logging.getLogger("watcher")

_BEAT = 5.0
"""Seconds between two looks of the main thread."""

_STUCK = 1800.0
"""Seconds without progress after which a running task counts as stuck."""

_LEAVE = 15.0
"""Seconds that tasks have to finish the transaction in hand once told to stop."""


def run(load: Callable[[], Parts]) -> None:
    """Run until SIGTERM or SIGINT. `load` reads the configuration anew; SIGHUP does so at once.

    Raises `AlreadyRunning` when another service works on the same database, `ConfigError` and `StoreError` when it
    cannot start.
    """
    service = _Service(load)
    with service.parts.lock("run", what="a watcher service on this database"):
        service.serve()


class _Service:
    def __init__(self, load: Callable[[], Parts]) -> None:
        self._load = load
        self.parts = load()
        self._leaving = threading.Event()
        self._reload = False
        self._wake = threading.Event()
        self._progress: dict[str, float] = {}
        self._running: set[str] = set()
        self._intervals: dict[str, float] = {}
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={
                "poll": ThreadPoolExecutor(max(4, len(self.parts.config.catalogues))),
                "notify": ThreadPoolExecutor(1),
                "download": ThreadPoolExecutor(1),
            },
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def serve(self) -> None:
        with closing(self.parts.db()) as db:
            healthy(db)
            with writing(db):
                released = downloads.release(db)
        if released:
            say(logging.INFO, "resuming", downloads=released)
        self._schedule()
        with _signals(self._on_signal):
            self._scheduler.start()
            say(logging.INFO, "started", pid=os.getpid(), database=self.parts.database, **self._rhythm())
            systemd.ready("watching")
            self._supervise()
            self._stop()

    def _supervise(self) -> None:
        feed = systemd.watchdog_interval()
        wall, steady = time.time(), time.monotonic()
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
            stuck = self._stuck()
            if stuck:
                say(logging.ERROR, "no progress", tasks=",".join(stuck))
            elif feed is not None:
                systemd.alive()

    def _schedule(self) -> None:
        """Give every task its job, due at once if it is overdue. Jobs of catalogues that went away are removed."""
        config = self.parts.config
        jobs: dict[str, tuple[Callable[[], None], str, float, float]] = {
            "notify": (self._notify, "notify", config.notify.interval, 0),
            "download": (self._download, "download", config.download.interval, 0),
        }
        for name, table in config.catalogues.items():
            interval = table.interval or config.poll.interval
            jobs[f"poll {name}"] = (
                self._poll_job(name),
                "poll",
                interval,
                min(config.poll.jitter, interval / 2),
            )
        with closing(self.parts.db()) as db:
            for job, (work, executor, interval, jitter) in jobs.items():
                last = polls.last(db, job.removeprefix("poll ")) if executor == "poll" else None
                due = [now()]
                if last is not None and last.problem is None and last.started <= now():
                    due.append(last.started + timedelta(seconds=interval))
                if last is not None and last.not_before is not None:
                    due.append(last.not_before)
                self._intervals[job] = interval + jitter
                self._progress[job] = time.monotonic() + max(0.0, (max(due) - now()).total_seconds())
                self._scheduler.add_job(
                    self._task(job, work),
                    IntervalTrigger(seconds=interval, jitter=jitter or None, timezone="UTC"),
                    id=job,
                    executor=executor,
                    replace_existing=True,
                    next_run_time=max(due),
                )
        for old in self._scheduler.get_jobs():
            if old.id not in jobs:
                old.remove()
                self._intervals.pop(old.id, None)

    def _task(self, job: str, work: Callable[[], None]) -> Callable[[], None]:
        def once() -> None:
            self._running.add(job)
            self._progress[job] = time.monotonic()
            try:
                work()
            except WatcherError as error:
                say(logging.ERROR, f"{job} failed", error=error, hint=error.hint)
            except Exception:  # a defect must not stop the clock, and must be seen
                log.exception("%s failed: a defect, please report it", job)
            finally:
                self._running.discard(job)
                self._progress[job] = time.monotonic()

        return once

    def _stuck(self) -> list[str]:
        """Name the tasks that neither run nor make progress as they should."""
        moment = time.monotonic()
        return [
            job
            for job, interval in self._intervals.items()
            if moment - self._progress.get(job, moment) > max(_STUCK, 3 * interval)
        ]

    def _poll_job(self, name: str) -> Callable[[], None]:
        def work() -> None:
            parts = self.parts
            with closing(parts.db()) as db:
                if not sites.watches(db, catalogue=name):
                    return
                outcome = parts.poll(db, name)
                failures = polls.failures(db, name)
            say(
                logging.WARNING if outcome.problem else logging.INFO,
                "polled",
                catalogue=name,
                asked=outcome.asked,
                listed=outcome.listed,
                arrived=outcome.arrived,
                **({"baselined": outcome.baselined} if outcome.baselined else {}),
                **({"problem": outcome.problem, "failures": failures} if outcome.problem else {}),
            )
            systemd.status(f"{name}: {outcome.listed} listed, {outcome.arrived} new at {now():%H:%M} UTC")
            if outcome.arrived:
                self._soon("notify")
                self._soon("download")
            if outcome.problem and not self.parts.stop.is_set():
                interval = timedelta(seconds=self._intervals[f"poll {name}"])
                again = POLL.next_try(failures, now=now(), chance=chance())
                if again is not None:
                    self._at(f"poll {name}", max(min(again, now() + interval), outcome.not_before or again))

        return work

    def _notify(self) -> None:
        parts = self.parts
        with closing(parts.db()) as db, parts.lock("notify", what="sending notices", wait=60):
            for paid in notify(db, parts.send, parts.archive, now=now, chance=chance):
                self._progress["notify"] = time.monotonic()
                say(
                    logging.WARNING if paid.problem else logging.INFO,
                    "notice failed" if paid.problem else "notice sent",
                    to=paid.address,
                    subject=paid.subject,
                    **({"problem": paid.problem, "again": paid.again or "given up"} if paid.problem else {}),
                )
            for name in sites.unlooked(db):
                self._soon(f"poll {name}")

    def _download(self) -> None:
        parts = self.parts
        shown: dict[str, float] = {}

        def show(title: str, progress: object) -> None:
            self._progress["download"] = moment = time.monotonic()
            if moment - shown.setdefault(title, moment) >= 30:
                shown[title] = moment
                say(logging.INFO, "downloading", product=title, **_share(progress))

        try:
            with closing(parts.db()) as db, parts.lock("download", what="downloading"):
                for brought in download(
                    db,
                    parts.http,
                    parts.archive,
                    now=now,
                    chance=chance,
                    concurrency=parts.config.download.concurrency,
                    reserve=parts.config.download.reserve,
                    show=show,
                    stop=parts.stop,
                ):
                    stored = brought.stored
                    say(
                        logging.INFO if stored else logging.WARNING,
                        "downloaded" if stored else "download failed",
                        product=brought.title,
                        **({"path": brought.path, "bytes": stored.size, "verified": stored.verified} if stored else {}),
                        **({} if stored else {"problem": brought.problem, "again": brought.again or "given up"}),
                    )
        except AlreadyRunning as error:
            say(logging.INFO, "download postponed", reason=error)

    def _soon(self, job: str) -> None:
        self._at(job, now())

    def _at(self, job: str, when: datetime) -> None:
        if self._scheduler.get_job(job) is not None:
            self._scheduler.modify_job(job, next_run_time=when)

    def _rhythm(self) -> dict[str, object]:
        return {job.replace(" ", "_"): f"{interval:g}s" for job, interval in self._intervals.items()}

    def _read_again(self) -> None:
        systemd.reloading()
        try:
            fresh = self._load()
            for name in fresh.config.catalogues:
                fresh.catalogue(name)
        except WatcherError as error:
            say(logging.ERROR, "configuration not taken over; the old one stays", error=error, hint=error.hint)
        else:
            # Tasks at work keep the parts they began with; these are closed when the last of them is done.
            self.parts = fresh
            self._schedule()
            say(logging.INFO, "configuration read again", **self._rhythm())
        systemd.ready("watching")

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
        systemd.stopping("finishing what is in hand")
        say(logging.INFO, "stopping", running=",".join(sorted(self._running)) or "nothing")
        self.parts.stop.set()
        self._scheduler.pause()
        self._scheduler.remove_all_jobs()
        deadline = time.monotonic() + _LEAVE
        while self._running and time.monotonic() < deadline:
            self._wake.wait(0.05)
        left = sorted(self._running)
        say(
            logging.INFO if not left else logging.WARNING,
            "stopped",
            **({"left": ",".join(left)} if left else {}),
        )
        if left:
            # A thread that does not come back holds no transaction longer than its own; SQLite undoes it.
            logging.shutdown()
            os._exit(0)
        self._scheduler.shutdown(wait=True)
        self.parts.close()


def say(level: int, event: str, **fields: object) -> None:
    """Log an event with its fields; how they are written is the business of who set up logging."""
    log.log(level, event, extra={"fields": fields})


def _share(progress: object) -> dict[str, object]:
    done, total = getattr(progress, "done", 0), getattr(progress, "total", None)
    return {"done": done, **({"total": total, "percent": f"{100 * done / total:.0f}"} if total else {})}


@contextmanager
def _signals(take: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    taken = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(number, take) for number in taken]
    try:
        yield
    finally:
        for number, old in zip(taken, before, strict=True):
            signal.signal(number, old)
