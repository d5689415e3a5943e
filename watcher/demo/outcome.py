"""What came of the demo, looked at from outside: the mailbox opened, the files summed up, held against the catalogue."""

from __future__ import annotations

import email
import email.policy
import hashlib
import mailbox
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from watcher.demo.files import size_and_md5
from watcher.demo.products import L2A, Product
from watcher.model import Finding

Told = Counter[tuple[str, str, str]]
"""How often each was told: event, level, title."""


class Expected(msgspec.Struct, frozen=True):
    """What the catalogue had: products before the beginning, and the arrivals since, at the sites that are watched."""

    before: int
    arrivals: Sequence[Product]

    @property
    def fetched(self) -> list[Product]:
        """The arrivals whose files come home."""
        return [p for p in self.arrivals if p.level == L2A]


def findings(expected: Expected, *, rows: Sequence[Mapping[str, Any]], box: Path, heard: str, archive: Path, site: str):
    """Hold everything that watcher left behind against the catalogue.

    `rows` is what `watcher products --json` said, `box` the mailbox file, `heard` what came on the terminal, which
    was to be told of the L2A at `site`.
    """
    yield _seen(expected, rows)
    yield from _told(expected, box, heard, site)
    yield _stored(expected, archive)
    yield from _again(expected, box, archive)


def word(level: str) -> str:
    """The level as watcher calls it: `L2A` for resto's `LEVEL2A`."""
    return level.replace("LEVEL", "L")


def _seen(expected: Expected, rows: Sequence[Mapping[str, Any]]) -> Finding:
    seen = Counter((row["event"], row["level"], row["title"]) for row in rows if row["event"] in ("new", "revised"))
    remembered = len(rows) - seen.total()
    well = seen == _events(expected.arrivals) and remembered == expected.before
    text = f"{seen.total()} of {len(expected.arrivals)}; the {remembered} that were there before are remembered"
    return Finding("seen", well, text + _difference(_events(expected.arrivals), seen))


def _told(expected: Expected, box: Path, heard: str, site: str) -> Iterable[Finding]:
    mails = texts(box)
    told = sum((told_in(text) for text in mails), Counter())
    wanted = _events(expected.arrivals)
    text = f"{told.total()} of {wanted.total()}, each once, in {len(mails)} mails"
    yield Finding("mailed", told == wanted, text + _difference(wanted, told))
    here = told_in(heard)
    wanted = _events(p for p in expected.arrivals if p.level == L2A and p.site.code == site)
    text = f"{here.total()} of {wanted.total()} L2A at {site}, on the terminal above"
    yield Finding("shown", here == wanted, text + _difference(wanted, here))


def _stored(expected: Expected, archive: Path) -> Finding:
    wanted = Counter({size_and_md5(p)[1]: 1 for p in expected.fetched})
    files = [path for path in archive.rglob("*") if path.is_file()]
    here = Counter(md5(path) for path in files)
    size = sum(path.stat().st_size for path in files)
    text = f"{len(files)} of {len(expected.fetched)} L2A, {size / 1000:.0f} kB; "
    wrong = [path.name for path in files if md5(path) not in wanted]
    if here == wanted:
        return Finding("stored", True, text + "each file has the MD5 that the catalogue's has")
    return Finding("stored", False, text + f"not the catalogue's: {', '.join(wrong) or 'none, but some are missing'}")


def _again(expected: Expected, box: Path, archive: Path) -> Iterable[Finding]:
    told = sum((told_in(text) for text in texts(box)), Counter())
    here = {md5(path) for path in archive.rglob("*") if path.is_file()}
    for product in expected.arrivals:
        if product.version != "1.0":
            well = told["revised", word(product.level), product.ident] == 1 and size_and_md5(product)[1] in here
            yield Finding("revised", well, f"{product.ident}, processed again: told once more, fetched anew")


def texts(box: Path) -> list[str]:
    """The plain texts of a mailbox's mails."""

    def read(file: IO[bytes]) -> Any:
        return email.message_from_binary_file(file, policy=email.policy.default)

    opened = mailbox.mbox(box, factory=read, create=False)
    try:
        return [mail.get_body(("plain",)).get_content() for mail in opened]
    finally:
        opened.close()


def told_in(text: str) -> Told:
    """What a notice, or several in a row, tells of."""
    return Counter(re.findall(r"^  (new|revised) (\w+): (\S+)$", text, re.MULTILINE))


def md5(path: Path) -> str:
    """A file's MD5, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _events(products: Iterable[Product]) -> Told:
    return Counter(("new" if p.version == "1.0" else "revised", word(p.level), p.ident) for p in products)


def _difference(wanted: Told, got: Told) -> str:
    lacking = [f"missing: {' '.join(what)}" for what in (wanted - got).elements()]
    spare = [f"too often: {' '.join(what)}" for what in (got - wanted).elements()]
    return "".join(f"; {text}" for text in (*lacking, *spare))
