"""What turns JSON and settings into typed values, safely in threads.

msgspec 0.22 notes what it knows of a type on the type, the moment it begins to look at it: a thread that meets the half
note of another crashes the process. Two types that have a part in common are enough, and so are two modules whose
decoders are made on import. So they are made here, one at a time. A decoder that is made may be shared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")

_one_at_a_time = threading.Lock()


def decoder(to: type[_T]) -> msgspec.json.Decoder[_T]:
    """Make what decodes JSON into a value of the type `to`. Make it once, on import."""
    with _one_at_a_time:
        return msgspec.json.Decoder(to)


def convert(value: Any, to: type[_T], *, dec_hook: Callable[[type, Any], Any] | None = None) -> _T:
    """Turn a value of plain parts into one of the type `to`; see `msgspec.convert`."""
    decoder(to)  # Whatever is to be known of the type is known now. The lock is not held while `__post_init__` runs.
    return msgspec.convert(value, to, dec_hook=dec_hook)
