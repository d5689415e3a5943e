"""A machine with the units as they ship, and where it differs from an administrator's.

All of it written here: output goes to a file, as there is no journal; the watchdog and the pause before a
restart are short; the interpreter's libraries are named, as it lies elsewhere than it was built for; the service
is given a credential; /opt/watcher/bin/watcher says how it was called and what it was given.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import Machine, started, why_not

CHECKOUT = Path(__file__).parents[2]
SHIPPED = CHECKOUT / "systemd"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

MACHINE = "[Service]\nStandardOutput=append:/var/services.log\n"
CREDENTIAL = "[Service]\nLoadCredential=theia:/etc/watcher/credentials/theia\n"
QUICK = "RestartSec=100ms\nWatchdogSec=3\n"
ARCHIVE = "[Unit]\nRequiresMountsFor=/srv/archive\n[Service]\nReadWritePaths=/srv/archive\nIPAddressAllow=10.11.12.13\n"
PROBE = {
    "Type": "oneshot",
    "ExecStart": "/opt/watcher/bin/python /opt/checkout/tests/systemd/probe.py",
    "Restart": "no",
    "WatchdogSec": "0",
}
CONFIG = """\
[catalogues.nobody]
kind = "stac"
url = "http://127.0.0.1:9/"
collections = { fields = "L2A" }
allow_insecure = true
deadline = "2s"
"""
WATCHER = """\
#!/opt/watcher/bin/python
import os
import sys

credentials = os.listdir(os.environ["CREDENTIALS_DIRECTORY"])
print("$ watcher", *sys.argv[1:], "with", *credentials, file=sys.stderr, flush=True)

from watcher.cli import main

sys.exit(main())
"""


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine with the units, a configuration and /opt/watcher, nothing started."""
    if reason := why_not():
        pytest.skip(f"no machine of our own here: {reason}")
    files = tmp_path_factory.mktemp("machine") / "files"
    _units(files / "etc/systemd/system")
    _venv(files / "opt/watcher")
    _write(files / "etc/watcher/config.toml", CONFIG)
    _write(files / "etc/watcher/credentials/theia", "open sesame", mode=0o600)
    for directory in (files, *(path for path in files.rglob("*") if path.is_dir())):
        directory.chmod(0o755)
    mounts = {
        sys.base_prefix: "opt/python",
        sysconfig.get_path("purelib"): "opt/packages",
        str(CHECKOUT): "opt/checkout",
    }
    with started(files, mounts) as running:
        running.run("systemctl", "set-environment", "LD_LIBRARY_PATH=/opt/python/lib")
        yield running


@pytest.fixture
def service(machine: Machine) -> Iterator[Machine]:
    """The machine with the service running; forgiven, and configured as before, afterwards."""
    machine.run("systemctl", "start", "watcher")
    yield machine
    machine.write("etc/watcher/config.toml", CONFIG)
    machine.run("systemctl", "reset-failed")


def _units(units: Path) -> None:
    units.mkdir(parents=True)
    for unit in SHIPPED.glob("watcher*.*"):
        shutil.copy(unit, units)
    for name in ("dbus.service", "dbus.socket"):  # systemd-run --pipe waits on the bus
        if (there := Path("/usr/lib/systemd/system", name)).exists():
            shutil.copy(there, units)
    service = (SHIPPED / "watcher.service").read_text()
    _write(units / "second.service", service)
    _write(units / "service.d/machine.conf", MACHINE)
    for name in ("probe", "archive"):
        _write(units / f"{name}.service", _once(service, name))
        _write(units / f"{name}.service.d/output.conf", f"[Service]\nStandardOutput=file:/var/{name}.json\n")
    for name in ("watcher", "watcher-poll", "second", "probe", "archive"):
        _write(units / f"{name}.service.d/credential.conf", CREDENTIAL)
    _write(units / "watcher.service.d/quick.conf", "[Service]\n" + QUICK)
    _write(units / "archive.service.d/archive.conf", ARCHIVE)


def _venv(venv: Path) -> None:
    _write(venv / "pyvenv.cfg", "home = /opt/python/bin\n")
    _write(venv / f"lib/{PYTHON}/site-packages/machine.pth", "/opt/packages\n/opt/checkout\n")
    _write(venv / "bin/watcher", WATCHER, mode=0o755)
    (venv / "bin/python").symlink_to(f"/opt/python/bin/{PYTHON}")
    shutil.copy(SHIPPED / "as-service", venv.parent)


def _once(service: str, name: str) -> str:
    """The unit with the probe for a command, which is told the name of its unit."""
    lines = [line.partition("=") for line in service.splitlines()]
    probe = PROBE | {"ExecStart": f"{PROBE['ExecStart']} {name}"}
    return "\n".join(f"{key}{sign}{probe.get(key, value)}" for key, sign, value in lines) + "\n"


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
