"""What watcher.service may and may not do, tried from the inside under a real systemd."""

from __future__ import annotations

import json

import pytest

from tests.systemd.machine import Machine


@pytest.fixture(scope="module")
def sandbox(machine: Machine) -> dict[str, object]:
    """What probe.py found in the sandbox of watcher.service."""
    machine.run("systemctl", "start", "probe")
    found: dict[str, object] = json.loads(machine.run("cat", "/var/probe.json"))
    return found


def test_every_compiled_wheel_works_without_executable_memory(sandbox: dict[str, object]) -> None:
    assert sandbox["executable_memory"] == "Operation not permitted"
    assert sandbox["wheels"] == {
        "area": 5,
        "found": [0],
        "alike": True,
        "escaped": "&lt;",
        "charset": "utf_8",
        "yaml": {"a": 1},
        "bucket": "s3://none/x cannot be written: 127.0.0.1:9: Connection refused",
    }


def test_the_service_can_do_its_work(sandbox: dict[str, object]) -> None:
    work = {
        "database": "0o600",
        "thread": [1],
        "hook": "said",
        "picture": True,
        "nameless": "seen",
        "credential": "open sesame",
        "config": True,
        "loopback": "done",
        "write_tmp": 1,
    }
    assert {name: sandbox[name] for name in work} == work


def test_a_site_is_watched_told_of_and_fetched(sandbox: dict[str, object]) -> None:
    assert sandbox["work"] == {
        "baseline": "take5: 1 asked, 8 listed, 0 arrived, 1 baselined",
        "poll": "take5: 1 asked, 13 listed, 5 arrived",
        "download": "stored ",
        "notify": "sent to json://127.0.0.1/…: watcher: 5 new L2A at Litchfield",
        "told": ["watcher: 5 new L2A at Litchfield"],
        "stored": 5,
    }


def test_the_service_is_nobody_in_particular(sandbox: dict[str, object]) -> None:
    assert isinstance(sandbox["uid"], int)
    assert 61184 <= sandbox["uid"] <= 65519  # systemd's range of dynamic users
    marks = {
        "capabilities": "0000000000000000",
        "bounding": "0000000000000000",
        "no_new_privileges": "1",
        "seccomp": "2",
        "umask": "0077",
        "state": "0o700",
    }
    assert {name: sandbox[name] for name in marks} == marks


def test_the_service_can_do_nothing_else(sandbox: dict[str, object]) -> None:
    forbidden = {
        "credential_at_home": "Permission denied",
        "write_usr": "Read-only file system",
        "write_etc": "Permission denied",
        "raw_socket": "Address family not supported by protocol",
        "new_namespace": "Operation not permitted",
        "set_hostname": "Operation not permitted",
        "become_root": "Operation not permitted",
        "set_user_id": "Operation not permitted",
        "private_network": "Operation not permitted",
        "sees_the_machine": False,
        "sees_others": False,
    }
    assert {name: sandbox[name] for name in forbidden} == forbidden


def test_an_archive_on_another_disk_and_a_host_next_door_are_one_drop_in_away(machine: Machine) -> None:
    machine.run("systemctl", "stop", "watcher")  # its invented user has the name
    machine.run("useradd", "--system", "--no-create-home", "--shell=/usr/sbin/nologin", "watcher")
    try:
        machine.run("mkdir", "-p", "/srv/archive")
        machine.run("mount", "-t", "tmpfs", "none", "/srv/archive")
        machine.run("chown", "watcher:", "/srv/archive")
        machine.run("systemctl", "start", "archive")
        found = json.loads(machine.run("cat", "/var/archive.json"))
        assert found["write_archive"] == 1
        assert found["private_network"] == "done"
        assert found["write_usr"] == "Read-only file system"
        assert machine.run("stat", "--format=%U", "/srv/archive/x").strip() == "watcher"
    finally:
        machine.run("userdel", "watcher")
