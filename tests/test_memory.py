"""What a process keeps of its memory: tried in processes of their own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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


def said(program: str, *arguments: str) -> int:
    return int(subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True).stdout)


def test_memory_of_the_page_before_is_used_again() -> None:
    assert said(PAGES, "keep") < said(PAGES) / 10


def test_what_is_kept_can_be_given_back() -> None:
    assert said(GIVEN_BACK) > 10 << 20
