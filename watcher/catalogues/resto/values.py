"""Single values as resto servers print them: as text, numbers, shares and checksums, or as nothing of the kind."""

from __future__ import annotations

import math
import re


def text(value: object) -> str | None:
    """Return a value as text; `None` for what is empty or is no single value."""
    if value is None:
        return None
    if type(value) is str:
        return value.strip() or None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def number(value: object) -> float | None:
    """Return a value as a finite number, written as one or as text; `None` for anything else."""
    if type(value) is int and abs(value) < 2**53:
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def checksum_of(value: object) -> str | None:
    """Return a checksum as `algorithm:hex`: from `md5=77ca…`, `MD5:77CA…` or bare hex, told by its length."""
    if not isinstance(value, str):
        return None
    if usual := _MD5.fullmatch(value):
        return f"md5:{usual[1]}"
    match = _CHECKSUM.fullmatch(value)
    if match is None:
        return None
    name, digits = match[1], match[2].lower()
    name = name.lower().replace("-", "") if name else _BY_LENGTH.get(len(digits))
    return f"{name}:{digits}" if name is not None and _LENGTHS.get(name) == len(digits) else None


def percent(value: object) -> float | None:
    """Return a value as a share of a hundred; `None` for what is no number, or no such share."""
    share = number(value)
    return share if share is not None and 0 <= share <= 100 else None


_MD5 = re.compile(r"md5=([0-9a-f]{32})")
"""As nearly all are written."""
_CHECKSUM = re.compile(r"(?:([A-Za-z0-9-]{2,8})[=:])?([0-9A-Fa-f]{32,128})")
_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_BY_LENGTH = {length: name for name, length in _LENGTHS.items()}
