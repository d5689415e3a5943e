"""The name of a product as people have it at hand: with an ending, as a path, as a directory of the archive."""

from __future__ import annotations

import re

_END = re.compile(r"\.(?:SAFE|SEN3|zip|tgz|tar|gz|bz2|part|stac\.json|v\d+)$", re.IGNORECASE)

_FOLDERS = (".SAFE", ".SEN3")
"""What some catalogues have at the end of a name, and others not."""


def spellings(text: str) -> tuple[str, ...]:
    """Return what a product may be called that somebody names so, the likeliest first: the text itself."""
    found = _shorter(text)
    return tuple(dict.fromkeys([*found, *(found[-1] + folder for folder in _FOLDERS)]))


def essential(text: str) -> str:
    """Return a name without path and endings."""
    return _shorter(text)[-1]


def _shorter(text: str) -> list[str]:
    bare = re.split(r"[/\\]", text.strip().rstrip("/\\"))[-1]
    found = [text, bare]
    while (shorter := _END.sub("", bare)) not in ("", bare):
        bare = shorter
        found.append(bare)
    return found
