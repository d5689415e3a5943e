"""What servers answer: Apprise raises nothing, and keeps next to nothing of it but in its log."""

from __future__ import annotations

import logging
import re
import smtplib
import threading
from collections.abc import Callable
from typing import Any

GONE = (401, 403, 404, 410)
"""HTTP statuses that say that an address is none, or no longer (RFC 9110 §15.5)."""


class Heard(threading.local):
    """What a thread heard of the post that it sends: log lines, what was answered last; and the post itself."""

    def __init__(self) -> None:
        self.post: dict[str, Any] = {}
        self.lines: list[str] = []
        self.answer: str | None = None
        self._code, self._addressed = 0, True

    def note(self, code: int, text: object, *, addressed: bool = True) -> None:
        """Note an answer; `addressed` says that it is about the recipient or the notice, not about the account."""
        said = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        self._code, self._addressed, self.answer = code, addressed, f"{code} {said}".strip()[:1000]

    def forget(self) -> None:
        """Forget what was answered to the question before: it says nothing of one that has no answer."""
        self._code, self.answer = 0, None

    def dropped(self) -> bool:
        """Say whether Apprise left a recipient out of an address that it took: it says so in its log only."""
        return any(re.match(r"Dropped |Ignor(ed|ing) (invalid|illegal)", line) for line in self.lines)

    def permanent(self) -> bool:
        """Say whether trying again cannot help: 5xx of mail, 4xx of the web, unless it may be for the picture."""
        if "content" in self.post:
            return self._addressed and 500 <= self._code < 600
        refused = 400 <= self._code < 500 and self._code not in (408, 425, 429)
        return self._code in GONE or (refused and "picture" not in self.post)


heard = Heard()


_POOL = re.compile(r"HTTPS?ConnectionPool\(host='(?P<host>[^']*)', port=(?P<port>\d+)\): (?P<said>.*)", re.DOTALL)
_CAUSES = (
    re.compile(r".*\(Caused by \w+\(\w+\(\d+, '(?:\[SSL[^]]*\] )?(?P<why>.*?)(?: \(_ssl\.c:\d+\))?'\)\)\)", re.DOTALL),
    re.compile(r".*\(Caused by \w+\(.*?\)?: (?P<why>[^:]*?)['\"]?\)\)", re.DOTALL),
)


def plainly(line: str) -> str:
    """Say what urllib3 says of a connection that failed: whose it was, and why, without its classes."""
    pool = _POOL.search(line)
    if pool is None:
        return line
    causes = (cause.fullmatch(pool["said"]) for cause in _CAUSES)
    why = next((cause["why"] for cause in causes if cause is not None), pool["said"])
    why = re.sub(r"\[Errno -?\d+\] ", "", why).strip()
    return f"{pool['host']}, port {pool['port']}: {why}"


class Told(logging.Handler):
    """Keeps what a thread logs: the reason of a failure is only there."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        telling = record.levelno >= logging.WARNING or re.search(r"Exception: |Response Details", text)
        if "not support attachments" in text:
            return  # the notice goes without its picture
        if telling and len(heard.lines) < 20:
            text = plainly(text)
            heard.lines.append(text[:4000].encode(errors="replace").decode())  # a lone surrogate is no JSON


def listen() -> None:
    """Hear what web and mail servers answer from now on."""
    import requests
    from apprise.url import URLBase

    session: Any = requests.Session
    session.send = _over_http(session.send, usual=(URLBase.socket_connect_timeout, URLBase.socket_read_timeout))
    smtp: Any = smtplib.SMTP
    smtp.connect = _greeting(smtp.connect)
    for name, addressed in (("starttls", False), ("login", False), ("sendmail", True)):
        setattr(smtp, name, _over_smtp(getattr(smtp, name), addressed=addressed))
    smtp.data = _taken(smtp.data)


def _over_http(send: Callable[..., Any], *, usual: tuple[float, float]) -> Callable[..., Any]:
    def sent(*args: Any, **options: Any) -> Any:
        heard.forget()
        if options.get("timeout") == usual:
            # Four seconds, after which Apprise calls failed what may have arrived, and would be told again and again.
            # Who sends has a time limit of its own, after which it knows that it does not know.
            options["timeout"] = (usual[0], None)
        response = send(*args, **options)
        heard.note(response.status_code, response.reason)
        return response

    return sent


def _greeting(connect: Callable[..., Any]) -> Callable[..., Any]:
    def connected(*args: Any, **options: Any) -> Any:
        code, text = connect(*args, **options)
        if code != 220:
            heard.note(code, text, addressed=False)
        return code, text

    return connected


def _over_smtp(step: Callable[..., Any], *, addressed: bool) -> Callable[..., Any]:
    def tried(*args: Any, **options: Any) -> Any:
        try:
            return step(*args, **options)
        except smtplib.SMTPRecipientsRefused as error:
            heard.note(*next(iter(error.recipients.values())))
            raise
        except smtplib.SMTPResponseException as error:
            about = addressed and not isinstance(error, smtplib.SMTPSenderRefused)
            heard.note(error.smtp_code, error.smtp_error, addressed=about)
            raise

    return tried


def _taken(data: Callable[..., Any]) -> Callable[..., Any]:
    """Hear what is said to the message itself: `sendmail` keeps it for itself when all is well."""

    def given(*args: Any, **options: Any) -> Any:
        code, text = data(*args, **options)
        heard.note(code, text)
        return code, text

    return given
