"""What a process keeps of its memory, looked at by the system's own counts."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys

import pytest

_PAGES = """
import resource, sys
from watcher import memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

if sys.argv[1] == "keep":
    memory.keep()
began = faults()
for _ in range(20):
    page = [b"x" * 2**20 for _ in range(8)]
    del page
print(faults() - began)
before = resident()
memory.let_go()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library decides by itself")
def test_memory_of_one_page_serves_the_next_and_is_given_back_in_the_end() -> None:
    def told(word: str) -> list[int]:
        said = subprocess.run([sys.executable, "-c", _PAGES, word], capture_output=True, text=True, check=True)
        return [int(line) for line in said.stdout.split()]

    (anew, _), (kept, given_back) = told("nothing"), told("keep")
    assert kept < anew / 5
    assert given_back > 2**23 / resource.getpagesize() / 2
