"""The units as they ship, under a real systemd: what it starts, restarts, reloads, kills and lets be."""

from __future__ import annotations

import shutil

import pytest

from tests.systemd.conftest import CONFIG
from tests.systemd.machine import Machine

with_a_bus = pytest.mark.skipif(
    not shutil.which("dbus-daemon"), reason="systemd-run --pipe waits on a bus (Debian: dbus)"
)


def test_the_service_is_active_once_it_says_so(service: Machine) -> None:
    assert service.shows("watcher", "ActiveState") == "active"
    assert service.shows("watcher", "StatusText")


def test_what_is_listed_is_recorded_and_told_in_the_sandbox(service: Machine) -> None:
    service.sees(lambda: "INFO self-test passed" in service.services())
    assert "self-test could not be held" not in service.services()


def test_a_stopped_service_has_ended_by_itself(service: Machine) -> None:
    service.run("systemctl", "stop", "watcher")
    assert service.shows("watcher", "ActiveState") == "inactive"
    assert service.shows("watcher", "Result") == "success"
    assert service.shows("watcher", "ExecMainStatus") == "0"


def test_a_killed_service_is_started_again(service: Machine) -> None:
    before = service.shows("watcher", "MainPID")
    service.run("kill", "-KILL", before)
    service.until("watcher", "MainPID", lambda pid: pid not in (before, "0"))
    service.until("watcher", "ActiveState", lambda state: state == "active")


def test_a_service_that_hangs_is_killed_by_the_watchdog_and_started_again(service: Machine) -> None:
    before = service.shows("watcher", "MainPID")
    service.run("kill", "-STOP", before)
    service.until("watcher", "MainPID", lambda pid: pid not in (before, "0"))
    service.until("watcher", "ActiveState", lambda state: state == "active")
    assert "watcher.service: Watchdog timeout" in service.story()


def test_the_watchdog_is_fed(service: Machine) -> None:
    before = service.shows("watcher", "MainPID")
    fed = service.shows("watcher", "WatchdogTimestampMonotonic")
    service.until("watcher", "WatchdogTimestampMonotonic", lambda now: now != fed)
    assert service.shows("watcher", "MainPID") == before


def test_a_reload_reads_the_configuration_again_and_keeps_the_process_and_its_credentials(
    service: Machine,
) -> None:
    before = service.shows("watcher", "MainPID")
    service.write("etc/watcher/config.toml", f'{CONFIG}[poll]\ninterval = "4321s"\njitter = 0\n')
    service.run("systemctl", "reload", "watcher")
    service.sees(lambda: "poll_nobody=4321s" in service.services())
    service.until("watcher", "ActiveState", lambda state: state == "active")
    assert service.shows("watcher", "MainPID") == before
    secret = "/".join(["/proc", before, "root", "run/credentials/watcher.service/theia"])
    assert service.run("cat", secret) == "open sesame"


def test_a_broken_configuration_is_not_tried_again(service: Machine) -> None:
    service.run("systemctl", "stop", "watcher")
    service.write("etc/watcher/config.toml", "broken")
    service.run("systemctl", "start", "watcher", fails=True)
    assert service.shows("watcher", "ActiveState") == "failed"
    assert service.shows("watcher", "ExecMainStatus") == "78"
    assert service.shows("watcher", "NRestarts") == "0"


def test_a_second_service_on_the_same_database_gives_way(service: Machine) -> None:
    service.run("systemctl", "start", "second", fails=True)
    assert service.shows("second", "ExecMainStatus") == "73"
    service.run("systemctl", "stop", "second")
    assert service.shows("watcher", "ActiveState") == "active"


@with_a_bus
def test_a_round_of_the_timer_takes_every_step_though_a_catalogue_is_down(machine: Machine) -> None:
    machine.run("systemctl", "start", "dbus")
    machine.run("sh", "/opt/as-service", "add-site", "Here", "--bbox=0,0,1,1")
    said = len(machine.services())
    machine.run("systemctl", "start", "watcher-poll", fails=True)
    steps = [line for line in machine.services()[said:].splitlines() if line.startswith("$ watcher")]
    assert steps == [f"$ watcher {step} with theia" for step in ("poll", "notify", "download")]
    assert machine.shows("watcher-poll", "ExecMainStatus") == "69"


def test_the_timer_waits_for_its_minute_and_gives_way_to_the_service(machine: Machine) -> None:
    machine.run("systemctl", "start", "watcher-poll.timer")
    assert machine.shows("watcher-poll.timer", "ActiveState") == "active"
    assert machine.shows("watcher-poll.timer", "NextElapseUSecRealtime")
    machine.run("systemctl", "start", "watcher")
    assert machine.shows("watcher-poll.timer", "ActiveState") == "inactive"


@with_a_bus
def test_an_administrator_commands_as_the_service(service: Machine) -> None:
    service.run("systemctl", "start", "dbus")
    said = service.run("sh", "/opt/as-service", "catalogues")
    assert "$ watcher catalogues with theia" in said
    assert "nobody" in said
    service.run("sh", "/opt/as-service", "status")
    owners = service.run("find", "/var/lib/private/watcher", "-printf", "%u\\n").split()
    assert set(owners) == {"watcher"}


@with_a_bus
def test_a_command_reaches_what_the_service_reaches_and_nothing_else(service: Machine) -> None:
    denied, name = "http://10.11.12.13:9/", "watcher.service.d/network.conf"
    service.write(
        "etc/watcher/config.toml", CONFIG.replace("http://127.0.0.1:9/", denied) + 'hosts = ["10.11.12.13"]\n'
    )
    service.run("systemctl", "start", "dbus")
    assert "no answer in time" in service.run("sh", "/opt/as-service", "check", fails=True)
    service.write(f"etc/systemd/system/{name}", "[Service]\nIPAddressAllow = 10.11.12.13\n")
    service.run("systemctl", "daemon-reload")
    allowed = service.run("sh", "/opt/as-service", "check", fails=True)
    assert "Connection refused" in allowed
    service.run("rm", f"/etc/systemd/system/{name}")
    service.run("systemctl", "daemon-reload")
