"""Ctrl-C while a server keeps a command waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.catalogues.loopback import Asked, Reply, answering


def test_an_interrupted_search_says_so_and_exits_as_a_shell_expects(tmp_path: Path) -> None:
    asked, done = threading.Event(), threading.Event()

    def keep_waiting(question: Asked) -> Reply:
        asked.set()
        done.wait(30)
        return Reply(503, b"")

    config = tmp_path / "config.toml"
    with answering(keep_waiting) as (url, _):
        config.write_text(f'[catalogues.slow]\nkind = "stac"\nurl = "{url}"\ncollections = {{ things = "L2A" }}\n')
        with subprocess.Popen(
            [sys.executable, "-m", "watcher", "find", "T31TCJ 2014"],
            env=os.environ | {"WATCHER_CONFIG": str(config), "WATCHER_STATE": str(tmp_path / "state")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=30)
        done.set()
    assert (process.returncode, out) == (130, "")
    assert errors.endswith("\ninterrupted\n")
    assert "Traceback" not in errors
