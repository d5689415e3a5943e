"""The program that hands posts to Apprise: its own process, because a send that hangs can only be killed.

Posts come as JSON lines on standard input, answers leave as JSON lines on standard output, so that no address
is seen in the process table or the environment. It ends when its input does. This directory is run as a program and
knows nothing of watcher, which would cost it a tenth of a second; `watcher.channels._child` is its other side.
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
from urllib.parse import parse_qsl, urlsplit

from attaching import attachment
from fitting import fitted
from hearing import Told, heard, listen
from letters import write_letters


def _hand_over(post: dict[str, Any]) -> bool:
    """Send one post, or only look at its address when it has no body; say whether that went well."""
    from apprise import Apprise, AppriseAsset, AppriseResultStatus, ContentLocation, NotifyFormat, NotifyType
    from apprise.plugins.email.base import PGPMode

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
    service: Any = Apprise.instantiate(post["url"], asset=asset)
    if service is None or not _private(service):
        return False
    if "body" not in post:
        return _single(service, post["url"]) and not heard.dropped()
    apprise = Apprise(asset=asset, location=ContentLocation.LOCAL)
    apprise.add(service)
    title, body = fitted(service, post)
    form = NotifyFormat.TEXT
    if "page" in post:
        # A mail that is encrypted, or that its reader wants as text, is left as Apprise makes it.
        wants_page = service.resolve_format(NotifyFormat.HTML) == NotifyFormat.HTML
        secret = service.pgp_mode != PGPMode.NONE
        post["keep"] = secret or not wants_page
        if secret and wants_page:
            form, body = NotifyFormat.HTML, post["page"]
    with attachment(service, post) as picture:
        result = apprise.notify(title=title, body=body, body_format=form, notify_type=NotifyType.INFO, attach=picture)
    # Not the result's own truth: `?optional=yes` calls a failure a success.
    return any(attempt.status == AppriseResultStatus.SUCCESS for sent in result for attempt in sent.attempts)


def _single(service: Any, url: str) -> bool:
    """Whether there is one recipient: of several, one's failure would repeat the notice to the others."""
    # Of what is no address among several of `to`, Apprise says nothing, and counts the others; so of `cc` and `bcc`.
    mail = hasattr(service, "smtp_host")
    named = max(len(service), len(_written(url, "to")) if mail else 0)
    for copies in ("cc", "bcc") if mail else ():
        if len(set(_written(url, copies))) > len(getattr(service, copies)):
            logging.getLogger("apprise").error("its %s names what is no recipient", copies)
            return False
    if named <= 1:
        return True
    logging.getLogger("apprise").error("it names %d recipients: subscribe each of them", named)
    return False


def _written(url: str, key: str) -> list[str]:
    """Return the recipients as they are written: those of each `key`, of which Apprise reads the last, in any case."""
    values = [value for name, value in parse_qsl(urlsplit(url).query) if name.strip().lower() == key]
    # A name in quotes may have a comma.
    words = [word for value in values for word in re.split("[,;]", re.sub(r'"[^"]*"', "", value))]
    return [word.strip().lower() for word in words if word.strip()]


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
    log = logging.getLogger("apprise")
    log.addHandler(Told())
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
        heard.post = post
        try:
            sent = _hand_over(post)
        except Exception as error:  # noqa: BLE001  a plug-in's code begins here
            heard.lines.append(f"{type(error).__name__}: {error}")
            sent = False
        permanent = not sent and heard.permanent()
        log = [] if sent else heard.lines
        answer(index=post["index"], sent=sent, log=log, answer=heard.answer, permanent=permanent)

    from apprise import NotificationManager

    plugins: Any = NotificationManager
    schemas = sorted(plugins().schemas())  # loads every plug-in, before a thread needs one
    listen()
    write_letters(lambda: heard.post)
    answer(ready=True, schemas=schemas)
    for line in sys.stdin:
        post = json.loads(line)
        try:
            threading.Thread(target=send, args=(post,), daemon=True).start()
        except RuntimeError as error:  # as many are under way as the machine lets us have
            answer(index=post["index"], sent=False, log=[f"it cannot be sent now: {error}"])
    os._exit(0)  # whoever asked is gone; what still hangs must not keep us


if __name__ == "__main__":
    main()
