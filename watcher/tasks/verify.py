"""Look whether what came home is still there, and still the same."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum

import msgspec

from watcher.archive import Archive
from watcher.core.archive.sidecars import File, sidecar
from watcher.errors import AlreadyRunning, NoArchive, TransferError
from watcher.store import archive, products
from watcher.store.archive import Held
from watcher.store.connection import writing
from watcher.transfer.examine import Lost, Rotten


class State(StrEnum):
    """How a product was found.

    `UNVERIFIED`: it is as it came, but when it came nothing proved that this is what was published. `UNREADABLE`: it
    could not be looked at. `ELSEWHERE`: it was stored in an archive that is no longer the one of the configuration, and
    is not in this one. `BARE`: it is as it came, but what is said of it beside it is gone, and cannot be written again.
    """

    FINE = "fine"
    UNVERIFIED = "unverified"
    LOST = "lost"
    ROTTEN = "rotten"
    UNREADABLE = "unreadable"
    ELSEWHERE = "elsewhere"
    BARE = "bare"

    @property
    def well(self) -> bool:
        """Whether nobody has to act."""
        return self in (State.FINE, State.UNVERIFIED)


class Verdict(msgspec.Struct, frozen=True):
    """A product, how it was found, what is wrong with it, and whether it is wanted anew.

    `described` is where it was said again what it is.
    """

    held: Held
    state: State
    fault: str | None
    again: bool
    described: str | None = None


class Sidecars(msgspec.Struct, frozen=True):
    """How products are described: how the data of a catalogue are to be cited, and what holds off who removes them."""

    citation: Callable[[str], str]
    alone: Callable[[], AbstractContextManager[None]]


def verify(
    db: sqlite3.Connection,
    shelves: Archive,
    *,
    site: str | None,
    deep: bool,
    again: bool,
    sidecars: Sidecars | None = None,
    now: Callable[[], datetime],
    stop: threading.Event,
) -> Iterator[Verdict]:
    """Look at each product that is home, and yield how it was found: there, of its size, `deep` of its SHA-256, too.

    What was not as it should be the last time is read whole in any case: sizes alone cannot say that it is well again.

    What an earlier archive held counts as moved once it is found in this one. `again` wants what is lost or rotten
    anew; a rotten file is put aside as ``<name>.rotten``, for whoever wants to look at it, or stays where it is and is
    not wanted, if that cannot be done. Where a product is well and its sidecar gone, that is written again, as
    `sidecars` say. What is removed meanwhile by others is passed over. Ends when told to stop.

    Raises `TransferError` when nothing at all is there, as if a disk were not mounted, or a bucket is out of reach.
    """
    all_held = archive.held(db, site=site)
    here = shelves.shown("")
    if any(held.archive in (None, here) for held in all_held):
        shelves.mounted()
    for held in all_held:
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
        if not meant:
            continue
        if anew:
            try:
                _want_anew(db, shelves, held, rotten, now=now())
            except TransferError as error:
                anew, fault = False, f"{fault}; it is not fetched anew, as {error}"
        described = None
        if state.well and sidecars is not None:
            try:
                described = _described(db, shelves, held, sidecars)
            except (TransferError, AlreadyRunning) as error:
                state, fault = State.BARE, f"its sidecar is gone, and is not written again: {error}"
        yield Verdict(held, state, fault, anew, described)


def _want_anew(db: sqlite3.Connection, shelves: Archive, held: Held, rotten: Sequence[File], *, now: datetime) -> None:
    for file in rotten:
        shelves.set_aside(held.path, file)
    with writing(db):
        archive.want_again(db, held.revision, now=now)


def _described(db: sqlite3.Connection, shelves: Archive, held: Held, sidecars: Sidecars) -> str | None:
    """Write a sidecar that is gone again, and return where; `None` when it is there, or its product has left."""
    if not held.files or shelves.sidecar(held.path) is not None:
        return None
    with sidecars.alone():
        if archive.one(db, held.revision) is None:
            return None
        catalogue, product = products.one(db, held.revision)
        said = sidecar(
            product,
            held.files,
            catalogue=catalogue,
            site=held.site,
            place=held.path,
            stored=held.stored,
            citation=sidecars.citation(catalogue),
        )
        shelves.describe(held.path, held.files, said)
    return shelves.sidecar(held.path)


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
