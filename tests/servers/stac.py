"""Fixtures: real STAC servers. pgstac is the reference (Planetary Computer runs it), rustac an awkward one."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import keep

PGSTAC = "WATCHER_TEST_PGSTAC"
"""The variable that tells tests in an environment of their own where the session's pgstac is, as JSON."""


class Pgstac:
    """A pgstac API, and a collection of our own in it: one test's products are not another's."""

    def __init__(self, url: str, turn: str) -> None:
        self.url, self.collection, self._turn = url, f"things-{uuid.uuid4().hex}", Path(turn)
        self._http = httpx.Client(base_url=url, timeout=60)

    def __enter__(self) -> Pgstac:
        self._told("POST", "/collections", _collection(self.collection))
        return self

    def __exit__(self, *_: object) -> None:
        self._told("DELETE", f"/collections/{self.collection}")
        self._http.close()

    def add(self, *items: dict[str, Any]) -> None:
        """Add items (GeoJSON features; the collection is filled in)."""
        for start in range(0, len(items), 500):
            body = {item["id"]: self._ours(item) for item in items[start : start + 500]}
            self._told("POST", f"/collections/{self.collection}/bulk_items", {"items": body, "method": "upsert"})

    def change(self, item: dict[str, Any]) -> None:
        """Replace an item."""
        self._told("PUT", f"/collections/{self.collection}/items/{item['id']}", self._ours(item))

    def remove(self, name: str) -> None:
        """Delete an item."""
        self._told("DELETE", f"/collections/{self.collection}/items/{name}")

    def _ours(self, item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "collection": self.collection}

    def _told(self, method: str, path: str, body: object = None) -> None:
        # Two sessions that make partitions at once deadlock in pgstac, so all tests write in turn.
        with self._turn.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._write(method, path, body)

    def _write(self, method: str, path: str, body: object) -> None:
        # The server closes a connection after it failed on it, so a write may meet one that is just closing.
        for last in (False, True):
            try:
                self._http.request(method, path, json=body).raise_for_status()
            except httpx.RemoteProtocolError:
                if last:
                    raise
            else:
                return


@pytest.fixture(scope="session")
def pgstac_urls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where this session's pgstac is; the first to ask starts it, for all workers and for what runs apart."""
    if PGSTAC in os.environ:
        return dict(json.loads(os.environ[PGSTAC]))
    need(keep.VENV / "uvicorn", keep.VENV / "pypgstac", keep.BIN / "initdb")
    if os.geteuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        pytest.skip("there is no user postgres to run PostgreSQL as")
    shared, session = tmp_path_factory.getbasetemp(), os.getpid()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared, session = shared.parent, os.getppid()
    told = started_pgstac(shared, session)
    if "error" in told:
        pytest.fail(f"pgstac did not start: {told['error']}")
    return told


def started_pgstac(shared: Path, session: int) -> dict[str, str]:
    """Start a pgstac in a directory, unless it was; it ends with a process. Return its URLs, or the "error"."""
    state = shared / "pgstac.json"
    with (shared / "pgstac.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not state.exists():
            keeper = subprocess.Popen(
                [sys.executable, str(keep.__file__), str(state), str(session)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
            _wait(lambda: state.exists() or keeper.poll() is not None, seconds=100)
            if not state.exists():
                return {"error": f"{keep.__file__} ended with {keeper.returncode} before it was up"}
            keeper.returncode = 0  # it outlives us by design, so its end is not ours to collect
    told: dict[str, str] = json.loads(state.read_text())
    return {**told, "turn": str(shared / "pgstac.turn")}


@pytest.fixture
def pgstac(pgstac_urls: dict[str, str]) -> Iterator[Pgstac]:
    """An empty collection in a pgstac that does not count (numberMatched), as it comes."""
    with Pgstac(pgstac_urls["plain"], pgstac_urls["turn"]) as server:
        yield server


@pytest.fixture
def counting_pgstac(pgstac_urls: dict[str, str]) -> Iterator[Pgstac]:
    """An empty collection in a pgstac that counts what it lists."""
    with Pgstac(pgstac_urls["counting"], pgstac_urls["turn"]) as server:
        yield server


Rustac = Callable[[Sequence[dict[str, Any]]], str]


@pytest.fixture
def rustac(tmp_path: Path) -> Iterator[Rustac]:
    """A function that serves items, of a collection "things", by rustac's memory backend and returns its URL."""
    need(keep.VENV / "rustac")
    with ExitStack() as running:
        yield lambda items: running.enter_context(serving_rustac(tmp_path, items))


@contextmanager
def serving_rustac(directory: Path, items: Sequence[dict[str, Any]]) -> Iterator[str]:
    (directory / "collection.json").write_text(json.dumps(_collection("things")))
    features = [{**item, "collection": "things"} for item in items]
    (directory / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    port = keep.free_port()
    command: list[str | Path] = [
        keep.VENV / "rustac",
        "serve",
        "collection.json",
        "items.json",
        "--addr",
        f"127.0.0.1:{port}",
    ]
    with (said := directory / "rustac.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        keep.wait_for_answer(f"http://127.0.0.1:{port}", server, said)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def thing(
    name: str, learnt: str | None = None, *, acquired: str = "2026-01-01T10:00:00Z", **said: Any
) -> dict[str, Any]:
    """Make an item; `learnt` is its created, updated and published, `said` are further properties (None to omit)."""
    properties: dict[str, Any] = {
        "datetime": acquired,
        "created": learnt,
        "updated": learnt,
        "published": learnt,
        **said,
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": {"type": "Point", "coordinates": [1.4, 43.6]},
        "bbox": [1.4, 43.6, 1.4, 43.6],
        "properties": {key: value for key, value in properties.items() if value is not None or key == "datetime"},
        "links": [],
        "assets": {},
    }


def _collection(name: str) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": name,
        "description": "products of a test",
        "license": "other",
        "links": [],
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
    }


def need(*programs: Path) -> None:
    missing = [str(program) for program in programs if not program.exists()]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: run tests/servers/install")


def _wait(done: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing within {seconds:g} s")
        time.sleep(0.02)
