"""`watcher run --log-file`: the log goes to a file, and standard error stays for notices."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.loopback import until


def environment(tmp_path, **more):
    config = tmp_path / "config.toml"
    config.write_text('[catalogues.here]\nkind = "resto"\nurl = "http://127.0.0.1:9/resto"\ncollections = ["SPOT5"]\n')
    return os.environ | {"WATCHER_CONFIG": str(config), "WATCHER_STATE": str(tmp_path / "state")} | more


def test_log_lines_go_to_the_file_as_text_even_under_the_journal(tmp_path):
    log = tmp_path / "watcher.log"
    log.write_text("what was there before\n")
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "run", "--log-file", str(log)],
        env=environment(tmp_path, JOURNAL_STREAM="8:1"),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: "started" in log.read_text() or process.poll() is not None)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors == ""
    before, *lines = log.read_text().splitlines()
    assert before == "what was there before"
    assert all(" INFO " in line and line.startswith("20") for line in lines)
    assert lines[-1].endswith("INFO stopped")


def lines_of(tmp_path, *options, stream=None):
    """What a short run writes to standard error, which is the journal's if `stream` is not said to be another one."""
    ear, mouth = os.pipe()
    at = os.fstat(mouth)
    command = [sys.executable, "-m", "watcher", "run", *options]
    journal = {"JOURNAL_STREAM": stream or f"{at.st_dev}:{at.st_ino}"}
    with (
        os.fdopen(ear, encoding="utf-8") as said,
        subprocess.Popen(command, env=environment(tmp_path, **journal), stderr=mouth) as process,
    ):
        os.close(mouth)
        lines = [said.readline()]
        process.send_signal(signal.SIGTERM)
        lines += said
    assert process.returncode == 0
    return lines


def test_the_journal_is_told_the_level_of_each_line_and_keeps_the_time_itself(tmp_path):
    lines = lines_of(tmp_path)
    assert lines[0].startswith("<6>started ")
    assert lines[-1] == "<6>stopped\n"


def test_the_journal_is_told_the_level_of_json_as_well(tmp_path):
    lines = lines_of(tmp_path, "--log-format", "json")
    assert {line[:3] for line in lines} == {"<6>"}
    assert [json.loads(line[3:])["event"] for line in (lines[0], lines[-1])] == ["started", "stopped"]


def test_a_terminal_that_has_the_variable_of_its_desktop_is_no_journal(tmp_path):
    lines = lines_of(tmp_path, stream="8:1")
    assert all(line.startswith("20") and " INFO " in line for line in lines)


def test_a_log_on_a_full_disk_is_told_of_once_and_stops_nothing(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "run", "--log-file", "/dev/full"],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        first = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert first == "watcher: the log /dev/full cannot be written: No space left on device; watcher goes on\n"
    assert errors == ""


def test_a_log_whose_directory_goes_away_is_written_again_once_it_is_back(tmp_path):
    log = tmp_path / "logs" / "watcher.log"
    log.parent.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "run", "--log-file", str(log)],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: (log.exists() and "started" in log.read_text()) or process.poll() is not None)
        log.parent.rename(tmp_path / "moved")
        process.send_signal(signal.SIGHUP)
        first = process.stderr.readline()
        log.parent.mkdir()
        process.send_signal(signal.SIGHUP)
        until(lambda: (log.exists() and "log is written again" in log.read_text()) or process.poll() is not None)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert first == f"watcher: the log {log} cannot be written: No such file or directory; watcher goes on\n"
    assert errors == ""
    assert log.read_text().splitlines()[-1].endswith("INFO stopped")


@pytest.mark.parametrize("place", ["missing/watcher.log", "."])
def test_a_log_file_that_cannot_be_written_is_refused(tmp_path, place):
    ended = subprocess.run(
        [sys.executable, "-m", "watcher", "run", "--log-file", str(tmp_path / place)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert f"cannot write the log to {tmp_path / place}" in ended.stderr
    assert "Traceback" not in ended.stderr
