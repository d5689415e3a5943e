"""A service that is killed in the middle of a hook: what lives on is ended before the hook is run again."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import Watcher
from tests.given import database
from tests.loopback import until
from tests.tasks.stored import put
from tests.test_service import running

LIVES = {
    "it and what it started": 'trap "" TERM; sleep 300 & echo $! >> pids; while :; do sleep 300; done',
    "what closes descriptors": f"exec {sys.executable} -c 'import os, time; os.closerange(3, 999); time.sleep(300)'",
    "only what it started": "sleep 300 & echo $! >> pids; while [ ! -e go ]; do sleep 0.05; done",
    "what has a session of its own": "setsid sleep 300 & echo $! >> pids; while [ ! -e go ]; do sleep 0.05; done",
}
"""What is alive when the next watcher starts, and the lines of sh that lead to it."""


def lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def prepare(watcher: Watcher, home: Path, slow: str) -> None:
    """Let a hook be owed that is slow the first time, and the second time says which of the first's processes live."""
    script = home / "bin" / "hook"
    script.parent.mkdir()
    script.write_text(
        f"#!/bin/sh\ncd {home}\n"
        "if [ -e pids ]; then for pid in $(cat pids); do"
        ' grep -qs "^State:.[^Z]" /proc/$pid/status && echo overlap; done; echo again; exit; fi\n'
        f"echo $$ > pids\n{slow}\n"
    )
    script.chmod(0o755)
    config = home / "config.toml"
    config.write_text(config.read_text() + f'[hooks.made]\ncommand = ["{script}"]\n')
    with database(home / "state" / "watcher.db") as db:
        put(db, home / "state/archive", "P1", title="ONE")
    assert watcher("hooks", "--again", "ONE").code == 0


def noted(home: Path, count: int) -> bool:
    place = home / "pids"
    return place.exists() and len(place.read_text().split()) == count


@pytest.mark.parametrize("alive", LIVES)
def test_a_hook_that_outlives_the_service_is_ended_and_then_run_again(watcher: Watcher, home: Path, alive: str) -> None:
    prepare(watcher, home, LIVES[alive])
    with running(home) as killed:
        until(lambda: noted(home, 1 + LIVES[alive].count("&")))
        until(lambda: watcher("hooks").out.count("running") == 1)
        assert "left by a watcher" not in watcher("status").out
        killed.end(signal.SIGKILL)
    (home / "go").touch()
    first = (home / "pids").read_text().split()
    if "go" in LIVES[alive]:
        until(lambda: not lives(first[0]))
    assert any(map(lives, first))
    assert "left running" in watcher("hooks").out
    assert "ONE: the hook made still runs, left by a watcher that was killed" in watcher("status").out
    with running(home) as run:
        until(lambda: run.says("hook ran"))
        assert "hook ended" in run.text()
        assert "a watcher that was killed left it running" in run.text()
    assert not any(map(lives, first))
    (row,) = json.loads(watcher("hooks", "--json").out)
    assert (row["state"], row["output"], row["attempts"]) == ("done", "again\n", 0)
    assert not (home / "state" / "hook.running").exists()


def test_what_a_hook_left_that_ended_well_is_nobodys_business(watcher: Watcher, home: Path) -> None:
    apart = 'while [ "$(cut -d " " -f 6 /proc/$!/stat)" != $! ]; do sleep 0.05; done'
    prepare(watcher, home, f"setsid sleep 300 & echo $! >> pids; {apart}")
    assert watcher("hooks", "--run").out.startswith("ran made for ONE")
    daemon = (home / "pids").read_text().split()[1]
    try:
        assert watcher("hooks", "--again", "ONE").code == 0
        assert "running" not in watcher("hooks").out
        ran = watcher("hooks", "--run")
        assert (ran.out.startswith("ran made for ONE"), ran.err) == (True, "")
        assert lives(daemon)
    finally:
        os.kill(int(daemon), signal.SIGKILL)
