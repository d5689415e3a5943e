"""One command: started without a shell, given little, watched, and ended with all that it started."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from watcher.errors import WatcherError

KEPT = 64 * 1024
"""Bytes that are kept of what a command prints: the last ones."""

_GRACE = 1.0
"""Seconds between the request to end and the end."""

_STEP = 0.1
_STRANGERS = stat.S_IWGRP | stat.S_IWOTH


class NotTrusted(WatcherError):
    """A command that somebody else could have changed, or that cannot be run."""


class Ended(msgspec.Struct, frozen=True):
    """How a command ended: its exit status, `None` if it was killed, the seconds it took, and what it printed."""

    code: int | None
    seconds: float
    output: str
    late: bool


def trusted(command: Path) -> Path:
    """Return the file that a command is, all links followed.

    Raises `NotTrusted` unless it is an executable file that, with the directories above it, belongs to root or to us
    and that nobody else may write to.
    """
    try:
        real = command.resolve(strict=True)
        found = real.stat()
    except OSError as error:
        raise NotTrusted(f"{command}: {error.strerror or error}", hint="name a program that is there") from error
    if not stat.S_ISREG(found.st_mode) or not os.access(real, os.X_OK):
        raise NotTrusted(f"{real} is no program that may be run", hint=f"chmod +x {real}")
    for place in (real, *real.parents, *command.absolute().parents):
        about = place.stat()
        sticky = place != real and about.st_mode & stat.S_ISVTX
        if about.st_uid not in (0, os.geteuid()) or (about.st_mode & _STRANGERS and not sticky):
            raise NotTrusted(
                f"{place} can be changed by others, so {command} is not run",
                hint=f"it has to belong to root or to this account: chown, and chmod go-w {place}",
            )
    return real


def run(
    command: Sequence[str],
    *,
    given: bytes,
    environment: Mapping[str, str],
    folder: Path,
    limit: float,
    leash: tuple[int, Callable[[int], None]],
    stop: threading.Event,
    alive: Callable[[], None],
) -> Ended | None:
    """Run a command in `folder` and wait for it, `limit` seconds at most; `None` when told to stop meanwhile.

    It is given `given` on its standard input, nothing but `environment`, and the descriptor of the `leash`, which is
    told its number. It has a process group of its own: that is ended with it, so that nothing stays behind. Raises
    `NotTrusted`.
    """
    handle, note = leash
    program = trusted(Path(command[0]))
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        began = time.monotonic()
        try:
            child = subprocess.Popen(
                command,
                executable=program,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                pass_fds=(handle,),
                start_new_session=True,
            )
        except OSError as error:
            raise NotTrusted(f"{program} cannot be run: {error.strerror or error}") from error
    assert child.stdout is not None  # noqa: S101  # it was asked for
    with child.stdout:
        heard = _Heard(child.stdout.fileno())
        try:
            note(child.pid)
            while not _exited(child.pid):
                heard.listen(_STEP)
                alive()
                if stop.is_set() or time.monotonic() - began >= limit:
                    break
        finally:
            late = not _exited(child.pid)
            _end(child, heard, gently=late)
        if late and stop.is_set():
            return None
        heard.listen(0.0)
    return Ended(None if late else child.returncode, time.monotonic() - began, heard.text(), late)


def _exited(pid: int) -> bool:
    """Say whether a child has ended, and leave it for its parent to ask: until then nobody else has its number."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(child: subprocess.Popen[bytes], heard: _Heard, *, gently: bool) -> None:
    with suppress(ProcessLookupError):
        if gently:
            os.killpg(child.pid, signal.SIGTERM)
            until = time.monotonic() + _GRACE
            while not _exited(child.pid) and time.monotonic() < until:
                heard.listen(_STEP)
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class _Heard:
    """The end of what comes out of a pipe, which somebody else may keep open for ever."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd, self._open, self._kept = fd, True, bytearray()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def listen(self, seconds: float) -> None:
        """Wait for something, and take what is there."""
        if not self._open:
            time.sleep(seconds)
            return
        if not self._poll.poll(1000 * seconds):
            return
        with suppress(BlockingIOError):
            for _ in range(KEPT // 4096):  # and then look at the clock again
                some = os.read(self._fd, KEPT)
                if not some:
                    self._open = False
                    return
                self._kept += some
                del self._kept[:-KEPT]

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace").replace("\0", "\ufffd")
