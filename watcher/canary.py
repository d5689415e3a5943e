"""The self-test: a canary product is listed, matched, decided on, owed and told of, all by the parts that really do it.

It has a catalogue in memory, a database of its own that goes with it, and a channel that leads nowhere. It is watched
for by its ground only where something else is: shapely takes memory that a service without it need not hold.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from watcher.errors import WatcherError
from watcher.model import Capability, Level, Notice, Outcome, Page, Product, Query, Sent, Subscription
from watcher.store import deliveries, sites, subscriptions, watching
from watcher.store.connection import blank, writing
from watcher.tasks.notify import notify
from watcher.tasks.poll import poll

if TYPE_CHECKING:
    from watcher.net import Http
    from watcher.plugins import Catalogue

_HERE = b'{"type":"Polygon","coordinates":[[[1,43],[2,43],[2,44],[1,44],[1,43]]]}'
_ELSEWHERE = b'{"type":"Polygon","coordinates":[[[11,43],[12,43],[12,44],[11,44],[11,43]]]}'
_NAME, _COLLECTION, _BIRD = "mine", "cage", "CANARY"


class _Cage:
    """A catalogue that lists what it holds, and asks nobody."""

    url = "http://127.0.0.1/canary"

    def __init__(self) -> None:
        self.holds: list[Product] = []

    def capability(self) -> Capability:
        return Capability(learns=False, codes=False)

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        del query, http
        yield self.holds


def rehearse(like: sqlite3.Connection, *, now: Callable[[], datetime]) -> str | None:
    """Let a canary through, and return what went wrong with it; `None` if it came out as it should.

    `like` is the database that its own has the tables of. Raises `StoreError` or `OSError` where the test could not be
    held: then it says nothing of watcher.
    """
    with tempfile.TemporaryDirectory(prefix="watcher-self-test-") as folder:
        try:
            return _rehearse(Path(folder), like, now)
        except (WatcherError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - a defect is what the test is for
            return f"{type(error).__name__}: {error}"


def _rehearse(folder: Path, like: sqlite3.Connection, now: Callable[[], datetime]) -> str | None:
    cage, told = _Cage(), list[Notice]()
    ground = watching.by_ground(like)

    def nowhere(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, (_, notice) in enumerate(posts):
            told.append(notice)
            yield Sent(index, Outcome.SENT)

    def product(name: str, *, here: bool = True, cloud: float = 10.0) -> Product:
        return Product(
            collection=_COLLECTION,
            id=name,
            title=name,
            level=Level("L2A"),
            acquired=now() - timedelta(days=1),
            revision="1",
            cloud=cloud,
            geometry=(_HERE if here else _ELSEWHERE) if ground else None,
            code=None if ground else "here" if here else "elsewhere",
        )

    catalogue, nobody = cast("Catalogue", cage), cast("Http", SimpleNamespace(asked=0, received=0))
    with closing(blank(folder / "canary.db", like)) as db:
        with writing(db):
            site = sites.add(
                db, "Cage", geometry=_HERE if ground else None, country=None, origin="self-test", now=now()
            )
            watching.watch(
                db,
                site,
                catalogue=_NAME,
                collection=_COLLECTION,
                level=Level("L2A"),
                code=None if ground else "here",
                max_cloud=50.0,
                now=now(),
            )
            subscriptions.add(db, Subscription(0, "nowhere", ""), now=now())
        cage.holds = [product("before")]
        if (first := poll(db, _NAME, catalogue, nobody, now=now)).problem or not first.baselined:
            return f"the baseline failed: {first.problem or 'nothing was remembered'}"
        cage.holds += [
            product(_BIRD),
            product("elsewhere", here=False),
            product("cloudy", cloud=90.0),
        ]
        second = poll(db, _NAME, catalogue, nobody, now=now)
        if second.problem or second.arrived != 1:
            return f"a poll that lists one new product announced {second.arrived}: {second.problem or 'no problem'}"
        for _ in range(2):
            for paid in notify(db, nowhere, str, now=now, chance=lambda: 0.5):
                if paid.problem is not None:
                    return f"the notice did not leave: {paid.problem}"
        if [notice.text.count(_BIRD) for notice in told] != [1] or deliveries.counts(db) != (0, 1, 0):
            return f"one notice of one new product should have left; these did: {[notice.subject for notice in told]}"
    return None
