"""A mailbox file for people without a mail server, and for the demo: `mbox:///path/to/file`.

Any mail program opens it (RFC 4155). The file is locked while a notice is appended, and synced before that
counts as sent.
"""

from __future__ import annotations

import mailbox
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.utils import localtime
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec

from watcher.channels._letters import DOMAIN, content, headers
from watcher.errors import UsageError
from watcher.model import Notice, Outcome, Sent
from watcher.names import plain

STALE = 300.0
"""Seconds after which mail programs do not believe a dot lock (liblockfile's maillock(3))."""


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Append to a mailbox file. `timeout` is the seconds to wait for whoever has it locked."""

    timeout: Annotated[float, msgspec.Meta(gt=0)] = 10.0

    def check(self, address: str) -> None:
        """Raise `UsageError` when the address is no `mbox:///path` in a directory that is there."""
        path = _path(address)
        if not path.is_absolute() or urlsplit(address).netloc:
            raise UsageError(f"{address} names no file", hint="write mbox:///absolute/path")
        if not path.parent.is_dir():
            raise UsageError(f"the directory {path.parent} is not there", hint="create it first")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file that a notice could be appended to")

    def send(self, posts: Sequence[tuple[str, Notice]], *, stop: threading.Event | None = None) -> Iterator[Sent]:
        """Append each notice to its mailbox; yield what became of each."""
        stopped = stop or threading.Event()
        for index, (address, notice) in enumerate(posts):
            if stopped.is_set():
                return
            try:
                self._append(_path(address), notice, stopped)
            except (OSError, mailbox.Error) as error:
                yield Sent(index, Outcome.FAILED, f"cannot append to {_path(address)}: {error}")
            else:
                yield Sent(index, Outcome.SENT)

    def _append(self, path: Path, notice: Notice, stopped: threading.Event) -> None:
        # Made here, so that only its owner can read it; never through a link that somebody laid.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        box = mailbox.mbox(path, create=False)
        try:
            deadline = time.monotonic() + self.timeout
            while True:
                try:
                    box.lock()
                    break
                except mailbox.ExternalClashError:
                    _break(Path(f"{path}.lock"))
                    if time.monotonic() > deadline or stopped.wait(0.05):
                        raise
            box.add(_mail(notice))
            box.flush()
        finally:
            box.close()


def _break(lock: Path) -> None:
    """Remove a dot lock that nobody can hold any more: who was killed leaves it, and it names nobody."""
    with suppress(FileNotFoundError):
        if time.time() - lock.stat().st_mtime > STALE:
            lock.unlink()


def _path(address: str) -> Path:
    return Path(unquote(urlsplit(address).path))


def _mail(notice: Notice) -> EmailMessage:
    mail = content(notice)
    mail["Subject"] = plain(notice.subject)
    mail["From"] = "watcher@localhost"
    mail["Date"] = localtime()
    # The same notice, appended twice after a crash, is one message to a mail program.
    for name, value in headers(notice):
        mail[name] = value.replace(DOMAIN, "watcher.localhost")
    return mail
