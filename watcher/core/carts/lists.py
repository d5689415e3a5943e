"""A cart as other programs read it: Metalink, or lists for aria2, curl and wget, or a table."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from xml.etree import ElementTree as Xml

from watcher.core.carts.cart import File
from watcher.core.moments import written

_METALINK = "urn:ietf:params:xml:ns:metalink"

_IANA = {
    "md5": "md5",
    "sha1": "sha-1",
    "sha224": "sha-224",
    "sha256": "sha-256",
    "sha384": "sha-384",
    "sha512": "sha-512",
}
"""Hash Function Textual Names, for RFC 5854 §4.2.5; aria2 takes the same."""


def metalink(files: Sequence[File], now: datetime) -> str:
    """Write Metalink (RFC 5854): sizes, hashes, and every address of each file."""
    root = Xml.Element("metalink", xmlns=_METALINK)
    Xml.SubElement(root, "generator").text = "watcher"
    Xml.SubElement(root, "published").text = written(now.replace(microsecond=0))
    for file in files:
        one = Xml.SubElement(root, "file", name=file.name)
        if file.product is not None:
            Xml.SubElement(one, "identity").text = _printable(file.product.title)
        if file.size is not None:
            Xml.SubElement(one, "size").text = str(file.size)
        if (known := _hash(file)) is not None:
            Xml.SubElement(one, "hash", type=known[0]).text = known[1]
        for priority, url in enumerate(file.urls, start=1):
            Xml.SubElement(one, "url", priority=str(priority)).text = url
    Xml.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def urls(files: Sequence[File], now: datetime) -> str:
    """Write one address a line, the best of each file."""
    del now
    return "".join(f"{file.urls[0]}\n" for file in files)


def aria2(files: Sequence[File], now: datetime) -> str:
    """Write an input file of aria2 (`aria2c -i`): it fetches from all addresses and checks the hash."""
    del now
    lines = []
    for file in files:
        lines += ["\t".join(file.urls), f"  out={file.name}"]
        lines += [f"  checksum={known[0]}={known[1]}"] if (known := _hash(file)) else []
    return "".join(f"{line}\n" for line in lines)


def curl(files: Sequence[File], now: datetime) -> str:
    """Write a configuration of curl (`curl -K`); it follows redirects, and stops with an error at what is no file.

    Without `fail-early` curl's exit status would be that of the last file alone.
    """
    del now
    lines = ["fail", "fail-early", "location", "create-dirs"]
    for file in files:
        lines += [f"url = {_quoted(file.urls[0])}", f"output = {_quoted(file.name)}"]
    return "".join(f"{line}\n" for line in lines)


def wget(files: Sequence[File], now: datetime) -> str:
    """Write a shell script that fetches with wget and checks what it can."""
    del now
    lines = ["#!/bin/sh", "# Fetches the others where one fails, and ends with 1 then.", "set -u", "failed=0"]
    for file in files:
        place = PurePosixPath(file.name)
        if len(place.parts) > 1:
            lines.append(f"mkdir -p {shlex.quote(str(place.parent))}")
        part, name = shlex.quote(f"{file.name}.part"), shlex.quote(file.name)
        check = f" && {check} &&" if (check := _checked(file, part)) else " &&"
        fetched = f"wget -O {part} {shlex.quote(file.urls[0])}{check} mv {part} {name}"
        lines.append(f"test -e {name} || {{ {fetched}; }} || failed=1")
    lines.append("exit $failed")
    return "".join(f"{line}\n" for line in lines)


def table(files: Sequence[File], now: datetime) -> str:
    """Write CSV (RFC 4180) with a header."""
    del now
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("name", "size", "checksum", "level", "acquired", "url", "mirrors"))
    for file in files:
        product = file.product
        acquired = product.acquired if product else None
        rows.writerow(
            (
                file.name,
                file.size,
                file.checksum,
                product.level if product else None,
                written(acquired) if acquired else None,
                file.urls[0],
                " ".join(file.urls[1:]),
            )
        )
    return out.getvalue()


FORMATS: Mapping[str, Callable[[Sequence[File], datetime], str]] = {
    "meta4": metalink,
    "urls": urls,
    "aria2": aria2,
    "curl": curl,
    "wget": wget,
    "csv": table,
}
"""How a cart is written, by the word for it."""


def _hash(file: File) -> tuple[str, str] | None:
    algorithm, _, value = (file.checksum or "").partition(":")
    return (_IANA[algorithm], value) if algorithm in _IANA else None


def _checked(file: File, part: str) -> str:
    """Return the command that checks a file by its hash, else by its size, else nothing."""
    algorithm, _, value = (file.checksum or "").partition(":")
    if algorithm in _IANA:
        return f"echo {shlex.quote(f'{value}  ')}{part} | {algorithm}sum -c --quiet"
    return f'test "$(wc -c < {part})" -eq {file.size}' if file.size is not None else ""


def _quoted(text: str) -> str:
    """Quote as curl's configuration has it: backslashes and quotes are escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _printable(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return "".join(letter for letter in text if letter.isprintable())
