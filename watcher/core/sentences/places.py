"""The words that no rule took: of a place, of no meaning, or strange."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum, auto

import msgspec

from watcher.core.sentences.times import ALL_NUMBERS, ALL_UNITS
from watcher.core.sentences.tokens import Words
from watcher.core.sentences.words import SENSES, Sense

_JOINS = frozenset({Sense.IN, Sense.ARTICLE, Sense.FOR, Sense.DURING, Sense.AND, Sense.TO, Sense.FROM})
"""Words that hold a name together: "Villeneuve sur Lot", "Trinidad and Tobago"."""

_NAMES = frozenset({Sense.CLOUD, Sense.FEW, Sense.AUSTRAL, Sense.BOREAL})
"""Words of the dictionaries that are as likely of a name: "Saint Cloud", "Little Rock", "Northern Territory"."""

_BELONG = frozenset(["la", "le", "les", "l'", "los", "las", "el", "al", "the"])
"""Joining words that a name may begin with: "La Rochelle", "The Hague"."""

_INSIDE = frozenset(["under", "over", "sous", "above", "super"])
"""Comparing words that may stand inside a name: "Aulnay sous Bois"."""


class Run(msgspec.Struct, frozen=True):
    """Words side by side that may name a place. `meant` if they stand where a place is said."""

    start: int
    end: int
    words: str
    meant: bool


class Left(msgspec.Struct, frozen=True):
    """What became of the words that no rule took, by their indices."""

    runs: tuple[Run, ...]
    passing: tuple[int, ...]
    strange: tuple[int, ...]


class _Part(Enum):
    NAME = auto()
    JOIN = auto()
    PASSING = auto()
    STRANGE = auto()


def sorted_out(words: Words, left: Sequence[int], *, placed: bool) -> Left:
    """Say what the words are that no rule took.

    A run behind "in", "near", "à"… is a place; without any, the first run is, unless one was `placed` by a keyword.
    """
    parts = _parts(words, left)
    found: list[Run] = []
    passing = [at for at, part in parts.items() if part is _Part.PASSING]
    for group in _groups(parts):
        start, end = _trimmed(words, group, parts)
        passing += [at for at in group if not start <= at < end]
        if start < end:
            quoted = end == start + 1 and words.tokens[start].quoted
            text = words.tokens[start].text if quoted else words.text(start, end)
            before = any(words.sees(at, Sense.IN, Sense.FOR) > at for at in group if at < start)
            found.append(Run(start, end, text, quoted or before))
    if found and not placed and not any(run.meant for run in found):
        found[0] = msgspec.structs.replace(found[0], meant=True)
    meant = {run.words.casefold() for run in found if run.meant}
    found = [msgspec.structs.replace(run, meant=run.words.casefold() in meant) for run in found]
    strange = [at for at, part in parts.items() if part is _Part.STRANGE]
    return Left(tuple(found), tuple(sorted(passing)), tuple(strange))


def _parts(words: Words, left: Sequence[int]) -> dict[int, _Part]:
    parts: dict[int, _Part] = {}
    for at in left:
        if at in parts:
            continue
        for part, senses in ((_Part.PASSING, {Sense.PASSING}), (_Part.JOIN, _JOINS)):
            end = words.sees(at, *senses)
            if end > at + 1 and set(range(at, end)) <= set(left):
                parts |= dict.fromkeys(range(at, end), part)
                break
        else:
            # "with Landsat", "avec Sentinel-2": what follows was read by itself.
            leads = words.sees(at, Sense.WITH) == at + 1 < len(words.tokens) and at + 1 not in left
            parts[at] = _Part.PASSING if leads else _part(words, at)
    return parts


def _part(words: Words, index: int) -> _Part:
    token = words.tokens[index]
    if token.quoted and token.compact:
        return _Part.NAME
    if token.key is not None:
        return _Part.STRANGE
    senses = SENSES.get(token.folded, frozenset())
    if not token.compact and any(unicodedata.category(c) == "So" for c in token.text):
        return _Part.STRANGE  # a picture says something; a dash does not
    if not token.compact or token.folded in _INSIDE or senses & _JOINS:
        return _Part.JOIN
    if Sense.PASSING in senses:
        return _Part.PASSING
    if token.folded in ALL_UNITS or (senses and not senses & _NAMES and token.folded not in ALL_NUMBERS):
        return _Part.STRANGE
    return _Part.NAME if any(c.isalpha() for c in token.text) else _Part.STRANGE


def _groups(parts: dict[int, _Part]) -> Iterator[list[int]]:
    group: list[int] = []
    for at, part in sorted(parts.items()):
        if group and (at != group[-1] + 1 or part in (_Part.PASSING, _Part.STRANGE)):
            yield group
            group = []
        if part in (_Part.NAME, _Part.JOIN):
            group.append(at)
    if group:
        yield group


def _trimmed(words: Words, group: Sequence[int], parts: dict[int, _Part]) -> tuple[int, int]:
    """Return where the name in a group begins and ends; where it has none, nothing."""
    names = [at for at in group if parts[at] is _Part.NAME]
    if not names:
        return group[0], group[0]
    start, end = names[0], names[-1] + 1
    if start > group[0] and words.at(start - 1) in _BELONG:
        start -= 1
    return start, end
