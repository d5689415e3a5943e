"""Whenever the process is killed, a final name means a whole file, and the next run goes on."""

import hashlib
import random
import re
import socket
import time
from pathlib import Path

from tests.loopback import Request, reply, served
from tests.transfer.depot import asset, noise
from tests.transfer.nursery import nursery
from watcher.net import Http
from watcher.transfer import fetch

CONTENT = noise(4_000_000)
KILLS = 10


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
    with served(_slowly) as peer, nursery() as begin:
        for number in range(KILLS):
            path = tmp_path / f"{number}.bin"
            child = begin(peer.url("/p"), path, checksum)
            time.sleep(chance.uniform(0.0, 0.5))  # the moment of the kill is what is drawn, not awaited
            child.kill()
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
