"""Which command runs now, for whoever comes after a crash: a file that it holds open, and that names it.

The file is there from before a command starts until it and what it started have ended. It is found again by its
process and the time at which that started (proc(5): nothing else has both, on one start of the machine), and by who
holds the file open: so no child is missed, and neither is a program that closes what it did not open.
"""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from watcher.decoding import decoder
from watcher.errors import AlreadyRunning, StoreError
from watcher.transfer.resume import boot

_GRACE = 1.0
"""Seconds between the request to end and the end."""

_PATIENCE = 5.0
"""Seconds that the end itself may take: what waits for a disk ends when that answers."""

_STEP = 0.05


class _Note(msgspec.Struct, frozen=True):
    hook: str
    title: str
    pid: int | None = None
    started: str = ""
    boot: str = ""


_note = decoder(_Note).decode


class Living(msgspec.Struct, frozen=True):
    """A command that was started and lives: its hook, the product it is for, its number, and the processes of it.

    `pid` is `None` where nobody had the time to note it; there are no `pids` where we may not see whose they are.
    """

    hook: str
    title: str
    pid: int | None
    pids: tuple[int, ...]


class Leash:
    """The file, in the state directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def hold(self, hook: str, title: str) -> Iterator[tuple[int, Callable[[int], None]]]:
        """Give a descriptor for a command to hold, and what notes its process; all that it started ends in the block.

        Raises `StoreError`.
        """
        try:
            self._path.unlink(missing_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error

        def note(pid: int | None) -> None:
            said = _Note(hook, title, pid, "" if pid is None else _started(pid) or "", boot())
            try:
                os.pwrite(handle, msgspec.json.encode(said), 0)  # it only becomes longer
            except OSError as error:
                raise self._unwritable(error) from error

        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            note(None)
            yield handle, note
        finally:
            os.close(handle)
            self._path.unlink(missing_ok=True)

    def living(self) -> Living | None:
        """Return the command that was started and lives, by whatever watcher; `None` when none does."""
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            try:
                note = _note(os.read(handle, 1 << 16))
            except msgspec.DecodeError:  # it was not yet written
                note = _Note("", "")
            locked = _locked(handle)
            pids = _holders(handle) if locked else set()
        finally:
            os.close(handle)
        same = boot() == note.boot or not (boot() and note.boot)  # a sandbox (ProcSubset=pid) cannot tell
        if same and note.pid is not None and _started(note.pid) == note.started:
            pids.add(note.pid)
        return Living(note.hook, note.title, note.pid, tuple(sorted(pids))) if pids or locked else None

    def end(self, alive: Callable[[], None]) -> Living | None:
        """End the command that a watcher which was killed left running, with all that it started; return what lived.

        The caller sees to it that no other watcher runs commands. Raises `AlreadyRunning` when it does not end.
        """
        found = self.living()
        left = found
        for number, seconds in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _PATIENCE)):
            until = time.monotonic() + seconds
            while left is not None:
                _send(left, number)
                if time.monotonic() >= until:
                    break
                time.sleep(_STEP)
                alive()
                left = self.living()
        if left is not None:
            which = f"process {left.pids[0]}" if left.pids else "a process that we may not see"
            raise AlreadyRunning(
                f"the hook {left.hook} still runs for {left.title}, as {which}: a watcher that was killed left it, and"
                " it cannot be ended",
                hint="end it; until then no hook is run",
            )
        self._path.unlink(missing_ok=True)
        return found

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write {self._path}: {error.strerror or error}",
            hint="look at the state directory and its disk",
            permanent=False,
        )


def _send(left: Living, number: signal.Signals) -> None:
    for pid in left.pids:
        with suppress(ProcessLookupError, PermissionError):
            group = os.getpgid(pid)
            # The number of a group is nobody else's while one of it lives.
            if group == os.getsid(pid) and group in (pid, left.pid):
                os.killpg(group, number)
            else:
                os.kill(pid, number)


def _started(pid: int) -> str | None:
    """Return when a process started, in ticks since the machine did; `None` when it has ended."""
    try:
        said = Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace")
    except OSError:
        return None
    state, *about = said.rpartition(")")[2].split()  # what stands before is its name, which may have anything in it
    return None if state in "ZX" else about[18]


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _holders(handle: int) -> set[int]:
    """Return the processes that have an open file to write to, as those do that hold it, as far as we may see them."""
    wanted, found = os.fstat(handle), set()
    for place in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if place.lstat().st_mode & stat.S_IWUSR and os.path.samestat(place.stat(), wanted):
                found.add(int(place.parts[2]))
    return found
