"""Measure verified downloads against curl and aria2c, in one interleaved run on this machine.

    python -m bench download                     all of the measurements below
    python -m bench download --only far          one of them: whole, many, narrow, far, capped
    python -m bench download --only whole --tls  the same over TLS

`whole` is one file of 1 GiB from nginx on loopback, `many` are 200 of 5 MiB; `narrow` is a link of 400 Mbit/s, shaped
by tc in a network of its own (root is needed); `far` is a round trip of 60 ms away, behind `bench.relay`; `capped` is
as far, and gives each connection 20 MB/s, as Copernicus does. Compared, each in a fresh process and with every digest
verified: `fetch` of watcher (checks the catalogue's checksum while receiving, then fsync and rename; two files at a
time), in `capped` over four connections too; curl alone; curl and then sha256sum; aria2c -x4, where it is installed.
Printed are the medians and their ratios, the processor's seconds for a GiB, and the memory over that of an idle
process; `inner` leaves out the start of the interpreter, which a daemon does not pay. A control fails the run if the
shaping did not bite.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.ratios import arguments, expect, interleaved, ratio, refuse_noise, report, timed
from bench.relay import FASTEST, relayed

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

CONF = """
worker_processes 1; daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; default_type application/octet-stream; keepalive_requests 10000;
  client_body_temp_path {dir}/t; proxy_temp_path {dir}/t; fastcgi_temp_path {dir}/t;
  uwsgi_temp_path {dir}/t; scgi_temp_path {dir}/t;
  server {{ listen 127.0.0.1:{port}{ssl}; root {dir}/data; }}
}}
"""


class Case(NamedTuple):
    """What is fetched, and how the way there is.

    `shape` is what tc makes of it, `rtt` the seconds of a round trip, `rate` the bytes a second for each connection,
    `least` the seconds that curl takes at least if that bites.
    """

    files: int
    mib: int
    shape: tuple[str, ...] = ()
    rtt: float = 0.0
    rate: int = 0
    least: float = 0.0


MIB, MBIT = 2**20, 1e6 / 8
NARROW = ("tbf", "rate", "400mbit", "burst", "256kb", "latency", "50ms")
# Latency bounds the queue: a deeper one than a real link's would hide that TCP adapts to it.
CASES = {
    "whole": Case(1, 1024),
    "many": Case(200, 5),
    "narrow": Case(1, 384, NARROW, least=384 * MIB / (400 * MBIT)),
    "far": Case(1, 512, rtt=0.06, least=512 * MIB / FASTEST),
    "capped": Case(1, 256, rtt=0.06, rate=20_000_000, least=256 * MIB / 20e6),
}


class Ran(msgspec.Struct):
    """What one process of watcher says of itself: seconds and those of the processor, and memory in MB."""

    seconds: float
    processor: float
    idle: float
    peak: float
    digests: list[str]


def main() -> int:
    parser = arguments(__doc__, runs=3)
    parser.add_argument("--only", choices=CASES, action="append", help="one of the measurements (may be repeated)")
    parser.add_argument("--tls", action="store_true", help="over https")
    parser.add_argument("--algorithm", default="sha256", help="the catalogue's checksum: sha256, md5, blake3…")
    parser.add_argument("--directory", help="where the files lie (default: the system's temporary directory)")
    parser.add_argument("--inside", choices=CASES, help="(in a network of its own)")
    parser.add_argument("--once", nargs=5, metavar=("URL", "PATH", "SUMS", "CA", "STREAMS"), help="(one process)")
    options = parser.parse_args()
    if options.once:
        url, path, sums, ca, streams = options.once
        return once(url, Path(path), Path(sums), ca, int(streams))
    refuse_noise(force=options.force)
    failed = 0
    for name in [options.inside] if options.inside else options.only or CASES:
        case = CASES[name]
        if case.shape and not options.inside:
            inside = [sys.executable, "-m", "bench.download", *sys.argv[1:], "--inside", name, "--force"]
            failed |= subprocess.run(["unshare", "--net", *inside], check=False).returncode
            continue
        if options.inside:
            subprocess.run(["ip", "link", "set", "lo", "mtu", "1500", "up"], check=True)
            subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", *case.shape], check=True)
        print(
            f"\n{name}: {case.files} x {case.mib} MiB{', TLS' if options.tls else ''}, {options.algorithm}\n",
            flush=True,
        )
        with tempfile.TemporaryDirectory(dir=options.directory, prefix="bench-download-") as directory:
            measure(name, case, Path(directory), options)
    return failed


def once(url: str, folder: Path, sums: Path, ca: str, streams: int) -> int:
    """Fetch the files as the service does, two at a time."""
    from watcher.model import Asset
    from watcher.net import Http
    from watcher.transfer import Terms, fetch

    start, processor = time.perf_counter(), time.process_time()
    wanted = msgspec.json.decode(sums.read_bytes(), type=dict[str, str])
    terms = Terms(streams=streams, spare=threading.Semaphore(streams - 1))
    with Http(origin=url, ca_bundle=ca or None, connections=8) as http, ThreadPoolExecutor(2) as pool:
        idle = memory("VmRSS")

        def bring(name: str) -> str:
            asset = Asset(name, f"{url}/{name}", checksum=wanted[name])
            return fetch(http, asset, folder / name, terms=terms).checksum.removeprefix("sha256:")

        digests = list(pool.map(bring, wanted))
    seconds, spent = time.perf_counter() - start, time.process_time() - processor
    sys.stdout.buffer.write(msgspec.json.encode(Ran(seconds, spent, idle, memory("VmHWM"), digests)))
    return 0


def memory(what: str) -> float:
    """Return what Linux says of this process, in MB: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


def measure(name: str, case: Case, here: Path, options: argparse.Namespace) -> None:
    digests, sums = make(here, case, options.algorithm)
    out = here / "out"
    ours: dict[int, list[Ran]] = {1: [], 4: []}
    with served(here, case, tls=options.tls) as (url, ca):
        trust = ["--cacert", ca] if ca else []
        (here / "curl").write_text("".join(f'url = "{url}/{file}"\noutput = "{out}/{file}"\n' for file in digests))
        (here / "aria2").write_text("\n".join(f"{url}/{file}" for file in digests))
        curl = ["curl", "-sSf", *trust, "-K", str(here / "curl")]
        aria2 = ["aria2c", "-q", "-x4", "-s4", "--file-allocation=none", "-d", str(out), "-i", str(here / "aria2")]

        def watcher(streams: int) -> Callable[[], float]:
            command = [sys.executable, "-m", "bench.download", "--once", url, str(out), str(sums), ca, str(streams)]

            def run() -> float:
                seconds, said = timed(lambda: subprocess.run(command, check=True, capture_output=True).stdout)
                ours[streams].append(ran := msgspec.json.decode(said, type=Ran))
                expect(ran.digests == list(digests.values()), "a digest of watcher is wrong")
                return seconds

            return emptied(out, run)

        def other(command: list[str], *, then: bool = False) -> Callable[[], float]:
            def run() -> str:
                subprocess.run(command, check=True)
                if not then:
                    return ""
                files = sorted(out.iterdir())
                return subprocess.run(["sha256sum", *files], check=True, capture_output=True, text=True).stdout

            def measured() -> float:
                seconds, text = timed(run)
                expect(not then or all(digest in text for digest in digests.values()), "a digest is wrong")
                return seconds

            return emptied(out, measured)

        ways = {"watcher": watcher(1), "curl": other(curl), "curl && sha256sum": other(curl, then=True)}
        if case.rate:
            ways["watcher, 4 connections"] = watcher(4)
        if shutil.which("aria2c") and not options.tls:
            ways["aria2c -x4"] = other(aria2)
        seconds = interleaved(ways, options.runs)
    took = statistics.median(seconds["curl"])
    expect(took >= 0.95 * case.least, f"it was not shaped: curl took {took:.2f} s, {case.least:.2f} s is the least")
    say(name, case, seconds, ours)


def say(name: str, case: Case, seconds: dict[str, list[float]], ours: dict[int, list[Ran]]) -> None:
    """Say the ratios, and what watcher took of the machine."""
    print()
    for way in seconds:
        both = (ratio(seconds[way], seconds["curl"]), ratio(seconds[way], seconds["curl && sha256sum"]))
        print(f"    {way:24} {both[0]:6.2f} x curl {both[1]:6.2f} x (curl && sha256sum)")
    for streams, runs in ours.items():
        if not runs:
            continue
        inner = statistics.median(ran.seconds for ran in runs[1:]) / statistics.median(seconds["curl"])
        spent = statistics.median(ran.processor for ran in runs) / (case.files * case.mib / 1024)
        print(f"    over {streams}: inner {inner:.2f} x curl, {spent:.2f} s of the processor for a GiB")
    print()
    mine = seconds["watcher"]
    report(f"{name}: watcher / (curl && sha256sum)", ratio(mine, seconds["curl && sha256sum"]), unit="x", most=1.0)
    if case.least:
        report(f"{name}: watcher / curl", ratio(mine, seconds["curl"]), unit="x", most=1.1)
    if case.rate:
        four = seconds["watcher, 4 connections"]
        report(f"{name}: watcher, 4 connections / curl", ratio(four, seconds["curl"]), unit="x", most=0.35)
    grown = max(ran.peak - ran.idle for runs in ours.values() for ran in runs)
    report(f"{name}: memory over idle", grown, unit="MB", most=40)


def emptied(out: Path, way: Callable[[], float]) -> Callable[[], float]:
    """Let a way begin with an empty directory."""

    def run() -> float:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        return way()

    return run


def make(here: Path, case: Case, algorithm: str) -> tuple[dict[str, str], Path]:
    """Make the files; return their SHA-256 by name, and a file of the checksums that the catalogue has."""
    from watcher.transfer.sums import _new

    (here / "data").mkdir()
    block = os.urandom(2**20)
    digests, catalogue = {}, {}
    for number in range(case.files):
        sha256, other = hashlib.sha256(), _new(algorithm)
        path = here / "data" / f"p{number:03}"
        with path.open("wb") as file:
            for at in range(case.mib):
                piece = (number * case.mib + at).to_bytes(8, "big") + block[8:]
                sha256.update(piece)
                other.update(piece)
                file.write(piece)
        os.utime(path, (1, 1))  # of an ETag that nginx makes of a time just now nothing is believed
        digests[path.name], catalogue[path.name] = sha256.hexdigest(), f"{algorithm}:{other.hexdigest()}"
    sums = here / "sums.json"
    sums.write_bytes(msgspec.json.encode(catalogue))
    return digests, sums


@contextmanager
def served(here: Path, case: Case, *, tls: bool) -> Iterator[tuple[str, str]]:
    """Serve the files by nginx, perhaps far away; give the address, and the certificate to trust."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ssl, ca = "", ""
    if tls:
        import trustme

        authority = trustme.CA()
        ca = str(here / "ca.pem")
        authority.cert_pem.write_to_path(ca)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(here / "server.pem")
        ssl = f" ssl; ssl_certificate {here}/server.pem; ssl_certificate_key {here}/server.pem"
    (here / "nginx.conf").write_text(CONF.format(dir=here, port=port, ssl=ssl))
    here.chmod(0o755)  # nginx's workers run as somebody else
    nginx = subprocess.Popen([NGINX, "-p", str(here), "-c", str(here / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            expect(nginx.poll() is None and time.monotonic() < deadline, "nginx does not start")
            time.sleep(0.02)
        with relayed(port, rtt=case.rtt, rate=case.rate) if case.rtt else nullcontext(port) as at:
            yield f"http{'s' if tls else ''}://127.0.0.1:{at}", ca
    finally:
        nginx.terminate()
        nginx.wait()


if __name__ == "__main__":
    raise SystemExit(main())
