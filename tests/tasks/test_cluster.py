"""Products brought home by a real dask cluster: a scheduler and two workers, processes of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.given import Clock
from tests.loopback import served
from tests.tasks.daskcluster import DaskCluster
from tests.tasks.test_download import HOME, Files, lying, state, want
from watcher.archive import Disk
from watcher.net import Settings
from watcher.tasks.download import Brought, How, download
from watcher.tasks.download.cluster import Cluster
from watcher.tasks.download.scheduler import Where


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Two workers, at least: what a test has killed is started again for the next one."""
    made = DaskCluster(tmp_path_factory.mktemp("dask"))
    try:
        made.start(2)
        yield made
    finally:
        made.close()


@pytest.fixture
def files() -> Iterator[Files]:
    made = Files()
    with served(made) as peer:
        made.peer = peer
        yield made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def settings(files: Files) -> Settings:
    return Settings(origin=files.peer.origin, allow_insecure=True)


@pytest.fixture
def cluster(dask: DaskCluster, archive: Path, settings: Settings) -> Iterator[Cluster]:
    with Cluster(Where(dask.address), Disk(archive), lambda name: settings, most=8, line="eo-watcher-test") as made:
        yield made


Bring = Callable[..., list[Brought]]


@pytest.fixture
def bring(db: sqlite3.Connection, settings: Settings, archive: Path, clock: Clock, cluster: Cluster) -> Iterator[Bring]:
    with settings.client(None) as http:

        def once(**terms: Any) -> list[Brought]:
            clock.forward(minutes=1)
            terms = {"carry": cluster.carry, "concurrency": 8, **terms}
            return list(download(db, lambda name: http, Disk(archive), now=clock, chance=lambda: 0.5, **terms))

        yield once


def test_products_come_home_verified_by_whoever_has_time(
    db: sqlite3.Connection, files: Files, archive: Path, bring: Bring
) -> None:
    numbers = [want(db, f"P{n}", files.asset(f"/P{n}.dat", b"content %d" % n * 1000)) for n in range(6)]
    brought = bring(how=lambda name: How(sidecar=True))
    assert [one.problem for one in brought] == [None] * 6
    assert [state(db, number) for number in numbers] == [(*HOME, 0)] * 6
    assert (archive / "Pornic/L2A/SPOT5_P3_L2A.dat").read_bytes() == b"content 3" * 1000
    assert len([name for name in lying(archive) if name.endswith(".json")]) == 6
    assert {one.stored.verified for one in brought if one.stored} == {"md5"}
    assert bring() == []
