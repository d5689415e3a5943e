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
_NAMES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_NAMES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SIZES = {"": 1} | {name.lower(): size for name, size in _NAMES.items()}


def read(kind: type, value: Any) -> Any:
    """Read a value of these types, as `msgspec.convert` asks by its `dec_hook`; raises `ValueError`."""
    if kind is Seconds:
        return Seconds(_quantity(value, _UNITS, "s", 'a duration such as "15m", "90d" or a number of seconds'))
    if kind is Bytes:
        return Bytes(_quantity(value, _SIZES, "", 'a size such as "2 GiB" or a number of bytes'))
    raise NotImplementedError(kind)


def written(value: float) -> str:
    """Write a value of these types so that it can be read again: `90m`, `30d`, `5 MiB`; a plain number as such."""
    if isinstance(value, Seconds):
        units = (("d", 86400), ("h", 3600), ("m", 60))
        name, unit = next(((name, unit) for name, unit in units if value >= unit and value % unit == 0), ("s", 1))
        return f"{_plain(value / unit)}{name}"
    if isinstance(value, Bytes):
        names = sorted(_NAMES, key=_NAMES.__getitem__, reverse=True)
        name = next((name for name in names if value >= _NAMES[name] and value % _NAMES[name] == 0), "B")
        return f"{value // _NAMES[name]} {name}"
    return _plain(value)


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(float(number))


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
