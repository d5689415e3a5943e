"""The self-test: a canary product is listed, matched, decided on, owed and told of, all by the parts that really do it.

It has a catalogue in memory, a database of its own that goes with it, and a channel that leads nowhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from watcher.errors import WatcherError
from watcher.model import Capability, Level, Notice, Outcome, Page, Product, Query, Sent, Subscription
from watcher.store import deliveries, sites, subscriptions
from watcher.store.connection import connect, writing
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


def rehearse(*, now: Callable[[], datetime]) -> str | None:
    """Let a canary through, and return what went wrong with it; `None` if it came out as it should.

    Raises `StoreError` or `OSError` where the test could not be held: then it says nothing of watcher.
    """
    with tempfile.TemporaryDirectory(prefix="watcher-self-test-") as folder:
        try:
            return _rehearse(Path(folder), now)
        except (WatcherError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - a defect is what the test is for
            return f"{type(error).__name__}: {error}"


def _rehearse(folder: Path, now: Callable[[], datetime]) -> str | None:
    cage, told = _Cage(), list[Notice]()

    def nowhere(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, (_, notice) in enumerate(posts):
            told.append(notice)
            yield Sent(index, Outcome.SENT)

    catalogue, nobody = cast("Catalogue", cage), cast("Http", SimpleNamespace(asked=0, received=0))
    with closing(connect(folder / "canary.db")) as db:
        with writing(db):
            site = sites.add(db, "Cage", geometry=_HERE, country=None, origin="self-test", now=now())
            sites.watch(
                db,
                site,
                catalogue=_NAME,
                collection=_COLLECTION,
                level=Level("L2A"),
                code=None,
                max_cloud=50.0,
                since=None,
                download=None,
                announce=False,
                now=now(),
            )
            subscriptions.add(db, Subscription(0, "nowhere", ""), now=now())
        cage.holds = [_product("before", _HERE, now())]
        if (first := poll(db, _NAME, catalogue, nobody, now=now)).problem or not first.baselined:
            return f"the baseline failed: {first.problem or 'nothing was remembered'}"
        cage.holds += [
            _product(_BIRD, _HERE, now()),
            _product("elsewhere", _ELSEWHERE, now()),
            _product("cloudy", _HERE, now(), cloud=90.0),
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


def _product(name: str, ground: bytes, now: datetime, *, cloud: float = 10.0) -> Product:
    return Product(
        collection=_COLLECTION,
        id=name,
        title=name,
        level=Level("L2A"),
        acquired=now - timedelta(days=1),
        revision="1",
        cloud=cloud,
        geometry=ground,
    )
