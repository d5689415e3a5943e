"""Locks that name their holder, and go with it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watcher.errors import AlreadyRunning
from watcher.store.locks import holder, holding

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from watcher.store.locks import holding
with holding(Path(sys.argv[1]), what="a test"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a lock until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_held_lock_names_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with another(lock) as process:
        assert holder(lock) == process.pid
        with (
            pytest.raises(AlreadyRunning, match=f"a watcher.*process {process.pid}") as failing,
            holding(lock, what="a watcher"),
        ):
            pytest.fail("two hold it")
        assert failing.value.exit_code == 73


def test_a_killed_holder_leaves_it_free(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with another(lock) as process:
        process.kill()
        process.wait()
        assert holder(lock) is None
        begun = time.monotonic()
        with holding(lock, what="a test", wait=60.0):
            assert time.monotonic() - begun < 30
            assert holder(lock) == os.getpid()


def test_it_is_free_again_however_the_block_ends(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with pytest.raises(KeyError), holding(lock, what="a test"):
        raise KeyError
    assert holder(lock) is None
    with holding(lock, what="a test"):
        pass


def test_a_lock_is_waited_for_as_long_as_asked(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with another(lock) as process:
        ending = threading.Timer(0.3, process.kill)
        ending.start()
        with holding(lock, what="a test", wait=20.0):
            assert process.wait() != 0
        ending.join()


def test_looking_at_a_lock_never_keeps_anybody_from_taking_it(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with holding(lock, what="a test"):
        pass
    looks = os.open(lock, os.O_RDWR)  # what `holder` does, slowly
    fcntl.flock(looks, fcntl.LOCK_EX)
    ending = threading.Timer(0.05, os.close, [looks])
    ending.start()
    with holding(lock, what="a test"):
        assert holder(lock) == os.getpid()
    ending.join()


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path: Path) -> None:
    assert holder(tmp_path / "run.lock") is None
    assert not (tmp_path / "run.lock").exists()
