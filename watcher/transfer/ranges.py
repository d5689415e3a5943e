"""What a server says of the bytes it sends: which of a file they are, and of which file (RFC 9110 §8.8, §14)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import httpx

from watcher.core.archive.spans import Span
from watcher.transfer.part import Record

_SPAN = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')
_SETTLED = 60.0


def asking(span: Span, record: Record) -> dict[str, str]:
    """Return the headers that ask for a span of the very file that is recorded.

    Up to the end of the file the range is left open: of closed ones resto sends more than it announces.
    """
    first, end = span
    headers = {"Range": f"bytes={first}-" if end == record.total else f"bytes={first}-{end - 1}"}
    if record.etag is not None:
        headers["If-Range"] = record.etag
    return headers


def continues(response: httpx.Response, span: Span, record: Record, *, known: bool) -> bool:
    """Say whether an answer is just the span that was asked for, of the file that is recorded.

    Unless a checksum is `known`, the answer has to name that file: one without its ETag may be of another.
    """
    tag = response.headers.get("etag")
    named = known if tag is None or record.etag is None else tag == record.etag
    return (
        response.status_code == 206
        and spanned(response) == (span, record.total)
        and length(response) in (None, span[1] - span[0])
        and coding(response) == "identity"
        and named
    )


def spanned(response: httpx.Response) -> tuple[Span, int] | None:
    """Return which bytes an answer says to be, and of how many; `None` when it does not say, or not in earnest."""
    found = _SPAN.fullmatch(response.headers.get("content-range", "").strip())
    if found is None:
        return None
    first, last, total = map(int, found.groups())
    return ((first, last + 1), total) if first <= last < total else None


def total(response: httpx.Response) -> int | None:
    """Return the size of the whole file, of which an answer may be a part, if that is said."""
    span = spanned(response) if response.status_code == 206 else None
    return length(response) if span is None else span[1]


def length(response: httpx.Response) -> int | None:
    """Return how long the body is, if that is said."""
    text = response.headers.get("content-length", "")
    return int(text) if text.isdigit() and "transfer-encoding" not in response.headers else None


def coding(response: httpx.Response) -> str:
    """Return the coding that the body is sent in, most often ``identity``."""
    return str(response.headers.get("content-encoding", "identity")).strip().lower() or "identity"


def strong(response: httpx.Response) -> str | None:
    """Return an answer's strong ETag.

    Many servers make it of the time and the size of a file, so that one written just now may be replaced without
    another ETag: it counts once a minute has passed (the rule for dates of RFC 7232 §2.2.2).
    """
    tag = response.headers.get("etag", "").strip()
    if not _STRONG.fullmatch(tag):
        return None
    try:
        modified = parsedate_to_datetime(response.headers["last-modified"])
        asked = parsedate_to_datetime(response.headers["date"])
        settled = (asked - modified).total_seconds() >= _SETTLED
    except (KeyError, ValueError, TypeError):
        settled = True  # it does not say both, or not legibly
    return tag if settled else None
