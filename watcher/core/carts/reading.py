"""A Metalink file as carts have it: RFC 5854, and what the servers of THEIA and SPOT (Take5) made of it.

Those name the hash in the attribute and leave the element empty, give no size, and write the zone without a colon. A
cart is as trustworthy as whoever gave it: names become safe ones, and only http addresses count.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from watcher.core.archive.shelves import safe, taken
from watcher.core.carts.cart import File
from watcher.errors import UsageError

_FILE, _SIZE, _HASH, _URL = (f"{{urn:ietf:params:xml:ns:metalink}}{name}" for name in ("file", "size", "hash", "url"))

_LENGTHS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_HEX = re.compile(r"[0-9a-f]+")
_STRONGEST = ("sha512", "sha384", "sha256", "sha224", "sha1", "md5")

MOST = 100_000
"""More files than that are no cart."""


def read(content: bytes, *, name: str) -> list[File]:
    """Read a cart; `name` is what the file is called, for errors.

    Addresses stay as they are, with the tokens that they carry: keep them from logs. Raises `UsageError` for what is no
    Metalink file (also one with a DTD: XML may hold bombs), names no file, or names more than `MOST`.
    """
    root = _root(content, name)
    files = [file for one in root.iter(_FILE) if (file := _file(one)) is not None]
    if not files:
        raise UsageError(
            f"{name} names no file that could be fetched",
            hint="an order that has ended gives an empty cart: make the cart anew where it came from",
        )
    if len(files) > MOST:
        raise UsageError(f"{name} names {len(files):,} files", hint=f"a cart holds up to {MOST:,}")
    return _distinct(files)


def _root(content: bytes, name: str) -> Element:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise UsageError(
            f"{name} is no Metalink file: it has a document type, as web pages have",
            hint="look into it: a server that wants a login may have given its page in place of the cart",
        ) from error
    except (ParseError, ValueError) as error:
        why = str(error) or type(error).__name__
        raise UsageError(f"{name} is no Metalink file: {why}", hint="a cart is XML and ends in .meta4") from error
    if root.tag != "{urn:ietf:params:xml:ns:metalink}metalink":
        raise UsageError(
            f"{name} is XML, but no Metalink file: its root is {root.tag[:80]}",
            hint="carts are Metalink 4 (RFC 5854); version 3 files end in .metalink",
        )
    return root


def _file(one: Element) -> File | None:
    links = [(_priority(link), (link.text or "").strip()) for link in one.iter(_URL)]
    urls = [
        url for _, url in sorted(links, key=lambda link: link[0]) if url[:8].lower().startswith(("https://", "http://"))
    ]
    if not urls:
        return None
    size = (one.findtext(_SIZE) or "").strip()
    said = one.get("name") or ""
    return File(
        name=_safe(said) if said.strip("./\\") else _safe(PurePosixPath(urls[0].partition("?")[0]).name),
        urls=tuple(dict.fromkeys(urls)),
        size=int(size) if size.isdecimal() and len(size) < 19 and int(size) else None,
        checksum=_checksum(one),
    )


def _safe(name: str) -> str:
    """Return the last part of a path as a safe file name; its suffix stays, for archives are known by it."""
    last = re.split(r"[/\\]", name)[-1]
    stem, dot, end = last.rpartition(".")
    if dot and stem and re.fullmatch(r"[A-Za-z0-9]{1,8}", end):
        whole = f"{safe(stem)}.{'tgz' if end.lower() == 'gzip' else end}"
        if not taken(whole):
            return whole
    return safe(last)


def _checksum(one: Element) -> str | None:
    """Return the strongest hash that hashlib knows; some servers have its value where its type should be."""
    known: dict[str, str] = {}
    for found in one.iter(_HASH):
        if found.get("piece") is None:
            kind, value = (found.get("type") or "").strip().lower(), (found.text or "").strip().lower()
            if not value:
                kind, value = "", kind.rpartition(":")[2]
            if _HEX.fullmatch(value) and len(value) in _LENGTHS:
                algorithm = _LENGTHS[len(value)]
                if kind in ("", algorithm, algorithm.replace("sha", "sha-")):
                    known[algorithm] = value
    return next((f"{name}:{known[name]}" for name in _STRONGEST if name in known), None)


def _priority(link: Element) -> int:
    said = link.get("priority") or ""
    return int(said) if said.isdecimal() and len(said) < 7 else 999_999


def _distinct(files: list[File]) -> list[File]:
    """Number files of one name: none may take another's place."""
    from msgspec.structs import replace

    taken: set[str] = set()
    distinct = []
    for file in files:
        name, number = file.name, 1
        stem, dot, end = file.name.rpartition(".")
        while name.casefold() in taken:
            number += 1
            name = f"{stem}.{number}{dot}{end}" if dot and stem else f"{file.name}.{number}"
        taken.add(name.casefold())
        distinct.append(replace(file, name=name))
    return distinct
