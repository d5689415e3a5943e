"""Measure verified downloads against curl and aria2c, in one interleaved run on this machine.

    python -m bench download                     all of the measurements below, in some eight minutes
    python -m bench download --only far          one of them: whole, many, resumed, narrow, far, capped
    python -m bench download --only whole --tls  the same over TLS

`whole` is one file of 1 GiB from nginx on loopback, `many` are 200 of 5 MiB, `resumed` is 1 GiB of which half is there;
`narrow` is a link of 400 Mbit/s, shaped by tc in a network of its own (root is needed); `far` is a round trip of 60 ms
away, behind `bench.relay`; `capped` is as far, and gives each connection 20 MB/s, as Copernicus does.

Compared, each in a fresh process and with every digest verified: `fetch` of watcher (checks the catalogue's checksum
while receiving, or after it where the file is small, then fsync and rename; two files at a time), in `capped` over
four connections too; curl, which is given all files at once, and so uses its connection again; the same four at a time
(`curl -Z`), where there are many; aria2c -x4, where it is installed. After curl comes sha256sum, or openssl, which uses
what newer processors have for SHA-256. None of them waits for the disk, as watcher does.

Printed are the medians of the ratios of each round, the processor's seconds for a GiB, and the memory over that of an
idle process; `inner` leaves out the start of the interpreter, which a daemon does not pay. A control fails the run if
the shaping did not bite.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple

import msgspec

from bench.ratios import arguments, expect, interleaved, paired, refuse_noise, report, timed
from bench.relay import FASTEST, relayed
from bench.startup import environment
from bench.web import free_port, nginx


class Case(NamedTuple):
    """What is fetched, and how the way there is.

    `half` says that half of it is there already; `shape` is what tc makes of the way, `rtt` the seconds of a round
    trip, `rate` the bytes a second for each connection, `least` the seconds that curl takes at least if that bites.
    """

    files: int
    mib: int
    half: bool = False
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
    "resumed": Case(1, 1024, half=True),
    "narrow": Case(1, 384, shape=NARROW, least=384 * MIB / (400 * MBIT)),
    "far": Case(1, 384, rtt=0.06, least=384 * MIB / FASTEST),
    "capped": Case(1, 256, rtt=0.06, rate=20_000_000, least=256 * MIB / 20e6),
}


FOUR, BOTH = "watcher, 4 connections", "curl && sha256sum"


class Took(NamedTuple):
    """What a way took: seconds, and those of the processor."""

    seconds: float
    processor: float


class Ran(msgspec.Struct):
    """What one process of watcher says of itself: seconds, and memory in MB."""

    seconds: float
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

    start = time.perf_counter()
    wanted = msgspec.json.decode(sums.read_bytes(), type=dict[str, str])
    terms = Terms(streams=streams, spare=threading.Semaphore(streams - 1))
    with Http(origin=url, ca_bundle=ca or None, connections=8) as http, ThreadPoolExecutor(2) as pool:
        idle = memory("VmRSS")

        def bring(name: str) -> str:
            asset = Asset(name, f"{url}/{name}", checksum=wanted[name])
            return fetch(http, asset, folder / name, terms=terms).checksum.removeprefix("sha256:")

        digests = list(pool.map(bring, wanted))
    seconds = time.perf_counter() - start
    sys.stdout.buffer.write(msgspec.json.encode(Ran(seconds, idle, memory("VmHWM"), digests)))
    return 0


def memory(what: str) -> float:
    """Return what Linux says of this process, in MB: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


class Peers:
    """The ways to fetch the files of a case, and what each run of them took."""

    def __init__(self, case: Case, here: Path, digests: dict[str, str], sums: Path, url: str, ca: str) -> None:
        self.case, self.here, self.out, self.sums, self.url, self.ca = case, here, here / "out", sums, url, ca
        self.digests = list(digests.values())
        self.took: dict[str, list[Took]] = {}
        self.ours: dict[int, list[Ran]] = {1: [], 4: []}
        self.ways: dict[str, Callable[[], float]] = {}
        (here / "curl").write_text("".join(f'url = "{url}/{file}"\noutput = "{self.out}/{file}"\n' for file in digests))
        (here / "aria2").write_text("\n".join(f"{url}/{file}" for file in digests))

    def watcher(self, way: str, streams: int) -> None:
        place = (self.url, str(self.out), str(self.sums), self.ca, str(streams))
        command = [sys.executable, "-m", "bench.download", "--once", *place]

        def run() -> float:
            self._empty()
            if self.case.half:
                begun(self.here, self.url, self.sums)
            said = self._noted(way, command, kept=True)
            self.ours[streams].append(ran := msgspec.json.decode(said, type=Ran))
            expect(ran.digests == self.digests, "a digest of watcher is wrong")
            return self.took[way][-1].seconds

        self.ways[way] = run

    def other(self, way: str, *command: str) -> None:
        def run() -> float:
            self._empty()
            if self.case.half:
                halved(self.here, "")
            self._noted(way, command)
            return self.took[way][-1].seconds

        self.ways[way] = run

    def hashed(self, way: str, after: str, *command: str) -> None:
        """Add a way that reads what another one has just brought."""

        def run() -> float:
            said = self._noted(way, [*command, *(str(path) for path in sorted(self.out.iterdir()))], after)
            expect(all(digest in said.decode() for digest in self.digests), "a digest is wrong")
            return self.took[way][-1].seconds

        self.ways[way] = run

    def _noted(self, way: str, command: Sequence[str], after: str = "", *, kept: bool = False) -> bytes:
        around = environment() if kept else None  # its bytecode is kept, as where it is installed
        before = spent()
        seconds, ran = timed(lambda: subprocess.run(command, env=around, check=True, stdout=PIPE))
        first = self.took[after][-1] if after else Took(0, 0)
        took = Took(first.seconds + seconds, first.processor + spent() - before)
        self.took.setdefault(way, []).append(took)
        return ran.stdout

    def _empty(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()


def measure(name: str, case: Case, here: Path, options: argparse.Namespace) -> None:
    digests, sums = make(here, case, options.algorithm)
    with served(here, case, tls=options.tls) as (url, ca):
        peers = Peers(case, here, digests, sums, url, ca)
        curl = ["curl", "-sSf", "--no-progress-meter", "-K", str(here / "curl")]
        curl += [*(["--cacert", ca] if ca else []), *(["-C", "-"] if case.half else [])]
        peers.watcher("watcher", 1)
        if case.rate:
            peers.watcher(FOUR, 4)
        if shutil.which("aria2c") and not options.tls and not case.half:
            quiet = ["-q", "-x4", "-s4", "--file-allocation=none"]
            peers.other("aria2c -x4", "aria2c", *quiet, "-d", str(here / "out"), "-i", str(here / "aria2"))
        if case.files > 1:
            peers.other("curl -Z", *curl, "-Z", "--parallel-max", "4")
            peers.hashed(f"curl -Z{BOTH[4:]}", "curl -Z", "sha256sum")
        peers.other("curl", *curl)
        peers.hashed(BOTH, "curl", "sha256sum")
        if shutil.which("openssl"):
            peers.hashed("curl && openssl", "curl", "openssl", "dgst", "-sha256", "-r")
        interleaved(peers.ways, options.runs)
    took, ours = peers.took, peers.ours
    least = statistics.median(ran.seconds for ran in took["curl"])
    expect(least >= 0.95 * case.least, f"it was not shaped: curl took {least:.2f} s, {case.least:.2f} s is the least")
    say(name, case, {way: runs[1:] for way, runs in took.items()}, {way: runs[1:] for way, runs in ours.items()})


def spent() -> float:
    """Return the processor's seconds of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def say(name: str, case: Case, took: dict[str, list[Took]], ours: dict[int, list[Ran]]) -> None:
    """Say the ratios, and what each took of the machine."""
    seconds = {way: [ran.seconds for ran in runs] for way, runs in took.items()}
    processor = {way: [ran.processor for ran in runs] for way, runs in took.items()}
    gib = case.files * case.mib / 1024
    print()
    for way in seconds:
        both = (paired(seconds[way], seconds["curl"]), paired(seconds[way], seconds[BOTH]))
        used = statistics.median(processor[way]) / gib
        print(f"    {way:22} {both[0]:6.2f} x curl {both[1]:6.2f} x ({BOTH}), the processor {used:.2f} s for a GiB")
    for streams, runs in ours.items():
        if runs:
            inner = paired([ran.seconds for ran in runs], seconds["curl"])
            print(f"    over {streams}: inner {inner:.2f} x curl")
    print()
    mine = seconds["watcher"]
    report(f"{name}: watcher / ({BOTH})", paired(mine, seconds[BOTH]), unit="x", most=1.0)
    if case.least:
        report(f"{name}: watcher / curl", paired(mine, seconds["curl"]), unit="x", most=1.1)
    else:
        used = paired(processor["watcher"], processor[BOTH])
        report(f"{name}: the processor's time, watcher / ({BOTH})", used, unit="x", most=1.0)
    if case.rate:
        report(f"{name}: {FOUR} / curl", paired(seconds[FOUR], seconds["curl"]), unit="x", most=0.35)
    if case.files > 1:
        beside = f"curl -Z{BOTH[4:]}"
        report(f"{name}: watcher / ({beside})", paired(mine, seconds[beside]), unit="x", most=1.0)
    grown = max(ran.peak - ran.idle for runs in ours.values() for ran in runs)
    report(f"{name}: memory over idle", grown, unit="MB", most=40)


def halved(here: Path, ending: str) -> None:
    """Leave half of each file there, as one that was interrupted would."""
    for path in (here / "data").iterdir():
        half = here / "out" / f"{path.name}{ending}"
        shutil.copyfile(path, half)
        os.truncate(half, path.stat().st_size // 2)


def begun(here: Path, url: str, sums: Path) -> None:
    """Leave half of each file there, and beside it what watcher knows of it."""
    from watcher.transfer.part import Record

    halved(here, ".part")
    for name, checksum in msgspec.json.decode(sums.read_bytes(), type=dict[str, str]).items():
        record = Record(f"{url}/{name}", total=(here / "data" / name).stat().st_size, checksum=checksum)
        (here / "out" / f"{name}.part.json").write_bytes(msgspec.json.encode(record))


def make(here: Path, case: Case, algorithm: str) -> tuple[dict[str, str], Path]:
    """Make the files; return their SHA-256 by name, and a file of the checksums that the catalogue has."""
    from watcher.transfer.sums import new

    (here / "data").mkdir()
    block = os.urandom(2**20)
    digests, catalogue = {}, {}
    for number in range(case.files):
        sha256, other = hashlib.sha256(), new(algorithm)
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
    port = free_port()
    ssl, ca = "", ""
    if tls:
        import trustme

        authority = trustme.CA()
        ca = str(here / "ca.pem")
        authority.cert_pem.write_to_path(ca)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(here / "server.pem")
        ssl = f" ssl; ssl_certificate {here}/server.pem; ssl_certificate_key {here}/server.pem"
    with (
        nginx(here, port, ssl=ssl),
        relayed(port, rtt=case.rtt, rate=case.rate) if case.rtt else nullcontext(port) as at,
    ):
        yield f"http{'s' if tls else ''}://127.0.0.1:{at}", ca


if __name__ == "__main__":
    raise SystemExit(main())
