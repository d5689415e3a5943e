"""Measure what a product costs the service when a dask cluster fetches: its one thread that decides and writes.

    python -m bench cluster [--products 400] [--at-once 16] [--workers 2]

A scheduler and workers, as processes of their own, fetch very many files of 20 kB from a server on loopback, which are
proven by their MD5 and put into an archive on disk. Against it: the same by threads. Printed are the products a second,
and the processor's time of the service alone for each, which says how many a day one service can look after.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.ratios import arguments, expect, interleaved, refuse_noise, report
from tests.tasks.daskcluster import DaskCluster
from tests.tasks.test_download import want
from watcher.archive import Disk
from watcher.model import Asset
from watcher.net import Settings
from watcher.store.connection import connect
from watcher.tasks.download import Rules, Sources, download, run
from watcher.tasks.download.cluster import Cluster
from watcher.tasks.download.reaching import Where

CONTENT = bytes(range(256)) * 80


def main() -> None:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--products", type=int, default=400)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    refuse_noise(force=options.force)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        origin = stack.enter_context(_served())
        cluster = DaskCluster(folder)
        stack.callback(cluster.close)
        cluster.start(options.workers)
        spent: dict[str, list[float]] = {"threads": [], "dask": []}

        def measured(engine: str) -> float:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                seconds, processor = _pass(Path(place), origin, cluster.address if engine == "dask" else None, options)
                spent[engine].append(processor)
                return seconds

        seconds = interleaved({name: lambda name=name: measured(name) for name in spent}, options.runs)  # type: ignore[misc]
    for name in spent:
        best, cost = sorted(seconds[name])[options.runs // 2], sorted(spent[name][1:])[options.runs // 2]
        each = 1000 * cost / options.products
        print(f"{name}: {options.products / best:.0f} products/s, {each:.1f} ms of the service's processor for each")
        if name == "dask":
            report("cluster: processor time of the service for a product", each, unit="ms", most=15)


def _pass(place: Path, origin: str, scheduler: str | None, options) -> tuple[float, float]:
    db, archive = connect(place / "watcher.db"), Disk(place / "archive")
    checksum = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    for number in range(options.products):
        url = f"{origin}/{number}"
        want(db, f"P{number}", Asset("product", url, "application/octet-stream", len(CONTENT), checksum))
    settings = Settings(origin=origin, connections=options.at_once + 4)
    began, processor = time.perf_counter(), time.process_time()
    with ExitStack() as stack:
        http = stack.enter_context(settings.client(None))
        carry = run
        if scheduler is not None:
            where = Where(scheduler)
            made = Cluster(where, archive, lambda _: settings, most=options.at_once, line="eo-watcher-bench")
            carry = stack.enter_context(made).carry
        sources, rules = Sources(lambda _: http), Rules(concurrency=options.at_once)
        times = {"now": lambda: datetime.now(UTC), "chance": lambda: 0.5}
        home = list(download(db, sources, archive, rules, carry=carry, **times))  # type: ignore[arg-type]
    took = time.perf_counter() - began, time.process_time() - processor
    db.close()
    expect([one.problem for one in home] == [None] * options.products, "not all products came home")
    return took


@contextmanager
def _served() -> Iterator[str]:
    """Serve the file at any address, from a process of its own."""
    process = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.kill()
        process.wait()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        return


def serve() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
