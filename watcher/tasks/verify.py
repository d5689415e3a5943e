"""Look whether what came home is still there, and still the same."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum

import msgspec

from watcher.archive import Archive
from watcher.core.sidecars import File
from watcher.errors import NoArchive, TransferError
from watcher.store import archive
from watcher.store.archive import Held
from watcher.store.connection import writing
from watcher.transfer.examine import Lost, Rotten


class State(StrEnum):
    """How a product was found.

    `UNVERIFIED`: it is as it came, but when it came nothing proved that this is what was published. `UNREADABLE`: it
    could not be looked at. `ELSEWHERE`: it was stored in an archive that is no longer the one of the configuration, and
    is not in this one.
    """

    FINE = "fine"
    UNVERIFIED = "unverified"
    LOST = "lost"
    ROTTEN = "rotten"
    UNREADABLE = "unreadable"
    ELSEWHERE = "elsewhere"

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
    shelves: Archive,
    *,
    site: str | None,
    deep: bool,
    again: bool,
    now: Callable[[], datetime],
    stop: threading.Event,
) -> Iterator[Verdict]:
    """Look at each product that is home, and yield how it was found: there, of its size, `deep` of its SHA-256, too.

    What was not as it should be the last time is read whole in any case: sizes alone cannot say that it is well again.

    What an earlier archive held counts as moved once it is found in this one. `again` wants what is lost or rotten
    anew; a rotten file is put aside as ``<name>.rotten``, for whoever wants to look at it, or stays where it is and is
    not wanted, if that cannot be done. What is removed meanwhile by
    others is passed over. Ends when told to stop.

    Raises `TransferError` when nothing at all is there, as if a disk were not mounted, or a bucket is out of reach.
    """
    products = archive.held(db, site=site)
    here = shelves.shown("")
    if any(held.archive in (None, here) for held in products):
        shelves.mounted()
    for held in products:
        if stop.is_set():
            return
        state, fault, rotten = _look(shelves, held, deep=deep or held.fault is not None, stop=stop)
        if stop.is_set():
            return
        if state is State.LOST and held.archive not in (None, here):
            state, fault = State.ELSEWHERE, f"it was stored in {held.archive}, and is not in {here}"
        anew = again and state in (State.LOST, State.ROTTEN, State.ELSEWHERE)
        away = state is State.ELSEWHERE
        with writing(db):
            noted = None if away else fault
            meant = archive.examined(db, held.revision, noted, archive=here if state.well else None, now=now())
        if meant and anew:
            try:
                for file in rotten:
                    shelves.set_aside(held.path, file)
            except TransferError as error:
                anew, fault = False, f"{fault}; it is not fetched anew, as {error}"
            else:
                with writing(db):
                    archive.want_again(db, held.revision, now=now())
        if meant:
            yield Verdict(held, state, fault, anew)


def _look(shelves: Archive, held: Held, *, deep: bool, stop: threading.Event) -> tuple[State, str | None, list[File]]:
    if not held.files:
        if shelves.there(held.path):
            return State.UNVERIFIED, None, []
        return State.LOST, f"{shelves.shown(held.path)} is not there", []
    lost: list[str] = []
    unreadable: list[str] = []
    rotten: dict[str, tuple[File, str]] = {}
    for file in held.files:
        try:
            shelves.examine(held.path, file, deep=deep, stop=stop)
        except Lost as error:
            lost.append(str(error))
        except Rotten as error:
            rotten[file.name] = (file, str(error))
        except TransferError as error:
            if isinstance(error, NoArchive):
                shelves.mounted()  # raises where it is not this file alone
            unreadable.append(str(error))
    faults = [*(told for _, told in rotten.values()), *lost, *unreadable]
    if not faults:
        return State.FINE if held.proven else State.UNVERIFIED, None, []
    fault = faults[0] + (f", and {len(faults) - 1} more of its files" if len(faults) > 1 else "")
    state = State.ROTTEN if rotten else State.LOST if lost else State.UNREADABLE
    return state, fault, [file for file, _ in rotten.values()]
