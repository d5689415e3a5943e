"""What turns JSON and settings into typed values, safely in threads.

msgspec 0.22 notes what it knows of a type on the type, the moment it begins to look at it: a thread that meets the half
note of another crashes the process. Two types that have a part in common are enough, and so are two modules whose
decoders are made on import. So they are made here, one at a time. A decoder that is made may be shared.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
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


def in_words(message: str, choices: Sequence[str] = ()) -> str:
    """Say in TOML's words what msgspec says in JSON's: `must be a list, and is a text`."""
    wrong = re.fullmatch(r"Invalid enum value '(.*)'", message)
    if wrong is not None:
        return f'"{wrong[1]}" is none of its choices' + (f": {', '.join(choices)}" if choices else "")
    bound = re.fullmatch(r"Expected `(int|array)`(?: of length)? (>=|<=) (\d+)", message)
    if bound is not None:
        what = "must have" if bound[1] == "array" else "must be"
        return f"{what} {_BOUNDS[bound[2]]} {bound[3]}"
    told = re.fullmatch(r"Expected `(.+)`, got `(.+)`", message)
    if told is None:
        return message
    meant = [_WORDS.get(word, word) for word in told[1].split(" | ") if word != "null"]
    return f"must be {' or '.join(dict.fromkeys(meant))}, and is {_WORDS.get(told[2], told[2])}"


_BOUNDS = {">=": "at least", "<=": "at most"}

_WORDS = {
    "array": "a list",
    "object": "a table",
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
}
