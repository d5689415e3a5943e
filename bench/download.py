"""Measure one verified download against curl, in one interleaved run on this machine.

    python bench/download.py                          1 GiB over plain HTTP on loopback
    python bench/download.py --tls                    the same over TLS
    python bench/download.py --mib 256 --link 400mbit on a loopback shaped to that rate, in a network of its own

Compared, each in a fresh process and with every digest verified: `fetch` of watcher (checks the catalogue's checksum
while receiving, then fsync and rename), curl and then sha256sum or openssl dgst, and curl alone. Printed are the
medians and their ratios; `inner` leaves out the start of the interpreter, which a daemon does not pay. A control
fails the run if the shaping did not bite.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
T = TypeVar("T")

CONF = """
worker_processes 1; daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; default_type application/octet-stream;
  client_body_temp_path {dir}/t; proxy_temp_path {dir}/t; fastcgi_temp_path {dir}/t;
  uwsgi_temp_path {dir}/t; scgi_temp_path {dir}/t;
  server {{ listen 127.0.0.1:{port}{ssl}; root {dir}/data; }}
}}
"""


def main() -> int:
    options = arguments()
    if options.once:
        return once(*options.once)
    if options.link and not options.inside:
        inside = [sys.executable, __file__, *sys.argv[1:], "--inside"]
        return subprocess.run(["unshare", "--net", *inside], check=False).returncode
    if os.getloadavg()[0] > 1 and not options.noisy:
        print(f"the load is {os.getloadavg()[0]:.1f}: wait for a quiet machine, or say --noisy")
        return 75
    if options.link:
        shape(options.link)
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="bench-download-") as name:
        return measure(Path(name), options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024, help="size of the file")
    parser.add_argument("--runs", type=int, default=5, help="how often each way is measured")
    parser.add_argument("--algorithm", default="sha256", help="the catalogue's checksum: sha256, md5…")
    parser.add_argument("--directory", help="where the files lie (default: the system's temporary directory)")
    parser.add_argument("--link", help="shape loopback to this rate, as tc writes it (400mbit)")
    parser.add_argument("--tls", action="store_true", help="over https")
    parser.add_argument("--noisy", action="store_true", help="measure although the machine is busy")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--once", nargs=4, metavar=("URL", "PATH", "CHECKSUM", "CA"), help=argparse.SUPPRESS)
    return parser.parse_args()


def once(url: str, path: str, checksum: str, ca: str) -> int:
    from watcher.model import Asset
    from watcher.net import Http
    from watcher.transfer import fetch

    start, cpu = time.perf_counter(), time.process_time()
    with Http(origin=url, ca_bundle=ca or None) as http:
        home = fetch(http, Asset("product", url, checksum=checksum), Path(path))
    print(time.perf_counter() - start, time.process_time() - cpu, home.checksum)
    return 0


def shape(rate: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "mtu", "1500", "up"], check=True)
    # Latency bounds the queue: a deeper one than a real link's would hide that TCP adapts to it.
    tbf = ["tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", rate, "burst", "256kb", "latency", "50ms"]
    subprocess.run(tbf, check=True)


def measure(here: Path, options: argparse.Namespace) -> int:
    digest, checksum = make(here / "data" / "product", options.mib, options.algorithm)
    url, ca, nginx = serve(here, options.tls)
    trust = ["--cacert", ca] if ca else []
    out = here / "out"
    curl = ["curl", "-sSf", *trust, "-o", str(out), url]
    inner: list[float] = []

    def ours() -> float:
        command = [sys.executable, __file__, "--once", url, str(out), checksum, ca]
        seconds, text = timed(lambda: subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        own, _, sha256 = text.split()
        expect(sha256 == f"sha256:{digest}", "watcher's digest is wrong")
        inner.append(float(own))
        return seconds

    def curl_and(*tool: str) -> float:
        def both() -> str:
            subprocess.run(curl, check=True)
            return subprocess.run([*tool, str(out)], check=True, capture_output=True, text=True).stdout

        seconds, text = timed(both)
        expect(digest in text, f"the digest of {tool[0]} is wrong")
        return seconds

    def curl_alone() -> float:
        return timed(lambda: subprocess.run(curl, check=True))[0]

    ways = {"watcher": ours, "curl && sha256sum": lambda: curl_and("sha256sum"), "curl": curl_alone}
    if shutil.which("openssl"):  # the faster of the two honest equivalents
        ways["curl && openssl"] = lambda: curl_and("openssl", "dgst", "-sha256")
    try:
        seconds = interleaved(ways, options.runs, out)
    finally:
        nginx.terminate()
        nginx.wait()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    medians["watcher, inner"] = statistics.median(inner[1:])
    print(f"\n{options.mib} MiB{', TLS' if options.tls else ''}, {options.algorithm}, medians of {options.runs}")
    for name, value in medians.items():
        ratios = (value / medians["curl && sha256sum"], value / medians["curl"])
        print(f"{name:18} {value:7.3f} s   {ratios[0]:5.2f} x (curl && sha256sum)   {ratios[1]:5.2f} x curl")
    if options.link:
        ideal = options.mib * 2**20 * 8 / rate_bits(options.link)
        expect(medians["curl"] >= 0.95 * ideal, f"the link was not shaped: {ideal:.2f} s is the least it can take")
    return 0


def interleaved(ways: dict[str, Callable[[], float]], runs: int, out: Path) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(runs + 1):
        for name, way in ways.items():
            took = way()
            out.unlink()
            if run:  # the first round warms the caches
                seconds[name].append(took)
                print(f"{run} {name:18} {took:7.3f} s", flush=True)
    return seconds


def make(path: Path, mib: int, algorithm: str) -> tuple[str, str]:
    path.parent.mkdir()
    block = os.urandom(2**20)
    sha256, other = hashlib.sha256(), hashlib.new(algorithm)
    with path.open("wb") as file:
        for number in range(mib):
            piece = number.to_bytes(8, "big") + block[8:]
            sha256.update(piece)
            other.update(piece)
            file.write(piece)
    return sha256.hexdigest(), f"{algorithm}:{other.hexdigest()}"


def serve(here: Path, tls: bool) -> tuple[str, str, subprocess.Popen[bytes]]:
    import socket

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
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            expect(nginx.poll() is None and time.monotonic() < deadline, "nginx does not start")
            time.sleep(0.02)
    return f"http{'s' if tls else ''}://127.0.0.1:{port}/product", ca, nginx


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def rate_bits(text: str) -> float:
    for unit, factor in (("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise SystemExit(f"--link {text}: write it as 400mbit")


def expect(true: bool, otherwise: str) -> None:
    if not true:
        raise SystemExit(f"FAILED: {otherwise}")


if __name__ == "__main__":
    raise SystemExit(main())
