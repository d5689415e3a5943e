"""Which acquisition a product is of, and which processing of it: the same wherever it is offered.

`key` is one text for an acquisition at a level. It is made from the product's name alone, completed by its time of
acquisition where the name has a day: a product whose name is in no known convention has no key, and is merged with
nothing. Better to tell of an acquisition twice than to take two for one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

from watcher.core.identity.granules import Granule, numbers, read
from watcher.core.identity.revisions import fields
from watcher.model import Product

_DATED = {"landsat", "hls", "modis", "esa-s3", "esa-s5p"}
"""Whose later time of processing alone is that of a processing that replaces. Of one Sentinel-2 tile there may be two
products with the same baseline, from two receptions of one pass: each has a part of it, and both are valid."""

_rfc3339 = msgspec.json.Encoder().encode

_URN = re.compile(r"URN:FEATURE:DATA:\w+:([0-9a-f-]{36}):V(\d+)", re.IGNORECASE)


class Processing(msgspec.Struct, frozen=True, gc=False):
    """Which processing of its acquisition a product is; only those of one `chain` can be compared.

    `nominal` is 0 for near real time; `version` is the baseline, collection or version, `issue` the catalogue's own
    count of deliveries, `made` the digits of the time of processing; empty or 0 is unknown. `word` is for people.
    """

    chain: str
    nominal: int = 1
    version: tuple[int, ...] = ()
    issue: int = 0
    made: str = ""
    word: str = ""


def key(product: Product) -> str | None:
    """Return the acquisition of a product and its level as one text; `None` when it cannot be known.

    `2026-01-01D/S2A/31TCJ/L2A`: time, platform and instrument, tile or scene or site, level. The time of a tile of
    Sentinel-2 is its day and half day by the sun, for one catalogue says when the datatake began, the next when the
    tile was seen, a third only the day; the same satellite does not see it twice in that time. Near the poles it does:
    there the start of the datatake is needed, to the second.
    """
    granule = _named(product.id, product.title)
    if granule is None:
        match = _URN.fullmatch(product.id)
        return f"urn/{match[1].lower()}" if match else None
    try:
        time = _pass(granule, product.acquired) if granule.tiled else _moment(granule, product.acquired)
    except (ValueError, OverflowError):  # digits that are no time
        return None
    return None if time is None else f"{time}/{granule.sensor}/{granule.place}/{granule.level}"


def observation(acquisition: str) -> str:
    """Return a key without its level: what an L1C and its L2A have in common. Every key of it begins so."""
    return acquisition if acquisition.startswith("urn/") else acquisition.rpartition("/")[0] + "/"


def processing(product: Product) -> Processing | None:
    """Return which processing a product is: from its name, completed by the version and time that the catalogue says.

    `None` when neither its name nor its identifier tells whose it is.
    """
    granule, issue = _named(product.id, product.title), _issue(product.id)
    if granule is None:
        return Processing("urn", issue=issue, word=f"V{issue}") if issue else None
    version, word = granule.version, granule.word
    if not version and granule.maker in ("esa-s2", "muscate"):
        version = numbers(fields(product.revision)[2])
        word = _word(granule.maker, version)
    return Processing(granule.maker, granule.nominal, version, issue, granule.made, word)


def newer(one: Processing | None, other: Processing | None) -> bool:
    """Say whether one processing replaces another: what both say decides, in the order of `Processing`'s fields."""
    if one is None or other is None or one.chain != other.chain:
        return False
    if one.nominal != other.nominal:
        return one.nominal > other.nominal
    if one.version and other.version and one.version != other.version:
        return one.version > other.version
    if one.issue and other.issue and one.issue != other.issue:
        return one.issue > other.issue
    return one.chain in _DATED and bool(one.made and other.made) and one.made > other.made


def same(one: Processing | None, other: Processing | None) -> bool:
    """Say whether two are certainly one processing, listed twice."""
    if one is None or other is None or not (one.made or one.issue):
        return False
    return msgspec.structs.replace(one, word="") == msgspec.structs.replace(other, word="")


def change(was: Product, now: Product) -> tuple[str, str] | None:
    """Return in words from which processing to which a product went: by name, version, production, else update.

    `None` when nothing that both say has changed.
    """
    for one, other in zip(_words(was), _words(now), strict=True):
        if one and other and one != other:
            return one, other
    return None


def _named(identity: str, title: str) -> Granule | None:
    """Read the identifier, or the title where that says more."""
    granule = read(identity)
    if granule is None:
        return read(title) if title != identity else None
    return granule if granule.word or title == identity else read(title) or granule


def _pass(granule: Granule, acquired: datetime | None) -> str | None:
    tile, digits = granule.place, granule.time
    if tile[2] in "CX":
        return digits if granule.exact and "T" in digits else None
    time = datetime.fromisoformat(digits)
    if "T" not in digits:
        seen = acquired and acquired.astimezone(UTC).replace(tzinfo=None)
        if seen is None or abs(seen - time) > timedelta(days=2):
            return None
        time = seen
    sun = time + _SUN[int(tile[:2])]
    return f"{sun.date().isoformat()}{'D' if sun.hour < 12 else 'N'}"


# By the sun it is half past ten in the morning, or at night on the way back: never near where these days begin.
_SUN = [timedelta(hours=(zone * 6 - 183) / 15 - 4.5) for zone in range(100)]


def _moment(granule: Granule, acquired: datetime | None) -> str:
    """Return the time in the name; to the second where that is a day, and the catalogue's time is of the same day."""
    digits = granule.time
    if granule.maker != "muscate" or "T" in digits or acquired is None:
        return digits
    seen = acquired if acquired.tzinfo is UTC else acquired.astimezone(UTC)
    # An import does this once a product, and takes half of the time for it that the parts of a time would.
    time = _rfc3339(seen).translate(None, b'"-:')[:15].decode()
    return time if time[:8] == digits and time[9:] != "000000" else digits


def _issue(identity: str) -> int:
    match = _URN.fullmatch(identity)
    return int(match[2]) if match else 0


def _word(maker: str, version: tuple[int, ...]) -> str:
    if not version:
        return ""
    return "N{:02}{:02}".format(*version) if maker == "esa-s2" else "V{}-{}".format(*version)


def _words(product: Product) -> tuple[str, str, str, str]:
    this = processing(product)
    updated, produced, version, *_ = fields(product.revision)
    return (
        this.word if this else "",
        f"version {version}" if version else "",
        f"that of {_clock(produced)}" if produced else "",
        f"that of {_clock(updated)}" if updated else "",
    )


def _clock(text: str) -> str:
    """Write a catalogue's time for people; one that does not say its zone stays as it is."""
    try:
        time = datetime.fromisoformat(text)
        utc = time.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return text
    if time.tzinfo is None:
        return text
    return f"{utc.isoformat(' ', 'auto' if utc.second or utc.microsecond else 'minutes')} UTC"
