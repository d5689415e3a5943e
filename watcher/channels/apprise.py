"""All that Apprise reaches: mail, chat, push, webhooks. An address is an Apprise URL with one recipient.

Apprise runs in a process that lives for one batch. It cannot be stopped in the middle of a send, tells its
reasons only to its log, and shares six threads among all; in a process of our own a send that hangs is given
up on without holding back the others, and killed at the end.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from watcher.channels._addresses import MAIL, masked, redacted
from watcher.channels._child import Answer, Child, Post
from watcher.errors import ChannelError, UsageError
from watcher.model import Notice, Outcome, Sent
from watcher.names import plain

SLOW = 1.0
"""A send that has taken so many seconds no longer counts as one of the `width` that run side by side."""

START = 30.0
"""Seconds in which a fresh process must have loaded Apprise; it takes less than one, on an idle machine."""

TICK = 0.1
"""Seconds between two looks at `stop` and the clock."""


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send through Apprise.

    `timeout` is the seconds that one send may take before it is given up on, its outcome unknown. `width` is
    how many run side by side.
    """

    timeout: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    width: Annotated[int, msgspec.Meta(ge=1, le=32)] = 8

    def check(self, address: str) -> None:
        """Ask Apprise whether it could send to this URL; nothing is sent.

        Raises `UsageError` when it could not, `ChannelError` when Apprise itself does not answer.
        """
        with Child() as child:
            child.give(Post(0, address))
            while not (answers := child.answers(TICK)):
                if answers is None or time.monotonic() - child.born > START:
                    problem = child.last_words() if answers is None else "it does not answer"
                    raise ChannelError(f"Apprise cannot be asked about {masked(address)}: {problem}")
        if not answers[0].sent:
            raise UsageError(
                f"{masked(address)} is no address that Apprise can send to: {_reason(answers[0], address)}",
                hint=_hint(address, child.schemas or (), answers[0].log),
            )

    def send(self, posts: Sequence[tuple[str, Notice]], *, stop: threading.Event | None = None) -> Iterator[Sent]:
        """Send each notice to its URL; yield what became of each as it is known. Raises nothing."""
        waiting = deque(range(len(posts)))
        stopped = stop or threading.Event()
        while waiting and not stopped.is_set():
            with Child() as child:
                yield from self._batch(child, posts, waiting, stopped)

    def _batch(
        self,
        child: Child,
        posts: Sequence[tuple[str, Notice]],
        waiting: deque[int],
        stopped: threading.Event,
    ) -> Iterator[Sent]:
        """Send from `waiting` through one child, until all is sent, or it is dead, or full of hung sends."""
        begun: dict[int, float] = {}
        room = 8 * self.width
        while waiting or begun:
            now = time.monotonic()
            busy = sum(now - since < SLOW for since in begun.values())
            while child.ready and waiting and busy < self.width and len(begun) < room:
                index = waiting.popleft()
                child.give(_post(index, *posts[index]))
                begun[index] = now
                busy += 1
            if child.ready and not begun:
                return
            answers = child.answers(TICK)
            if answers is None or (not child.ready and now - child.born > START):
                yield from self._ended(child, posts, waiting, begun)
                return
            for answer in answers:
                if begun.pop(answer.index, None) is not None:
                    yield _outcome(answer, posts[answer.index][0])
            for index in [index for index, since in begun.items() if now - since > self.timeout]:
                del begun[index]
                room -= 1  # its thread hangs on
                yield Sent(index, Outcome.UNKNOWN, f"no answer in {self.timeout:g} s, so it may have arrived or not")
            if stopped.is_set():
                for index in begun:
                    yield Sent(index, Outcome.UNKNOWN, "stopped while it was being sent: it may have arrived")
                return

    def _ended(
        self,
        child: Child,
        posts: Sequence[tuple[str, Notice]],
        waiting: deque[int],
        begun: dict[int, float],
    ) -> Iterator[Sent]:
        """Account for what a child that died leaves behind. One that never began would never begin."""
        lost = list(begun)
        if not child.ready:
            lost += waiting
            waiting.clear()
        problem = child.last_words()
        for url, _ in posts:
            problem = redacted(problem, url)
        outcome = Outcome.UNKNOWN if child.ready else Outcome.FAILED
        for index in lost:
            yield Sent(index, outcome, f"the sending process ended: {plain(problem, limit=400)}")


def _post(index: int, url: str, notice: Notice) -> Post:
    scheme = url.partition("://")[0].lower()
    key = re.sub(r"[^A-Za-z0-9._-]", "-", notice.key)[:80]
    join = "&" if "?" in url else "?"
    if scheme in MAIL:
        # RFC 3834 keeps absence notes from coming back; the key tells a repeated notice from a new one.
        url = f"{url}{join}+Auto-Submitted=auto-generated&+X-Watcher-Notice={key}"
        return Post(index, url, notice.subject, notice.html, "html")
    if scheme.removesuffix("s") in ("json", "form", "xml"):
        url = f"{url}{join}+Idempotency-Key={key}"
    return Post(index, url, notice.subject, notice.text, "text")


def _outcome(answer: Answer, address: str) -> Sent:
    if answer.sent:
        return Sent(answer.index, Outcome.SENT)
    return Sent(answer.index, Outcome.FAILED, _reason(answer, address))


def _reason(answer: Answer, address: str) -> str:
    lines = [plain(redacted(line, address), limit=300) for line in answer.log]
    return plain("; ".join(dict.fromkeys(lines)), limit=600) or "Apprise gave no reason"


def _hint(address: str, schemas: Sequence[str], log: Sequence[str]) -> str:
    from rapidfuzz import process

    scheme = address.partition("://")[0].lower()
    if any("is disabled on this system" in line for line in log):
        return f'{scheme}:// needs a Python package more, beside watcher: pip install "apprise[all-plugins]"'
    if scheme in schemas:
        return f"see Apprise's documentation for what a {scheme}:// URL must hold"
    near = [match[0] for match in process.extract(scheme, schemas, limit=3, score_cutoff=60)]
    if near:
        return f"did you mean {' or '.join(f'{name}://' for name in near)}?"
    return "see Apprise's documentation for the URL of your service"
