"""The words we say to systemd, heard on a real socket; the units we ship, read by systemd itself."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher import systemd
from watcher.errors import ConfigError, WatcherError

UNITS = Path(__file__).parents[1] / "systemd"
SERVICES = ("watcher.service", "watcher-poll.service")
INSTALLED = "/opt/watcher/bin/watcher"

with_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed (Debian: systemd)"
)


@pytest.fixture(params=["path", "abstract"])
def ear(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where systemd would listen."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@watcher-{uuid.uuid4()}"
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1) if name[0] == "@" else name)
        listening.settimeout(5)
        yield listening


def heard(ear: socket.socket) -> str:
    return ear.recv(4096).decode()


def test_each_state_is_one_datagram(ear: socket.socket) -> None:
    assert systemd.ready()
    assert heard(ear) == "READY=1"
    assert systemd.ready("watching 3 sites")
    assert heard(ear) == "READY=1\nSTATUS=watching 3 sites"
    assert systemd.status("polling theia")
    assert heard(ear) == "STATUS=polling theia"
    assert systemd.alive()
    assert heard(ear) == "WATCHDOG=1"
    assert systemd.stopping("finishing")
    assert heard(ear) == "STOPPING=1\nSTATUS=finishing"


def test_a_reload_says_since_when(ear: socket.socket) -> None:
    before = time.monotonic()
    assert systemd.reloading()
    after = time.monotonic()
    said = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", heard(ear))
    assert said
    assert before - 1e-6 <= int(said[1]) / 1e6 <= after


def test_a_status_cannot_say_anything_else(ear: socket.socket) -> None:
    systemd.status("a title\nSTOPPING=1\r\nMAINPID=1\vERRNO=5")
    assert heard(ear) == "STATUS=a title STOPPING=1 MAINPID=1 ERRNO=5"


def test_a_status_of_any_text_is_sent(ear: socket.socket) -> None:
    systemd.status("né \ud800 ✓")
    assert heard(ear) == "STATUS=né ? ✓"


def test_outside_systemd_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not systemd.ready("watching")
    assert not systemd.status("watching")
    assert not systemd.alive()
    assert not systemd.reloading()
    assert not systemd.stopping()


def test_a_systemd_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    with pytest.raises(WatcherError, match=r"READY=1.*nobody.*No such file") as caught:
        systemd.ready()
    assert caught.value.hint
    assert not caught.value.permanent


def test_a_socket_of_another_kind_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "vsock:2:9")
    with pytest.raises(ConfigError, match="vsock:2:9"):
        systemd.alive()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "180000000"}, 90.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getpid())}, 90.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getppid())}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_asks(
    environment: dict[str, str], seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert systemd.watchdog_interval() == seconds


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1e6", "٣"])
def test_a_watchdog_that_makes_no_sense_is_an_error(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", value)
    with pytest.raises(ConfigError, match="WATCHDOG_USEC"):
        systemd.watchdog_interval()


@with_systemd
def test_systemd_finds_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    for unit in UNITS.glob("watcher*.*"):
        (tmp_path / unit.name).write_text(unit.read_text().replace(INSTALLED, sys.executable))
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert len(units) == 3
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@with_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_the_exposure_of_a_service_stays_low(service: str) -> None:
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", str(UNITS / service)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "Overall exposure level" in judged.stdout


def test_both_services_live_in_the_same_sandbox() -> None:
    sandboxes = [(UNITS / service).read_text().split("\nUser=watcher\n")[1] for service in SERVICES]
    daemon, rounds = (sandbox.partition("\n[Install]")[0].strip() for sandbox in sandboxes)
    assert daemon == rounds
    assert "SystemCallFilter=" in daemon


def test_the_manual_explains_every_line_of_the_sandbox() -> None:
    manual = (UNITS / "README.md").read_text()
    lines = (UNITS / "watcher.service").read_text().partition("[Service]")[2].partition("[Install]")[0].splitlines()
    names = {line.partition("=")[0] for line in lines if "=" in line and line[0] not in "#[ "}
    assert sorted(name for name in names if f"{name}=" not in manual) == []
