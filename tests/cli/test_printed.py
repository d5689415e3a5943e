"""Where what is printed goes: to a full disk, to a reader that has enough, to nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "command", [["--help"], ["status"], ["catalogues"], ["products", "--csv"], ["status", "--json"]]
)
def test_what_a_full_disk_does_not_take_is_an_error_of_that_disk(tmp_path: Path, command: list[str]) -> None:
    with FULL.open("w") as full:
        done = _run(tmp_path, command, full.fileno())
    assert done.returncode == 74
    assert (
        done.stderr == "watcher: what it prints cannot be written: No space left on device\n  → look at where it goes\n"
    )


@pytest.mark.parametrize("command", [["--help"], ["status"], ["catalogues"], ["products", "--csv"]])
def test_a_reader_that_has_enough_is_no_trouble(tmp_path: Path, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = _run(tmp_path, command, writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("command", ["--help", "status", "catalogues", "sites --json", "products --csv"])
def test_who_wants_no_output_gets_none(tmp_path: Path, command: str) -> None:
    watcher = Path(sys.executable).with_name("watcher")
    terms = f"--config {tmp_path / 'none.toml'} --state {tmp_path / 'state'}"
    (tmp_path / "none.toml").touch()
    done = subprocess.run(
        ["sh", "-c", f"{watcher} {terms} {command} >&-"], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "command",
    [
        ["remove-site", "caf\udce9"],
        ["products", "--site", "caf\udce9"],
        ["download", "caf\udce9"],
        ["subscribe", "terminal://", "--name", "caf\udce9"],
    ],
)
def test_a_name_that_is_not_utf_8_is_no_defect(tmp_path: Path, command: list[str]) -> None:
    done = _run(tmp_path, command, subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.startswith('watcher: "caf\N{REPLACEMENT CHARACTER}" is not UTF-8\n  → only paths')


def test_a_terminal_that_lacks_a_letter_gets_all_the_others(tmp_path: Path) -> None:
    _run(tmp_path, ["add-site", "Łódź ≤ Ø", "--bbox", "19,51,20,52"], subprocess.DEVNULL)
    shown = _run(tmp_path, ["sites"], subprocess.PIPE, PYTHONIOENCODING="latin-1")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\n?ód? ? Ø  " in shown.stdout
    read = _run(tmp_path, ["sites", "--json"], subprocess.PIPE, PYTHONIOENCODING="latin-1")
    assert read.stdout.isascii()
    assert json.loads(read.stdout)[0]["site"] == "Łódź ≤ Ø"
    feature = _run(tmp_path, ["where", "Łódź", "--geojson"], subprocess.PIPE, PYTHONIOENCODING="latin-1")
    assert json.loads(feature.stdout)["properties"]["name"] == "Łódź"


def test_a_terminal_that_is_dumb_and_narrow_gets_whole_names(tmp_path: Path) -> None:
    name = "A place with a name that is longer than a dumb terminal is wide, for names are there to be copied"
    _run(tmp_path, ["add-site", name, "--bbox", "19,51,20,52"], subprocess.DEVNULL)
    ours, theirs = os.openpty()
    try:
        done = _run(tmp_path, ["sites"], theirs, TERM="dumb", COLUMNS="40")
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, done.stderr) == (0, "")
    assert name in shown
    assert "…" not in shown


def _run(tmp_path: Path, command: list[str], out: int, **environment: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "config.toml").write_text("")
    places = {"WATCHER_CONFIG": str(tmp_path / "config.toml"), "WATCHER_STATE": str(tmp_path / "state")}
    return subprocess.run(
        [sys.executable, "-m", "watcher", *command],
        env=os.environ | places | environment,
        stdout=out,
        stderr=subprocess.PIPE,
        encoding="latin-1" if environment else "utf-8",
        check=False,
        timeout=60,
    )
