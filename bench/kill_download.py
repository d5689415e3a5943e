"""Kill a downloading process again and again, and count the damage.

    python -m bench kill_download                           500 kills, 300 files, in some five minutes
    python -m bench kill_download --kills 100 --files 60    fewer
    python -m bench kill_download --streams 1               over one connection only

A server on loopback offers the files; a process fetches those that are not home yet, each over one connection or three,
by chance, so that what one process has begun in one way another one goes on with in the other. It is killed with
SIGKILL at random moments, and 5 % of the files change while that goes on, each with its checksum in the catalogue.
After each kill every file under a final name is verified. Printed, and judged: corrupt and missing files (must be 0),
and the bytes sent over the bytes of the files (at most 1.3; what changed had to be sent twice).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.ratios import expect, report
from bench.startup import environment

PIECE = 32 * 1024
MOMENT = 0.6
"""Seconds within which a process is killed."""


class Depot:
    """What the server offers; `lock` guards a change of content and of the catalogue together."""

    def __init__(self, folder: Path, files: int, size: int, chance: random.Random) -> None:
        self.lock, self.counting, self.sent = threading.Lock(), threading.Lock(), 0
        self.catalogue = folder / "catalogue.json"
        self.contents = {f"{number}.bin": chance.randbytes(size) for number in range(files)}
        self.tell()

    def tell(self) -> None:
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()}
        new = self.catalogue.with_suffix(".new")
        new.write_text(json.dumps(sums))
        new.replace(self.catalogue)

    def change(self, name: str, chance: random.Random) -> None:
        with self.lock:
            self.contents[name] = chance.randbytes(len(self.contents[name]))
            self.tell()


def serve(depot: Depot, pause: float) -> ThreadingHTTPServer:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with depot.lock:
                content = depot.contents[self.path[1:]]
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            start = int(wanted[1]) if wanted else 0
            end = int(wanted[2]) + 1 if wanted and wanted[2] else len(content)
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            # A small buffer: what a killed process never read should not count as sent.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
            try:
                for at in range(start, end, PIECE):
                    self.connection.sendall(content[at : min(at + PIECE, end)])
                    with depot.counting:
                        depot.sent += min(PIECE, end - at)
                    time.sleep(pause)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: it is the killed who hang up."""

    server = Server(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def work(origin: str, catalogue: Path, home: Path, streams: int) -> int:
    """The process that is killed: fetch what is not home, in order, until nothing is left."""
    from watcher.errors import TransferError
    from watcher.model import Asset
    from watcher.net import Http
    from watcher.transfer import Terms, fetch, segments

    segments.LEAST, segments.MOST, segments._NOTE = 64 * 1024, 256 * 1024, 0.02  # so that these files have pieces
    terms = Terms(streams=streams)
    print("up", flush=True)
    with Http(origin=origin, connections=4 + streams) as http:
        while True:
            left = 0
            for name, digest in json.loads(catalogue.read_text()).items():
                path = home / f"{name}-{digest[:12]}"  # a shelf of its own for each revision
                if path.exists():
                    continue
                left += 1
                stale = [old for old in home.glob(f"{name}-*.part*") if not old.name.startswith(path.name)]
                for old in stale:
                    old.unlink()
                try:
                    fetch(http, Asset(name, f"{origin}/{name}", checksum=f"sha256:{digest}"), path, terms=terms)
                except TransferError as error:
                    print(error, file=sys.stderr)
            if not left:
                return 0


def corrupt(home: Path, seen: set[Path], known: dict[str, str]) -> int:
    """Count the final names that lie, among those that were not looked at before."""
    count = 0
    for path in home.iterdir():
        if ".part" in path.name or path in seen:
            continue
        seen.add(path)
        short = path.name.rpartition("-")[2]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        known[path.name] = digest
        count += digest[:12] != short
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--kib", type=int, default=1500, help="size of each file")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    parser.add_argument(
        "--streams", type=int, nargs="+", default=[1, 3], help="over how many connections a file comes (one of these)"
    )
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        return work(options.work[0], Path(options.work[1]), Path(options.work[2]), int(options.work[3]))
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="bench-kill-") as folder:
        return run(Path(folder), options, chance)


def run(folder: Path, options: argparse.Namespace, chance: random.Random) -> int:
    home = folder / "home"
    home.mkdir()
    depot = Depot(folder, options.files, options.kib * 1024, chance)
    # So fast that all would take about as long as the kills do.
    pieces = options.files * options.kib * 1024 / PIECE / statistics.mean(options.streams)
    server = serve(depot, 1.2 * options.kills * MOMENT / 2 / pieces)
    origin = f"http://127.0.0.1:{server.server_port}"
    command = [sys.executable, "-m", "bench.kill_download", "--work", origin, str(depot.catalogue), str(home)]
    changing = chance.sample(sorted(depot.contents), max(1, options.files // 20))
    seen: set[Path] = set()
    known: dict[str, str] = {}
    wrong = kills = changed = 0
    start = time.monotonic()
    while kills < options.kills:
        over = [*command, str(chance.choice(options.streams))]
        with subprocess.Popen(over, env=environment(), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0.02, MOMENT))
            if changing and chance.random() < 2 * len(changing) / (options.kills - kills):
                depot.change(changing.pop(), chance)
                changed += 1
            if process.poll() is not None:
                process.wait()
                break  # all is home: nothing is left to be killed
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        wrong += corrupt(home, seen, known)
    subprocess.run([*command, str(options.streams[0])], check=True, stdout=subprocess.DEVNULL)
    server.shutdown()
    wrong += corrupt(home, seen, known)
    missing = sum(
        known.get(f"{name}-{hashlib.sha256(content).hexdigest()[:12]}") != hashlib.sha256(content).hexdigest()
        for name, content in depot.contents.items()
    )
    ratio = depot.sent / (options.files * options.kib * 1024)
    took = time.monotonic() - start
    streams = " or ".join(map(str, options.streams))
    print(f"{kills} kills in {took:.0f} s, {options.files} files of {options.kib} KiB, {changed} changed")
    print(f"each file over {streams} connections")
    left = [path.name for path in home.iterdir() if ".part" in path.name]
    print(f"left behind: {left or 'nothing'}")
    expect(kills >= options.kills * 0.8, "the files were home before they could be killed")
    what = f"{kills} kills, {options.files} files, {changed} changed"
    report(f"{what}: corrupt or missing files", wrong + missing, unit="", most=0)
    report(f"{what}: bytes sent / bytes of the files", ratio, unit="x", most=1.3)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
