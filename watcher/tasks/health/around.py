"""What is around the database: the disks that are written to, and when credentials expire."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from watcher.config import CatalogueTable
from watcher.core.health import expiry
from watcher.credentials import Secret
from watcher.decoding import convert
from watcher.errors import WatcherError
from watcher.model import Finding
from watcher.mounts import mount_of


class Disk(msgspec.Struct, frozen=True):
    """A disk that is written to: what for, where, and its bytes; downloads leave the `reserve`."""

    name: str
    place: str
    free: int
    total: int
    reserve: int = 0


def disks(kind: str, place: Path, state: Path, *, reserve: int) -> list[Disk]:
    """Measure the disks of the database, and of the directory that downloads are written to: they may be one.

    `kind` says what that is: the archive, or the spool of one that is a bucket.
    """
    place = next(folder for folder in (place, *place.parents) if folder.exists())
    if place.stat().st_dev == state.stat().st_dev:
        return [_disk(f"{kind} and of the database", place, reserve)]
    return [_disk(kind, place, reserve), _disk("database", state, 0)]


def _disk(name: str, place: Path, reserve: int) -> Disk:
    usage = shutil.disk_usage(place)
    return Disk(name, str(place), usage.free, usage.total, reserve)


def file_systems(kind: str, place: Path, state: Path) -> Iterator[Finding]:
    """Say what is to be known of where downloads and the database are written: nothing of an ordinary disk.

    A place that can be read only is wrong, and so is a database on a network file system. For downloads one will do.
    """
    for role, where, key in (("database", state, "use --state DIR"), (kind, place, f"set download.{kind}")):
        mount, nearest = mount_of(where), next(folder for folder in (where, *where.parents) if folder.exists())
        at = f"{where} lies on {mount.kind} ({mount.source}, mounted on {mount.point})" if mount else str(where)
        if os.statvfs(nearest).f_flag & os.ST_RDONLY:
            mend = f"mount -o remount,rw {mount.point}" if mount else "mount it to be written"
            yield Finding(f"{role}'s file system", False, f"{at}: it can be read only", f"{mend}, or {key}")
        elif mount is not None and mount.remote and role == "database":
            text = f"{at}: SQLite's write-ahead log does not work over a network"
            yield Finding(f"{role}'s file system", False, text, f"keep it on a local disk: {key}, or WATCHER_STATE")
        elif mount is not None and mount.doubtful:
            text = f"{at}: its locks and renames are as good as its server makes them"
            yield Finding(f"{role}'s file system", True, text)


def expires(catalogues: Iterable[CatalogueTable], stated: Mapping[str, date]) -> dict[str, datetime]:
    """Say by catalogue when credentials expire: as it is stated, else as they say themselves."""
    told = {name: datetime(day.year, day.month, day.day, tzinfo=UTC) for name, day in stated.items()}
    for table in catalogues:
        for value in (table.auth or {}).values():
            when = expiry(_revealed(value))
            if when is not None:
                told.setdefault(table.name, when)
    return told


def _revealed(value: object) -> str:
    """Return the secret that a setting of an account names, "" where it names none that can be read."""
    try:
        secret = convert(value, Secret) if isinstance(value, dict) else None
        # A keyring may ask somebody at the desktop to open it: not every few minutes.
        return secret.reveal() if secret is not None and secret.keyring is None else ""
    except (msgspec.ValidationError, WatcherError):
        return ""  # `watcher check` says what is wrong with it
