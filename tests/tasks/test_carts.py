"""The files of a cart: as fast as all downloads may be, and without a word of what is secret in their addresses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Peer, Request, reply, served
from watcher.core.carts import File
from watcher.credentials import redact
from watcher.net import Http
from watcher.tasks.carts import Brought, bring
from watcher.transfer import Rate, Terms

TOKEN = "0123456789abcdef0123456789abcdef"


def answer(request: Request, connection: Any) -> bytes:
    return reply(200, b"content" * 20_000) if request.target.startswith("/whole") else reply(500, b"no")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with served(answer) as made:
        yield made


def brought(peer: Peer, folder: Path, *names: str, **terms: Any) -> list[Brought]:
    files = [File(name, (peer.url(f"/{name}?_tk={TOKEN}"),)) for name in names]
    with Http(origin=peer.origin, allow_insecure=True, backoff_base=0.01) as http:
        usual: dict[str, Any] = {"concurrency": 2, "terms": lambda url: Terms(), "stop": threading.Event()}
        return list(bring(files, lambda url: http, folder, **(usual | terms)))


def test_a_cart_is_as_fast_as_all_downloads_may_be_and_steered_while_it_runs(peer: Peer, tmp_path: Path) -> None:
    rate = Rate(1000.0)

    def steer() -> None:
        rate.limit = None

    (one,) = brought(peer, tmp_path, "whole", terms=lambda url: Terms(rate=rate), steer=steer)
    assert one.verified is not None
    assert rate.limit is None


def test_what_is_secret_in_an_address_is_not_told(peer: Peer, tmp_path: Path) -> None:
    (one,) = brought(peer, tmp_path, "broken")
    assert one.problem is not None
    assert redact(f"{one.problem} at {peer.url(f'/broken?_tk={TOKEN}')}").endswith("_tk=***")
