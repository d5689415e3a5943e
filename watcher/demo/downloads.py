"""How resto 2.0 ships a file: with byte ranges (RFC 9110 §14), all but the plainest of them wrong.

Only `bytes=N-` inside the file works. A range with an end is announced right and then sent to the end of the
file; at or past the end comes the last byte instead of a 416; `-100` is read as `0-100`; of several ranges
the first counts; `If-Range` is not looked at; and a plain 200 carries a Content-Range too.
"""

from __future__ import annotations

import re

from watcher.demo.wire import Answer

_NO_LENGTH = 2**63 - 1


def shipped(body: bytes, name: str, *, wanted: str) -> Answer:
    """The answer with a file; `wanted` is the Range header, or nothing."""
    size = len(body)
    first, last = _range(wanted, size)
    length = last - first + 1 if last >= first else _NO_LENGTH
    partial = first > 0 or last < size - 1
    return Answer(
        206 if partial else 200,
        body[first:],
        "application/x-gzip",
        (
            ("Pragma", "public"),
            ("Cache-Control", "public, must-revalidate, post-check=0, pre-check=0"),
            ("Expires", "0"),
            ("Content-Disposition", f'attachment; filename="{name}"'),
            ("Content-Transfer-Encoding", "binary"),
            ("Accept-Ranges", "bytes"),
            ("Content-Range", f"bytes {first}-{last}/{size}"),
        ),
        announced=length if last < size - 1 else None,
        api=False,
    )


def _range(wanted: str, size: int) -> tuple[int, int]:
    """The first and last byte, counted from 0, that the server believes it was asked for."""
    end = size - 1
    asked = re.match(r"bytes=([^,-]*)(?:-([^,]*))?", wanted)
    first, last = (_php_int(asked[1]), _php_int(asked[2])) if asked else (0, 0)
    return min(first, end), min(last, end) if last else end


def _php_int(text: str | None) -> int:
    digits = re.match(r"\s*(\d+)", text or "")
    return int(digits[1]) if digits else 0
