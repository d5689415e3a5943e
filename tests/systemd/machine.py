"""A machine of its own for a test: systemd as PID 1 of private namespaces, started in a tenth of a second."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

BOOT = Path(__file__).with_name("boot")
TOOLS = ("unshare", "nsenter", "setpriv", "pivot_root", "mount", "ip", "systemctl")
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def why_not() -> str | None:
    """Why no machine can be started here; ``None`` when it can."""
    if os.geteuid() != 0:
        return "only root may make the namespaces systemd lives in"
    if missing := [tool for tool in TOOLS if not shutil.which(tool, path=PATH)]:
        return f"{', '.join(missing)} not installed (Debian: systemd util-linux iproute2)"
    if not Path("/usr/lib/systemd/systemd").exists():
        return "/usr/lib/systemd/systemd is not there (Debian: systemd)"
    if not Path("/lib").is_symlink():
        return "the machine is built from a merged /usr"
    if _cgroups() is None:
        return "no cgroup2 file system is mounted"
    tried = subprocess.run(["unshare", *NAMESPACES, "--fork", "true"], capture_output=True, text=True, check=False)
    return f"unshare: {tried.stderr.strip()}" if tried.returncode else None


def eventually(is_so: Callable[[], bool], *, within: float, otherwise: Callable[[], str]) -> None:
    """Wait until ``is_so``, at most ``within`` seconds; fail with what ``otherwise`` has to say."""
    deadline = time.monotonic() + within
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {within:g} s: {otherwise()}")
        time.sleep(0.02)


class Machine:
    """A running machine; ``init`` is its PID 1, as numbered outside."""

    def __init__(self, init: int, console: list[bytes]) -> None:
        self.init = init
        self._console = console

    def run(self, *command: str, fails: bool = False) -> str:
        """What ``command`` prints in the machine; ``fails`` when it is allowed to."""
        enter = ["nsenter", f"--target={self.init}", *NAMESPACES, "--root", "--wdns=/", *command]
        done = subprocess.run(
            enter, cwd="/", env={"PATH": PATH}, capture_output=True, text=True, timeout=90, check=False
        )
        if done.returncode and not fails:
            raise AssertionError(
                f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}{self.story()}"
            )
        return done.stdout + done.stderr

    def shows(self, unit: str, name: str) -> str:
        """One property of a unit, as ``systemctl show`` has it."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).strip()

    def services(self) -> str:
        """What the services have said so far."""
        said = Path("/proc", str(self.init), "root", "var", "services.log")
        return said.read_text(errors="replace") if said.exists() else ""

    def story(self) -> str:
        """What systemd and the services have said so far."""
        console = b"".join(self._console).decode(errors="replace")
        return f"--- console\n{console}--- services\n{self.services()}"

    def write(self, path: str, text: str) -> None:
        """Write a file of the machine; ``path`` is relative to its root."""
        Path(f"/proc/{self.init}/root", path).write_text(text)

    def sees(self, is_so: Callable[[], bool], *, within: float = 15) -> None:
        """Wait until ``is_so``."""
        eventually(is_so, within=within, otherwise=self.story)

    def until(self, unit: str, name: str, is_so: Callable[[str], bool], *, within: float = 15) -> None:
        """Wait until a property of a unit is as wished."""
        eventually(
            lambda: is_so(self.shows(unit, name)),
            within=within,
            otherwise=lambda: f"{unit} {name}={self.shows(unit, name)}\n{self.story()}",
        )


@contextlib.contextmanager
def started(files: Path, mounts: dict[str, str]) -> Iterator[Machine]:
    """Start a machine with ``files`` copied over its root and ``mounts`` (source: target) read-only in it."""
    cgroups = _cgroups()
    assert cgroups is not None
    ours = cgroups / f"watcher-test-{os.getpid()}-{time.monotonic_ns()}"
    ours.mkdir()
    root = tempfile.mkdtemp(prefix="watcher-machine-")
    console: list[bytes] = []
    ear, mouth = pty.openpty()
    listener = threading.Thread(target=_listen, args=(ear, console), daemon=True)
    boot = subprocess.Popen(
        [
            *("sh", "-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', str(ours)),
            # A test that is killed takes its machine with it.
            *("setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "--fork", "--kill-child=KILL"),
            *("sh", str(BOOT), root, str(files), *(f"{source}:{target}" for source, target in mounts.items())),
        ],
        stdin=mouth,
        stdout=mouth,
        stderr=mouth,
        env={"PATH": PATH},
    )
    os.close(mouth)
    listener.start()
    try:
        machine = Machine(_first_child(boot, console), console)
        # Before the exec of systemd, the machine's disk is not its own yet: nothing may be run in it.
        name = Path(f"/proc/{machine.init}/comm")
        machine.sees(lambda: _read(name) == "systemd")
        up, states = ("systemctl", "is-system-running"), ("running", "degraded")
        machine.sees(lambda: machine.run(*up, fails=True).strip() in states)
        yield machine
    finally:
        _end(boot)
        listener.join(30)
        os.rmdir(root)  # noqa: PTH106 -- only ever a mount point
        _remove(ours)


def _cgroups() -> Path | None:
    """Our own place in the host's cgroup2 tree."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    roots = [fields[4] for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"]
    ours = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    if not roots or not ours:
        return None
    here = Path(roots[0] + ours[0])
    return here if here.is_dir() else None


def _children(pid: int) -> list[int]:
    return [int(child) for child in _read(Path(f"/proc/{pid}/task/{pid}/children")).split()]


def _first_child(boot: subprocess.Popen[bytes], console: list[bytes]) -> int:
    eventually(
        lambda: boot.poll() is not None or bool(_children(boot.pid)),
        within=60,
        otherwise=lambda: "unshare has no child",
    )
    if boot.poll() is not None:
        raise AssertionError(f"boot ended early: {b''.join(console).decode(errors='replace')}")
    return _children(boot.pid)[0]


def _end(boot: subprocess.Popen[bytes]) -> None:
    if boot.poll() is None:
        for init in _children(boot.pid):
            os.kill(init, signal.SIGKILL)  # the kernel ends the rest of its pid namespace
    try:
        boot.wait(30)
    except subprocess.TimeoutExpired:
        boot.kill()
        boot.wait()


def _remove(cgroup: Path) -> None:
    def gone() -> bool:
        for directory in sorted((path for path in cgroup.rglob("*") if path.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                directory.rmdir()
        with contextlib.suppress(OSError):
            cgroup.rmdir()
        return not cgroup.exists()

    eventually(gone, within=60, otherwise=lambda: f"{cgroup} is still in use")


def _listen(ear: int, console: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # EIO: nobody speaks any more
        while True:
            console.append(os.read(ear, 65536))
    os.close(ear)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
