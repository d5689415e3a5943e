"""Names in a sentence: satellites, instruments, levels, collections, tiles, and what is written as `key:value`."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from watcher.core.ground.grids import cell, scene
from watcher.core.identity.missions import COLLECTIONS, INSTRUMENTS, PLATFORMS, level_of
from watcher.core.sentences import clouds
from watcher.core.sentences.dates import day_of
from watcher.core.sentences.sentence import Facts, Kind, Match
from watcher.core.sentences.tokens import Token, Words
from watcher.core.sentences.when import when
from watcher.core.sentences.words import Sense

_PATH_ROW = re.compile(r"(?:p|wrs2-?)?([0-9]{1,3})[/r]([0-9]{1,3})|(?:wrs2-)?([0-9]{3})([0-9]{3})")

_LAST_DAY_ROW = 122


def named(words: Words, index: int) -> Match | None:
    """Read the name at an index."""
    rules: tuple[Callable[[Words, int], Match | None], ...] = (_grid, _platform, _level, _single, _joined)
    return next((match for rule in rules if (match := rule(words, index)) is not None), None)


def keyword(words: Words, index: int) -> Match | None:
    """Read a `key:value`; its value is held against the key, so that `cloud:LANDSAT8` is not understood."""
    token = words.tokens[index]
    if token.key is None:
        return None
    value = token.text.partition(":")[2].strip('"')
    if token.key == "place":
        return Match(index + 1, Kind.PLACE, value, Facts(places=(value,))) if value.strip() else None
    if token.key == "collection":
        return Match(index + 1, Kind.COLLECTION, value, Facts(collections=(value,)))
    if token.key == "cloud":
        bound = clouds.value(token.folded)
        return bound and Match(index + 1, Kind.CLOUD, clouds.shown(*bound), Facts(clouds=(bound,)))
    if token.key in ("date", "since", "after", "before", "until"):
        return _dated(words, token, index)
    inner = Words(value, words.now, french=words.french)
    rule = {"platform": _platform, "instrument": _single, "level": _level, "grid": _grid}[token.key]
    match = rule(inner, 0)
    if match is None or match.end < len(inner.tokens):
        return None
    kind = {"platform": Kind.PLATFORM, "instrument": Kind.INSTRUMENT, "level": Kind.LEVEL, "grid": Kind.GRID}[token.key]
    return msgspec.structs.replace(match, end=index + 1) if match.kind is kind else None


def _dated(words: Words, token: Token, index: int) -> Match | None:
    value = token.text.partition(":")[2].strip('"')
    start, slash, end = token.folded.partition("/")
    if slash and token.key == "date" and ".." in (start, end):
        part = day_of(end if start == ".." else start, french=words.french)
        text = f"{'until' if start == '..' else 'since'} {end if start == '..' else start}" if part else value
    else:
        text = value if token.key == "date" else f"{token.key} {value}"
    inner = Words(text, words.now, french=words.french)
    match = when(inner, 0)
    if match is None or match.end < len(inner.tokens):
        return None
    return msgspec.structs.replace(match, end=index + 1)


def _platform(words: Words, index: int) -> Match | None:
    for length in (3, 2, 1):
        pieces = [words.at(index + offset) for offset in range(length)]
        if not all(pieces):
            continue
        last = words.tokens[index + length - 1].text
        if length > 1 and last.isalpha() and len(last) == 1 and not (last.isascii() and last.isupper()):
            continue  # "Sentinel 2 à Toulouse"
        found = PLATFORMS.get(re.sub(r"[\W_]", "", "".join(pieces)))
        if found is not None:
            return Match(index + length, Kind.PLATFORM, found, Facts(platforms=(found,)))
    return None


def _single(words: Words, index: int) -> Match | None:
    """Read an instrument or the word of a collection."""
    word, compact = words.at(index), re.sub(r"[\W_]", "", words.at(index))
    instrument = INSTRUMENTS.get(word) or INSTRUMENTS.get(compact)
    if instrument is not None:
        # "ETM+" may lose its sign to the blanks around it, never its meaning.
        return Match(index + 1, Kind.INSTRUMENT, instrument, Facts(instruments=(instrument,)))
    for length in (3, 2, 1):
        pieces = [words.at(index + offset) for offset in range(length)]
        found = COLLECTIONS.get(re.sub(r"[\W_]", "", "".join(pieces))) if all(pieces) else None
        if found is not None:
            return Match(index + length, Kind.COLLECTION, found, Facts(collections=(found,)))
    return None


def _level(words: Words, index: int) -> Match | None:
    start = words.sees(index, Sense.LEVEL)
    word = words.at(start)
    found = level_of(f"l{word}" if start > index and word.isdecimal() else word)
    return None if found is None else Match(start + 1, Kind.LEVEL, found, Facts(levels=(found,)))


def _grid(words: Words, index: int) -> Match | None:
    start = words.sees(index, Sense.TILE, Sense.PATH)
    word = words.at(start)
    cells = cell(word)
    end = start + 1
    if cells is None and (match := _PATH_ROW.fullmatch(word)):
        # Six figures are one only by day: the rows beyond are those of the night, and more often something else.
        cells = (
            scene(match[1] or match[3], match[2] or match[4]) if match[1] or int(match[4]) <= _LAST_DAY_ROW else None
        )
    if cells is None and words.sees(index, Sense.PATH) > index:
        row = words.sees(start + 1, Sense.ROW)
        if row > start + 1 and word.isdecimal() and words.at(row).isdecimal():
            cells, end = scene(word, words.at(row)), row + 1
    return None if cells is None else Match(end, Kind.GRID, cells, Facts(grids=(cells,)))


def radius(words: Words, index: int) -> Match | None:
    """Read how far around the place to look: `within 30 km of`, `à 30 km de`, `30 km around`."""
    start = words.sees(index, Sense.RADIUS)
    number = words.number(start)
    if number is None or not 0 < number[0] <= 2000:
        return None
    end = words.sees(number[1], Sense.KILOMETRE)
    if end == number[1]:
        return None
    return Match(end, Kind.RADIUS, f"{number[0]:g} km", Facts(radius=(number[0],)))


def _joined(words: Words, index: int) -> Match | None:
    """Read a word of several names, as collections have them: `sentinel-2-l2a`, `LANDSAT8_L2A`."""
    parts = re.split(r"[-_]", words.at(index))
    if len(parts) < 2 or not all(parts):
        return None
    inner = Words(" ".join(parts), words.now, french=words.french)
    at, found = 0, []
    while at < len(inner.tokens):
        match = _platform(inner, at) or _level(inner, at) or _single(inner, at)
        if match is None:
            return None
        found.append(match)
        at = match.end
    kinds = {match.kind for match in found}
    facts = Facts(
        platforms=tuple(name for match in found for name in match.facts.platforms),
        instruments=tuple(name for match in found for name in match.facts.instruments),
        levels=tuple(name for match in found for name in match.facts.levels),
        collections=tuple(name for match in found for name in match.facts.collections),
    )
    kind = Kind.PLATFORM if Kind.PLATFORM in kinds else found[0].kind
    return Match(index + 1, kind, " ".join(match.meaning for match in found), facts)
