"""The archive, and all that looks after what lies there, and takes it away."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, get_args

from watcher.config import Config, bucket_place
from watcher.errors import UsageError, WatcherError
from watcher.model import Finding
from watcher.store.locks import holding
from watcher.wiring.catalogues import Catalogues
from watcher.wiring.clock import now

if TYPE_CHECKING:
    from watcher.archive import Archive
    from watcher.tasks.besides import Besides
    from watcher.tasks.tidy import Leaving
    from watcher.tasks.verify import Verdict

ByHand = Literal["carts", "parts"]
"""Directories in the archive for what people fetch by hand."""


class _Retention(TypedDict):
    keep: timedelta | None
    max_size: int | None


class Keeping:
    """Where products lie, and what is done there."""

    def __init__(self, config: Config, state: Path, catalogues: Catalogues, stop: threading.Event) -> None:
        self.config, self.state, self.catalogues, self.stop = config, state, catalogues, stop

    @cached_property
    def archive(self) -> Archive:
        """Where downloads are shelved: `download.archive`, else `archive` in the state directory."""
        from watcher.archive import Disk

        table = self.config.download
        place = bucket_place(table.archive)
        if place is None:
            return Disk(_directory(table.archive, self.state / "archive"))
        from watcher.archive.bucket import Bucket
        from watcher.archive.objects import Objects
        from watcher.archive.spool import Spool

        return Bucket(Objects(place, table.bucket), Spool(_directory(table.spool, self.state / "spool")))

    def gone(self, db: sqlite3.Connection) -> WatcherError | None:
        """Return what is wrong where something was stored in the archive's directory, and nothing is there."""
        from watcher.tasks.download import gone

        return gone(db, self.archive)

    def by_hand(self, db: sqlite3.Connection, name: ByHand) -> Path:
        """Return the directory in the archive for what is fetched by hand.

        Raises `UsageError` for a bucket, which has none, and what `gone` returns: one file that is written where a disk
        is not mounted would let it look as if it were.
        """
        if bucket_place(self.config.download.archive) is not None:
            raise UsageError("the archive is a bucket, and these files are for here", hint="say where: --to DIR")
        gone = self.gone(db)
        if gone is not None:
            raise gone
        return self.archive.disk / name

    def verify(self, db: sqlite3.Connection, *, site: str | None, deep: bool, again: bool) -> Iterator[Verdict]:
        """Look whether what came home is still there and the same; `again` wants what is not anew."""
        from watcher.tasks.verify import Sidecars, verify

        sidecars = Sidecars(self.catalogues.citation, self._untidied) if self.config.download.sidecar else None
        yield from verify(
            db, self.archive, site=site, deep=deep, again=again, sidecars=sidecars, now=now, stop=self.stop
        )

    def leaving(self, db: sqlite3.Connection) -> list[Leaving]:
        """Return what is to leave the archive by its limits."""
        from watcher.tasks.tidy import leaving

        return leaving(db, self.archive.shown(""), **self._retention(), now=now())

    def besides(self, db: sqlite3.Connection) -> list[Besides]:
        """Read the whole archive, and return what lies there beside its products."""
        from watcher.tasks.besides import besides

        return besides(db, self.archive, by_hand=get_args(ByHand))

    def tidy(self, db: sqlite3.Connection, *, at_once: bool = False) -> Iterator[Leaving]:
        """Mark what is to leave the archive, and remove what was marked a day ago, or all `at_once`; alone."""
        from watcher.tasks.tidy import tidy

        with self._untidied():
            yield from tidy(db, self.archive, **self._retention(), at_once=at_once, now=now, stop=self.stop)

    def _untidied(self) -> AbstractContextManager[None]:
        """Let nobody else remove products meanwhile."""
        return holding(self.state / "tidy.lock", what="tidying the archive", wait=60.0)

    def _retention(self) -> _Retention:
        limits = self.config.download
        keep = None if limits.keep is None else timedelta(seconds=limits.keep)
        return {"keep": keep, "max_size": limits.max_size}

    def file_systems(self) -> Iterator[Finding]:
        """Say what is to be known of the file systems that the database and downloads are written to."""
        from watcher.tasks.health.around import file_systems

        yield from file_systems(self.archive.kind, self.archive.disk, self.state)


def _directory(named: str | None, usual: Path) -> Path:
    return Path(named).expanduser().absolute() if named else usual
