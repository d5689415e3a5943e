"""What a process keeps of its memory: tried in processes of their own."""

from __future__ import annotations

import platform
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.loopback import until
from tests.test_service import running

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library decides by itself")

PAGES = """
import resource, sys
from watcher import memory

def pages():
    for _ in range(20):
        held = [bytearray(b"x") * (3 << 20) for _ in range(3)]
        del held

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if "keep" in sys.argv:
    memory.keep()
pages()
before = faults()
pages()
print(faults() - before)
"""

GIVEN_BACK = """
from pathlib import Path
from watcher import memory

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

memory.keep()
page = bytearray(b"x") * (12 << 20)
del page
before = held()
memory.let_go()
print(before - held())
"""


THREADS = """
import threading, time
for number in range(4):
    threading.Thread(target=lambda: bytearray(1 << 14) and time.sleep(60), daemon=True).start()
print("up", flush=True)
time.sleep(60)
"""


def said(program: str, *arguments: str) -> int:
    return int(subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True).stdout)


def test_memory_of_the_page_before_is_used_again() -> None:
    assert said(PAGES, "keep") < said(PAGES) / 10


def test_what_is_kept_can_be_given_back() -> None:
    assert said(GIVEN_BACK) > 10 << 20


def heaps(pid: int) -> int:
    """Count the heaps that glibc made for threads: 64 MiB of addresses each, of which the beginning is in use."""
    size, found = 64 << 20, 0
    rows = [line.split() for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()]
    for (used, mode, *_), (rest, *_) in pairwise(rows):
        start, middle, again, end = (int(edge, 16) for edge in (*used.split("-"), *rest.split("-")))
        found += mode == "rw-p" and start % size == 0 and middle == again and end - start == size
    return found


def test_the_threads_of_the_service_share_one_heap(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", THREADS], stdout=subprocess.PIPE) as usual:
        assert usual.stdout is not None
        assert usual.stdout.readline() == b"up\n"
        assert heaps(usual.pid) > 0, "glibc makes no heaps for threads here: this proves nothing"
        usual.kill()
    with running(home) as run:
        until(lambda: run.tells("READY=1"))
        until(lambda: run.says("self-test passed"))
        assert heaps(run.process.pid) == 0
