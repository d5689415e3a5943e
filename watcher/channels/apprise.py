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
from watcher.channels._letters import DOMAIN, content, headers, short_key
from watcher.errors import ChannelError, UsageError
from watcher.model import Notice, Outcome, Sent
from watcher.names import plain

SLOW = 1.0
"""A send that has taken so many seconds no longer counts as one of the `width` that run side by side."""

START = 30.0
"""Seconds in which a fresh process must have loaded Apprise; it takes less than one, on an idle machine."""

TICK = 0.1
"""Seconds between two looks at `stop` and the clock."""

_HOOKS = ("json", "form", "xml")

# Read by programs, or sent on as mail: with all that there is to say, not the short form of chats.
_WHOLE = frozenset(
    (*_HOOKS, "apprise", "mqtt", "amqp", "brevo", "groundmail", "mailersend", "mailgun", "o365", "postmark", "resend")
) | {"sendgrid", "sendpulse", "ses", "smtp2go", "sparkpost"}


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
        try:
            child = Child()
        except OSError as error:
            raise ChannelError(f"Apprise cannot be asked about {masked(address)}: {error.strerror or error}") from error
        with child:
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
            try:
                child = Child()
            except OSError as error:
                # Too many processes, no memory, no room for its standard error: nothing has left.
                problem = f"no process can be started to send with: {error.strerror or error}"
                yield from (Sent(index, Outcome.FAILED, problem) for index in waiting)
                return
            with child:
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
                since = begun.pop(answer.index, None)
                if since is not None:
                    yield _outcome(answer, posts[answer.index][0], seconds=time.monotonic() - since)
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
    if scheme in MAIL:
        return Post(
            index,
            url,
            notice.subject,
            body=notice.text,
            page=notice.html,
            content=content(notice).as_string(),
            headers=headers(notice),
            domain=DOMAIN,
        )
    if scheme.removesuffix("s") in _HOOKS:
        url = f"{url}{'&' if '?' in url else '?'}+Idempotency-Key={short_key(notice)}"
    whole = scheme in _WHOLE or scheme.removesuffix("s") in _WHOLE
    short = None if whole else notice.short
    return Post(
        index,
        url,
        notice.subject,
        body=notice.text,
        blocks=short.blocks if short else (),
        ends=short.ends if short else (),
        picture=_picture(notice),
    )


def _picture(notice: Notice) -> tuple[str, bytes] | None:
    """Return the first picture of something new, under a name that says what it is.

    Not at a second try: it may be what the service would not take.
    """
    new = [picture for picture in notice.pictures if not picture.before]
    if not new or notice.again:
        return None
    return re.sub(r"[^A-Za-z0-9.-]+", "-", new[0].words)[:80].strip("-.") + ".jpg", new[0].jpeg


def _outcome(answer: Answer, address: str, *, seconds: float) -> Sent:
    return Sent(
        answer.index,
        Outcome.SENT if answer.sent else Outcome.FAILED,
        None if answer.sent else _reason(answer, address),
        answer=plain(redacted(answer.answer, address), limit=200) if answer.answer else None,
        permanent=answer.permanent,
        seconds=seconds,
    )


def _reason(answer: Answer, address: str) -> str:
    if answer.answer and address.partition("://")[0].lower() in MAIL:
        return f"the mail server answered: {plain(redacted(answer.answer, address), limit=500)}"
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
