"""Durations and sizes, as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


class Seconds(float):
    """A duration; written as `"15m"`, `"90d"`, `"1.5h"` or a plain number of seconds."""


class Bytes(int):
    """A size; written as `"2 GiB"`, `"500MB"` or a plain number of bytes."""


_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SIZES |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


def read(kind: type, value: Any) -> Any:
    """Read a value of these types, as `msgspec.convert` asks by its `dec_hook`; raises `ValueError`."""
    if kind is Seconds:
        return Seconds(_quantity(value, _UNITS, "s", 'a duration such as "15m", "90d" or a number of seconds'))
    if kind is Bytes:
        return Bytes(_quantity(value, _SIZES, "", 'a size such as "2 GiB" or a number of bytes'))
    raise NotImplementedError(kind)


def _quantity(value: Any, units: Mapping[str, float], unit: str, wanted: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number, unit = float(value), unit
    else:
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", value) if isinstance(value, str) else None
        if found is None or (found[2].lower() or unit) not in units:
            raise ValueError(f"{value!r} is not {wanted}")
        number, unit = float(found[1]), found[2].lower() or unit
    if not 0 <= number < 1e15:
        raise ValueError(f"{value!r} is not {wanted}")
    return number * units[unit]
