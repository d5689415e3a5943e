"""A notice as a mail (RFC 5322): text, page and pictures as one content, and the headers that tie it to others.

A notice has one Message-ID however often it is sent, made of its key; what it goes on with is named in `References`, so
that mail programs show an L1C, its L2A and the reprocessed L2A as one conversation.
"""

from __future__ import annotations

import hashlib
import re
from email.message import EmailMessage

from watcher.model import Notice

DOMAIN = "watcher.invalid"
"""What stands for the sender's domain in identifiers, where it is not known yet."""


def content(notice: Notice) -> EmailMessage:
    """Return text and page as alternatives (RFC 2046 §5.1.4), the pictures inside the page (RFC 2387, RFC 2392)."""
    mail = EmailMessage()
    mail.set_content(notice.text, cte=_encoding(notice.text))
    mail.add_alternative(notice.html, subtype="html", cte=_encoding(notice.html))
    page = mail.get_payload(1)
    if isinstance(page, EmailMessage):
        del page["MIME-Version"]  # said once, of the whole
        for picture in notice.pictures:
            page.add_related(
                picture.jpeg, "image", "jpeg", cid=f"<{picture.cid}>", filename=picture.name, disposition="inline"
            )
    return mail


def _encoding(text: str) -> str:
    """Name the transfer encoding (RFC 2045 §6) that leaves a text readable as it lies in a mailbox."""
    bare = text.isascii() and max(map(len, text.splitlines()), default=0) < 990
    return "7bit" if bare else "quoted-printable"


def headers(notice: Notice) -> list[tuple[str, str]]:
    """Return what a mail says besides who writes to whom, of what and when.

    `Auto-Submitted` keeps absence notes from coming back (RFC 3834); `List-Unsubscribe` is the button that mail
    programs show (RFC 2369, one click: RFC 8058).
    """
    earlier = [identifier(key) for key in notice.follows if key != notice.key]
    found = [("Message-ID", identifier(notice.key))]
    if earlier:
        found += [("In-Reply-To", earlier[-1]), ("References", " ".join(earlier))]
    found += [("Auto-Submitted", "auto-generated"), ("X-Watcher-Notice", short_key(notice))]
    if notice.unsubscribe is not None:
        found.append(("List-Unsubscribe", f"<{notice.unsubscribe}>"))
        found.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return found


def identifier(key: str) -> str:
    """Return the Message-ID of the notice of that key: the same each time it is sent."""
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"<{digest[:32]}@{DOMAIN}>"


def short_key(notice: Notice) -> str:
    """Return the key of a notice as it may stand in a header."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", notice.key)[:80]
