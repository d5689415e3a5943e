"""Run the commands that are owed to products which came home: a debt each, paid with patience."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from watcher.archive import Archive, whereabouts
from watcher.core.archive.sidecars import stac_item
from watcher.core.moments import lasting, written
from watcher.core.patience import DELIVERY
from watcher.credentials import redact
from watcher.errors import TransferError
from watcher.model import Product
from watcher.names import plain
from watcher.store import archive, hooks, products
from watcher.store.archive import Held
from watcher.store.connection import writing
from watcher.store.hooks import Debt
from watcher.tasks.hooks.command import NotTrusted, run
from watcher.tasks.hooks.leash import Leash, Living

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Hook(msgspec.Struct, frozen=True):
    """A command, as a list of arguments whose first is an absolute path, and the seconds that it may take."""

    command: tuple[str, ...]
    timeout: float


class Ran(msgspec.Struct, frozen=True):
    """How a hook ended for a product: in so many seconds, or with a problem, and then when it is tried again."""

    hook: str
    title: str
    seconds: float
    problem: str | None
    again: datetime | None


def pay(
    db: sqlite3.Connection,
    known: Mapping[str, Hook],
    shelves: Archive,
    *,
    citation: Callable[[str], str],
    leash: Leash,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    stop: threading.Event,
    alive: Callable[[], None] = lambda: None,
    tell: Callable[[Living], None] = lambda left: None,  # noqa: ARG005
) -> Iterator[Ran]:
    """Run what is due, one after the other, and yield how each ended; the caller sees to it that nobody else does.

    What `stop` interrupts is ended, and stays due. So does what a pass that was killed left running: it is ended before
    anything else, and `tell` hears of it. A command that fails, or takes too long, is tried again for two days.
    `citation` says how the data of a catalogue are to be cited.

    Raises `AlreadyRunning` when what was left running cannot be ended.
    """
    left = leash.end(alive)
    if left is not None:
        tell(left)
    for debt in hooks.due(db, now=now()):
        if stop.is_set():
            return
        catalogue, product = products.one(db, debt.revision)
        hook, held = known.get(debt.hook), archive.one(db, debt.revision)
        if hook is None or held is None:
            why = "no longer in the configuration" if hook is None else "the product is no longer stored"
            with writing(db):
                hooks.failed(db, debt, problem=why, again=None, now=now())
            yield Ran(debt.hook, product.title, 0.0, why, None)
            continue
        with writing(db):
            hooks.began(db, debt, now=now())
        ran = _run(db, debt, hook, held, product, shelves, citation(catalogue), leash, now, chance, stop, alive)
        if ran is None:
            return
        yield ran


def _run(
    db: sqlite3.Connection,
    debt: Debt,
    hook: Hook,
    held: Held,
    product: Product,
    shelves: Archive,
    citation: str,
    leash: Leash,
    now: Callable[[], datetime],
    chance: Callable[[], float],
    stop: threading.Event,
    alive: Callable[[], None],
) -> Ran | None:
    code, seconds, output, hint = None, 0.0, None, None
    with suppress(OSError):  # the hook says so, then
        shelves.disk.mkdir(parents=True, exist_ok=True)
    try:
        with leash.hold(debt.hook, product.title) as held_by:
            ended = run(
                hook.command,
                given=_described(held, product, shelves, citation),
                environment=_environment(debt.hook, held, product, shelves),
                folder=shelves.disk,
                limit=hook.timeout,
                leash=held_by,
                stop=stop,
                alive=alive,
            )
        if ended is None:
            return None
        code, seconds, output = ended.code, ended.seconds, redact(ended.output)
        late = f"killed after {lasting(timedelta(seconds=hook.timeout))}" if ended.late else None
        problem = late or (None if code == 0 else _failure(code or 0, output))
    except (NotTrusted, TransferError) as error:
        problem, hint = str(error), error.hint
    if problem is None:
        with writing(db):
            hooks.ended(db, debt, output=output or "", now=now())
        return Ran(debt.hook, product.title, seconds, None, None)
    problem = redact(f"{problem} [{hint}]" if hint else problem)
    again = DELIVERY.next_try(debt.attempts + 1, now=now(), chance=chance())
    with writing(db):
        hooks.failed(db, debt, problem=problem, again=again, code=code, output=output, now=now())
    return Ran(debt.hook, product.title, seconds, problem, again)


def _failure(code: int, output: str) -> str:
    how = f"ended with {code}" if code > 0 else f"ended by signal {-code}"
    last = next((told for line in reversed(output.splitlines()) if (told := plain(_COLOUR.sub("", line)))), "")
    return f"{how}: {last}" if last else how


def _described(held: Held, product: Product, shelves: Archive, citation: str) -> bytes:
    """Return the STAC Item of a product as JSON, with absolute paths or addresses."""
    item = stac_item(
        product,
        held.files,
        catalogue=held.catalogue,
        site=held.site,
        place=whereabouts(shelves, held.path, held.archive),
        stored=held.stored,
        citation=citation,
    )
    return msgspec.json.encode(item)


def _environment(name: str, held: Held, product: Product, shelves: Archive) -> dict[str, str]:
    said = {
        "hook": name,
        "path": whereabouts(shelves, held.path, held.archive),
        "sidecar": shelves.sidecar(held.path),
        "archive": shelves.shown(""),
        "site": held.site,
        "catalogue": held.catalogue,
        "collection": product.collection,
        "id": product.id,
        "title": product.title,
        "level": product.level,
        "platform": product.platform,
        "acquired": written(product.acquired) if product.acquired else None,
        "size": str(held.size),
        "verified": held.verified,
        "stored": written(held.stored),
    }
    # A NUL ends a variable; nothing else in a value means anything to anybody.
    told = {f"WATCHER_{key.upper()}": value.replace("\0", "") for key, value in said.items() if value is not None}
    return {"PATH": _PATH, "LANG": "C.UTF-8", **told}
