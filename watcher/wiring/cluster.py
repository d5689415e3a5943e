"""The dask cluster that brings products home, by the `[download]` table."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from watcher.config import Config
from watcher.errors import WatcherError
from watcher.model import Finding
from watcher.wiring.catalogues import Catalogues

if TYPE_CHECKING:
    from watcher.archive import Archive
    from watcher.tasks.download.cluster import Cluster


def cluster(
    config: Config, catalogues: Catalogues, archive: Archive, *, database: Path, alive: Callable[[], None]
) -> Cluster | None:
    """Return the cluster that fetches for the service on a database, not asked yet; `None` where threads do it."""
    limits = config.download
    if limits.engine != "dask" or limits.scheduler is None:
        return None
    from watcher.tasks.download.cluster import Cluster
    from watcher.tasks.download.reaching import Where

    tls = {} if limits.tls is None else {k: str(Path(v).expanduser()) for k, v in structs.asdict(limits.tls).items()}
    whose = f"{socket.gethostname()} {database.absolute()}"
    line = f"eo-watcher-{hashlib.sha256(whose.encode()).hexdigest()[:12]}"
    where = Where(limits.scheduler, **tls)
    return Cluster(where, archive, catalogues.settings, most=limits.concurrency, line=line, alive=alive)


def findings(cluster: Cluster | None, archive: Archive, place: str | None) -> Iterator[Finding]:
    """Say of the cluster at a place, if one fetches, who is there, and whether they can."""
    if cluster is None:
        return
    try:
        with cluster:
            roll = cluster.roll()
    except WatcherError as error:
        yield Finding("cluster", False, str(error), error.hint)
        return
    fit = sum(why is None for why in roll.values())
    if not roll:
        yield Finding("cluster", False, f"{place} has no worker", f"start one: dask worker {place}")
    elif fit:
        text = f"{place} has {fit} of {len(roll)} workers that can fetch: same eo-watcher, {_shared(archive)}"
        yield Finding("cluster", True, text)
    for address, why in roll.items():
        if why is not None:
            yield Finding(f"cluster: {address}", False, why, "what it would have fetched is given to the others")


def _shared(archive: Archive) -> str:
    from watcher.archive import Disk
    from watcher.transfer.mark import mark_of

    if not isinstance(archive, Disk):
        return "which bring it to the bucket by themselves"
    if mark_of(archive.root) is None:
        return "whether same archive, the first download shows"
    return "same archive"
