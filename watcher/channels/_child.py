"""The process that sends, seen from this side: posts go in, answers come out, and it can be killed."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from watcher.decoding import decoder

_PROGRAM = Path(__file__).with_name("_sending")


class Post(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the child is given: a URL in clear, and a notice. Without a `body`, the URL is only looked at.

    Where the URL is one of mail, `content` (a MIME entity, RFC 2045) and `headers` make the mail, in which `domain`
    stands for the sender's; `page` is what is encrypted where the account asks for that. Elsewhere the `body` is sent,
    or of `blocks` as many as there is room for, with the end for that number of them; and a picture: its name and the
    JPEG in base64.
    """

    index: int
    url: str
    title: str = ""
    body: str | None = None
    page: str | None = None
    content: str | None = None
    headers: list[tuple[str, str]] = []
    domain: str = ""
    blocks: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    picture: tuple[str, bytes] | None = None


class Answer(msgspec.Struct, frozen=True):
    """What the child says: that it is ready and knows these URL schemes, or how a post went, and its log.

    `answer` is what the provider answered, `permanent` that it will always answer so.
    """

    ready: bool = False
    schemas: tuple[str, ...] = ()
    index: int = -1
    sent: bool = False
    log: tuple[str, ...] = ()
    answer: str | None = None
    permanent: bool = False


_read_answer = decoder(Answer).decode


class Child:
    """One run of `_sending`. It is a context manager: leaving it kills the process and all it started.

    Raises `OSError` when it cannot be started.
    """

    def __init__(self) -> None:
        self.born = time.monotonic()
        self.schemas: Sequence[str] | None = None
        self._given = bytearray()
        self._heard = bytearray()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed in kill
        # By path and with -P: our own directory must not come first, for `apprise.py` lies in it.
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
        except OSError:
            self._errors.close()
            raise
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("subprocess gave no pipes although it was asked to")
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process id, and that of the process group."""
        return self._process.pid

    @property
    def ready(self) -> bool:
        """Whether it has loaded Apprise and takes posts."""
        return self.schemas is not None

    def give(self, post: Post) -> None:
        """Hand it a post. This never blocks; the bytes leave while `answers` waits."""
        self._given += msgspec.json.encode(post) + b"\n"

    def answers(self, timeout: float) -> Sequence[Answer] | None:
        """Return what it has said since, waiting for `timeout` seconds at most; `None` when it has ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            if self._given:
                selector.register(self._in, selectors.EVENT_WRITE)
            events = {key.fileobj for key, _ in selector.select(timeout)}
        if self._in in events:
            # A child that has died is noticed where it is read from.
            with contextlib.suppress(BrokenPipeError, BlockingIOError):
                del self._given[: os.write(self._in.fileno(), self._given[:65536])]
        ended = self._out in events and not self._hear()
        *lines, rest = bytes(self._heard).split(b"\n")
        self._heard = bytearray(rest)
        answers = [_read_answer(line) for line in lines]
        for answer in answers:
            if answer.ready:
                self.schemas = answer.schemas
        told = [answer for answer in answers if not answer.ready]
        return None if ended and not told else told

    def _hear(self) -> bool:
        """Read all there is; return whether more may come."""
        while True:
            try:
                chunk = os.read(self._out.fileno(), 65536)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._heard += chunk

    def last_words(self) -> str:
        """Return the end of what it wrote on standard error, with its exit status if it has one."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode(errors="replace").strip().splitlines()
        status = self._process.poll()
        return f"{lines[-1] if lines else 'no message'} (exit status {status})"

    def kill(self) -> None:
        """End it and all it started, at once."""
        # Its group lives as long as it has not been waited for.
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._in, self._out, self._errors):
            pipe.close()
