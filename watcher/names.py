"""Names as people write them: with or without case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

_NO_LETTER = re.compile(r"[\W_]+")
"""Marks that combine with a letter are none themselves."""


def fold(name: str) -> str:
    """Return the name without case, accents, spaces and punctuation: what makes two spellings one."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKD", name).casefold())


def key(name: str) -> str:
    """Return the name without case and accents, white space as single blanks: two sites of one key are one site."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def same(name: str, known: Iterable[str]) -> str | None:
    """Return the one of the names known that this is, if need be in another case; `None` when none or several are."""
    names = list(known)
    alike = [one for one in names if one.casefold() == name.casefold()]
    return name if name in names else alike[0] if len(alike) == 1 else None


def near(word: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the names that somebody may have meant, the nearest first."""
    from rapidfuzz import fuzz, process

    found = process.extract(word, list(known), scorer=fuzz.ratio, limit=most, score_cutoff=60, processor=fold)
    return [name for name, score, _ in found if score >= found[0][1] - 20]


def plain(text: str, *, limit: int = 200) -> str:
    """Return text that is safe on a terminal: no control, direction or invisible characters, one line."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    kept = "".join(c for c in kept if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    kept = " ".join(kept.split())
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def identity(text: str) -> str:
    """Return an identifier that can be kept and compared everywhere: what cannot be printed is percent-escaped.

    SQLite's JSON functions end a string at a NUL, so that a product whose id has one would be new at every poll.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else f"%{ord(c):02X}" for c in text)


def utf8(raw: bytes) -> bytes | None:
    """Return bytes that are UTF-8 text; `None` for what is not."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return None
    return raw


def path(address: str) -> str:
    """Return the path of an address, "" for what is none."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def nonempty(value: object) -> str | None:
    """Return a value of an answer that is text and says something; `None` for anything else."""
    return value if isinstance(value, str) and value else None
