"""The terminal that watcher runs in, or the journal of a service: `terminal://`, on standard error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence

import msgspec

from watcher.errors import UsageError
from watcher.model import Notice, Outcome, Sent
from watcher.names import plain


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Write the text of a notice to standard error, without anything that could steer a terminal."""

    def check(self, address: str) -> None:
        """Raise `UsageError` when the address is not `terminal://`."""
        if address != "terminal://":
            raise UsageError(f"{address} says more than a terminal can take", hint="write terminal://")

    def send(self, posts: Sequence[tuple[str, Notice]], *, stop: threading.Event | None = None) -> Iterator[Sent]:
        """Write each notice; yield what became of each."""
        for index, (_, notice) in enumerate(posts):
            if stop is not None and stop.is_set():
                return
            lines = [_shown(line) for line in (notice.subject, "", *notice.text.split("\n"))]
            try:
                sys.stderr.write("\n".join(lines) + "\n")
                sys.stderr.flush()
            except (OSError, ValueError) as error:
                yield Sent(index, Outcome.FAILED, f"cannot write to standard error: {error}")
            else:
                yield Sent(index, Outcome.SENT)


def _shown(line: str) -> str:
    return " " * (len(line) - len(line.lstrip(" "))) + plain(line, limit=4000)
