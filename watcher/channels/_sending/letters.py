"""Mails of our own: Apprise would give one a new Message-ID each time, and make its text anew from the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any


def write_letters(current: Callable[[], dict[str, Any]]) -> None:
    """Put our headers and content into the mails that Apprise prepares from now on, from the `current` post."""
    from apprise.plugins.email import base

    mail: Any = base.NotifyEmail
    prepare = mail.prepare_emails

    def prepared(*args: Any, **terms: Any) -> Iterator[Any]:
        for message in prepare(*args, **terms):
            post = current()
            if "content" in post:
                message.body = letter(message.body, post, keep=post["keep"], sender=terms["from_addr"][1])
            yield message

    mail.prepare_emails = staticmethod(prepared)


def letter(prepared: str, post: dict[str, Any], *, keep: bool, sender: str) -> str:
    """Return a prepared mail with the headers of a post; with its content too, unless to `keep` what is there.

    Our lines are not folded by `email`, which makes encoded words of long identifiers.
    """
    head, _, body = prepared.replace("\r\n", "\n").partition("\n\n")
    domain = sender.rpartition("@")[2]
    ours = {name: value.replace(post["domain"], domain) for name, value in post["headers"]}
    dropped = {name.lower() for name in ours}
    if not keep:
        dropped |= {"mime-version", "content-type", "content-transfer-encoding"}
    lines = [line for line in re.split(r"\n(?![ \t])", head) if line.partition(":")[0].strip().lower() not in dropped]
    lines += [f"{name}: {value}".replace("> <", ">\n <") for name, value in ours.items()]
    rest = f"\n{body}" if keep else post["content"].replace("\r\n", "\n")
    return "\n".join([*lines, rest]).replace("\n", "\r\n")
