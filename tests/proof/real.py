"""Real STAC servers, filled with what happens on the ground while they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import httpx

from tests.catalogues.loopback import Asked, Reply
from tests.proof.ground import Face, Thing
from tests.proof.records import Item, Model, kind_of, sentinel, stac_item
from tests.servers.stac import Pgstac, serving_rustac


@contextmanager
def on_pgstac(server: Pgstac) -> Iterator[Model]:
    """A pgstac that is asked what is new by `updated`."""
    kind = kind_of("stac", collections={server.collection: "L2A"}, limit=6)
    there: set[str] = set()

    def put(thing: Thing) -> None:
        item = stac_item(thing, server.collection)
        (server.change if item["id"] in there else server.add)(item)
        there.add(item["id"])

    def drop(thing: Thing, when: datetime) -> None:
        server.remove(sentinel(thing))
        there.remove(sentinel(thing))

    with _forwarding(lambda: server.url) as answer:
        yield Face(kind, server.collection, sentinel, put, drop), answer


@contextmanager
def on_rustac(directory: Path) -> Iterator[Model]:
    """A rustac with a backend in memory, which can neither sort nor filter by a property; it starts anew to change."""
    kind = kind_of("stac", collections={"things": "L2A"}, cursor="none", sort=False, limit=8)
    items: dict[str, Item] = {}
    changed = True
    url = ""

    def put(thing: Thing) -> None:
        nonlocal changed
        changed = True
        items[sentinel(thing)] = stac_item(thing, "things")

    def drop(thing: Thing, when: datetime) -> None:
        nonlocal changed
        changed = True
        del items[sentinel(thing)]

    def ready(now: datetime, calm: bool) -> None:
        nonlocal changed, url
        if changed:
            running.close()
            url = running.enter_context(serving_rustac(directory, list(items.values())))
            changed = False

    with ExitStack() as running, _forwarding(lambda: url) as answer:
        yield Face(kind, "things", sentinel, put, drop, notices=2, drifts=False, ready=ready), answer


@contextmanager
def _forwarding(url: Callable[[], str]) -> Iterator[Callable[[Asked], Reply]]:
    """Pass questions on to a server that believes to be where it was asked for: its links lead through the door."""
    with httpx.Client(timeout=60) as http:

        def answer(asked: Asked) -> Reply:
            headers = {name: text for name, text in asked.headers.items() if name in ("host", "content-type")}
            for last in (False, True):
                try:
                    got = http.request(
                        asked.method, url() + asked.path, params=asked.query, headers=headers, content=asked.body
                    )
                except httpx.TransportError:
                    if last:
                        raise
                    continue  # pgstac closes a connection after it failed on it
                # rustac links to its own address, whatever it was asked for.
                body = got.content.replace(url().encode(), f"http://{asked.headers['host']}".encode())
                return Reply(got.status_code, body, got.headers.get("content-type", "text/plain"))
            raise AssertionError("unreachable")

        yield answer
