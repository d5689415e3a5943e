"""Look whether what came home is still there, and still the same."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from watcher.errors import TransferError
from watcher.store import archive
from watcher.store.archive import Held
from watcher.store.connection import writing
from watcher.transfer.examine import Lost, Rotten, examine, mounted


class State(StrEnum):
    """How a product was found.

    `UNVERIFIED`: it is as it came, but when it came nothing proved that this is what was published. `UNREADABLE`: it
    could not be looked at.
    """

    FINE = "fine"
    UNVERIFIED = "unverified"
    LOST = "lost"
    ROTTEN = "rotten"
    UNREADABLE = "unreadable"

    @property
    def well(self) -> bool:
        """Whether nobody has to act."""
        return self in (State.FINE, State.UNVERIFIED)


class Verdict(msgspec.Struct, frozen=True):
    """A product, how it was found, what is wrong with it, and whether it is wanted anew."""

    held: Held
    state: State
    fault: str | None
    again: bool


def verify(
    db: sqlite3.Connection,
    root: Path,
    *,
    site: str | None,
    deep: bool,
    again: bool,
    now: Callable[[], datetime],
    stop: threading.Event,
) -> Iterator[Verdict]:
    """Look at each product that is home, and yield how it was found: there, of its size, `deep` of its SHA-256, too.

    `again` wants what is lost or rotten anew; a rotten file is put aside as ``<name>.rotten``, for whoever wants to
    look at it. What is removed meanwhile by others is passed over. Ends when told to stop.

    Raises `TransferError` when nothing at all is there, as if a disk were not mounted.
    """
    products = archive.held(db, site=site)
    if products:
        mounted(root)
    for held in products:
        if stop.is_set():
            return
        state, fault, rotten = _look(root / held.path, held, deep=deep, stop=stop)
        if stop.is_set():
            return
        anew = again and state in (State.LOST, State.ROTTEN)
        with writing(db):
            meant = archive.examined(db, held.revision, fault, now=now())
            if meant and anew:
                for path in rotten:
                    _set_aside(path)
                archive.want_again(db, held.revision, now=now())
        if meant:
            yield Verdict(held, state, fault, anew)


def _look(place: Path, held: Held, *, deep: bool, stop: threading.Event) -> tuple[State, str | None, list[Path]]:
    if not held.files:
        there = place.is_dir() and not place.is_symlink()
        return (State.UNVERIFIED, None, []) if there else (State.LOST, f"{place} is not there", [])
    lost: list[str] = []
    unreadable: list[str] = []
    rotten: dict[Path, str] = {}
    for file in held.files:
        path = place / file.name if file.name else place
        try:
            examine(path, size=file.size, checksum=file.checksum, deep=deep, stop=stop)
        except Lost as error:
            lost.append(str(error))
        except Rotten as error:
            rotten[path] = str(error)
        except TransferError as error:
            unreadable.append(str(error))
    faults = [*rotten.values(), *lost, *unreadable]
    if not faults:
        return State.FINE if held.proven else State.UNVERIFIED, None, []
    fault = faults[0] + (f", and {len(faults) - 1} more of its files" if len(faults) > 1 else "")
    state = State.ROTTEN if rotten else State.LOST if lost else State.UNREADABLE
    return state, fault, list(rotten)


def _set_aside(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.rename(path.with_name(f"{path.name}.rotten"))
