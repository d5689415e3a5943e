"""One arrival in words that are safe to show: its title, the facts, where to look, where the files lie.

Everything a catalogue wrote is hostile until it has passed through here: control, direction and invisible
characters go, and a link is built anew from its parsed parts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote, urlsplit

import msgspec

from watcher.model import Event, Product
from watcher.names import plain

FIELDS = ("acquired", "level", "platform", "cloud", "coverage", "size", "change", "link", "file", "catalogue")
"""What a notice may say of a product, in the order that it has unless a subscriber chooses another."""

_PLACES = 4
"""So many other catalogues are named."""


class Told(msgspec.Struct, frozen=True):
    """One arrival as a person is told of it.

    `path` is where the download lies (`stored`), `verified` how it was checked (`md5`, `size`…), `previous`
    the processing that this one replaces and `current` this one, `also` where else the acquisition is listed, `cause`
    why the catalogue took the product away, `coverage` how much of the site it covers, in percent. `None` is "not
    known". `clear` is an earlier product of the site with few clouds, and its catalogue, to hold the new one against.
    """

    event: Event
    site: str
    product: Product
    catalogue: str
    download: Literal["no", "wanted", "held", "stored", "failed"] = "no"
    path: str | None = None
    verified: str | None = None
    previous: str | None = None
    current: str | None = None
    also: Sequence[str] = ()
    cause: str | None = None
    coverage: float | None = None
    clear: tuple[str, Product] | None = None


class Warned(msgspec.Struct, frozen=True):
    """An alert as a person is told of it: what did not go, or did not come, as it should; and the way out."""

    kind: Literal["late", "health", "still"]
    title: str
    body: str
    hint: str | None = None
    site: str | None = None


class Lines(msgspec.Struct, frozen=True):
    """One arrival, ready to be laid out.

    `what` happened to what (`new L2A`); `cells` are the fields of a table by name, without those that a subscriber left
    out, and `catalogue` says where it is listed; `facts` are all of these as one line. `where` its files are. What a
    subscriber left out is empty.
    """

    what: str
    title: str
    cells: dict[str, str]
    catalogue: str
    facts: str
    link: str | None
    where: str


def lines(arrival: Told, fields: Sequence[str] = ()) -> Lines:
    """Put one arrival into words: these fields in this order, or all of `FIELDS`."""
    product, chosen = arrival.product, [field for field in fields if field in FIELDS] or FIELDS
    cells, facts = _cells(arrival), _facts(arrival)
    return Lines(
        what=f"{arrival.event.value} {level_word(product.level)}",
        title=plain(product.title or product.id),
        cells={field: cells[field] for field in chosen if field in cells},
        catalogue=facts["catalogue"] if "catalogue" in chosen else "",
        facts=", ".join(facts[field] for field in chosen if facts.get(field)),
        link=safe_link(product.link) if "link" in chosen else None,
        where=_where(arrival) if "file" in chosen or arrival.event in _TELLING_WHERE else "",
    )


def _cells(arrival: Told) -> dict[str, str]:
    product, cloud = arrival.product, known_cloud(arrival.product)
    was, now = plain(arrival.previous or "", limit=60), plain(arrival.current or "", limit=60)
    step = f": {was} → {now}" if was and now else f", replaces {was}" if was else ""
    return {
        "acquired": minute(product.acquired) or "unknown",
        "level": plain(product.level or "", limit=20),
        "platform": plain(product.platform or "", limit=40),
        "cloud": "unknown" if cloud is None else f"{cloud:.0f} %",
        "coverage": "" if arrival.coverage is None else f"{arrival.coverage:.0f} %",
        "size": bytes_word(volume(product)),
        "change": f"{arrival.event.value}{step}",
    }


def _facts(arrival: Told) -> dict[str, str]:
    product, cloud = arrival.product, known_cloud(arrival.product)
    acquired = minute(product.acquired)
    others = " and ".join(plain(place, limit=60) for place in arrival.also[:_PLACES])
    was, now = plain(arrival.previous or "", limit=60), plain(arrival.current or "", limit=60)
    return {
        "acquired": f"acquired {acquired} UTC" if acquired else "acquisition unknown",
        "platform": plain(product.platform or "", limit=40),
        "cloud": "cloud unknown" if cloud is None else f"cloud {cloud:.0f} %",
        "coverage": "" if arrival.coverage is None else f"covers {arrival.coverage:.0f} % of the site",
        "size": bytes_word(volume(product)) or "size unknown",
        "change": f"replaces {was}{f' with {now}' if now else ''}" if was else "",
        "catalogue": f"in {plain(arrival.catalogue, limit=60)}{f', also in {others}' if others else ''}",
    }


_TELLING_WHERE = (Event.WITHDRAWN, Event.RETURNED)


def _where(arrival: Told) -> str:
    if arrival.download == "stored" and arrival.path:
        return f"stored in {plain(arrival.path, limit=1000)} ({proof(plain(arrival.verified or '', limit=60))})"
    if arrival.event is Event.WITHDRAWN:
        return "no longer in the catalogue" + (f": {plain(arrival.cause, limit=100)}" if arrival.cause else "")
    if arrival.event is Event.RETURNED and arrival.download == "no":
        return "in the catalogue again"
    return {
        "no": "not downloaded",
        "wanted": "will be downloaded",
        "held": "its download waits for approval: watcher approve",
        "failed": "the download failed",
    }.get(arrival.download, "downloaded")


def proof(verified: str) -> str:
    """Say how a download was verified, by what its transfer found: ways with commas between them, or none."""
    ways = [way for way in verified.split(", ") if way not in ("", "unverified")]
    if not ways:
        return "not verified"
    return f"verified: {', '.join(ways)}" + ("; some of its files are not" if "unverified" in verified else "")


def minute(time: datetime | None) -> str:
    """Write a time to the minute, in UTC: `2015-05-25 11:12`; nothing for none."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}" if time else ""


def known_cloud(product: Product) -> float | None:
    """Return the cloud cover of a product if it can be one."""
    return product.cloud if product.cloud is not None and 0 <= product.cloud <= 100 else None


def volume(product: Product) -> int:
    """Return the bytes of a product's files, as far as they are known."""
    return sum(asset.size for asset in product.assets if asset.size is not None)


def bytes_word(size: float) -> str:
    """Say how many bytes these are, in decimal units: `345 MB`; nothing for none."""
    if size <= 0:
        return ""
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


def level_words(arrivals: Iterable[Told]) -> Counter[str]:
    """Count arrivals by level; `product` is what has none."""
    words: Counter[str] = Counter()
    for level, count in Counter(arrival.product.level for arrival in arrivals).items():
        words[level_word(level)] += count
    return words


def level_word(level: str | None) -> str:
    """Name a level, `product` where there is none."""
    return plain(level or "", limit=20) or "product"


_CALL = re.compile(r"[<@]+(?=everyone|here|channel|all|room|team|online)|<+(?=[@!#&])", re.IGNORECASE)
_MARKUP = re.compile(r"!(?=\[)|\](?=\()|\w+:(?=//)")


def calm(text: str, *, by: str = "\u200b") -> str:
    """Take the power from what chat services read as a call to people (`@everyone`, `<!channel>`)."""
    return _CALL.sub(rf"\g<0>{by}" if by else "", text)


def tame(text: str) -> str:
    """Take from a catalogue's words what chat services make links and pictures of, besides calls to people.

    A remote picture in a chat would tell its server who reads, and when.
    """
    return _MARKUP.sub("\\g<0>\u200b", calm(text))
