"""The process that draws, seen from this side: a picture goes in, a small one comes out, or it is killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

_PROGRAM = Path(__file__).with_name("_drawing.py")


class Unpaintable(Exception):
    """What a catalogue calls a picture is none that can be shown, for good if `permanent`; the reason is its text."""

    def __init__(self, reason: str, *, permanent: bool = True) -> None:
        super().__init__(f"it is no picture that can be shown: {reason}")
        self.permanent = permanent


class Painter:
    """Draws one picture after another; started when it is first needed, and again after one that it did not survive.

    It is a context manager: leaving it ends the process.
    """

    def __init__(self, *, largest: int) -> None:
        self._largest = largest
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Painter:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def pid(self) -> int | None:
        """The process id, while one runs."""
        return self._process.pid if self._process else None

    def draw(self, raw: bytes, *, seconds: float) -> bytes:
        """Return a picture anew as a JPEG; raises `Unpaintable` for what is none, or takes too much memory or time."""
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("subprocess gave no pipes although it was asked to")
        late = threading.Event()

        def cut_off() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, cut_off)
        timer.start()
        try:
            process.stdin.write(len(raw).to_bytes(4, "big") + raw)
            process.stdin.flush()
            sign = process.stdout.read(1)
            size = int.from_bytes(_all(process.stdout, 4), "big")
            content = _all(process.stdout, min(size, max(self._largest, 1000)))
        except (BrokenPipeError, EOFError) as error:
            self._end()
            if late.is_set():
                raise Unpaintable(f"it takes longer than {seconds:.1f} s", permanent=False) from error
            raise Unpaintable("the decoder did not survive it") from error
        finally:
            timer.cancel()
        if sign == b"-":
            raise Unpaintable(content.decode(errors="replace"))
        if sign != b"+" or size > self._largest or not content.startswith(b"\xff\xd8\xff"):
            self._end()
            raise Unpaintable("the decoder answered with something else")
        return content

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM), str(self._largest)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):  # of what it had not read
                        pipe.close()


def _all(pipe: IO[bytes], size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise EOFError("the process ended")
    return content
