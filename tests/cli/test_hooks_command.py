"""`watcher hooks`, as people type it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Watcher
from tests.given import database
from tests.tasks.stored import put


def test_hooks_are_listed_and_run_again_when_asked(watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    assert watcher("hooks").out == "None is configured: config.example.toml shows how.\n"
    config.write_text(
        config.read_text()
        + '[hooks.ok]\ncommand = ["/bin/echo", "$WATCHER_ID", "`id`"]\nlevels = ["l2a"]\n'
        + '[hooks.bad]\ncommand = ["/bin/false"]\nsites = ["PORNIC"]\n'
        + '[hooks.gone]\ncommand = ["/nowhere/hook"]\nsites = ["X"]\n'
        + '[hooks.other]\ncommand = ["/bin/true"]\nsites = ["X"]\n'
    )
    with database(home / "state" / "watcher.db") as db:
        put(db, home / "state/archive", "P1", title="ONE")
    assert watcher("hooks", "--again", "NONE").code == 2
    assert watcher("hooks", "--again", "ONE").out == "2 hooks are owed to ONE again.\n"
    ran = watcher("hooks", "--run")
    assert ran.code == 1
    assert ran.out.startswith("ran ok for ONE (")
    assert "failed bad for ONE: ended with 1 (again in " in ran.err
    assert "WRONG  hook gone: /nowhere/hook: No such file or directory" in watcher("check").out
    told = {row["hook"]: row for row in json.loads(watcher("hooks", "--json").out)}
    assert told["ok"]["output"] == "$WATCHER_ID `id`\n"
    assert (told["ok"]["state"], told["bad"]["code"]) == ("done", 1)
    assert "ONE: the hook bad failed after 1 try, again in " in watcher("status").out
    assert watcher("hooks", "--run").out == "No hook is due.\n"


def test_a_command_that_is_no_path_is_refused(watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text() + '[hooks.mine]\ncommand = ["process"]\n')
    said = watcher("hooks")
    assert said.code == 78
    assert 'hooks.mine.command begins with "process", which is no absolute path' in said.err
