"""Some of many names, chosen by patterns as a shell has them (`*`, `?`, `[…]`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache


def picked(names: Iterable[str], pattern: str) -> list[str]:
    """Return the names that a pattern matches, whatever their case."""
    shape = _shape(pattern)
    return [name for name in names if shape.fullmatch(name)]


def picked_paths(paths: Iterable[str], pattern: str) -> list[str]:
    """Return the paths that a pattern matches, whole or from any of their directories on, whatever their case.

    `MASKS/*` matches `PRODUCT/MASKS/CLM.tif`. As in a shell's `case`, a star also stands for slashes.
    """
    shape = _shape(pattern.removeprefix("/"))
    return [path for path in paths if any(shape.fullmatch(tail) for tail in _tails(path))]


def _tails(path: str) -> Iterable[str]:
    while True:
        yield path
        _, slash, path = path.partition("/")
        if not slash:
            return


@lru_cache(maxsize=256)
def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern), re.IGNORECASE)
