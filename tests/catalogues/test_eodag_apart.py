"""eodag wants older libraries than ours, so its tests run in an environment of their own; here, without it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Watcher
from tests.servers.stac import PGSTAC
from watcher import config, plugins
from watcher.errors import ConfigError

ROOT = Path(__file__).parents[2]
APART = ROOT / ".venv-eodag" / "bin" / "python"
here = importlib.util.find_spec("eodag") is not None


@pytest.mark.timeout(300)
def test_eodag_in_its_own_environment(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if here:
        pytest.skip("eodag is installed here: its tests run by themselves")
    if not APART.exists():
        pytest.skip(f"{APART} is not there: run tests/servers/install")
    command = [
        APART,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        f"--basetemp={tmp_path / 'apart'}",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with suppress(pytest.skip.Exception):  # then those tests are skipped there, too
        environment[PGSTAC] = json.dumps(request.getfixturevalue("pgstac_urls"))
    done = subprocess.run(
        [*command, "tests/catalogues/test_eodag.py"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.skipif(here, reason="eodag is installed here")
def test_without_the_extra_it_says_what_to_install(watcher: Watcher) -> None:
    kind: Any = plugins.build("catalogues", "eodag", {"provider": "creodias"}, place="x")
    with pytest.raises(ConfigError, match="not installed") as refused:
        _ = kind.url
    assert refused.value.hint == 'pip install "eo-watcher[eodag]"'
    said = watcher("add-site", "Field", "--catalogue", "eodag:creodias", "--bbox", "1,43,2,44")
    assert said.code == 78
    assert 'pip install "eo-watcher[eodag]"' in said.err


def test_a_provider_is_named_behind_a_colon(watcher: Watcher) -> None:
    table = config.load(None).table("eodag:creodias")
    assert table is not None
    assert (table.kind, table.settings) == ("eodag", {"provider": "creodias"})
    said = watcher("catalogues", "eodag")
    assert said.code == 2
    assert "name it as eodag:PROVIDER" in said.err
