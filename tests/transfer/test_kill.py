"""Whenever the process is killed, a final name means a whole file, and the next run goes on."""

import hashlib
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.loopback import Request, reply, served
from tests.transfer.depot import asset, noise
from watcher.net import Http
from watcher.transfer import fetch

CONTENT = noise(4_000_000)
KILLS = 10

FETCH = """
import sys
from pathlib import Path
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import fetch
print("up", flush=True)
for line in sys.stdin:
    href, path, checksum = line.split()
    with Http(origin=href) as http:
        fetch(http, Asset("p", href, checksum=checksum), Path(path))
    print("home", flush=True)
"""


def _slowly(request: Request, connection: socket.socket) -> None:
    """About 8 MB/s, so that a kill finds it at work."""
    wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
    start = int(wanted[1]) if wanted else 0
    span = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
    head = {"Content_Range": span} if wanted else {}
    connection.sendall(reply(206 if wanted else 200, sized=False, Content_Length=str(len(CONTENT) - start), **head))
    for at in range(start, len(CONTENT), 40_000):
        connection.sendall(CONTENT[at : at + 40_000])
        time.sleep(0.005)


def test_killed_at_any_moment_it_goes_on_and_ends_with_the_right_bytes(tmp_path: Path) -> None:
    chance = random.Random(7)
    checksum = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
    killed, kept = 0, 0
    with served(_slowly) as peer:
        for number in range(KILLS):
            path = tmp_path / f"{number}.bin"
            with subprocess.Popen(
                [sys.executable, "-c", FETCH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                assert process.stdout.readline() == "up\n"
                process.stdin.write(f"{peer.url('/p')} {path} {checksum}\n")
                process.stdin.flush()
                time.sleep(chance.uniform(0.0, 0.7))  # the moment of the kill is what is drawn, not awaited
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
            assert not path.exists() or path.read_bytes() == CONTENT
            part = Path(f"{path}.part")
            had = part.stat().st_size if part.exists() else 0
            kept += had > 0
            was_home = path.exists()
            with Http(origin=peer.origin) as http:
                home = fetch(http, asset(peer.url("/p"), kind=None, checksum=checksum), path)
            assert path.read_bytes() == CONTENT
            assert home.fetched == (0 if was_home else len(CONTENT) - had)
    assert killed == KILLS
    assert kept >= 3, "kills that came before the first byte or after the last prove little"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [f"{number}.bin" for number in range(KILLS)]
