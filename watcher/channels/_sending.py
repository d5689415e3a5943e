"""The program that hands posts to Apprise: its own process, because a send that hangs can only be killed.

Posts come as JSON lines on standard input, answers leave as JSON lines on standard output, so that no address
is seen in the process table or the environment. It ends when its input does. It is run as a file and knows
nothing of watcher; `watcher.channels._child` is its other side.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import re
import sys
import threading
from typing import Any


class _Told(logging.Handler):
    """Keeps what a thread logs: Apprise raises nothing, the reason of a failure is only in its log."""

    def __init__(self) -> None:
        super().__init__()
        self._own = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        telling = record.levelno >= logging.WARNING or re.search(r"Exception: |Response Details", text)
        if telling and len(self.lines) < 20:
            self.lines.append(text[:4000].encode(errors="replace").decode())  # a lone surrogate is no JSON

    @property
    def lines(self) -> list[str]:
        """What this thread logged that explains a failure."""
        lines: list[str] = self._own.__dict__.setdefault("lines", [])
        return lines


def _hand_over(post: dict[str, Any]) -> bool:
    """Send one post, or only look at its address when it has no body; say whether that went well."""
    from apprise import Apprise, AppriseAsset, AppriseResultStatus, NotifyType

    asset = AppriseAsset(
        app_id="watcher",
        app_desc="watcher",
        app_url="",
        image_url_mask="",  # no picture from a third party in anybody's chat
        image_url_logo="",
        async_mode=False,  # with no deadline of its own, Apprise then sends in this very thread, not in its
        service_timeout=0,  # pool of six, which a few hung addresses would fill
        http_redirects=False,  # a redirect would carry the body and the token to another server
        secure_logging=True,
        allow_templates=False,
        storage_mode="memory",
        pgp_autogen=False,
        pem_autogen=False,
    )
    # A fresh object for each post: a used one sleeps 5.5 s before its next mail.
    service = Apprise.instantiate(post["url"], asset=asset)
    if service is None or not _private(service):
        return False
    if "body" not in post:
        return _single(service)
    apprise = Apprise(asset=asset)
    apprise.add(service)
    result = apprise.notify(
        title=post["title"], body=post["body"], body_format=post["format"], notify_type=NotifyType.INFO
    )
    # Not the result's own truth: `?optional=yes` calls a failure a success.
    return any(attempt.status == AppriseResultStatus.SUCCESS for sent in result for attempt in sent.attempts)


def _single(service: Any) -> bool:
    """Whether there is one recipient: of several, one's failure would repeat the notice to the others."""
    if len(service) <= 1:
        return True
    logging.getLogger("apprise").error("it names %d recipients: subscribe each of them", len(service))
    return False


def _private(service: Any) -> bool:
    """Whether a mail service keeps its password to itself: over TLS, or without leaving this machine."""
    if getattr(service, "secure_mode", None) != "insecure" or not service.password:
        return True
    host = str(service.smtp_host)
    try:
        near = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        near = host == "localhost"
    if not near:
        logging.getLogger("apprise").error(
            "the password would cross the network unencrypted: write mailtos:// instead of mailto://"
        )
    return near


def main() -> None:
    """Send what comes on standard input until it ends."""
    told = _Told()
    log = logging.getLogger("apprise")
    log.addHandler(told)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a plug-in prints is no answer
    lock = threading.Lock()

    def answer(**fields: object) -> None:
        with lock:
            answers.write(json.dumps(fields) + "\n")
            answers.flush()

    def send(post: dict[str, Any]) -> None:
        try:
            sent = _hand_over(post)
        except Exception as error:  # noqa: BLE001  a plug-in's code begins here
            told.lines.append(f"{type(error).__name__}: {error}")
            sent = False
        answer(index=post["index"], sent=sent, log=[] if sent else told.lines)

    from apprise import NotificationManager

    plugins: Any = NotificationManager
    answer(ready=True, schemas=sorted(plugins().schemas()))  # loads every plug-in, before a thread needs one
    for line in sys.stdin:
        threading.Thread(target=send, args=(json.loads(line),), daemon=True).start()
    os._exit(0)  # whoever asked is gone; what still hangs must not keep us


if __name__ == "__main__":
    main()
