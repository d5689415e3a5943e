"""A text becomes words, each with its place in it, so that what was read can be shown as it was written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from watcher.core.sentences.times import ALL_DAYS, ALL_MONTHS, ALL_NUMBERS, ALL_UNITS
from watcher.core.sentences.words import LONGEST, SENSES, Sense

KEYWORDS = {
    "platform": "platform",
    "plateforme": "platform",
    "satellite": "platform",
    "instrument": "instrument",
    "sensor": "instrument",
    "capteur": "instrument",
    "level": "level",
    "processinglevel": "level",
    "niveau": "level",
    "collection": "collection",
    "cloud": "cloud",
    "clouds": "cloud",
    "cloudcover": "cloud",
    "nuage": "cloud",
    "nuages": "cloud",
    "place": "place",
    "location": "place",
    "name": "place",
    "site": "place",
    "lieu": "place",
    "tile": "grid",
    "tileid": "grid",
    "tuile": "grid",
    "wrs2": "grid",
    "mgrs": "grid",
    "date": "date",
    "year": "date",
    "annee": "date",
    "acquired": "date",
    "since": "since",
    "after": "after",
    "before": "before",
    "until": "until",
    "depuis": "since",
    "apres": "after",
    "avant": "before",
    "startdate": "since",
    "completiondate": "until",
}
"""What may stand before a colon (`platform:LANDSAT8`), folded → what it is about."""

_VALUE = r'(?:"[^"]*"|[\[\]{][^\[\]{}\s]*[\[\]}]|[<>=≤≥]*[^\s;<>="]+)'
_PIECE = re.compile(
    rf"(?P<keyword>[^\W\d_][\w]*:{_VALUE})"
    r'|(?P<quoted>"[^"]*"|«[^»]*»|“[^”]*”)'
    r"|(?P<number>[0-9]+,[0-9]+(?=\s*%))"
    r"|(?P<sign><=|>=|[<>=≤≥%])"
    r'|(?P<word>[^\s,;()\[\]{}!?"«»“”<>=≤≥%…]+)'
)
_ELIDED = re.compile(r"(?i)((?:jusqu|lorsqu|qu|[ldsnmtcj])['’ʼ])(?=\w)")  # noqa: RUF001 - as people write them
_RANGES = (
    re.compile(r"([0-9]{4})([-–/])([0-9]{4})"),  # noqa: RUF001 - as people write them
    re.compile(r"([0-9]{1,3})([-–])([0-9]{1,3})"),  # noqa: RUF001 - as people write them
    re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[^/]*)(/)([0-9]{4}-[0-9]{2}-[0-9]{2}[^/]*)"),
    re.compile(r"(.+?)(\.\.\.?)(.+)"),
)
_MONTHS = re.compile("([^\\W\\d]+)([-\N{EN DASH}])([^\\W\\d]+)")


class Token(msgspec.Struct, frozen=True):
    """A word as it is written, folded, and where it lies in the text. `key` is what stood before a colon."""

    text: str
    folded: str
    start: int
    end: int
    quoted: bool = False
    key: str | None = None

    @property
    def compact(self) -> str:
        """The folded word, letters and digits only."""
        return re.sub(r"[\W_]", "", self.folded)


def folded(text: str) -> str:
    """Return a word without case and accents; its punctuation stays."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'").replace("ʼ", "'")).casefold()  # noqa: RUF001
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("μ", "u")


def tokens(text: str) -> list[Token]:
    """Split a text into words. Blanks, commas, semicolons and brackets part them; quotes hold them together."""
    found: list[Token] = []
    for piece in _PIECE.finditer(text):
        if piece["keyword"] is not None:
            key, _, value = piece["keyword"].partition(":")
            if (about := KEYWORDS.get(folded(key))) is not None:
                value = value.strip('"')
                found.append(Token(piece["keyword"], folded(value), *piece.span(), key=about))
                continue
        if piece["quoted"] is not None:
            inner = piece["quoted"][1:-1].strip()
            found.append(Token(inner, folded(inner), *piece.span(), quoted=True))
        else:
            # What only looked like a keyword is words again.
            found.extend(
                _words(piece[0], piece.start()) if piece["sign"] is None else [_token(piece[0], piece.start())]
            )
    return found


def _words(word: str, start: int) -> Iterator[Token]:
    for part in re.finditer(r'[^\s,;()\[\]{}!?"«»“”<>=≤≥%…]+(?:(?<=[0-9]),(?=[0-9]+$)[0-9]+)?|[<>=≤≥%]', word):
        yield from _word(part[0], start + part.start())


def _word(word: str, start: int) -> Iterator[Token]:
    bare = word.rstrip(".:'’`*_~|\\")  # noqa: RUF001 - as people write them
    if bare:
        word = bare
    elif set(word) <= set(":'`*_~|\\"):
        return
    if folded(word) not in ALL_DAYS and (elision := _ELIDED.match(word)):
        yield _token(elision[1], start)
        yield from _word(word[elision.end() :], start + elision.end())
        return
    parts = next((m.groups() for pattern in _RANGES if (m := pattern.fullmatch(word))), None)
    if (
        parts is None
        and (months := _MONTHS.fullmatch(word))
        and {folded(months[1]), folded(months[3])} <= ALL_MONTHS.keys()
    ):
        parts = months.groups()
    if parts is None:
        yield _token(word, start)
        return
    for part in parts:
        yield _token(part, start)
        start += len(part)


def _token(text: str, start: int) -> Token:
    return Token(text, folded(text), start, start + len(text))


class Words:
    """The words of a text, and what can be asked of those at an index. Indices beyond the end hold nothing.

    `now` is when it was said, `french` whether dates in figures are written as the French do.
    """

    def __init__(self, source: str, now: datetime, *, french: bool) -> None:
        self.tokens: Sequence[Token] = tokens(source)
        self.now, self.french = now, french
        self._source = source

    def at(self, index: int) -> str:
        """Return the folded word, "" for what is no plain word."""
        if not 0 <= index < len(self.tokens):
            return ""
        token = self.tokens[index]
        return "" if token.quoted or token.key else token.folded

    def sees(self, index: int, *senses: Sense) -> int:
        """Return up to where the longest phrase with one of these senses goes; `index` itself if there is none."""
        for length in range(LONGEST, 0, -1):
            words = [self.at(index + offset) for offset in range(length)]
            if all(words) and not SENSES.get(" ".join(words), frozenset()).isdisjoint(senses):
                return index + length
        return index

    def after(self, index: int, *senses: Sense) -> int:
        """Return the index behind all phrases with these senses."""
        while (end := self.sees(index, *senses)) > index:
            index = end
        return index

    def number(self, index: int) -> tuple[float, int] | None:
        """Read a number (`20`, `20.5`, `vingt`) and return it with the index behind it."""
        word = self.at(index)
        if re.fullmatch(r"[0-9]{1,9}([.,][0-9]{1,6})?", word):
            return float(word.replace(",", ".")), index + 1
        if word in ALL_NUMBERS and self.tokens[index].text not in ("à", "À"):
            return float(ALL_NUMBERS[word]), index + 1
        return None

    def unit(self, index: int) -> tuple[str, int] | None:
        """Read a unit of time and return it with the index behind it."""
        word = self.at(index)
        return (ALL_UNITS[word], index + 1) if word in ALL_UNITS else None

    def text(self, start: int, end: int) -> str:
        """Return the words from `start` up to `end` as they were written, with what stands between them."""
        return " ".join(self._source[self.tokens[start].start : self.tokens[end - 1].end].split())
