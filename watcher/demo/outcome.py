"""What came of the demo, from outside: the mailbox opened, each file summed up, all held against the catalogue."""

from __future__ import annotations

import email
import email.policy
import hashlib
import mailbox
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from watcher.demo.files import size_and_md5
from watcher.demo.products import L2A, Product
from watcher.model import Finding

Told = Counter[tuple[str, str, str]]
"""How often each was told: event, level, title."""


class Left(msgspec.Struct, frozen=True):
    """What watcher left behind.

    `rows` is what `watcher products --json` lists, `mails` are the texts of the mailbox, `shown` is what came on the
    terminal, `files` are those of the archive as (title, MD5), and `size` is theirs in all, bytes.
    """

    rows: Sequence[Mapping[str, Any]]
    mails: Sequence[str]
    shown: str
    files: Sequence[tuple[str, str]]
    size: int


def look(rows: Sequence[Mapping[str, Any]], *, box: Path, shown: str, archive: Path) -> Left:
    """Read the mailbox file `box`, and every file below `archive` but what is said beside them."""
    files = [path for path in archive.rglob("*") if path.is_file() and not path.name.endswith(".stac.json")]
    return Left(
        rows,
        list(_texts(box)) if box.exists() else [],
        shown,
        [(path.name.partition(".")[0], _md5(path)) for path in files],
        sum(path.stat().st_size for path in files),
    )


def findings(left: Left, arrivals: Sequence[Product], *, before: int, site: str) -> Iterator[Finding]:
    """Hold what was left behind against what the catalogue had: `before` products, then `arrivals`.

    The mailbox was to be told of all arrivals, the terminal of the L2A at `site`; the L2A were to be brought home.
    """
    l2a = [p for p in arrivals if p.level == L2A]
    wanted = _events(arrivals)

    seen = Counter(
        (row["event"], row["level"], row["title"]) for row in left.rows if row["event"] in ("new", "revised")
    )
    known = len(left.rows) - seen.total()
    text = f"{_of(seen, wanted)}; the {known} that were there before them are remembered, and not announced"
    yield Finding("seen", seen == wanted and known == before, text + _difference(wanted, seen))

    mailed = told("\n".join(left.mails))
    text = f"{_of(mailed, wanted)}, each once, in {len(left.mails)} mails"
    yield Finding("mailed", mailed == wanted, text + _difference(wanted, mailed))

    shown, here = told(left.shown), _events(p for p in l2a if p.site.code == site)
    text = f"{_of(shown, here)} L2A at {site}, each once, on the terminal above"
    yield Finding("shown", shown == here, text + _difference(here, shown))

    files, theirs = Counter(left.files), Counter((p.ident, size_and_md5(p)[1]) for p in l2a)
    text = f"{_of(files, theirs)} L2A, {left.size / 1000:.0f} kB; the MD5 of every file is the catalogue's"
    yield Finding("stored", files == theirs, text + _difference(theirs, files))

    for p in arrivals:
        if p.version != "1.0":
            once = mailed["revised", word(p.level), p.ident] == 1 and files[p.ident, size_and_md5(p)[1]] == 1
            yield Finding("revised", once, f"{p.ident}, processed again: told again, fetched anew")


def word(level: str) -> str:
    """The level as watcher calls it: `L2A` for resto's `LEVEL2A`."""
    return level.replace("LEVEL", "L")


def told(text: str) -> Told:
    """What a notice, or several in a row, tells of."""
    return Counter(re.findall(r"^  (new|revised) (\w+): (\S+)$", text, re.MULTILINE))


def _texts(box: Path) -> Iterator[str]:
    opened = mailbox.mbox(box, create=False)
    try:
        for key in opened.keys():  # noqa: SIM118 - a mailbox iterates over messages
            text = email.message_from_bytes(opened.get_bytes(key), policy=email.policy.default).get_body(("plain",))
            yield text.get_content() if text else ""
    finally:
        opened.close()


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _events(products: Iterable[Product]) -> Told:
    return Counter(("new" if p.version == "1.0" else "revised", word(p.level), p.ident) for p in products)


def _of(got: Counter[Any], wanted: Counter[Any]) -> str:
    return f"{got.total()} of {wanted.total()}"


def _difference(wanted: Counter[Any], got: Counter[Any]) -> str:
    lacking = [f"; missing: {' '.join(what)}" for what in (wanted - got).elements()]
    spare = [f"; too many: {' '.join(what)}" for what in (got - wanted).elements()]
    return "".join((*lacking, *spare))
