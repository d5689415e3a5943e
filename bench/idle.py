"""How much memory `watcher run` holds once it has polled and waits for its next turn.

    python -m bench idle                 ten sites, watched by their code (resto) and by their ground (STAC)

The real service on a real configuration, its database made beforehand as by `watcher add-site`, and with
PYTHONMALLOC=malloc, as its unit has it. RSS and PSS are read from the kernel; the child that sends notices is a process
of its own and ends when it has sent.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.catalogue import COLLECTION, SITE, served, square
from bench.database import fresh
from bench.ratios import arguments, expect, refuse_noise, report
from bench.startup import environment

CONFIG = """\
[poll]
jitter = 0
[catalogues.{kind}]
kind = "{kind}"
interval = "1h"
{settings}
"""
KINDS = {
    "resto": 'url = "{address}/resto"\ncollections = ["{collection}"]',
    "stac": 'url = "{address}/stac/"\ncollections = {{ {collection} = "L2A" }}',
}


def main() -> int:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--products", type=int, default=1000)
    options = parser.parse_args()
    refuse_noise(force=options.force)
    with served(products=options.products, page=500) as address:
        for kind, how in (("resto", "by code"), ("stac", "by ground")):
            held = [hold(kind, address, options.products) for _ in range(options.runs)]
            for rss, pss in held:
                print(f"    {kind:6} RSS {rss:6.1f} MB   PSS {pss:6.1f} MB")
            report(f"idle: watcher run, watching {how}", sorted(rss for rss, _ in held)[len(held) // 2],
                   unit="MB RSS", most=70)  # fmt: skip
    return 0


def hold(kind: str, address: str, products: int) -> tuple[float, float]:
    """Return the RSS and the PSS, in MB, of a service that has polled."""
    with tempfile.TemporaryDirectory(prefix="bench-idle-") as directory:
        state = Path(directory)
        config = state / "config.toml"
        settings = KINDS[kind].format(address=address, collection=COLLECTION)
        config.write_text(CONFIG.format(kind=kind, settings=settings))
        watched: dict[str, Any] = {"code": SITE} if kind == "resto" else {"ground": json.dumps(square(0)).encode()}
        fresh(state / "watcher.db", kind, places=10, **watched)
        script = str(Path(sys.executable).with_name("watcher"))
        with running([script, "--config", str(config), "--state", directory, "run", "--log-format", "json"]) as service:
            assert service.stderr is not None
            for line in service.stderr:
                said = json.loads(line)
                if said["event"] == "polled":
                    expect("problem" not in said, f"the poll failed: {line}")
                    expect(int(said["listed"]) >= products, f"the poll listed too little: {line}")
                    break
            else:
                raise SystemExit("FAILED: the service ended before it polled")
            rest(service.pid)
            return memory(service.pid)


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    own = environment() | {"PYTHONMALLOC": "malloc"}
    service = subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True)
    try:
        yield service
    finally:
        service.terminate()
        service.communicate(timeout=30)


def rest(process: int, *, seconds: float = 1.0) -> None:
    """Return once a service has had nothing to do for some seconds: it had its database closed at every look."""
    now = since = time.monotonic()
    deadline = now + 60
    while now - since < seconds:
        expect(now < deadline, "the service does not come to rest")
        time.sleep(0.05)
        now = time.monotonic()
        if "watcher.db" in Path(f"/proc/{process}/maps").read_text():
            since = now


def memory(process: int) -> tuple[float, float]:
    status = Path(f"/proc/{process}/status").read_text()
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    found = [
        re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE) for name, text in (("VmRSS", status), ("Pss", rollup))
    ]
    rss, pss = (int(match[1]) * 1024 / 1e6 if match else 0.0 for match in found)
    expect(rss and pss, "the kernel does not say how much memory it holds")
    return rss, pss


if __name__ == "__main__":
    raise SystemExit(main())
