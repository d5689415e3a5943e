"""One arrival in words that are safe to show: its title, the facts, where to look, where the files lie.

Everything a catalogue wrote is hostile until it has passed through here: control, direction and invisible
characters go, and a link is built anew from its parsed parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from typing import Literal
from urllib.parse import quote, urlsplit

import msgspec

from watcher.model import Event, Product
from watcher.names import plain

_PLACES = 4
"""So many other catalogues are named."""


class Told(msgspec.Struct, frozen=True):
    """One arrival as a person is told of it.

    `path` is where the download lies (`stored`), `verified` how it was checked (`md5`, `size`…), `previous`
    the processing that this one replaces and `current` this one, `also` where else the acquisition is listed, `cause`
    why the catalogue took the product away, `coverage` how much of the site it covers, in percent. `None` is "not
    known".
    """

    event: Event
    site: str
    product: Product
    catalogue: str
    download: Literal["no", "wanted", "stored", "failed"] = "no"
    path: str | None = None
    verified: str | None = None
    previous: str | None = None
    current: str | None = None
    also: Sequence[str] = ()
    cause: str | None = None
    coverage: float | None = None


class Warned(msgspec.Struct, frozen=True):
    """An alert as a person is told of it: what did not go, or did not come, as it should; and the way out."""

    kind: Literal["late", "health", "still"]
    title: str
    body: str
    hint: str | None = None
    site: str | None = None


class Lines(msgspec.Struct, frozen=True):
    """One arrival, ready to be laid out."""

    what: str
    title: str
    facts: str
    link: str | None
    where: str


def lines(arrival: Told) -> Lines:
    """Put one arrival into words."""
    product = arrival.product
    cloud = product.cloud if product.cloud is not None and 0 <= product.cloud <= 100 else None
    acquired = product.acquired
    facts = [
        f"acquired {acquired.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if acquired else "acquisition unknown",
        "cloud unknown" if cloud is None else f"cloud {cloud:.0f} %",
        *([f"covers {arrival.coverage:.0f} % of the site"] if arrival.coverage is not None else []),
        size_word([asset.size for asset in product.assets if asset.size is not None]),
        f"in {plain(arrival.catalogue, limit=60)}",
    ]
    if arrival.also:
        facts.append(f"also in {' and '.join(plain(place, limit=60) for place in arrival.also[:_PLACES])}")
    if arrival.previous:
        by = f" with {plain(arrival.current, limit=60)}" if arrival.current else ""
        facts.append(f"replaces {plain(arrival.previous, limit=60)}{by}")
    return Lines(
        what=f"{arrival.event.value} {level_word(arrival)}",
        title=plain(product.title or product.id),
        facts=", ".join(facts),
        link=safe_link(product.link),
        where=_where(arrival),
    )


def _where(arrival: Told) -> str:
    if arrival.download == "stored" and arrival.path:
        return f"stored in {plain(arrival.path, limit=1000)} ({proof(plain(arrival.verified or '', limit=60))})"
    if arrival.event is Event.WITHDRAWN:
        return "no longer in the catalogue" + (f": {plain(arrival.cause, limit=100)}" if arrival.cause else "")
    return {"no": "not downloaded", "wanted": "will be downloaded", "failed": "the download failed"}.get(
        arrival.download, "downloaded"
    )


def proof(verified: str) -> str:
    """Say how a download was verified, by what its transfer found: ways with commas between them, or none."""
    ways = [way for way in verified.split(", ") if way not in ("", "unverified")]
    if not ways:
        return "not verified"
    return f"verified: {', '.join(ways)}" + ("; some of its files are not" if "unverified" in verified else "")


def size_word(sizes: Sequence[int]) -> str:
    """Say how many bytes these are in all, in decimal units: `345 MB`."""
    size = float(sum(sizes))
    if size <= 0:
        return "size unknown"
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.1f} {unit}" if size < 9.95 and unit != "B" else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def safe_link(url: str | None) -> str | None:
    """Build an http or https link anew from the parts that a browser would see; `None` for anything else."""
    try:
        parts = urlsplit(url or "")
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:  # UnicodeError, from a host that is no host, is one too
        return None
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host):
        return None
    path = quote(parts.path, safe="/%:!$&*+,;=~", errors="replace")
    query = f"?{quote(parts.query, safe='/%:!$&*+,;=~?', errors='replace')}" if parts.query else ""
    link = f"{parts.scheme}://{host}{port}{path}{query}"
    return link if len(link) <= 2000 else None


def level_word(arrival: Told) -> str:
    """Name the level of an arrival's product, `product` when it has none."""
    return plain(arrival.product.level or "", limit=20) or "product"
