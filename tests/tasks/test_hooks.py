"""Commands for products that came home: real programs, really run and killed."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.given import ACQUIRED, NOW, Clock, rows
from tests.tasks.stored import put
from watcher.archive import Disk
from watcher.store import hooks
from watcher.store.connection import writing
from watcher.tasks.hooks import Hook, Ran, pay
from watcher.tasks.hooks.leash import Leash

EVIL = "$(touch x);\n`touch y` -rf"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Make a program of a few lines of sh."""

    def make(lines: str) -> str:
        place = tmp_path / "bin" / "hook"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{lines}\n")
        place.chmod(0o755)
        return str(place)

    return make


def owed(db: sqlite3.Connection, root: Path, *, now: Clock, **facts: object) -> int:
    number = put(db, root, "P1", b"content", **facts)  # type: ignore[arg-type]
    with writing(db):
        hooks.owe(db, number, ["made"], now=now())
    return number


def paid(
    db: sqlite3.Connection,
    root: Path,
    clock: Clock,
    *command: str,
    timeout: float = 60.0,
    stop: threading.Event | None = None,
) -> list[Ran]:
    known = {"made": Hook(command, timeout)}
    cited = lambda name: "Contains data of {year}"  # noqa: E731
    stop = stop or threading.Event()
    held = Leash(root.parent / "hook.running")
    return list(pay(db, known, Disk(root), citation=cited, leash=held, now=clock, chance=lambda: 0.5, stop=stop))


def children() -> list[int]:
    """The processes that are ours, zombies too."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            about = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(about[1]) == os.getpid():
            found.append(int(place.parent.name))
    return found


def test_a_command_is_given_the_product_and_little_else(
    db: sqlite3.Connection,
    root: Path,
    clock: Clock,
    script: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "canary")
    owed(db, root, now=clock, title=EVIL, acquired=ACQUIRED)
    (ran,) = paid(
        db,
        root,
        clock,
        script(f'cat > "{tmp_path}/in"; env -0 > "{tmp_path}/env"; printf "%s|" "$@"; pwd'),
        "-x",
        "a b",
    )
    assert (ran.hook, ran.problem) == ("made", None)
    item = json.loads((tmp_path / "in").read_bytes())
    assert item["properties"]["title"] == EVIL
    assert item["properties"]["sci:citation"] == "Contains data of 2015"
    assert item["assets"]["product"]["href"] == str(root / "Pornic/L2A/P1.zip")
    told = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().split("\0") if line)
    assert told["WATCHER_TITLE"] == EVIL
    assert told["WATCHER_PATH"] == str(root / "Pornic/L2A/P1.zip")
    assert {name for name in told if not name.startswith("WATCHER_")} <= {"PATH", "LANG", "PWD", "SHLVL", "_", "OLDPWD"}
    assert rows(db, "SELECT output FROM hook_runs") == [f"-x|a b|{root}\n"]
    assert sorted(place.name for place in root.rglob("*")) == ["L2A", "P1.zip", "Pornic"]
    assert paid(db, root, clock, "/bin/false") == []


def test_one_that_fails_is_tried_again_with_patience_and_its_output_kept(
    db: sqlite3.Connection, root: Path, clock: Clock, script: Callable[[str], str]
) -> None:
    number = owed(db, root, now=clock)
    (ran,) = paid(db, root, clock, script("echo no room >&2; exit 3"))
    assert ran.problem == "ended with 3: no room"
    assert ran.again is not None
    assert paid(db, root, clock, "/bin/true") == []
    clock.forward(minutes=2)
    (again,) = paid(db, root, clock, "/bin/true")
    assert again.problem is None
    with writing(db):
        hooks.owe(db, number, ["made"], now=clock())
    assert paid(db, root, clock, "/bin/true") == []
    with writing(db):
        hooks.owe_again(db, number, ["made"], now=clock())
    assert len(paid(db, root, clock, "/bin/true")) == 1


def test_what_a_command_prints_does_nothing_to_a_terminal(
    db: sqlite3.Connection, root: Path, script: Callable[[str], str]
) -> None:
    owed(db, root, now=Clock())
    (ran,) = paid(db, root, Clock(), script("printf '\\033[31mno\\007 room\\033[0m\\n\\033[0m\\n'; exit 3"))
    assert ran.problem == "ended with 3: no room"


def test_a_command_that_hangs_is_killed_with_all_it_started(
    db: sqlite3.Connection, root: Path, clock: Clock, script: Callable[[str], str], tmp_path: Path
) -> None:
    owed(db, root, now=clock)
    before = children()
    lines = f'trap "" TERM\nsleep 300 &\necho $! > "{tmp_path}/pid"\nwhile :; do sleep 300; done'
    (ran,) = paid(db, root, clock, script(lines), timeout=1.0)
    assert ran.problem == "killed after 1 s"
    assert ran.seconds < 60
    assert children() == before
    pid = int((tmp_path / "pid").read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_what_a_command_leaves_running_neither_keeps_us_nor_stays(
    db: sqlite3.Connection, root: Path, clock: Clock, script: Callable[[str], str]
) -> None:
    owed(db, root, now=clock)
    began = time.monotonic()
    (ran,) = paid(db, root, clock, script("sleep 300 & echo done"))
    assert ran.problem is None
    assert time.monotonic() - began < 60
    assert rows(db, "SELECT output FROM hook_runs") == ["done\n"]


def test_only_the_end_of_much_output_is_kept(
    db: sqlite3.Connection, root: Path, clock: Clock, script: Callable[[str], str]
) -> None:
    owed(db, root, now=clock)
    (ran,) = paid(db, root, clock, script("head -c 3000000 /dev/zero; echo the end"))
    assert ran.problem is None
    (output,) = rows(db, "SELECT output FROM hook_runs")
    assert len(output.encode()) <= 3 * 65536
    assert len(output) == 65536
    assert output.endswith("the end\n")


def test_one_that_is_interrupted_stays_due(
    db: sqlite3.Connection, root: Path, clock: Clock, script: Callable[[str], str]
) -> None:
    owed(db, root, now=clock)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert paid(db, root, clock, script("sleep 300"), stop=stop) == []
    assert rows(db, "SELECT attempts, due IS NOT NULL, ended IS NULL FROM hook_runs") == [(0, 1, 1)]


@pytest.mark.parametrize(
    ("mode", "above", "why"),
    [(0o757, 0o755, "can be changed"), (0o755, 0o777, "can be changed"), (0o644, 0o755, "no program")],
)
def test_a_command_that_others_could_change_is_not_run(
    db: sqlite3.Connection, root: Path, clock: Clock, script: Callable[[str], str], mode: int, above: int, why: str
) -> None:
    owed(db, root, now=clock)
    place = Path(script("touch x"))
    place.chmod(mode)
    place.parent.chmod(above)
    (ran,) = paid(db, root, clock, str(place))
    assert why in str(ran.problem)
    assert not (root / "x").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start what another account cannot end")
def test_what_cannot_be_ended_is_waited_for() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "hook.running"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with subprocess.Popen(["/bin/sleep", "300"], pass_fds=(handle,)) as other:
            os.pwrite(handle, b'{"hook": "made", "title": "P1"}', 0)
            os.close(handle)
            lines = f"""
                import os
                from pathlib import Path
                from watcher.tasks.hooks import leash
                leash._PATIENCE = leash._GRACE = 0.1
                leash.boot()  # nobody else may read our Python
                os.setuid(65534)
                leash.Leash(Path("{path}")).end(lambda: None)
            """
            ended = subprocess.run(
                [sys.executable, "-c", textwrap.dedent(lines)], capture_output=True, text=True, timeout=60
            )
            alive = other.poll() is None
            other.kill()
            assert alive
            assert "AlreadyRunning: the hook made still runs for P1, as a process that we may not see" in ended.stderr
        assert Leash(path).end(lambda: None) is None


def test_a_hook_that_is_gone_and_a_product_that_is_gone_are_given_up(
    db: sqlite3.Connection, root: Path, clock: Clock
) -> None:
    number = owed(db, root, now=clock)
    with writing(db):
        hooks.owe(db, number, ["other"], now=clock())
        db.execute("UPDATE downloads SET stored = NULL")
    clock.forward(minutes=1)
    problems = sorted(str(ran.problem) for ran in paid(db, root, clock, "/bin/true"))
    assert problems == ["no longer in the configuration", "the product is no longer stored"]
    assert hooks.due(db, now=NOW + timedelta(days=99)) == []
